"""`usagekit prove` and `usagekit mutants`: the proof can fail, and says what it found."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from usage_specs import PROVIDERS, load
from usagekit.cli import main
from usagekit.commands.prove import BEGIN, END
from usagekit.proving import Case, Proof, cases, judge_case


def run(*words: str):
    """One command line in this process."""
    return CliRunner().invoke(main, list(words))


def test_a_planted_defect_is_found_and_a_legal_server_left_in_peace():
    result = run("prove", "lyrcs", "--only", "duration-null", "--only", "gzip", "--jobs", "1")

    assert "1 of 1 (100%)" in result.stdout
    assert "0 of 1" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("against", "sentence"),
    [
        pytest.param("true {url}", "survived: lyrcs duration-null", id="a tool that finds nothing"),
        pytest.param("false {url}", "blamed: lyrcs gzip", id="a tool that blames everybody"),
    ],
)
def test_a_proof_can_fail(against, sentence):
    result = run(
        "prove", "lyrcs", "--only", "duration-null", "--only", "gzip", "--against", against, "--jobs", "1"
    )

    assert sentence in result.stdout
    assert result.exit_code == 1


def test_a_tool_that_is_not_there_ends_in_three():
    result = run(
        "prove", "lyrcs", "--only", "gzip", "--against", "no-such-tool-anywhere {url}", "--jobs", "1"
    )

    assert "no-such-tool-anywhere: No such file or directory" in result.stdout
    assert result.exit_code == 3


def test_an_unknown_case_is_one_sentence():
    result = run("prove", "lyrcs", "--only", "nothing")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_the_table_is_written_between_its_marks(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    run("prove", "lyrcs", "--only", "gzip", "--jobs", "1", "--write", str(page))

    text = page.read_text("utf-8")
    assert text.startswith(f"before\n{BEGIN}\n| provider |")
    assert text.endswith(f"|\n{END}\nafter\n")
    assert "old" not in text


def test_json_holds_every_result():
    result = run("prove", "lyrcs", "--only", "gzip", "--jobs", "1", "--format", "json")

    [entry] = json.loads(result.stdout)["results"]
    assert (entry["provider"], entry["name"], entry["red"], entry["right"]) == ("lyrcs", "gzip", False, True)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_binding_behaviour_has_a_mutant(provider):
    aimed = {case.breaks for case in cases([provider]) if case.mutant}
    binding = {b.id for b in load(provider).behaviours.values() if b.evidence.binding and not b.unseen}

    assert binding <= aimed


@pytest.mark.parametrize(("provider", "least"), [*((name, 40) for name in PROVIDERS[:-1]), ("lyrcs", 25)])
def test_the_catalogue_is_large(provider, least):
    assert len([case for case in cases([provider]) if case.mutant]) >= least


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("somya", "any-key-accepted"),
        ("supertone", "last-day-dropped"),
        ("varg", "last-day-dropped"),
        ("surnex", "project-ten-times"),
        ("lyrcs", "duration-null"),
    ],
)
def test_the_profile_for_real_services_stays_within_its_cap(provider, name):
    case = next((one for one in cases([provider]) if one.mutant and one.name == name), None)
    chosen = case or Case(provider, "gzip", "legal")
    result = judge_case(chosen, Proof(live=True))

    assert result.requests <= load(provider).service.live_cap


def test_mutants_are_listed_with_the_sentence_they_break():
    result = run("mutants", "varg")

    assert result.exit_code == 0
    assert 'breaks varg.both-ends-included: "' in result.stdout
    assert "last-day-dropped" in result.stdout
    assert run("mutants", "vargh").exit_code == 2


def test_the_server_that_speaks_http_1_0_does():
    """The legal server of that name is another server, and the answers of both are the same."""
    import http.client

    from usage_mockserver.http_1_0 import serve_1_0
    from usagekit import proving

    case = next(case for case in cases(["lyrcs"]) if case.name == "http-1.0")
    world, legal = proving.world_of(case)
    service = load("lyrcs").service
    key = {"authorization": f"Bearer {service.demo_key}"}
    with serve_1_0(world) as url, proving._answering(world, legal) as other:
        for address in (url, other):
            connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
            for method, status in (("GET", 200), ("HEAD", 200), ("POST", 405)):
                connection.request(
                    method, service.path, headers=key, body=b"x" * 9 if method == "POST" else None
                )
                answer = connection.getresponse()
                assert (answer.version, answer.status, answer.length) == (
                    10,
                    status,
                    0 if method == "HEAD" else None,
                )
                assert (b'"org_id"' in answer.read()) is (method == "GET")
                assert connection.sock is None


@pytest.mark.parametrize("provider", ["supertone", "lyrcs"])
def test_nobody_is_blamed_for_speaking_http_1_0(provider):
    case = next(case for case in cases([provider]) if case.name == "http-1.0")
    result = judge_case(case, Proof())
    assert (result.red, result.by) == (False, ())
    assert result.requests > 20
