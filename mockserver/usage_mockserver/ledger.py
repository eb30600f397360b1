"""All events of one fake account: seeded days made when first asked for, added events on top."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from usage_mockserver.bounded import Bounded
from usage_mockserver.chance import Chance, spread
from usage_mockserver.clock import in_utc

OPENED = date(2020, 1, 1)
"""The day every seeded account was opened; nothing was used before it."""

TICK = timedelta(microseconds=1)
# Usage in percent of the full level: a business that grows, slows down and levels out.
GROWTH = {2020: 8, 2021: 15, 2022: 25, 2023: 40, 2024: 60, 2025: 85}
WEEKDAYS = (100, 108, 104, 98, 90, 42, 34)
# Each hour of the day as often as its share of the usage.
HOURS = spread(
    tuple(enumerate((2, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 12, 13, 14, 14, 12, 10, 8, 7, 6, 5, 4, 3)))
)

# Of one account and, for sheets, of one view: a decade of days stays ready, but little of what they are made of.
SHEETS, DAYS = 4096, 32
LEVELS = 6
"""Blocks of days are as long as a power of two; this is that of the longest."""
PREPARED = 200
"""So many events added to a day at once have its sheets made at once: whoever adds so many has to wait anyhow."""

T = TypeVar("T")
Build = Callable[[Sequence[Any]], T]
"""A view's summary of some events in order; a module-level function, since what it makes is kept for it."""
Join = Callable[[T, T], T]
"""Of two summaries, the one of the events of both, the older ones first."""
_instant = attrgetter("at")


class Event(Protocol):
    """Anything that used a service at one instant (aware, UTC)."""

    @property
    def at(self) -> datetime:
        """When it happened."""


Seeded = Callable[[date], Sequence[Any]]


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def day_volume(chance: Chance, day: date, per_day: int) -> int:
    """How many events a day has, `per_day` being the mean of a mature account's full weekday.

    About one weekend day in six and one weekday in thirty has none at all.
    """
    weekend = day.weekday() >= 5
    if chance.below(180) < (30 if weekend else 6):
        return 0
    level = GROWTH.get(day.year, 100) * WEEKDAYS[day.weekday()] * chance.between(60, 140)
    whole, rest = divmod(per_day * level, 100 * 100 * 100)
    return whole + (chance.below(1_000_000) < rest)


def day_instants(chance: Chance, day: date, count: int) -> list[datetime]:
    """So many instants of the day in order, whole seconds, most of them in working hours."""
    start = midnight(day)
    seconds = sorted(chance.one_of(HOURS) * 3600 + chance.below(3600) for _ in range(count))
    return [start + timedelta(seconds=second) for second in seconds]


class Views(NamedTuple):
    """The summaries that nearly every question to a provider needs, of single days and of longer spans.

    `ever` are those that go back to the account's opening, each with what joins two of them.
    """

    sheets: tuple[Build[Any], ...] = ()
    totals: tuple[Build[Any], ...] = ()
    ever: tuple[tuple[Build[Any], Join[Any]], ...] = ()


