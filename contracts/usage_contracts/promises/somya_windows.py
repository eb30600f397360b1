"""How Somya is asked about a span of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from usage_contracts.calendar_days import DAY
from usage_contracts.looks.somya import hundredths
from usage_contracts.measures import differences, empty, shown, total
from usage_contracts.run import Run
from usage_contracts.target import Answer, Call
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


def inclusive_end(run: Run, day: date) -> bool:
    """Whether the last day of a window counts; it does unless only the other reading adds up.

    Nothing says so, and a server that leaves it out is asked one day further.
    """
    # A cut at a day without any usage adds up in both readings, and tells nothing; the first is a used day.
    for back in (0, 9, 10, 11):
        apart, touching = _adds_up(run, day - DAY * 20, day - DAY * back, day + DAY * (back == 0))
        if apart != touching:
            return apart
    return True


def _adds_up(run: Run, first: date, middle: date, last: date) -> tuple[bool, bool]:
    """Whether a window is its two parts when they begin a day apart, and when they touch."""
    calls = [
        window(first, last),
        window(first, middle),
        window(middle + DAY, last),
        window(middle, last),
    ]
    if any(run.valid(call) is None for call in calls):
        return True, False
    whole, left, apart, touching = (run.figures(run.ask(call)) for call in calls)
    return (
        not differences(whole, total([left, apart]), hundredths, 3),
        not differences(whole, total([left, touching]), hundredths, 3),
    )


def two_days(run: Run, day: date) -> None:
    """Where the day `to` is left out of windows, two days show the first of them, or both."""

    def complaint(answers: Sequence[Answer]) -> str | None:
        pair, first, last = map(run.figures, answers)
        if empty(first):
            return None
        wrong = [differences(pair, one, hundredths, 3) for one in (first, total([first, last]))]
        return f"two days show {shown(wrong[0], pair, first)} on the first" if all(wrong) else ""

    spans = [(day, day + DAY), (day, day), (day + DAY, day + DAY)]
    run.relation(
        "somya.windows-add-up",
        [window(*span) for span in spans],
        complaint,
        allowed="what both days show, or the first of them",
    )
