"""What Varg's answers to one bound, to none and to both must show of each other, whatever a missing bound means."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from usage_contracts.calendar_days import DAY
from usage_contracts.measures import Measure, differences, shown, total
from usage_contracts.run import Run
from usage_contracts.target import Answer, Call
from usage_contracts.windows import Windows, asked

ENDS, WHOLE, ADDS_UP = "varg.both-ends-included", "varg.nothing-left-out", "varg.windows-add-up"

Dated = Callable[[date], bool]


def since(first: date) -> Call:
    """The question with `from` alone."""
    return Call((("from", first.isoformat()),))


def until(last: date) -> Call:
    """The question with `to` alone."""
    return Call((("to", last.isoformat()),))


def _anywhen(_: date) -> bool:
    return True


def _counted(name: Hashable, dated: Dated) -> bool:
    assert isinstance(name, tuple)
    return name[0] == "records" and dated(date.fromisoformat(name[1]))


def _common(measures: Sequence[Measure], dated: Dated) -> dict[Hashable, float]:
    """How often each record of these dates stands in all of them."""
    first, *others = measures
    return {
        name: min(one[name] for one in measures)
        for name in first
        if _counted(name, dated) and all(name in one for one in others)
    }


def also_shown(
    run: Run, behaviour: str, sources: Sequence[Call], target: Call, dated: Dated = _anywhen
) -> bool:
    """Whatever all of the sources show of these dates, the target shows; False where it is known not to."""

    def complaint(answers: Sequence[Answer]) -> str | None:
        *known, found = map(run.figures, answers)
        common = _common(known, dated)
        missing = [name for name, count in common.items() if found.get(name, 0) < count]
        if not common:
            return None
        return f"left out: {shown(missing, common, found)}" if missing else ""

    return run.relation(
        behaviour,
        (*sources, target),
        complaint,
        allowed="the records that the other answers show of its dates",
    )


def lone_bounds(run: Run, windows: Windows, bounds: Iterable[date], last: date) -> None:
    """A lone bound leaves out nothing that both a wider lone bound and a closed window show.

    That holds for an open end, for the current month and for any number of days alike: none of them shows
    less of the narrower question's days than of the wider one's.
    """
    days = sorted(bounds)
    for low, high in pairwise(days):
        run.valid(since(low))
        if asked(run, windows, high, last) is not None:
            also_shown(run, ENDS, (since(low), windows.call(high, last)), since(high))
    # Each of these may be the whole account but for a few days.
    for low, high in pairwise(days[-2:]):
        run.valid(until(low))
        if asked(run, windows, days[0], low) is not None:
            also_shown(run, ENDS, (until(high), windows.call(days[0], low)), until(low))
    if asked(run, windows, days[0], last) is not None:
        also_shown(run, WHOLE, (since(days[0]), until(last)), windows.call(days[0], last))


def up_to_now(run: Run, windows: Windows, days: int = 6) -> None:
    """The records of these days up to today are shown, whether the end is open, today or still to come."""
    # A real service may begin its days in another zone, and then its today is yesterday or tomorrow.
    behind, slack = (timedelta(hours=14), DAY) if run.live else (timedelta(minutes=15), DAY * 0)
    today = (run.now - behind).date()
    first = today - DAY * days
    near, far = windows.call(first, today), windows.call(first, today + DAY * 30)
    if run.valid(near) is None:
        return

    def inside(day: date) -> bool:
        return first + slack <= day <= today - slack

    if asked(run, windows, first, today + DAY * 30) is not None:
        also_shown(run, ENDS, (far,), near, inside)
        also_shown(run, WHOLE, (near,), far, inside)
        if run.valid(since(first)) is not None:
            also_shown(run, WHOLE, (since(first),), far)
    for source in (since(first), Call()):
        if run.valid(source) is not None:
            also_shown(run, ENDS, (source,), near, inside)


def parts(run: Run, windows: Windows, cuts: Sequence[date]) -> bool:
    """A window shows the records of its parts, in whatever zone its days begin; False where it does not."""
    spans = [(cuts[0], cuts[-1] - DAY), *((first, after - DAY) for first, after in pairwise(cuts))]
    if any(asked(run, windows, *span) is None for span in spans):
        return True
    calls = [windows.call(*span) for span in spans]
    return all(
        [
            run.relation(
                behaviour,
                calls,
                lambda answers, lost=lost: _unlike(run, answers, lost=lost),  # type: ignore[misc]
                allowed="a window shows the records of the windows it is made of, each once",
            )
            for behaviour, lost in ((ENDS, True), (ADDS_UP, False))
        ]
    )


def _unlike(run: Run, answers: Sequence[Answer], *, lost: bool) -> str | None:
    """How a whole and its parts differ: in records that no part shows (`lost`), or otherwise."""
    whole, *some = map(run.figures, answers)
    added = total(some)
    if not whole and not added:
        return None
    wrong = [name for name in differences(whole, added) if (name not in added) is lost]
    return f"the whole and its parts: {shown(wrong, whole, added)}" if wrong else ""
