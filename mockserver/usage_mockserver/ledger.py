"""All events of one fake account: seeded days made when first asked for, added events on top."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any, Protocol, TypeVar

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

T = TypeVar("T")
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


class Ledger:
    """The events of one account by UTC day.

    `seeded` gives the events of a day and must be a pure function of it; days before `opened` have none.
    A sheet is what a view made of one day's events; sheets of unchanged days are kept.
    """

    def __init__(self, seeded: Seeded, *, opened: date = OPENED) -> None:
        self._seeded = seeded
        self._opened = opened.toordinal()
        self._days: dict[int, Sequence[Any]] = {}
        self._sheets: dict[tuple[int, Callable[..., Any]], Any] = {}

    @property
    def first(self) -> int:
        """Ordinal of the first day that can have events."""
        return self._opened

    @property
    def added(self) -> Sequence[Any]:
        """The events a user added, in order of their instants."""
        return ()

    def ordinals(self, first: int, last: int) -> Sequence[int]:
        """The days from first to last, both included, that can have events, oldest first."""
        return range(max(first, self._opened), last + 1)

    def day(self, ordinal: int) -> Sequence[Any]:
        """The events of one day in order of their instants."""
        found = self._days.get(ordinal)
        if found is None:
            seeded = self._seeded(date.fromordinal(ordinal)) if ordinal >= self._opened else ()
            found = self._days[ordinal] = tuple(sorted(seeded, key=_instant))
        return found

    def sheet(self, ordinal: int, build: Callable[[Sequence[Any]], T]) -> T:
        """What `build` makes of the whole day, made once."""
        key = (ordinal, build)
        if key not in self._sheets:
            self._sheets[key] = build(self.day(ordinal))
        found: T = self._sheets[key]
        return found

    def tide(self, now: datetime) -> tuple[int, int]:
        """A value that changes whenever time makes more events visible, and at midnight, not otherwise."""
        ordinal = now.toordinal()
        return ordinal, bisect_right(self.day(ordinal), now, key=_instant)


class Extended(Ledger):
    """A ledger with events of the user's on top of another, which stays as it is.

    Added events are never taken away, so the number of a day's added events tells whether something made of
    that day still holds; no lock is needed when one thread adds while another answers. A ledger with fewer
    of them, or with another one beneath, is another ledger (`without`, `over`).
    """

    def __init__(self, beneath: Ledger, added: Mapping[int, Sequence[Any]] | None = None) -> None:
        self._beneath = beneath
        self._added: dict[int, list[Any]] = {day: list(events) for day, events in (added or {}).items()}
        self._merged: dict[int, tuple[int, Sequence[Any]]] = {}
        self._built: dict[tuple[int, Callable[..., Any]], tuple[int, Any]] = {}
        self.version = 0

    def add(self, events: Iterable[Event]) -> None:
        """Put these on top, all or none; naive instants are read as UTC, others turned into it."""
        ready = [_in_utc(event) for event in events]
        for event in ready:
            self._added.setdefault(event.at.toordinal(), []).append(event)
        self.version += 1

    def over(self, beneath: Ledger) -> Extended:
        """The same added events on top of another ledger; what is added to one is not seen by the other."""
        return Extended(beneath, self._added)

    def without(self, event: Event) -> Extended:
        """A ledger that lacks one added event equal to this; ValueError when there is none."""
        day = event.at.toordinal()
        left = list(self._added.get(day, ()))
        left.remove(event)
        kept = {**self._added, day: left}
        return Extended(self._beneath, {day: events for day, events in kept.items() if events})

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

    @property
    def first(self) -> int:
        """Ordinal of the first day that can have events."""
        return min(self._beneath.first, *self._added) if self._added else self._beneath.first

    def ordinals(self, first: int, last: int) -> Sequence[int]:
        """The days from first to last, both included, that can have events, oldest first."""
        beneath = self._beneath.ordinals(first, last)
        # One event in the year 1 must not make every question walk two thousand years.
        outside = [day for day in list(self._added) if first <= day <= last and day not in beneath]
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
            held = self._merged[ordinal] = (count, tuple(sorted(both, key=_instant)))
        return held[1]

    def sheet(self, ordinal: int, build: Callable[[Sequence[Any]], T]) -> T:
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


def _in_utc(event: Any) -> Any:
    """The event, its instant in UTC."""
    return event if event.at.tzinfo is UTC else replace(event, at=in_utc(event.at))
