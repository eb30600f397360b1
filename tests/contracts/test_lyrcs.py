"""What Lyrcs' page leaves to a server, and what it does not: caches, names of languages, queries."""

from __future__ import annotations

import json

import httpx2
import pytest

from tests.contracts.in_process import broken, run, world_of
from usage_contracts.curl import curl
from usage_contracts.target import Call
from usage_contracts.verdict import Exit
from usage_specs import load

GROWING = {"switches": {"api-calls": "live"}}


def changing(change):
    """A spoiler that changes the figures of every good answer; `change` gets them and the answer's number."""
    answers = 0

    def spoil(request, reply):
        nonlocal answers
        body = reply.body
        if reply.status == 200:
            answers += 1
            found = json.loads(body)
            change(found, answers)
            body = json.dumps(found).encode()
        return httpx2.Response(reply.status, headers=list(reply.headers), content=body)

    return spoil


def listing(*names):
    """A spoiler that lists jobs in languages of these names."""

    def change(found, _):
        found.update(jobs_by_language=dict.fromkeys(names, 1), completed_jobs=1)

    return changing(change)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("cache", ["cached-by-query", "instances-that-remember"])
def test_an_old_answer_of_a_cache_is_no_figure_that_fell(cache, live):
    world = world_of("lyrcs", manners=("events-arriving", cache), **GROWING)

    report = run("lyrcs", world=world, live=live)

    assert broken(report) == {}
    assert report.ended is Exit.CLEAN


@pytest.mark.parametrize("fields", [{"age": "0"}, {"x-vercel-cache": "MISS"}, {"cf-cache-status": "DYNAMIC"}])
def test_figures_that_fell_are_not_excused_by_a_cache_that_did_not_answer(fields):
    def spoil(request, reply):
        answer = falling(request, reply)
        answer.headers.update(fields)
        return answer

    falling = changing(lambda found, answers: found.update(total_duration_seconds=10**9 - answers))

    assert "lyrcs.never-shrinks" in broken(run("lyrcs", spoil=spoil))


@pytest.mark.parametrize(
    "names",
    [
        ("hi", "ta"),
        ("pt-BR", "zh_Hant"),
        ("1", "2"),
        ("Hindi", "hindi"),
        ("Hindi", " Tamil"),
        ("Hindi", ""),
    ],
)
def test_languages_are_listed_by_name(names):
    assert "lyrcs.language-names" in broken(run("lyrcs", spoil=listing(*names)))


@pytest.mark.parametrize(
    "names", [("Ga", "Lao", "Twi"), ("Hindi", "n/a", "unknown"), ("und",), ("na",), ("日本語",)]
)
def test_no_name_of_a_language_is_blamed(names):
    assert broken(run("lyrcs", spoil=listing(*names))) == {}


def test_a_few_short_jobs_may_last_no_second():
    def change(found, _):
        found.update(total_jobs=9, completed_jobs=9, jobs_by_language={"Hindi": 9}, total_duration_seconds=0)

    assert broken(run("lyrcs", spoil=changing(change))) == {}


def test_a_key_that_opened_the_account_opens_it_again():
    answers = 0

    def spoil(request, reply):
        nonlocal answers
        answers += 1
        status = 401 if answers == 5 else reply.status
        return httpx2.Response(status, headers=list(reply.headers), content=reply.body)

    found = broken(run("lyrcs", spoil=spoil))

    assert "later status 401" in found["lyrcs.answered"]


def test_who_locks_the_account_after_wrong_keys_breaks_nothing():
    wrong = 0

    def spoil(request, reply):
        nonlocal wrong
        wrong += reply.status == 401
        status = 401 if wrong > 4 else reply.status
        body = b"{}" if status == 401 else reply.body
        return httpx2.Response(status, headers=list(reply.headers), content=body)

    assert broken(run("lyrcs", spoil=spoil)) == {}


def test_json_declared_as_html_is_judged_on_a_real_service_too():
    def spoil(request, reply):
        return httpx2.Response(reply.status, headers={"content-type": "text/html"}, content=reply.body)

    assert "text/html" in broken(run("lyrcs", spoil=spoil, live=True))["lyrcs.json"]


def test_a_live_run_stays_below_its_cap_with_wrong_keys_probed():
    report = run("lyrcs", live=True, probe_auth=True)

    assert report.requests <= load("lyrcs").service.live_cap


def test_credentials_of_another_scheme_are_printed_as_they_were_sent():
    line = curl(load("lyrcs").service, "http://127.0.0.1", Call(key="scheme"))

    assert line == 'curl -i -H "authorization: Basic dXNhZ2VraXQ6d3Jvbmc=" http://127.0.0.1/api/v1/usage'
