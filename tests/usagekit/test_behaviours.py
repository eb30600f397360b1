"""`usagekit behaviours`: the whole register, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result

from usage_specs import PROVIDERS, load
from usagekit.cli import main
from usagekit.terminal import manner

pytestmark = pytest.mark.usefixtures("elsewhere")


def invoked(*args: str) -> Result:
    return CliRunner().invoke(main, ["behaviours", *args], prog_name="usagekit")


def listed(*args: str) -> list[dict[str, Any]]:
    result = invoked("--format", "json", *args)
    assert result.exit_code == 0
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_every_behaviour_of_every_provider_is_listed() -> None:
    known = [name for provider in PROVIDERS for name in load(provider).behaviours]
    assert [one["id"] for one in listed()] == known
    table = invoked().stdout
    assert [line.split()[0] for line in table.splitlines()[:-1] if not line.startswith(" ")] == known
    assert table.endswith(f"{len(known)} behaviours\n")


def test_an_entry_has_all_that_the_register_says() -> None:
    for one in listed("surnex"):
        behaviour = load("surnex").behaviours[one["id"]]
        assert one["provider"] == "surnex"
        assert one["evidence"] == behaviour.evidence.value
        for name in ("claim", "quote", "where", "tolerates", "unseen"):
            assert one[name] == getattr(behaviour, name)
        if behaviour.switch is None:
            assert one["switch"] is None
        else:
            assert one["switch"]["name"] == behaviour.switch.name
            assert one["switch"]["default"] == one["switch"]["choices"][0]


def test_the_table_has_claim_sentence_and_switch() -> None:
    told = " ".join(invoked("supertone").stdout.split())
    for behaviour in load("supertone").behaviours.values():
        assert " ".join(behaviour.claim.split()) in told
        assert " ".join(behaviour.quote.split()) in told
    for switch in load("supertone").switches.values():
        assert f"switch {switch.name}: {' | '.join(switch.choices)}" in told


@pytest.mark.parametrize(
    ("args", "evidence"),
    [
        (("--evidence", "stated"), {"stated"}),
        (("--evidence", "implied", "--evidence", "exampled"), {"implied", "exampled"}),
        ((), {"stated", "exampled", "implied", "assumed"}),
    ],
)
def test_evidence_picks(args: tuple[str, ...], evidence: set[str]) -> None:
    assert {one["evidence"] for one in listed(*args)} == evidence


def test_providers_pick_in_the_order_asked_and_once() -> None:
    assert list(dict.fromkeys(one["provider"] for one in listed("varg", "lyrcs", "varg"))) == [
        "varg",
        "lyrcs",
    ]
    assert len(listed("varg", "varg")) == len(load("varg").behaviours)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("vrag",), "there is no provider 'vrag'; did you mean 'varg'?"),
        (("qqq",), "there is no provider 'qqq'; known: somya, supertone, varg, surnex, lyrcs"),
        (("--evidence", "guessed"), "'guessed' is not one of 'stated'"),
        (("--format", "xml"), "'xml' is not one of 'table', 'json'"),
        (("--evidnce", "stated"), "there is no option --evidnce; did you mean --evidence?"),
    ],
)
def test_a_wrong_call_is_one_sentence(args: tuple[str, ...], told: str) -> None:
    result = invoked(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_it_starts_without_the_contract_packages() -> None:
    heavy = ("hypothesis", "schemathesis", "jinja2", "rich", "fastapi")
    code = (
        "import sys; from usagekit.commands import behaviours, explain;"
        f"sys.exit(any(name in sys.modules for name in {heavy}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_reader_who_stops_reading_is_no_error() -> None:
    line = f"{sys.executable} -m usagekit behaviours | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("somya.")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("terminal", "env", "expected"),
    [
        (False, {"TERM": "xterm"}, {"colour": False, "width": 100}),
        (True, {"TERM": "xterm", "COLUMNS": "77"}, {"colour": True, "width": 77}),
        (True, {"TERM": "xterm", "COLUMNS": "900"}, {"colour": True, "width": 140}),
        (True, {"TERM": "xterm", "COLUMNS": "77", "NO_COLOR": "1"}, {"colour": False, "width": 77}),
        (True, {"TERM": "xterm", "COLUMNS": "77", "NO_COLOR": ""}, {"colour": True, "width": 77}),
        (True, {"TERM": "dumb", "COLUMNS": "77"}, {"colour": False, "width": 77}),
    ],
)
def test_colour_and_width_are_the_terminals(
    terminal: bool, env: dict[str, str], expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert manner() == expected
