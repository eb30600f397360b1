"""What a provider may see while it answers one request: events, clock, switches, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TypeVar

from usage_mockserver.ledger import TICK, Build, Join, Ledger

T = TypeVar("T")
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Account:
    """One fake account at one instant.

    `switches` holds a value for every switch of the provider; `keys` are the only keys accepted, none meaning
    that any well-formed key is. `requests` counts the requests this account has had so far.
    """

    provider: str
    ledger: Ledger
    now: datetime
    seed: int = 1
    scenario: str = "busy"
    switches: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    requests: int = 0

    @property
    def today(self) -> date:
        """The account's present UTC day."""
        return self.now.date()

    def sheets(
        self,
        build: Build[T],
        start: datetime | None = None,
        stop: datetime | None = None,
        join: Join[T] | None = None,
    ) -> list[T]:
        """What `build` makes of each day's events in start <= instant < stop, oldest day first.

        Days without events are left out. Nothing later than the account's clock is ever seen. `build` must
        be a module-level function: its result for a whole day is kept. With `join` there are fewer sheets,
        of several days each.
        """
        seen_until = self.now + TICK if self.now < LAST else LAST
        end = seen_until if stop is None else min(stop, seen_until)
        if (start or FIRST) >= end:
            return []
        first = 1 if start is None else start.toordinal()
        last = (end - TICK).toordinal()
        # Only the days at both ends can be seen in part.
        low = first if start is None or _is_midnight(start) else first + 1
        high = last if _is_midnight(end) else last - 1
        found = self._part(first, build, start, end) if low > first else []
        ledger = self.ledger
        found += ledger.blocks(low, high, build, join) if join else ledger.sheets(low, high, build)
        if high < last and low <= last:
            begun = ledger.until(self.now, build) if end is seen_until else None
            found += self._part(last, build, start, end) if begun is None else [begun]
        return found

    def _part(self, ordinal: int, build: Build[T], start: datetime | None, end: datetime) -> list[T]:
        """What `build` makes of a day cut by a bound, if anything is left of it."""
        events = self.ledger.day(ordinal)
        seen = [event for event in events if (start is None or start <= event.at) and event.at < end]
        if not seen:
            return []
        sheet = self.ledger.sheet(ordinal, build) if len(seen) == len(events) else None
        return [build(seen) if sheet is None else sheet]

    def day_sheets(self, build: Build[T], first: date | None = None, last: date | None = None) -> list[T]:
        """The same for whole UTC days, both ends included."""
        today = self.now.toordinal()
        low = 1 if first is None else first.toordinal()
        high = today if last is None else last.toordinal()
        found = self.ledger.sheets(low, min(high, today - 1), build)
        if low <= today <= high:
            begun = self.ledger.until(self.now, build)
            found += [] if begun is None else [begun]
        return found

    def total(self, build: Build[T], join: Join[T], first: date | None = None) -> T:
        """What `build` makes of everything from this UTC day on.

        What `join` makes of its results for two parts must be its result for both parts together.
        """
        low = 1 if first is None else first.toordinal()
        total = self.ledger.total(low, self.now.toordinal() - 1, build, join)
        begun = self.ledger.until(self.now, build)
        return total if begun is None else join(total, begun)


def _is_midnight(instant: datetime) -> bool:
    return not (instant.hour or instant.minute or instant.second or instant.microsecond)
