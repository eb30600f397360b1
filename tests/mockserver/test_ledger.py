"""The ledger and what an account sees of it: pure, additive, exact, and never ahead of the clock."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_mockserver.account import Account
from usage_mockserver.bounded import Bounded
from usage_mockserver.chance import Chance, spread
from usage_mockserver.ledger import (
    DAYS,
    OPENED,
    PREPARED,
    Extended,
    Ledger,
    Views,
    day_instants,
    day_volume,
    midnight,
)
from usage_mockserver.providers import NAMES
from usage_mockserver.scenarios import SCENARIOS, seeded_ledger


@dataclass(frozen=True, slots=True)
class Tick:
    at: datetime
    name: str = "seeded"


DAY = date(2026, 3, 10)
FIRST = midnight(DAY)
YEAR_1, YEAR_9999 = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def twice_a_day(day):
    # The later one first: the ledger has to bring them into order.
    return [Tick(midnight(day) + timedelta(hours=18)), Tick(midnight(day) + timedelta(hours=6))]


def as_list(events):
    return list(events)


def seen(account, start=None, stop=None):
    return [event for sheet in account.sheets(as_list, start, stop) for event in sheet]


def small_ledger():
    return Ledger(twice_a_day, opened=DAY)


@pytest.mark.parametrize(
    ("now", "start", "stop", "count"),
    [
        pytest.param(FIRST, None, None, 0, id="opened, nothing used yet"),
        pytest.param(FIRST + timedelta(hours=6), None, None, 1, id="an event is seen at its own instant"),
        pytest.param(FIRST + timedelta(hours=6, microseconds=-1), None, None, 0, id="and not before"),
        pytest.param(FIRST + timedelta(days=3), None, None, 6, id="no bounds"),
        pytest.param(FIRST + timedelta(days=3), FIRST + timedelta(hours=6), None, 6, id="start is included"),
        pytest.param(FIRST + timedelta(days=3), None, FIRST + timedelta(hours=6), 0, id="stop is not"),
        pytest.param(FIRST + timedelta(days=3), FIRST + timedelta(hours=7), FIRST + timedelta(hours=7), 0,
                     id="nothing between"),
        pytest.param(FIRST + timedelta(days=3), FIRST + timedelta(days=2), FIRST, 0, id="backwards"),
        pytest.param(FIRST + timedelta(days=3), FIRST + timedelta(hours=7), FIRST + timedelta(hours=31), 2,
                     id="from the middle of a day to the middle of the next"),
        pytest.param(FIRST + timedelta(hours=7), YEAR_1, YEAR_9999, 1, id="all of time"),
    ],
)  # fmt: skip
def test_what_an_account_sees(now, start, stop, count):
    assert len(seen(Account("p", small_ledger(), now), start, stop)) == count


def test_a_clock_at_the_end_of_time_is_a_clock():
    account = Account("p", Ledger(lambda day: (), opened=date.max), datetime.max.replace(tzinfo=UTC))
    assert seen(account) == list(account.day_sheets(as_list, date.min, date.max)) == []


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (None, None, 3),
        (DAY, DAY, 1),
        (DAY + timedelta(1), None, 2),
        (None, DAY + timedelta(1), 2),
        (date.min, date.max, 3),
        (DAY + timedelta(1), DAY, 0),
        (DAY + timedelta(9), date.max, 0),
    ],
)
def test_days_include_both_ends_and_stop_at_today(first, last, days):
    account = Account("p", small_ledger(), FIRST + timedelta(days=2, hours=12))
    found = list(account.day_sheets(as_list, first, last))
    assert [len(sheet) for sheet in found] == ([2, 2, 1][-days:] if last is None else [2, 2, 1][:days])


INSTANTS = st.datetimes(datetime(2026, 3, 7), datetime(2026, 3, 19), timezones=st.just(UTC))
BOUNDS = st.one_of(
    st.none(), INSTANTS, st.sampled_from([FIRST + timedelta(hours=6 * n) for n in range(-4, 30)])
)


@given(st.lists(INSTANTS, max_size=12), INSTANTS, st.lists(st.tuples(BOUNDS, BOUNDS), min_size=1, max_size=4))
def test_sheets_hold_what_a_walk_over_all_events_finds(added, now, windows):
    ledger = Extended(small_ledger())
    ledger.add(Tick(at, "added") for at in added)
    days = [DAY + timedelta(n) for n in range(12)]
    everything = [event for day in days for event in twice_a_day(day)] + [Tick(at, "added") for at in added]
    account = Account("p", ledger, now)
    for start, stop in windows:
        expected = [
            event
            for event in everything
            if (start is None or start <= event.at) and (stop is None or event.at < stop) and event.at <= now
        ]
        found = seen(account, start, stop)
        assert Counter(found) == Counter(expected)
        assert [event.at for event in found] == sorted(event.at for event in expected)


@given(
    st.lists(INSTANTS, max_size=12),
    INSTANTS,
    st.dates(DAY - timedelta(5), DAY + timedelta(9)),
    st.integers(0, 9),
)
def test_day_sheets_are_the_sheets_of_whole_days(added, now, first, span):
    ledger = Extended(small_ledger())
    ledger.add(map(Tick, added))
    account = Account("p", ledger, now)
    last = first + timedelta(span)
    whole = list(account.sheets(as_list, midnight(first), midnight(last + timedelta(1))))
    assert list(account.day_sheets(as_list, first, last)) == whole


def test_sheets_of_whole_days_are_made_once_until_something_is_added():
    made = []

    def build(events):
        made.append(len(events))
        return len(events)

    ledger = Extended(small_ledger())
    account = Account("p", ledger, FIRST + timedelta(days=2, hours=12))
    for _ in range(3):
        assert list(account.day_sheets(build, DAY, DAY + timedelta(1))) == [2, 2]
    assert made == [2, 2]
    ledger.add([Tick(FIRST)])
    for _ in range(3):
        assert list(account.day_sheets(build, DAY, DAY + timedelta(1))) == [3, 2]
    assert made == [2, 2, 3]
    ledger.add([Tick(FIRST), Tick(FIRST)])
    assert list(account.day_sheets(build, DAY, DAY + timedelta(1))) == [5, 2]
    assert made == [2, 2, 3, 5]
    # Bounds at midnights ask for whole days too; others cut a day, which is then made anew.
    assert list(account.sheets(build, FIRST, FIRST + timedelta(days=2))) == [5, 2]
    assert made == [2, 2, 3, 5]
    assert list(account.sheets(build, FIRST + timedelta(hours=7), FIRST + timedelta(days=2))) == [1, 2]
    assert made == [2, 2, 3, 5, 1]


def joined(one, other):
    return one + other


def how_many(events):
    return len(events)


@given(st.lists(INSTANTS, max_size=12), INSTANTS, st.lists(st.tuples(BOUNDS, BOUNDS), min_size=1, max_size=4))
def test_blocks_hold_the_events_of_their_days_in_order(added, now, windows):
    ledger = Extended(small_ledger())
    ledger.add(Tick(at, "added") for at in added)
    account = Account("p", ledger, now)
    for start, stop in windows:
        blocks = account.sheets(as_list, start, stop, joined)
        assert [event for block in blocks for event in block] == seen(account, start, stop)


def test_a_long_range_is_a_few_blocks():
    account = Account("p", small_ledger(), FIRST + timedelta(days=1000))
    blocks = account.sheets(as_list, FIRST, FIRST + timedelta(days=365), joined)
    assert len(blocks) < 20
    assert [event for block in blocks for event in block] == seen(account, FIRST, FIRST + timedelta(days=365))


@given(st.lists(st.tuples(INSTANTS, st.one_of(st.none(), st.lists(INSTANTS, max_size=3))), max_size=8))
def test_a_total_counts_everything_up_to_now_however_the_clock_moves_and_whatever_is_added(steps):
    ledger = Extended(small_ledger())
    for now, added in steps:
        ledger.add(map(Tick, added or ()))
        account = Account("p", ledger, now)
        assert account.total(how_many, joined) == sum(account.day_sheets(how_many))
        since = DAY + timedelta(2)
        if since <= account.today:
            assert account.total(how_many, joined, since) == sum(account.day_sheets(how_many, since))


def test_what_has_begun_of_today_is_made_anew_when_something_comes_before_it():
    ledger = Extended(small_ledger())
    ledger.add([Tick(FIRST + timedelta(hours=7), "late")])
    seven, six = (Account("p", ledger, FIRST + timedelta(hours=hour)) for hour in (7, 6.5))
    assert [[event.name for event in day] for day in seven.day_sheets(as_list)] == [["seeded", "late"]]
    # At half past six there are as many again, but they are not the same ones.
    ledger.add([Tick(FIRST + timedelta(hours=1), "early")])
    assert [[event.name for event in day] for day in six.day_sheets(as_list)] == [["early", "seeded"]]


def test_sheets_outlast_events_and_both_have_a_limit():
    made = []

    def seeded(day):
        made.append(day)
        return twice_a_day(day)

    ledger = Ledger(seeded, opened=DAY)
    account = Account("p", ledger, FIRST + timedelta(days=3 * DAYS))
    for _ in range(2):
        assert sum(account.day_sheets(how_many)) == 2 * 3 * DAYS
    # The present day is looked at as well, for what it has begun with.
    assert len(made) == 3 * DAYS + 1
    assert ledger.day(DAY.toordinal()) == tuple(sorted(twice_a_day(DAY), key=lambda event: event.at))
    assert len(made) == 3 * DAYS + 2


def test_what_is_bounded_drops_the_oldest_and_makes_it_again():
    made = []
    squares = Bounded(lambda number: made.append(number) or number * number, 2)
    assert [squares[number] for number in (1, 2, 2, 3, 2)] == [1, 4, 4, 9, 4]
    assert made == [1, 2, 3]
    assert (squares[1], list(squares)) == (1, [3, 1])
    squares.keep(3, 10)
    assert list(squares.items()) == [(3, 10), (1, 1)]


@pytest.mark.parametrize(("count", "ready"), [(PREPARED - 1, False), (PREPARED, True)])
def test_the_sheets_of_many_events_are_made_while_they_are_added(count, ready):
    made = []

    def build(events):
        made.append(len(events))
        return len(events)

    ledger = Extended(Ledger(twice_a_day, opened=DAY, views=Views(sheets=(build,))))
    ledger.add([Tick(FIRST)] * count)
    assert made == [count + 2] * ready
    account = Account("p", ledger, FIRST + timedelta(days=1))
    assert account.day_sheets(build, DAY, DAY) == [count + 2]
    assert made == [count + 2]
    # One more alone is not worth it: the next question does it.
    ledger.add([Tick(FIRST)])
    assert made == [count + 2]
    assert account.day_sheets(build, DAY, DAY) == [count + 3]


def test_what_counts_since_the_opening_is_made_while_many_events_are_added():
    days = []

    def seeded(day):
        days.append(day)
        return twice_a_day(day)

    ledger = Extended(Ledger(seeded, opened=DAY, views=Views(totals=(len,), ever=((len, add),))))
    ledger.add([Tick(FIRST + timedelta(days=9))] * PREPARED)
    assert sorted(days) == [DAY + timedelta(days=n) for n in range(10)]
    days.clear()
    account = Account("p", ledger, FIRST + timedelta(days=10))
    assert account.total(len, add) == PREPARED + 20
    assert days == [DAY + timedelta(days=10)]


def test_a_ledger_without_an_event_keeps_what_was_made_of_other_days():
    made = []

    def build(events):
        made.append(len(events))
        return len(events)

    ledger = Extended(small_ledger())
    ledger.add([Tick(FIRST), Tick(FIRST + timedelta(days=1))])
    account = Account("p", ledger, FIRST + timedelta(days=2))
    assert account.day_sheets(build, DAY, DAY + timedelta(1)) == [3, 3]
    less = Account("p", ledger.without(Tick(FIRST)), account.now)
    assert less.day_sheets(build, DAY, DAY + timedelta(1)) == [2, 3]
    assert made == [3, 3, 2]
    # As many on that day as before, yet not the same ones.
    replaced = ledger.without(Tick(FIRST))
    replaced.add([Tick(FIRST, "another")])
    assert replaced.sheet(DAY.toordinal(), build) == 3
    assert made == [3, 3, 2, 3]


def test_days_without_events_have_no_sheet():
    ledger = Ledger(lambda day: twice_a_day(day) if day.day % 2 else (), opened=DAY)
    account = Account("p", ledger, FIRST + timedelta(days=4, hours=1))
    assert [len(sheet) for sheet in account.day_sheets(as_list)] == [2, 2]
    assert [len(sheet) for sheet in account.sheets(as_list)] == [2, 2]


def test_what_is_added_leaves_the_ledger_beneath_alone():
    beneath = small_ledger()
    above = Extended(beneath)
    above.add([Tick(FIRST, "b"), Tick(FIRST - timedelta(days=400), "a")])
    assert [event.name for event in above.added] == ["a", "b"]
    assert above.version == 1
    above.add(Tick(FIRST + timedelta(minutes=n % 7), str(n)) for n in range(20))
    assert [event.at for event in above.added] == sorted(event.at for event in above.added)
    assert list(beneath.added) == []
    assert above.first == beneath.first - 400
    assert len(beneath.day(DAY.toordinal())) == 2
    assert len(above.day(DAY.toordinal())) == 23


def test_one_early_event_does_not_make_every_question_walk_all_years_between():
    ledger = Extended(small_ledger())
    ledger.add([Tick(datetime.min.replace(tzinfo=UTC))])
    assert list(ledger.ordinals(1, DAY.toordinal() + 1)) == [1, DAY.toordinal(), DAY.toordinal() + 1]
    assert list(ledger.ordinals(2, DAY.toordinal())) == [DAY.toordinal()]
    ledger.add([Tick(FIRST - timedelta(days=5)), Tick(FIRST - timedelta(days=9))])
    assert [DAY.toordinal() - n for n in ledger.ordinals(2, DAY.toordinal())] == [9, 5, 0]
    assert len(seen(Account("p", ledger, FIRST))) == 3


def test_events_are_added_all_or_none():
    ledger = Extended(small_ledger())
    with pytest.raises(AttributeError):
        ledger.add([Tick(FIRST), object()])
    assert list(ledger.added) == []
    assert ledger.version == 0


def test_an_added_instant_of_another_zone_counts_on_its_utc_day():
    ledger = Extended(small_ledger())
    seoul = datetime(2026, 3, 11, 1, tzinfo=timezone(timedelta(hours=9)))
    ledger.add([Tick(seoul, "east"), Tick(datetime(2026, 3, 10, 23, 59), "naive")])
    names = [event.name for event in ledger.day(DAY.toordinal())]
    assert names == ["seeded", "east", "seeded", "naive"]
    assert all(event.at.tzinfo is UTC for event in ledger.added)


@pytest.mark.parametrize(
    ("earlier", "later", "moves"),
    [
        pytest.param(timedelta(hours=5), timedelta(hours=5, minutes=59), False, id="nothing happened"),
        pytest.param(timedelta(hours=5), timedelta(hours=6), True, id="an event came"),
        pytest.param(timedelta(hours=19), timedelta(hours=25), True, id="a day began"),
        pytest.param(timedelta(hours=25), timedelta(hours=49), True, id="a day went by"),
    ],
)
def test_the_tide_moves_with_what_is_visible(earlier, later, moves):
    ledger = small_ledger()
    assert (ledger.tide(FIRST + earlier) != ledger.tide(FIRST + later)) is moves


def printed(provider, seed, days):
    ledger = seeded_ledger.__wrapped__(provider, seed, "busy")
    return [repr(ledger.day(day.toordinal())) for day in days]


SOME_DAYS = [date(2026, 2, 1) + timedelta(n) for n in range(12)]


@pytest.mark.parametrize("provider", NAMES)
def test_seeded_days_do_not_depend_on_what_was_asked_before(provider):
    # Compared first: a diff of whole ledgers takes minutes.
    same = printed(provider, 1, SOME_DAYS) == printed(provider, 1, SOME_DAYS[::-1])[::-1]
    assert same
    assert printed(provider, 1, SOME_DAYS) != printed(provider, 2, SOME_DAYS)


@pytest.mark.parametrize("provider", NAMES)
def test_seeded_events_lie_on_their_day_in_utc(provider):
    ledger = seeded_ledger(provider, 1, "busy")
    for day in SOME_DAYS:
        events = ledger.day(day.toordinal())
        assert all(event.at.date() == day and event.at.tzinfo is UTC for event in events)
        assert list(events) == sorted(events, key=lambda event: event.at)
    assert any(ledger.day(day.toordinal()) for day in SOME_DAYS)
    assert ledger.day(OPENED.toordinal() - 1) == ()
    # The first and the last day that Python knows.
    assert ledger.day(1) == ()
    assert isinstance(ledger.day(date.max.toordinal()), tuple)


@pytest.mark.parametrize("provider", NAMES)
def test_every_scenario_is_a_ledger(provider):
    everything = {
        scenario: sum(len(seeded_ledger(provider, 1, scenario).day(n)) for n in range(738_886, 739_686))
        for scenario in SCENARIOS
    }
    assert everything["empty"] == 0
    assert 40 < everything["sparse"] < 140 < everything["busy"]


ELSEWHERE = """
import hashlib
from datetime import date
from operator import add
from usage_mockserver.providers import NAMES
from usage_mockserver.scenarios import seeded_ledger
days = [repr(seeded_ledger(name, 7, "busy").day(n)) for name in NAMES for n in range(739676, 739686)]
print(hashlib.sha256("".join(days).encode()).hexdigest())
"""


@pytest.mark.parametrize(("zone", "hash_seed"), [("Pacific/Kiritimati", "1"), ("America/Los_Angeles", "2")])
def test_other_time_zones_and_hash_seeds_make_the_same_events(zone, hash_seed):
    here = "".join(
        repr(seeded_ledger(name, 7, "busy").day(n)) for name in NAMES for n in range(739_676, 739_686)
    )
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": hash_seed}
    there = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == hashlib.sha256(here.encode()).hexdigest()


def test_draws_are_pinned():
    chance = Chance("pin", 1)
    draws = [chance.below(1000), chance.between(5, 9), chance.hit(50), chance.one_of("abc"), chance.hex(8)]
    assert draws == [947, 7, False, "a", "55f9cb48"]
    assert chance.uuid4() == "d06c1a36-6dea-4ac9-b23b-1b5eea948b88"


def test_both_ends_are_drawn():
    chance = Chance("ends")
    assert {chance.between(1, 3) for _ in range(200)} == {1, 2, 3}
    assert {chance.below(2) for _ in range(200)} == {0, 1}


def test_spread_draws_what_weighted_draws():
    weights = (("a", 1), ("b", 5), ("c", 3))
    one, other = Chance("x"), Chance("x")
    table = spread(weights)
    assert [one.weighted(weights) for _ in range(200)] == [other.one_of(table) for _ in range(200)]
    assert set(table) == {"a", "b", "c"}


def test_names_of_a_chance_do_not_run_together():
    assert Chance("a", "b").hex(16) != Chance("ab").hex(16) != Chance("a b").hex(16)


def test_volumes_follow_the_week_and_the_years():
    def total(year, weekdays):
        days = [date(year, 1, 1) + timedelta(n) for n in range(364)]
        return sum(day_volume(Chance(day), day, 50) for day in days if day.weekday() in weekdays)

    assert total(2026, {5, 6}) / 2 < total(2026, {0, 1, 2, 3, 4}) / 5 / 1.5
    assert total(2020, range(7)) * 5 < total(2026, range(7))
    mondays = [day_volume(Chance(n), date(2026, 3, 2), 50) for n in range(2000)]
    assert 40 < sum(mondays) / 2000 < 55
    assert 0 < mondays.count(0) < 200


def test_instants_are_whole_seconds_of_the_day_in_order_mostly_by_day():
    found = day_instants(Chance("i"), DAY, 2000)
    assert all(one <= next_one for one, next_one in pairwise(found))
    assert {at.date() for at in found} == {DAY}
    assert {at.microsecond for at in found} == {0}
    assert sum(8 <= at.hour < 18 for at in found) > 1000
