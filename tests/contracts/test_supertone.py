"""What a run over Supertone's voice usage notices, and what it leaves in peace."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import pytest

from tests.contracts.in_process import NOW, broken, run, world_of
from usage_contracts.verdict import Exit
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply
from usage_mockserver.mutants.supertone_memory import MEMORY

DEFECTS = {name: f"supertone.{behaviour}" for name, behaviour, *_ in MEMORY}
PEACEFUL = (
    "young-account",
    "events-arriving-behind-a-cache",
    "voice-renamed-meanwhile",
    "bad-parameters-500",
)
JUST_AFTER_MIDNIGHT = datetime(2026, 9, 1, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_of_memory_or_of_today_is_found_for_what_it_is(defect):
    report = run("supertone", world=world_of("supertone", mutant=defect))

    assert DEFECTS[defect] in broken(report)


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("manner", PEACEFUL)
@pytest.mark.parametrize("live", [False, True])
def test_what_the_page_leaves_open_is_left_in_peace(manner, live, seed):
    report = run("supertone", world=world_of("supertone", manners=(manner,)), seed=seed, live=live)

    assert broken(report) == {}
    assert report.ended is Exit.CLEAN


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("manners", [("clock-slow", "future-dates-refused"), ("clock-fast",)])
def test_a_clock_that_is_minutes_off_at_midnight_is_no_breach(manners, live):
    world = world_of("supertone", clock=Clock().travel_to(JUST_AFTER_MIDNIGHT), manners=manners)
    report = run("supertone", world=world, now=JUST_AFTER_MIDNIGHT, live=live)

    assert broken(report) == {}


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("now", [datetime(2027, 1, 5, 8, tzinfo=UTC), datetime(2028, 3, 3, 8, tzinfo=UTC)])
def test_thirty_dates_that_reach_into_the_future_may_be_refused(now, live):
    world = world_of("supertone", clock=Clock().travel_to(now), manners=("future-dates-refused",))

    assert broken(run("supertone", world=world, now=now, live=live)) == {}


def test_a_real_service_is_asked_forty_questions_at_most():
    assert run("supertone", live=True).requests <= 40


def test_every_day_of_the_last_year_is_asked_about():
    report = run("supertone")
    asked = [dict(call.params) for call in report.calls]
    spans = [
        (one["start_date"], one["end_date"]) for one in asked if {"start_date", "end_date"} <= one.keys()
    ]

    for month in range(1, 13):
        turn = f"2026-{month:02}-01" if month < 11 else f"2025-{month:02}-01"
        assert any(first < turn <= last for first, last in spans)


def test_a_401_to_a_good_key_blames_the_wrong_thing():
    def spoil(_: httpx2.Request, reply: Reply) -> httpx2.Response:
        refused = reply.status == 400
        return httpx2.Response(
            401 if refused else reply.status,
            headers=list(reply.headers),
            content=json.dumps({"message": "no"}).encode() if refused else reply.body,
        )

    assert "supertone.refusal-status" in broken(run("supertone", spoil=spoil, now=NOW))
