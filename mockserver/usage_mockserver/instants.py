"""Instants as RFC 3339 writes them, and calendar dates for their first instant; nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from usage_mockserver.dates import read_day

MICROSECONDS_A_DAY = 86_400_000_000
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)

# RFC 3339 section 5.6 without leap seconds, which no JavaScript service can read; a date may stand alone.
_TIME = re.compile(
    r"[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


def read_rfc3339(text: str) -> int | None:
    """Microseconds from 0001-01-01T00:00:00Z to this date-time, or to midnight UTC of this `YYYY-MM-DD`.

    None when it is neither or does not exist. An offset may carry it before the year 1 or past the year 9999.
    """
    day = read_day(text[:10])
    if day is None:
        return None
    microseconds = (day.toordinal() - 1) * MICROSECONDS_A_DAY
    if len(text) == 10:
        return microseconds
    found = _TIME.fullmatch(text, 10)
    return None if found is None else microseconds + _of_day(*found.groups())


def _of_day(
    hour: str, minute: str, second: str, fraction: str | None, sign: str | None, ahead: str, more: str
) -> int:
    """Microseconds from midnight to this time of day, brought to UTC."""
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign:
        offset = int(ahead) * 3600 + int(more) * 60
        seconds += offset if sign == "-" else -offset
    # What is finer than a microsecond is cut off: no event has a finer instant.
    return seconds * 1_000_000 + int((fraction or "")[:6].ljust(6, "0"))


def nearest_datetime(microseconds: int) -> datetime:
    """The aware UTC datetime so many microseconds from 0001-01-01T00:00:00Z, or the nearest there is."""
    if microseconds <= 0:
        return FIRST
    if microseconds >= MICROSECONDS_A_DAY * LAST.toordinal():
        return LAST
    return FIRST + timedelta(microseconds=microseconds)
