"""How Surnex is asked about a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from usage_contracts.calendar_days import DAY
from usage_contracts.looks.surnex import (
    cents,
    midnight,
)
from usage_contracts.measures import Measure, differences, total
from usage_contracts.run import Run
from usage_contracts.target import Call
from usage_contracts.windows import Windows


def between(start_at: datetime, stop_at: datetime, **filters: str) -> Call:
    """The question about start <= instant < stop."""
    return Call((("from", instant_text(start_at)), ("to", instant_text(stop_at)), *filters.items()))


def instant_text(instant: datetime) -> str:
    """An instant the way the printed example writes it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def window(first: date, last: date, **filters: str) -> Call:
    """The question about the UTC days first..last."""
    return between(midnight(first), midnight(last + DAY), **filters)


def _at_bounds(run: Run, cuts: Sequence[date], **filters: str) -> Measure:
    """What happened at the very first instants of these days: with inclusive ends it counts on both sides.

    It must show from both sides, and not a second earlier, else it is no event of that instant.
    """
    second, found = timedelta(seconds=1), []
    for cut in map(midnight, cuts):
        sides = [
            run.ask(between(cut, cut + second, **filters)),
            run.ask(between(cut - second, cut, **filters)),
            run.ask(between(cut - second * 2, cut - second, **filters)),
        ]
        after, before, earlier = (run.figures(side) if side.ok else {} for side in sides)
        found.append(after if differences(after, earlier) and not differences(after, before) else {})
    return total(found)


def windows(**filters: str) -> Windows:
    """Windows of whole UTC days."""
    return Windows(
        lambda first, last: window(first, last, **filters),
        "surnex.windows-add-up",
        slack=cents,
        bounds=lambda run, cuts: _at_bounds(run, cuts, **filters),
    )
