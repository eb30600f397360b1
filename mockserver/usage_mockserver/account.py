"""What a provider may see while it answers one request: events, clock, switches, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from usage_mockserver.ledger import TICK, Ledger, midnight

T = TypeVar("T")
LAST = datetime.max.replace(tzinfo=UTC)


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
        build: Callable[[Sequence[Any]], T],
        start: datetime | None = None,
        stop: datetime | None = None,
    ) -> Iterator[T]:
        """What `build` makes of each day's events in start <= instant < stop, oldest day first.

        Days without events are left out. Nothing later than the account's clock is ever seen. `build` must
        be a module-level function: its result for a whole day is kept.
        """
        seen_until = self.now + TICK if self.now < LAST else LAST
        end = seen_until if stop is None else min(stop, seen_until)
        begin = midnight(date.fromordinal(self.ledger.first))
        begin = begin if start is None else max(start, begin)
        if begin >= end:
            return
        for ordinal in self.ledger.ordinals(begin.toordinal(), (end - TICK).toordinal()):
            events = self.ledger.day(ordinal)
            if not events:
                continue
            if begin <= events[0].at and events[-1].at < end:
                yield self.ledger.sheet(ordinal, build)
            else:
                seen = [event for event in events if begin <= event.at < end]
                if seen:
                    yield build(seen)

    def day_sheets(
        self, build: Callable[[Sequence[Any]], T], first: date | None = None, last: date | None = None
    ) -> Iterator[T]:
        """The same for whole UTC days, both ends included."""
        today = self.now.toordinal()
        low = self.ledger.first if first is None else first.toordinal()
        high = today if last is None else last.toordinal()
        for ordinal in self.ledger.ordinals(low, min(high, today - 1)):
            if self.ledger.day(ordinal):
                yield self.ledger.sheet(ordinal, build)
        if low <= today <= high:
            yield from self.sheets(build, midnight(self.today))
