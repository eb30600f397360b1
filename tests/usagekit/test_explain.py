"""`usagekit explain`: one behaviour with its sentence, its place, and a way to try the other reading."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner, Result

from usage_mockserver.mutants import CATALOGUE
from usage_specs import PROVIDERS, Behaviour, load
from usagekit.cli import main

EVERY = [behaviour for provider in PROVIDERS for behaviour in load(provider).behaviours.values()]


pytestmark = pytest.mark.usefixtures("elsewhere")


def invoked(*args: str) -> Result:
    return CliRunner().invoke(main, ["explain", *args], prog_name="usagekit")


def explained(name: str) -> str:
    result = invoked(name)
    assert result.exit_code == 0
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("behaviour", EVERY, ids=lambda one: one.id)
def test_everything_the_register_says_is_told(behaviour: Behaviour) -> None:
    told = explained(behaviour.id)
    assert told.startswith(f"{behaviour.id} claim ")
    for words in (behaviour.claim, behaviour.quote, behaviour.tolerates, behaviour.unseen):
        assert " ".join(words.split()) in told
    assert f"evidence {behaviour.evidence.value}: " in told


def test_a_vendored_sentence_is_quoted_with_its_line() -> None:
    told = explained("supertone.limit-30-days")
    assert "quote “Maximum inquiry period is 30 days.”" in told
    where = re.search(r"where supertone/source\.md, line (\d+)", told)
    assert where is not None
    assert "Maximum inquiry period" in load("supertone").source.splitlines()[int(where[1]) - 1]


def test_a_choice_of_ours_is_not_dressed_up_as_a_quote() -> None:
    told = explained("varg.bounds-intersect")
    assert "because our choice: a missing bound leaves that side open" in told
    assert "“" not in told


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_line_to_try_names_a_switch_and_another_value(provider: str) -> None:
    for behaviour in load(provider).behaviours.values():
        if behaviour.switch is None:
            continue
        words = shlex.split(explained(behaviour.id).partition("try it ")[2])[:5]
        assert words[:3] == ["usagekit", "serve", provider]
        name, _, value = words[4].partition("=")
        assert name == f"{provider}.{behaviour.switch.name}"
        assert value in behaviour.switch.choices[1:]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_planted_defects_that_break_it_are_named(provider: str) -> None:
    mutants = CATALOGUE[provider]
    assert mutants
    for name, mutant in mutants.items():
        told = explained(mutant.breaks).partition("broken by ")[2]
        assert name in told.partition(" see it ")[0].split(", ")
        assert told.endswith(tuple(f"see it usagekit serve {provider} --mutant {one}" for one in mutants))


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("supertone.limit-30-day",), "did you mean 'supertone.limit-30-days'?"),
        (("limit-30-days",), "did you mean 'supertone.limit-30-days'?"),
        (("vrag.schema",), "did you mean 'varg.schema'?"),
        (("varg.zzzzzzzzzzzzzzzz",), "`usagekit behaviours varg` lists them"),
        (("qqqq.zzzzzzzzzzzzzzzz",), "there is no provider 'qqqq'; known: somya"),
        (("zzzzzzzzz",), "`usagekit behaviours` lists them"),
        (("",), "`usagekit behaviours` lists them"),
        ((), "Missing argument 'BEHAVIOUR'"),
    ],
)
def test_an_unknown_behaviour_is_one_sentence(args: tuple[str, ...], told: str) -> None:
    result = invoked(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
