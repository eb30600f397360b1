"""What Somya's document leaves to a server, and what it does not: missing dates, ends of windows, credits."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import httpx2
import pytest

from tests.contracts.in_process import broken, run, world_of
from usage_mockserver.manners import MANNERS
from usage_mockserver.mutants.somya_parameters import PARAMETERS
from usage_mockserver.providers.somya_events import KEY_IDS

KNOWN = {"api_key_id": KEY_IDS}
PERIODS = ("lone-dates-read-naively", "lone-dates-naive-and-strict", "default-from-this-instant")


def asked(request):
    return {name: values[-1] for name, values in parse_qs(request.url.query.decode()).items()}


def spoiled(change, when=lambda query: True):
    """A spoiler that changes the JSON of good answers to the questions that pass the test."""

    def spoil(request, reply):
        body = reply.body
        if reply.status == 200 and when(asked(request)):
            found = json.loads(body)
            change(found)
            body = json.dumps(found).encode()
        return httpx2.Response(reply.status, headers=list(reply.headers), content=body)

    return spoil


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    "manner", [*PERIODS, "default-last-month", "refusals-without-detail", "a-month-at-most"]
)
def test_what_a_missing_date_means_and_how_little_a_refusal_says_is_left_open(manner, live):
    assert manner in {one.name for one in MANNERS}

    report = run("somya", world=world_of("somya", manners=(manner,)), live=live, examples=4)

    assert broken(report) == {}


@pytest.mark.parametrize("settings", [{"scenario": "sparse"}, {"manners": ("one-event",)}])
def test_an_end_that_does_not_count_is_read_as_such_on_idle_accounts(settings):
    manners = (*settings.get("manners", ()), "to-excluded")
    world = world_of("somya", **{**settings, "manners": manners})

    assert broken(run("somya", world=world, examples=2)) == {}


def test_keys_named_twice_in_other_spellings_are_counted_once():
    known = {"api_key_id": [KEY_IDS[0], KEY_IDS[0].upper(), KEY_IDS[0].replace("-", "")]}

    assert broken(run("somya", known=known, examples=2)) == {}


def test_a_period_that_runs_backwards_may_not_count_anything():
    backwards = spoiled(
        lambda found: found["data"]["period"].update({"from": "2026-11-18"}),
        lambda query: "to" in query and "from" not in query and query["to"] < "2026-11-18",
    )

    assert "somya.period-ordered" in broken(run("somya", spoil=backwards, examples=2))


def test_a_lone_date_is_refused_only_where_the_other_one_may_lie_beyond_it():
    def never(request, reply):
        alone = {"to"} == {"from", "to"} & set(asked(request))
        return httpx2.Response(
            422 if alone else reply.status, headers=list(reply.headers), content=reply.body
        )

    assert "somya.answered" in broken(run("somya", spoil=never, examples=2))


@pytest.mark.parametrize("name", [row[0] for row in PARAMETERS])
def test_a_defect_of_parameters_is_found_by_what_it_breaks(name):
    breaks = next(row[1] for row in PARAMETERS if row[0] == name)

    report = run("somya", world=world_of("somya", mutant=name), known=KNOWN, examples=4)

    assert f"somya.{breaks}" in broken(report)
    assert report.requests <= 240
