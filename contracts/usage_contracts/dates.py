"""Dates as the documents write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def iso_date(value: Any) -> date | None:
    """The date a text YYYY-MM-DD names, None for anything else."""
    if not isinstance(value, str) or DATE.fullmatch(value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def iso_instant(value: Any) -> datetime | None:
    """The UTC instant an RFC 3339 date-time names, None for anything else."""
    return _instant(value) if isinstance(value, str) else None


# The same records stand in many answers of a run.
@lru_cache(maxsize=1 << 15)
def _instant(text: str) -> datetime | None:
    found = INSTANT.fullmatch(text)
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        instant = datetime.fromisoformat(
            f"{day}T{time}{(fraction or '')[:7]}{zone.upper().replace('Z', '+00:00')}"
        )
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
