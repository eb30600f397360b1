"""The clock: runs or stands still, always in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from usage_mockserver.clock import Clock, in_utc, read_instant, real_now

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_real_clock_runs_in_utc():
    before = datetime.now(UTC)
    assert before <= Clock().now() <= datetime.now(UTC)
    assert real_now().tzinfo is UTC


def test_a_frozen_clock_stands_still():
    clock = Clock(frozen=NOON)
    assert clock.now() == clock.now() == NOON


@pytest.mark.parametrize(
    ("instant", "frozen"),
    [
        (NOON, NOON),
        (datetime(2026, 3, 1, 12), NOON),
        (datetime(2026, 3, 1, 21, tzinfo=timezone(9 * HOUR)), NOON),
    ],
)
def test_travelling_freezes_in_utc(instant, frozen):
    clock = Clock(source=lambda: NOON + 5 * HOUR).advance(HOUR).travel_to(instant)
    assert clock.now() == frozen
    assert clock.now().tzinfo is UTC
    assert in_utc(instant) == frozen


def test_advancing_a_running_clock_lets_it_run():
    moments = iter([NOON, NOON + HOUR])
    clock = Clock(source=lambda: next(moments)).advance(HOUR).advance(HOUR)
    assert [clock.now(), clock.now()] == [NOON + 2 * HOUR, NOON + 3 * HOUR]


def test_advancing_a_frozen_clock_leaves_it_frozen():
    clock = Clock(frozen=NOON)
    assert clock.advance(HOUR).advance(-3 * HOUR).now() == NOON - 2 * HOUR
    assert clock.now() == NOON


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01", NOON - 12 * HOUR),
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01T21:00:00+09:00", NOON),
        ("0001-01-01", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_instants_are_read_as_utc(text, instant):
    assert read_instant(text) == instant
    assert read_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-02-29", "2026-03-01T25:00:00Z", "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00", "2026-03-01\0", "2026-03-01\n", "10000-01-01",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_the_way_out(text):
    with pytest.raises(ValueError, match="write 2026-03-01 or 2026-03-01T12:30:00Z"):
        read_instant(text)
