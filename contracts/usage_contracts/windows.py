"""Windows of dates that must agree with each other: parts with their union, narrow ones with wide ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from operator import is_not

from usage_contracts.calendar_days import DAY, clock_changes, leap_day, month_start
from usage_contracts.measures import Measure, Slack, differences, empty, exact, shown, total
from usage_contracts.run import Run
from usage_contracts.target import Answer, Call


@dataclass(frozen=True)
class Windows:
    """How one provider is asked about the dates first..last (both included), and which behaviours that tries.

    `dated` tells the date (ISO 8601) in a figure's name where answers list rows; `None` where they hold sums only.
    `slack` is what rounding may cost per part. `excused` tells where a window may be turned down. `bounds`
    measures what happened at the very instants between parts, which a server with inclusive ends counts
    twice. Where it is only implied that days begin in UTC (`utc_implied`), a real service's first and last
    days are not compared.
    """

    call: Callable[[date, date], Call]
    adds_up: str
    longest: int | None = None
    ends: str = ""
    whole: str = ""
    dated: Callable[[Hashable], str] | None = None
    slack: Slack = exact
    excused: Callable[[Run, date, date], bool] | None = None
    bounds: Callable[[Run, Sequence[date]], Measure] | None = None
    utc_implied: bool = False


Cuts = Sequence[date]
Span = tuple[date, date]


LONG = 31
OLD = 366


def asked(run: Run, windows: Windows, first: date, last: date) -> Answer | None:
    """The answer for first..last, None where the server has a right not to give any.

    Long and old windows may be turned down; nothing in the documents promises how far they reach, but for
    the longest period one of them states.
    """
    long = (last - first).days >= LONG
    old = (run.today - last).days > OLD or last > run.today
    excused = windows.excused is not None and windows.excused(run, first, last)
    return run.valid(windows.call(first, last), lenient=long or old or excused)


def used(run: Run, windows: Windows, first: date, last: date) -> bool:
    """Whether the window first..last shows any usage."""
    answer = asked(run, windows, first, last)
    return answer is not None and not empty(run.figures(answer))


def latest_day(run: Run, windows: Windows, examples: Sequence[tuple[date, date]]) -> date | None:
    """The latest settled day on which something was used, None when nothing is found anywhere."""
    span = _inhabited_span(run, windows, examples)
    if span is None:
        return None
    first, last = span
    if windows.dated is not None:
        answer = run.ask(windows.call(first, last))
        return date.fromisoformat(max(map(windows.dated, run.figures(answer))))
    while first < last:
        middle = first + DAY * ((last - first).days // 2)
        if used(run, windows, middle + DAY, last):
            first = middle + DAY
        elif used(run, windows, first, middle):
            last = middle
        else:
            # Where the last day is left out, both halves miss the day between them. Whatever else makes
            # them empty within an inhabited window, the sums will tell.
            return middle
    return first


def _inhabited_span(
    run: Run, windows: Windows, examples: Sequence[tuple[date, date]]
) -> tuple[date, date] | None:
    end = run.settled_day
    size = windows.longest or 30
    tries = 3 if run.live else 13
    spans = [(end - DAY * (size * (n + 1) - 1), end - DAY * (size * n)) for n in range(tries)]
    if windows.longest is None:
        spans = [spans[0], (end - DAY * 364, end), (date(2010, 1, 1), end), *spans[1:]]
    spans[1:1] = [span for span in examples if span[1] <= end]
    return next((span for span in spans if used(run, windows, *span)), None)


def stretch(run: Run, anchor: date, days: int = 10) -> list[date]:
    """Cuts of single days around an inhabited day, across a month's end where one is near."""
    first = month_start(anchor)
    following = month_start(first + DAY * 31)
    if anchor.day <= days // 2:
        start = first - DAY * (days // 2)
    elif (following - anchor).days <= days // 2 and following + DAY * 4 <= run.settled_day:
        start = following - DAY * (days // 2)
    else:
        start = anchor - DAY * (days - 2)
    start = min(start, run.settled_day + DAY - DAY * days)
    return [start + DAY * n for n in range(days + 1)]


def edges(run: Run, anchor: date) -> Iterator[list[date]]:
    """Cuts around the days where servers go wrong, newest first; three single days each."""
    before = min(anchor, run.settled_day)
    turns = [month_start(before, back) for back in range(3)]
    turns.append(date(before.year, 1, 1))
    for turn in dict.fromkeys(turns):
        yield [turn - DAY * 2, turn - DAY, turn, turn + DAY]
    leap = leap_day(before)
    yield [leap - DAY, leap, leap + DAY, leap + DAY * 2]
    for change in clock_changes(before):
        yield [change - DAY, change, change + DAY, change + DAY * 2]


def months(anchor: date, count: int = 12) -> list[date]:
    """Cuts at the first days of the months up to the inhabited one."""
    return [month_start(anchor, back) for back in range(count, -1, -1)]


def years(anchor: date, count: int = 4) -> list[date]:
    """Cuts at the first days of the years up to the inhabited one."""
    return [date(anchor.year - back, 1, 1) for back in range(count, -1, -1)]


def compare(run: Run, windows: Windows, cuts: Cuts, unions: Iterable[tuple[int, int]]) -> bool:
    """Ask the windows between the cuts and the given unions of them, and hold them against each other.

    Returns False where they are known to disagree.
    """
    one = _compare_rows if windows.dated is not None else _compare_sums
    return all([one(run, windows, cuts[low : high + 1]) for low, high in unions])


def _spans(cuts: Cuts) -> list[tuple[date, date]]:
    return [(first, following - DAY) for first, following in pairwise(cuts)]


def _compare_sums(run: Run, windows: Windows, cuts: Cuts) -> bool:
    """The union's figures are the sum of its parts'; a breach is told with as few parts as show it."""
    if run.broken(windows.adds_up):
        return False
    spans = [(cuts[0], cuts[-1] - DAY), *_spans(cuts)]
    if any(asked(run, windows, *span) is None for span in spans):
        return True
    calls = [windows.call(*span) for span in spans]
    if _sum_complaint(run, windows, cuts, [run.ask(call) for call in calls]) and len(cuts) > 3:
        for middle in range(1, len(cuts) - 1):
            if not _compare_sums(run, windows, [cuts[0], cuts[middle], cuts[-1]]):
                return False
    return run.relation(
        windows.adds_up,
        calls,
        lambda answers: _sum_complaint(run, windows, cuts, answers),
        allowed="a window shows the sum of the windows it is made of",
    )


def _sum_complaint(run: Run, windows: Windows, cuts: Cuts, answers: Sequence[Answer]) -> str | None:
    whole, *parts = (run.figures(answer) for answer in answers)
    added = total(parts)
    if empty(whole) and empty(added):
        return None
    rounded = len(parts) + 1
    wrong = differences(whole, added, windows.slack, rounded)
    if wrong and windows.bounds is not None:
        double = windows.bounds(run, cuts[1:-1])
        if not differences(total([whole, double]), added, windows.slack, rounded):
            return ""
    return f"{cuts[0]}..{cuts[-1] - DAY} shows {shown(wrong, whole, added)} in its parts" if wrong else ""


def _compare_rows(run: Run, windows: Windows, cuts: Cuts) -> bool:
    """Every part shows just the rows which the union shows for its dates."""
    around = (cuts[0], cuts[-1] - DAY)
    return all([narrow(run, windows, around, span) for span in _spans(cuts)])


def narrow(run: Run, windows: Windows, around: Span, span: Span) -> bool:
    """A window shows just the rows which the one around it shows for its dates; False where it does not."""
    if not around[0] <= span[0] <= span[1] <= around[1]:
        raise ValueError(f"{span} is not within {around}")
    if asked(run, windows, *around) is None or asked(run, windows, *span) is None:
        return True
    wide, call = windows.call(*around), windows.call(*span)
    held, rows = True, _Rows(run, windows, span)
    for behaviour, kind in ((windows.ends, "ends"), (windows.adds_up, "inside"), (windows.whole, "whole")):
        if behaviour:
            held &= run.relation(
                behaviour,
                (wide, call),
                partial(rows.complaint, kind),
                allowed="a window shows the rows which a wider window shows for its dates",
            )
    return held


class _Rows:
    """What a window and a wider one show for the dates of the first, compared once for each pair of answers."""

    def __init__(self, run: Run, windows: Windows, span: Span) -> None:
        self._run, self._windows, self._span = run, windows, span
        edge = DAY if run.live and windows.utc_implied else DAY * 0
        self._first, self._last = (span[0] + edge).isoformat(), (span[1] - edge).isoformat()
        self._known: tuple[list[Answer], Measure, Measure, list[Hashable]] | None = None

    def complaint(self, kind: str, answers: Sequence[Answer]) -> str | None:
        """What differs in this way, "" when nothing does, None when neither answer shows any row."""
        if self._known is None or any(map(is_not, self._known[0], answers)):
            self._known = self._compared(answers)
        _, expected, inside, different = self._known
        if empty(expected) and empty(inside):
            return None
        wrong = [
            name for name in different if _kind(self._windows, name, expected, inside, self._span) == kind
        ]
        if not wrong:
            return ""
        where = f"{self._first}..{self._last}"
        return f"{where} differs from what the wider window shows: {shown(wrong, expected, inside)}"

    def _compared(self, answers: Sequence[Answer]) -> tuple[list[Answer], Measure, Measure, list[Hashable]]:
        wide, found = (self._run.figures(answer) for answer in answers)
        expected, inside = self._within(wide), self._within(found)
        return list(answers), expected, inside, differences(expected, inside)

    def _within(self, figures: Measure) -> dict[Hashable, float]:
        dated, first, last = self._windows.dated, self._first, self._last
        assert dated is not None
        return {name: value for name, value in figures.items() if first <= dated(name) <= last}


def _kind(
    windows: Windows, name: Hashable, expected: Measure, inside: Measure, span: tuple[date, date]
) -> str:
    assert windows.dated is not None
    missing = inside.get(name, 0) < expected.get(name, 0)
    if missing and windows.ends and windows.dated(name) in {day.isoformat() for day in span}:
        return "ends"
    if not missing and windows.whole:
        return "whole"
    return "inside"
