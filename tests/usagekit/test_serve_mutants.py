"""`usagekit serve --mutant` and `--manner`: a server that is broken, or legal in another way, on purpose."""

from __future__ import annotations

import click
import pytest

from usagekit.commands.serve import make_world

PLAIN = {"seed": 1, "now": None, "scenario": "busy"}


def test_a_defect_is_planted():
    world = make_world(["varg"], **PLAIN, mutant="last-day-dropped", manner=["gzip"])

    assert world.settings["varg"].mutant == "last-day-dropped"
    assert world.settings["varg"].manners == ("gzip",)


def test_with_several_providers_it_is_planted_where_it_is_named():
    world = make_world(
        ["varg", "lyrcs"], **PLAIN, mutant="varg.last-day-dropped", manner=["lyrcs.gzip", "varg.gzip"]
    )

    assert [world.settings[name].mutant for name in world.providers] == ["last-day-dropped", ""]
    assert [world.settings[name].manners for name in world.providers] == [("gzip",), ("gzip",)]


@pytest.mark.parametrize(
    ("providers", "options", "sentence"),
    [
        (["varg"], {"mutant": "last-day-droped"}, "did you mean 'last-day-dropped'"),
        (["varg"], {"manner": ["gzipp"]}, "did you mean 'gzip'"),
        (
            ["varg", "lyrcs"],
            {"mutant": "last-day-dropped"},
            "--mutant takes PROVIDER.NAME where several are served",
        ),
        (["varg"], {"mutant": "lyrcs.duration-null"}, "lyrcs"),
    ],
)
def test_a_name_that_is_none_is_one_sentence(providers, options, sentence):
    with pytest.raises(click.UsageError, match=sentence.replace(".", r"\.")):
        make_world(providers, **PLAIN, **options)
