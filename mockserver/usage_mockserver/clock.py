"""The server's idea of now: real by default, settable, always UTC."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta


def real_now() -> datetime:
    """The machine's time in UTC; the only place below the command line that reads a clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells the time of one account.

    A frozen instant stays where it is; otherwise the source runs on, moved by `offset`.
    """

    frozen: datetime | None = None
    offset: timedelta = timedelta()
    source: Callable[[], datetime] = real_now

    def now(self) -> datetime:
        """The account's present instant, aware, in UTC."""
        return self.frozen if self.frozen is not None else self.source() + self.offset

    def travel_to(self, instant: datetime) -> Clock:
        """A clock that stands still at this instant; naive instants are read as UTC."""
        return replace(self, frozen=in_utc(instant), offset=timedelta())

    def advance(self, span: timedelta) -> Clock:
        """A clock this much further on, standing or running as before."""
        if self.frozen is not None:
            return replace(self, frozen=self.frozen + span)
        return replace(self, offset=self.offset + span)


def read_instant(text: str) -> datetime:
    """The UTC instant written as `2026-03-01` (midnight) or `2026-03-01T12:30:00Z`; ValueError says how."""
    try:
        return in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not an instant; write 2026-03-01 or 2026-03-01T12:30:00Z (UTC)"
        ) from None


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC; a naive one is read as UTC."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
