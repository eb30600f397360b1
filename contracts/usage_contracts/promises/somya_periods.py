"""Periods of a Somya server that were not asked for in full: without dates, and with one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from usage_contracts.calendar_days import DAY, month_start
from usage_contracts.dates import iso_date
from usage_contracts.looks.somya import SOURCES, hundredths, part_of
from usage_contracts.measures import differences, empty, excesses, shown, total
from usage_contracts.promises.somya_filters import recent, within
from usage_contracts.promises.somya_windows import window
from usage_contracts.run import Run, start
from usage_contracts.steps import same_figures
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import LONG


def defaults(run: Run, day: date, *, short: bool = False) -> Iterator[Judgement]:
    """Every parameter may be left out; what is given is kept, and what is told is counted."""
    open_ended = [
        Call(),
        Call((("to", day.isoformat()), ("source", "api_key"))),
        Call((("from", (day - DAY * 3).isoformat()), ("source", "web"))),
    ]
    for call in open_ended:
        _lone(run, call)
    if not short:
        _lone(run, Call((("from", month_start(day, 2).isoformat()),)))
        _lone(run, Call((("to", (month_start(day) - DAY).isoformat()),)))
        _lone(run, Call((("to", run.today.isoformat()),)))
        _lone(run, Call((("from", (run.today + DAY * 20).isoformat()),)))
        for source in SOURCES:
            run.valid(Call((("source", source),)))
        within(run, [Call((("source", source),)) for source in SOURCES])
        run.valid(window(day, run.today), lenient=(run.today - day).days >= LONG or run.today > _reached(run))
    for call in open_ended[: 2 if short else 3]:
        _counted_as_told(run, call)
    plain = window(day - DAY * 6, day)
    yield from same_figures(run, "source-default-all", plain, plain.using(source="all"))


def still_told(run: Run) -> Iterator[Judgement]:
    """Without dates the period moves with the date alone."""
    call = Call()
    first = run.ask(call)
    later = run.again(call)
    before, now = _told(first), _told(later)
    if before is None or now is None:
        return
    yield judge(
        "somya.repeatable",
        now == before or (now[0] >= before[0] and before[1] < now[1] <= before[1] + DAY * LONG),
        (first, later),
        observed=f"period {before[0]}..{before[1]} at first, {now[0]}..{now[1]} later",
        allowed="the same period, or a later one after midnight",
    )


def _lone(run: Run, call: Call) -> None:
    """One bound or none; away from today one makes a span that is too long, too far ahead or backwards."""
    low, high = iso_date(call.param("from")), iso_date(call.param("to"))
    near = (low is None or run.today - DAY * (LONG - 2) <= low <= _reached(run)) and (
        high is None or month_start(run.horizon) <= high <= _reached(run)
    )
    run.valid(call, lenient=not near)


def _reached(run: Run) -> date:
    """The latest date that a clock some minutes off has reached too."""
    return (run.now - timedelta(minutes=15)).date()


def _counted_as_told(run: Run, call: Call) -> None:
    """An open period has no more than the whole days that it names, and no less than the days between them.

    It may begin and end at an instant of those days; and what came in today may be in one answer alone.
    """
    period = _told(run.ask(call))
    if period is None or period[0] >= period[1]:
        return
    source = call.param("source")
    inner = (period[0] + DAY, min(period[1] - DAY, run.settled_day))
    moving = [_of(recent(run), source)] if period[1] > run.settled_day else []
    between = [_of(inner, source)] if inner[0] <= inner[1] else []
    asked = [call, *between, _of(period, source), *moving]
    if not all(run.ask(one).ok for one in asked):
        return

    def complaint(answers: Sequence[Answer]) -> str | None:
        own, *others = map(run.figures, answers)
        within, whole = total(others[: len(between)]), total(others[len(between) :])
        if _told(answers[0]) != period or (empty(own) and empty(within)):
            return None
        wrong = excesses(own, whole, hundredths, 3)
        if wrong:
            return f"more than the days of the period hold: {shown(wrong, own, whole)}"
        wrong = excesses(within, own, hundredths, 2)
        return f"less than the days between: {shown(wrong, own, within)}" if wrong else ""

    allowed = "the counters of the period that is told"
    if run.relation("somya.period-counted", asked, complaint, allowed=allowed) and between:
        _not_void(run, call, between[0])


def _of(span: tuple[date, date], source: str | None) -> Call:
    return window(*span) if source is None else window(*span, source=source)


def _not_void(run: Run, call: Call, inner: Call) -> None:
    """Days that were settled before the run began are in its first answers too."""
    first, settled = run.ask(call), run.ask(inner)
    if (
        not empty(run.figures(first))
        or empty(run.figures(settled))
        or _told(first) != _told(run.latest[call])
    ):
        return
    again = run.again(inner)
    if run.readable(again) and not differences(run.figures(settled), run.figures(again)):
        run.enter(
            [
                judge(
                    "somya.period-counted",
                    False,
                    (first, settled),
                    observed=f"nothing at first, though {start(settled)} is in the period",
                    allowed="the counters of the period that is told",
                )
            ]
        )


def _told(answer: Answer) -> tuple[date, date] | None:
    period = part_of(answer, "period")
    first, last = iso_date(period.get("from")), iso_date(period.get("to"))
    return None if first is None or last is None else (first, last)