class Ledger:
    """The events of one account by UTC day.

    `seeded` gives the events of a day and must be a pure function of it; days before `opened` have none.
    A sheet is what a view made of one day's events. Sheets are kept, events hardly: they take more memory,
    and are quickly made again.
    """

    def __init__(self, seeded: Seeded, *, opened: date = OPENED, views: Views | None = None) -> None:
        self._seeded = seeded
        self.opened = opened.toordinal()
        self.views = views or Views()
        self._days: Bounded[int, Sequence[Any]] = Bounded(self._made, DAYS)
        self._sheets: dict[Build[Any], Bounded[int, Any]] = {}
        self._blocks: dict[Build[Any], Bounded[tuple[int, int], Any]] = {}
        self._totals: dict[Build[Any], tuple[Any, Any]] = {}
        self._begun: dict[Build[Any], tuple[tuple[int, int, int], Any]] = {}

    @property
    def first(self) -> int:
        """Ordinal of the first day that can have events."""
        return self.opened

    @property
    def added(self) -> Sequence[Any]:
        """The events a user added, in order of their instants."""
        return ()

    def added_parts(self, build: Build[T]) -> Sequence[T]:  # noqa: ARG002
        """What `build` makes of each day's added events alone."""
        return ()

    def ordinals(self, first: int, last: int) -> Sequence[int]:
        """The days from first to last, both included, that can have events, oldest first."""
        return range(max(first, self.opened), last + 1)

    def day(self, ordinal: int) -> Sequence[Any]:
        """The events of one day in order of their instants."""
        return self._days[ordinal]

    def _made(self, ordinal: int) -> Sequence[Any]:
        seeded = self._seeded(date.fromordinal(ordinal)) if ordinal >= self.opened else ()
        return tuple(sorted(seeded, key=_instant))

    def sheet(self, ordinal: int, build: Build[T]) -> T | None:
        """What `build` makes of the whole day, made once; None when it has no events."""
        return self._kept(build)[ordinal]

    def sheets(self, first: int, last: int, build: Build[T]) -> list[T]:
        """The same for each day from first to last that has events, oldest first."""
        # Looked up by C: a call for each day would take as long as all the rest of an answer.
        found = map(self._kept(build).__getitem__, self.ordinals(first, last))
        return [sheet for sheet in found if sheet is not None]

    def _kept(self, build: Build[T]) -> Bounded[int, T | None]:
        found = self._sheets.get(build)
        if found is None:

            def make(ordinal: int) -> T | None:
                events = self.day(ordinal)
                return build(events) if events else None

            found = self._sheets.setdefault(build, Bounded(make, SHEETS))
        return found

    def until(self, now: datetime, build: Build[T]) -> T | None:
        """What `build` makes of what happened on the day of this instant up to it; None when nothing did."""
        ordinal = now.toordinal()
        events = self.day(ordinal)
        count = bisect_right(events, now, key=_instant)
        # Events may be added before others, so that the number of those seen does not tell them alone.
        state = (ordinal, len(events), count)
        held = self._begun.get(build)
        if held is None or held[0] != state:
            held = self._begun[build] = (state, build(events[:count]) if count else None)
        found: T | None = held[1]
        return found

    def blocks(self, first: int, last: int, build: Build[T], join: Join[T]) -> list[T]:
        """What `build` makes of all events from the first day to the last, in few pieces, oldest first.

        A week is three blocks instead of seven sheets, and a year some ten.
        """
        kept = self._joined(build, join)
        found = []
        begin = max(first, self.opened)
        while begin <= last:
            # The longest block that may begin here and does not end too late.
            level = min((begin & -begin).bit_length() - 1, (last - begin + 1).bit_length() - 1, LEVELS)
            block = kept[begin, level] if level else self.sheet(begin, build)
            if block is not None:
                found.append(block)
            begin += 1 << level
        return found

    def _joined(self, build: Build[T], join: Join[T]) -> Bounded[tuple[int, int], T | None]:
        found = self._blocks.get(build)
        if found is None:

            def make(place: tuple[int, int]) -> T | None:
                begin, level = place[0], place[1] - 1
                middle = begin + (1 << level)
                halves = [kept[day, level] if level else self.sheet(day, build) for day in (begin, middle)]
                there = [half for half in halves if half is not None]
                return reduce(join, there) if there else None

            kept = Bounded(make, SHEETS)
            found = self._blocks.setdefault(build, kept)
        return found

    def total(self, first: int, last: int, build: Build[T], join: Join[T]) -> T:
        """What `build` makes of all events from the first day to the last."""
        held = self._totals.get(build)
        if held is None or held[0] != (first, last):
            blocks = self.blocks(first, last, build, join)
            held = self._totals[build] = ((first, last), reduce(join, blocks) if blocks else build(()))
        found: T = held[1]
        return found

    def tide(self, now: datetime) -> tuple[int, int]:
        """A value that changes whenever time makes more events visible, and at midnight, not otherwise."""
        ordinal = now.toordinal()
        return ordinal, bisect_right(self.day(ordinal), now, key=_instant)


