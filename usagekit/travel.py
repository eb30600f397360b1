"""The clock of fake accounts, and changes that can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from types import TracebackType

from usage_mockserver.clock import Clock
from usage_mockserver.world import World
from usagekit.fakes import Instant, instant_of


class Change:
    """A change that was made; as a block (`with varg.fault(429):`) it is taken back at its end, as by `end()`."""

    def __init__(self, undo: Callable[[], None]) -> None:
        self._undo: Callable[[], None] | None = undo

    def end(self) -> None:
        """Take it back; a second time nothing happens."""
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()

    def __enter__(self) -> Change:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class AccountClock:
    """The clock of one account, or of several at once; always UTC."""

    def __init__(self, world: World, providers: Iterable[str]) -> None:
        self._world, self._providers = world, tuple(providers)

    def now(self) -> datetime:
        """The present instant, aware, in UTC; ValueError when the clocks of several accounts differ."""
        clocks = {name: self._world.settings[name].clock for name in self._providers}
        if len(set(clocks.values())) > 1:
            told = ", ".join(f"{name} {clock.now():%Y-%m-%d %H:%M:%S}" for name, clock in clocks.items())
            raise ValueError(f"these accounts have different clocks; ask one of them ({told})")
        return next(iter(clocks.values())).now()

    def travel_to(self, instant: Instant) -> Change:
        """Stand still at this instant; a date is its UTC midnight, a naive datetime is read as UTC."""
        stop = instant_of(instant, "the instant")
        return self._set(lambda clock: clock.travel_to(stop))

    def advance(
        self,
        span: timedelta | None = None,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> Change:
        """Be this much further on, standing or running as before; a negative span goes back."""
        if span is not None and not isinstance(span, timedelta):
            raise TypeError(f"advance takes a timedelta, or days=, hours=, minutes=, seconds=, not {span!r}")
        try:
            further = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
            return self._set(lambda clock: _checked(clock.advance(further + (span or timedelta()))))
        except OverflowError:
            raise ValueError("the clock cannot go beyond the years 1 to 9999") from None

    def real(self) -> Change:
        """Show the machine's time again."""
        return self._set(lambda clock: Clock(source=clock.source))

    def _set(self, move: Callable[[Clock], Clock]) -> Change:
        before = {name: self._world.settings[name].clock for name in self._providers}
        moved = {name: move(clock) for name, clock in before.items()}
        for name, clock in moved.items():
            self._world.change(name, clock=clock)

        def undo() -> None:
            for name, clock in before.items():
                self._world.change(name, clock=clock)

        return Change(undo)

    def __repr__(self) -> str:
        return f"<clock of {', '.join(self._providers)}>"


def _checked(clock: Clock) -> Clock:
    clock.now()
    return clock
