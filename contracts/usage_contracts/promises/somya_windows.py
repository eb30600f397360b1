"""How Somya is asked about a span of time."""

from __future__ import annotations

from datetime import date

from usage_contracts.calendar_days import DAY
from usage_contracts.looks.somya import hundredths
from usage_contracts.target import Call
from usage_contracts.windows import Windows


def window(first: date, last: date, **filters: str) -> Call:
    """The question about the dates first..last, with filters."""
    return Call((("from", first.isoformat()), ("to", last.isoformat()), *filters.items()))


def _open(first: date, last: date, **filters: str) -> Call:
    # A server that leaves the last day out is asked one day further.
    return window(first, last + DAY, **filters)


def windows(*, inclusive: bool = True, **filters: str) -> Windows:
    """Windows of days, for servers that count the last day and for those that do not."""
    ask = window if inclusive else _open
    return Windows(
        lambda first, last: ask(first, last, **filters),
        "somya.windows-add-up",
        slack=hundredths,
    )