def _unknown(ordinal: int) -> Any:
    raise KeyError(ordinal)


class Extended(Ledger):
    """A ledger with events of the user's on top of another, which stays as it is.

    Added events are never taken away, so the number of a day's added events tells whether something made of
    that day still holds; no lock is needed when one thread adds while another answers. A ledger with fewer
    of them, or with another one beneath, is another ledger (`without`, `over`).
    """

    def __init__(self, beneath: Ledger, added: Mapping[int, Sequence[Any]] | None = None) -> None:
        self._beneath = beneath
        self.opened, self.views = beneath.opened, beneath.views
        self._added: dict[int, list[Any]] = {day: list(events) for day, events in (added or {}).items()}
        self._early = self._before_opening()
        self._merged: Bounded[int, tuple[int, Sequence[Any]]] = Bounded(_unknown, DAYS)
        self._built: dict[tuple[int, Build[Any]], tuple[int, Any]] = {}
        self._parts: dict[tuple[int, Build[Any]], tuple[int, Any]] = {}
        self._totals, self._begun = {}, {}
        self.version = 0

    def _before_opening(self) -> tuple[int, ...]:
        return tuple(sorted(day for day in self._added if day < self.opened))

    def add(self, events: Iterable[Event]) -> None:
        """Put these on top, all or none; naive instants are read as UTC, others turned into it."""
        ready = [_in_utc(event) for event in events]
        before: dict[int, int] = {}
        for event in ready:
            day = event.at.toordinal()
            there = self._added.setdefault(day, [])
            before.setdefault(day, len(there))
            there.append(event)
        if any(day < self.opened for day in before):
            self._early = self._before_opening()
        self.version += 1
        many = [day for day, count in before.items() if len(self._added[day]) - count >= PREPARED]
        for day in many:
            self._prepare(day)
        for build, join in self.views.ever if many else ():
            self._beneath.blocks(1, max(many), build, join)

    def _prepare(self, day: int) -> None:
        for build in self.views.sheets:
            self.sheet(day, build)
        for build in self.views.totals:
            self._part(day, build)

    def over(self, beneath: Ledger) -> Extended:
        """The same added events on top of another ledger; what is added to one is not seen by the other."""
        other = Extended(beneath, self._added)
        if beneath is self._beneath:
            other._built.update(self._built)
        return other

    def without(self, event: Event) -> Extended:
        """A ledger that lacks one added event equal to this; ValueError when there is none."""
        day = event.at.toordinal()
        left = list(self._added.get(day, ()))
        left.remove(event)
        kept = {**self._added, day: left}
        other = Extended(self._beneath, {day: events for day, events in kept.items() if events})
        other._built.update((key, held) for key, held in list(self._built.items()) if key[0] != day)
        return other

    def page(self, offset: int, limit: int) -> list[Any]:
        """So many added events in order of their instants, after the first `offset` of them."""
        found: list[Any] = []
        for day in sorted(self._added):
            events = self._added[day]
            if offset >= len(events):
                offset -= len(events)
                continue
            found += sorted(events, key=_instant)[offset : offset + limit - len(found)]
            offset = 0
            if len(found) == limit:
                break
        return found

    def added_on(self, day: date) -> Sequence[Any]:
        """The events added to one UTC day, in the order in which they were added."""
        return tuple(self._added.get(day.toordinal(), ()))

    @property
    def count(self) -> int:
        """How many events were added."""
        return sum(map(len, list(self._added.values())))

    @property
    def added(self) -> Sequence[Any]:
        """The events a user added, in order of their instants."""
        return sorted((event for day in list(self._added.values()) for event in day), key=_instant)

    def added_parts(self, build: Build[T]) -> Sequence[T]:
        """What `build` makes of each day's added events alone."""
        return [self._part(day, build) for day in list(self._added)]

    @property
    def first(self) -> int:
        """Ordinal of the first day that can have events."""
        return min((self._beneath.first, *self._early[:1]))

    def ordinals(self, first: int, last: int) -> Sequence[int]:
        """The days from first to last, both included, that can have events, oldest first."""
        beneath = self._beneath.ordinals(first, last)
        # One event in the year 1 must not make every question walk two thousand years.
        outside = [day for day in self._early if first <= day <= last and day not in beneath]
        return sorted([*outside, *beneath]) if outside else beneath

    def day(self, ordinal: int) -> Sequence[Any]:
        """The events of one day, seeded and added, in order of their instants."""
        added = self._added.get(ordinal)
        if added is None:
            return self._beneath.day(ordinal)
        count = len(added)
        held = self._merged.get(ordinal)
        if held is None or held[0] != count:
            both = [*self._beneath.day(ordinal), *added[:count]]
            held = (count, tuple(sorted(both, key=_instant)))
            self._merged.keep(ordinal, held)
        return held[1]

    def sheet(self, ordinal: int, build: Build[T]) -> T | None:
        """What `build` makes of the whole day, made once until something is added to it."""
        added = self._added.get(ordinal)
        if added is None:
            return self._beneath.sheet(ordinal, build)
        count = len(added)
        held = self._built.get((ordinal, build))
        if held is None or held[0] != count:
            held = self._built[ordinal, build] = (count, build(self.day(ordinal)))
        found: T = held[1]
        return found

    def sheets(self, first: int, last: int, build: Build[T]) -> list[T]:
        """The same for each day from first to last that has events, oldest first."""
        days = self.ordinals(first, last)
        if self._added.keys().isdisjoint(days):
            return self._beneath.sheets(first, last, build)
        return [sheet for day in days if (sheet := self.sheet(day, build)) is not None]

    def until(self, now: datetime, build: Build[T]) -> T | None:
        """What `build` makes of what happened on the day of this instant up to it; None when nothing did."""
        return (super().until if now.toordinal() in self._added else self._beneath.until)(now, build)

    def blocks(self, first: int, last: int, build: Build[T], join: Join[T]) -> list[T]:
        """What `build` makes of all events from the first day to the last, in few pieces, oldest first."""
        found: list[T] = []
        begin = first
        # Days with added events stand alone, so that nothing has to be joined anew when more are added.
        for day in self.ordinals(first, last):
            if day in self._added:
                found += self._beneath.blocks(begin, day - 1, build, join)
                found += self.sheets(day, day, build)
                begin = day + 1
        return found + self._beneath.blocks(begin, last, build, join)

    def total(self, first: int, last: int, build: Build[T], join: Join[T]) -> T:
        """What `build` makes of all events from the first day to the last; the order of adding is no matter."""
        beneath = self._beneath.total(first, last, build, join)
        asked = (self.version, first, last)
        held = self._totals.get(build)
        if held is None or held[0] != asked:
            parts = [self._part(day, build) for day in list(self._added) if first <= day <= last]
            held = self._totals[build] = (asked, reduce(join, parts) if parts else build(()))
        found: T = join(beneath, held[1])
        return found

    def _part(self, ordinal: int, build: Build[T]) -> T:
        """What `build` makes of a day's added events alone."""
        added = self._added[ordinal]
        count = len(added)
        held = self._parts.get((ordinal, build))
        if held is None or held[0] != count:
            held = self._parts[ordinal, build] = (count, build(added[:count]))
        found: T = held[1]
        return found


def _in_utc(event: Any) -> Any:
    """The event, its instant in UTC."""
    return event if event.at.tzinfo is UTC else replace(event, at=in_utc(event.at))
