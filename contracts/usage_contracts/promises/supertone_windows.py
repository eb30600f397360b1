"""How Supertone is asked about dates, and what its answers about the same dates owe each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial

from usage_contracts.calendar_days import DAY
from usage_contracts.looks.supertone import LONGEST, NAMES, asked_dates, days_of, rows_of, settled
from usage_contracts.measures import Measure, differences, same, shown
from usage_contracts.run import HEAVY, Run
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import Windows, asked

Span = tuple[date, date]

REFUSED = {400, 422}
CLOCKS = timedelta(minutes=15)
"""How far the server's clock may be off ours."""
BATCH = 3
"""So many past days do not arrive at once between two questions."""


def window(first: date, last: date) -> Call:
    """The question about the dates first..last."""
    return Call((("start_date", first.isoformat()), ("end_date", last.isoformat())))


def days_shown(run: Run) -> set[date]:
    """Every date some answer of this run showed rows for."""
    return {day for answer in run.first.values() for day in days_of(answer)}


def before_account(run: Run, first: date, last: date) -> bool:
    """Whether first..last was refused for its age: nothing is known that old, and the day before is refused too."""
    if run.ask(window(first, last)).status not in REFUSED or any(day <= first for day in days_shown(run)):
        return False
    return run.ask(window(first - DAY, first - DAY)).status in REFUSED


def answered(run: Run, first: date, last: date) -> None:
    """The window is answered, however old, but for days before the account."""
    run.valid(window(first, last), lenient=before_account(run, first, last))


def _dated(name: Hashable) -> str:
    assert isinstance(name, tuple)
    return str(name[1])


WINDOWS = Windows(
    window,
    "supertone.windows-add-up",
    longest=LONGEST,
    ends="supertone.both-ends-included",
    dated=_dated,
    excused=before_account,
)


# -- answers that share days ----------------------------------------------------------------------------


def _named(answer: Answer) -> Measure:
    """The name that each date and combination is shown under."""
    return {
        ("named", str(row.get("date")), *(str(row.get(name, "")) for name in (*NAMES, "name"))): 1.0
        for row in rows_of(answer)
    }


def _within(run: Run, answer: Answer, days: set[str]) -> dict[Hashable, float]:
    whole = {**run.figures(answer), **_named(answer)}
    return {name: value for name, value in whole.items() if _dated(name) in days}


def _dates(span: Span) -> set[str]:
    return {(span[0] + DAY * n).isoformat() for n in range((span[1] - span[0]).days + 1)}


def _closed(run: Run) -> Iterator[tuple[Call, Span]]:
    """The windows that were answered in full, and in which nothing new happens."""
    for call, answer in run.first.items():
        span = asked_dates(call)
        if span is None or call.key != "good" or len(call.params) != 2 or len(answer.body) >= HEAVY:
            continue
        whole = span[0] <= span[1] < span[0] + DAY * LONGEST
        if whole and settled(run, call) and run.readable(answer):
            yield call, span


def _contradictions(run: Run) -> list[tuple[Call, Call]]:
    """Pairs of windows whose first answers differ about a day which both cover."""
    known: dict[str, tuple[Call, dict[Hashable, float]]] = {}
    found: dict[tuple[Call, Call], None] = {}
    for call, span in _closed(run):
        rows: dict[str, dict[Hashable, float]] = {day: {} for day in sorted(_dates(span))}
        for name, value in _within(run, run.first[call], set(rows)).items():
            rows[_dated(name)][name] = value
        for day, mine in rows.items():
            other, theirs = known.setdefault(day, (call, mine))
            if mine != theirs and differences(theirs, mine):
                found.setdefault((other, call))
    return list(found)


def shared_days(run: Run) -> Iterator[Judgement]:
    """Any two answers show the same rows, under the same names, for the days which both cover."""
    for pair in _contradictions(run)[:3]:
        spans = [span for call in pair if (span := asked_dates(call)) is not None]
        days = _dates(spans[0]) & _dates(spans[1])
        for behaviour, at_ends in ((WINDOWS.ends, True), (WINDOWS.adds_up, False)):
            held = run.relation(
                behaviour,
                pair,
                partial(_unlike, run, spans, days, at_ends),
                allowed="the same rows for a day in every window around it",
            )
            if not held:
                return
            yield judge(behaviour, True, [run.ask(call) for call in pair])


