"""What a user may put into an event: each refusal names the field, what was found and what is right."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

MOST = 10**12
"""The largest amount one event may hold; sums of a million such events stay exact and printable."""


def is_amount(value: Any) -> bool:
    """Whether `check_amount` lets it pass."""
    return type(value) in (int, float) and 0 <= value <= MOST


def is_whole(value: Any) -> bool:
    """Whether `check_amount` lets it pass as a whole number."""
    return type(value) is int and 0 <= value <= MOST


def is_text(value: Any) -> bool:
    """Whether `check_text` lets it pass."""
    return type(value) is str and value != ""


def check_instant(at: Any) -> None:
    """Refuse what is not an instant with TypeError; the ledger turns every zone into UTC."""
    if not isinstance(at, datetime):
        raise TypeError(
            f"at is {at!r}; it must be a datetime, for example datetime(2026, 3, 1, 12, tzinfo=UTC)"
        )


def check_amount(name: str, value: Any, *, whole: bool = False) -> None:
    """Refuse what is not a number (TypeError), or not from 0 to `MOST` (ValueError)."""
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise TypeError(f"{name} is {value!r}; it must be a {'whole ' if whole else ''}number")
    if not 0 <= value <= MOST:
        raise ValueError(f"{name} is {value!r}; it must be from 0 to {MOST:,}")


def check_text(name: str, value: Any) -> None:
    """Refuse what is not a text (TypeError), or an empty one (ValueError)."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}; it must be a text")
    if not value:
        raise ValueError(f"{name} is empty; it must be a text")


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Refuse what is not one of these texts with ValueError."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