def _unlike(run: Run, spans: Sequence[Span], days: set[str], at_ends: bool, answers: Sequence[Answer]) -> str:
    left, right = (_within(run, answer, days) for answer in answers)
    wrong = differences(left, right)

    def at_end(name: Hashable) -> bool:
        less = left.get(name, 0) < right.get(name, 0)
        span, value = (spans[0], left.get(name, 0)) if less else (spans[1], right.get(name, 0))
        # Of a window of one day that shows less, a wider one may as well show too much.
        told = not value or span[0] < span[1]
        return told and _dated(name) in {day.isoformat() for day in span}

    counted = [name for name in wrong if isinstance(name, tuple) and name[0] != "named"]
    if not wrong or (bool(counted) and all(map(at_end, counted))) is not at_ends:
        return ""
    return f"two windows differ about days which both cover: {shown(wrong, left, right)}"


# -- today ----------------------------------------------------------------------------------------------


def present_windows(run: Run) -> list[Span]:
    """Windows up to today, by any clock that is right enough; a day of theirs is asked about again later."""
    day = (run.now - CLOCKS).date()
    single = [(day, day), (day - DAY, day - DAY)]
    # An odd number: of two replicas that take turns, one may be behind.
    return [(day - DAY * 6, day), *single, (day - DAY * 5, day), (day - DAY * 4, day)]


def present(run: Run) -> Iterator[Judgement]:
    """Today is answered like any day, and what was shown of it does not fall from one window to the next."""
    spans = present_windows(run)
    if all([asked(run, WINDOWS, *span) is not None for span in spans]):
        run.relation(
            WINDOWS.adds_up,
            [window(*span) for span in spans],
            partial(_fallen, run, spans),
            allowed="no less of a day than was shown of it before",
        )
    asked(run, WINDOWS, run.today - DAY, run.today + DAY)
    return iter(())


def _fallen(run: Run, spans: Sequence[Span], answers: Sequence[Answer]) -> str:
    # New speech, and answers kept for a while, can only make a later answer show more.
    before: dict[Hashable, float] = {}
    for span, answer in zip(spans, answers, strict=True):
        found, days = run.figures(answer), _dates(span)
        fallen = [
            name
            for name, value in before.items()
            if _dated(name) in days and (now := found.get(name, 0)) < value and not same(now, value)
        ]
        if fallen:
            return f"{span[0]}..{span[1]} shows less than a window before it: {shown(fallen, before, found)}"
        before.update(found)
    return ""


# -- the same question ----------------------------------------------------------------------------------


def filled(run: Run) -> Iterator[Judgement]:
    """A past period that showed nothing does not show several days of usage when it is asked about again."""
    for call, first in run.first.items():
        later = run.latest.get(call, first)
        if call.key != "good" or later is first or not (first.ok and later.ok) or not settled(run, call):
            continue
        days = days_of(later)
        yield judge(
            run.id("repeatable"),
            bool(rows_of(first)) or len(days) < BATCH,
            (first, later),
            observed=f"no rows at first, later rows of {len(days)} days",
            allowed="the same figures for the same window in the past",
        )


def not_hidden(run: Run, call: Call) -> Iterator[Judgement]:
    """A period that is too long and answered shows something, whichever thirty of its dates it is cut to."""
    span, reach = asked_dates(call), DAY * LONGEST
    if span is None or rows_of(run.ask(call)):
        return
    known = days_shown(run)
    begins = any(span[0] <= day < span[0] + reach for day in known)
    if not begins or not any(span[1] - reach < day <= span[1] for day in known):
        return
    answer = run.again(call)
    yield judge(
        "supertone.limit-30-days",
        not answer.ok or bool(rows_of(answer)),
        answer,
        observed="no rows, though its first and its last 30 dates have some",
        allowed="a refusal, or the rows of at most 30 days",
    )


def unused(run: Run) -> Call | None:
    """A window of the past that was answered without any row."""
    return next((call for call, _ in _closed(run) if not rows_of(run.first[call])), None)


def month_edges(run: Run, turns: Sequence[date]) -> None:
    """Windows of two days that end with a month, and that begin with one."""
    for turn in turns:
        for first in (turn - DAY * 2, turn):
            if first + DAY <= run.settled_day:
                asked(run, WINDOWS, first, first + DAY)


def tiles(run: Run, day: date, count: int = 12) -> None:
    """Windows of thirty dates over the year before, each sharing two days with the next."""
    for back in range(1, count + 1):
        last = day - DAY * 28 * back
        asked(run, WINDOWS, last - DAY * (LONGEST - 1), last)
