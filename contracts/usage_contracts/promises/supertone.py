"""What must hold for Supertone's voice usage, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from hypothesis import strategies as st

from usage_contracts import values
from usage_contracts.calendar_days import DAY, leap_day, month_start
from usage_contracts.dates import iso_date
from usage_contracts.explore import explore
from usage_contracts.looks.supertone import (
    EXAMPLES,
    LONGEST,
    SIGNS,
    TOLERATED,
    figures,
    inhabited,
    look,
    look_denied,
    rows_of,
    settled,
)
from usage_contracts.promises.supertone_windows import (
    WINDOWS,
    answered,
    before_account,
    days_shown,
    filled,
    month_edges,
    not_hidden,
    present,
    present_windows,
    shared_days,
    tiles,
    unused,
    window,
)
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import access, harmless, probe, refused, turned_down, twice
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import asked, compare, edges, latest_day, narrow, stretch

__all__ = ["SIGNS", "TOLERATED", "figures", "inhabited", "look", "look_denied", "plan", "settled"]


def refusal(answer: Answer) -> str:
    """A 400 or 422, or the 500 which the page documents; it does not print what a 500 says."""
    return "" if answer.status in {400, 422, 500} else f"status {answer.status}"


def _silent(answer: Answer) -> bool:
    """Whether an answer to a bad question tells nothing; a 401 to a good key blames the wrong thing."""
    return not answer.judgeable or answer.status in {402, 403}


def plan(run: Run) -> Iterator[Callable[[Run], Iterable[Judgement]]]:
    """The steps of a run, most telling first."""
    anchor = latest_day(run, WINDOWS, EXAMPLES)
    day = anchor or run.settled_day
    near = [window(day - DAY * 6, day), window(day, day)]
    if run.live:
        yield lambda run: _live(run, day)
        return
    yield lambda run: _long_windows(run, day)
    yield lambda run: _limit(run, day)
    yield lambda run: _agreeing(run, day)
    yield present
    yield lambda run: _nothing_used(run, day)
    yield lambda run: _bad_dates(run, day)
    yield lambda run: harmless(run, near)
    yield lambda run: _access(run, near, day)
    yield lambda run: _twice(run, [window(day - DAY * 29, day), *near, *map(_window, EXAMPLES)])
    yield lambda run: _explored(run, day)
    yield shared_days


def _window(span: tuple[date, date]) -> Call:
    return window(*span)


def _access(run: Run, calls: list[Call], day: date) -> Iterator[Judgement]:
    """A window without use needs a key like any other."""
    nothing = unused(run)
    calls = calls if nothing is None else [*calls, nothing]
    return access(run, calls, SIGNS, bad=[window(day, day - DAY)])


def _twice(run: Run, calls: list[Call]) -> Iterator[Judgement]:
    """What was asked before is asked again, and so is the first question of all."""
    yield from twice(run, calls)
    run.again(run.log[0].call)
    yield from filled(run)


def _live(run: Run, day: date) -> Iterator[Judgement]:
    """What tells most for a request; four fifths of the usual cap."""
    yield from _thirty(run, day - DAY * 29)
    yield from _limit(run, day, spans=(31,))
    yield from _too_long(run, window(run.today - DAY * 366, run.today))
    turn, new_year = month_start(day), date(day.year, 1, 1)
    before = month_start(day, 1)
    yield from _too_long(run, window(before, before + DAY * 31))
    yield from _too_long(run, window(new_year - DAY * 15, new_year + DAY * 16))
    leap = leap_day(day)
    for first in (new_year - DAY * 15, leap - DAY * 15, before):
        yield from _thirty(run, first)
    for single in (new_year - DAY, leap):
        answered(run, single, single)
    wide = (day - DAY * 29, day)
    # An end that is left out shows only on a day with usage, which a wider window ends after.
    known = sorted(one for one in days_shown(run) if wide[0] < one < day) or [day]
    middle = known[len(known) // 2]
    for span in ((middle, middle), (day - DAY * 6, day), (wide[0], middle), (middle, day)):
        narrow(run, WINDOWS, wide, span)
    around = (turn - DAY * 2, turn + DAY * 2)
    for span in ((turn - DAY * 2, turn - DAY), (turn, turn + DAY), (turn - DAY, turn)):
        narrow(run, WINDOWS, around, span)
    for span in (present_windows(run)[0], (run.today - DAY, run.today + DAY)):
        asked(run, WINDOWS, *span)
    yield from _empty(run, window(run.today + DAY * 3, run.today + DAY * 9), sure=False)
    yield from _nothing_used(run, day)
    yield from _bad_dates(run, day, drawn=False)
    yield from harmless(run, [window(day - DAY * 6, day)])
    yield from _twice(run, [window(day, day)])
    yield from shared_days(run)
    if run.probe_auth:
        yield from probe(run, window(day, day), SIGNS)


def _thirty(run: Run, first: date) -> Iterator[Judgement]:
    # A window that reaches into the future may be refused for that.
    first = min(first, run.settled_day - DAY * 29)
    answer = run.ask(window(first, first + DAY * 29))
    if not unanswered(answer) and not before_account(run, first, first + DAY * 29):
        yield judge(
            "supertone.thirty-dates",
            answer.status == 200,
            answer,
            observed=f"30 dates got status {answer.status}: {start(answer)}",
            allowed="200: the page's own example asks for 30 dates",
        )


def _long_windows(run: Run, day: date) -> Iterator[Judgement]:
    """The longest legal window is answered wherever it starts, and so is every shorter one."""
    leap, new_year = leap_day(day), date(day.year, 1, 1)
    starts = [day - DAY * 29, leap - DAY * 15, new_year - DAY * 15, EXAMPLES[1][0]]
    starts += [month_start(day, back) for back in range(1, 13, 3)]
    starts += [date(leap.year + 1, 2, 1), date(day.year - 1, 12, 31)]
    for first in starts:
        yield from _thirty(run, first)
    for days in (1, 2, 7, 8, 14, 15, 28, 29):
        answered(run, day - DAY * (days - 1), day)
    for turn in (leap, new_year - DAY, new_year, month_start(day) - DAY):
        answered(run, turn, turn)
    tiles(run, day)


def _limit(run: Run, day: date, spans: tuple[int, ...] = (31, 32, 33, 45, 60, 89)) -> Iterator[Judgement]:
    """A longer window is refused or cut, never answered with rows over its whole span."""
    known = days_shown(run)
    for span in spans:
        pair = next((one for one in sorted(known, reverse=True) if one - DAY * span in known), None)
        last = pair or day
        yield from _too_long(run, window(last - DAY * span, last))
    if not run.live:
        yield from _too_long(run, window(day - DAY * 366, day))
        yield from _too_long(run, window(date(1970, 1, 1), run.today))


def _too_long(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if _silent(answer):
        return
    if answer.refused:
        yield judge("supertone.limit-30-days", True, answer)
        yield from turned_down(run, answer, SIGNS, refusal=refusal)
    elif answer.status == 200:
        run.note("the limit of 30 days is not enforced by a refusal")
        yield from not_hidden(run, call)
    else:
        yield judge(
            "supertone.refusal-status", False, answer, observed=f"status {answer.status}", allowed="400"
        )


def _agreeing(run: Run, day: date) -> Iterator[Judgement]:
    """Narrow windows show just what wide ones show for their dates."""
    cuts = stretch(run, day)
    compare(run, WINDOWS, cuts, [(0, len(cuts) - 1)])
    # What is compared has ended: usage of today may arrive between two questions.
    end = min(cuts[-1] + DAY * 7, run.settled_day)
    wide, begin = (end - DAY * 29, end), min(cuts[0], end - DAY * 14)
    for days in (2, 7, 8, 14, 15):
        narrow(run, WINDOWS, wide, (begin, begin + DAY * (days - 1)))
        narrow(run, WINDOWS, wide, (cuts[-1] - DAY * days, cuts[-1] - DAY))
    month = month_start(day, 1)
    narrow(run, WINDOWS, (month - DAY * 2, month + DAY * 27), (month, month + DAY * 26))
    month_edges(run, [*(month_start(day, back) for back in range(3)), date(day.year, 1, 1)])
    for around in edges(run, day):
        compare(run, WINDOWS, around, [(0, 3)])
    for back in (365, 730):
        compare(run, WINDOWS, [day - DAY * (back + n) for n in (3, 2, 0)], [(0, 2)])
    return iter(())


def _nothing_used(run: Run, day: date) -> Iterator[Judgement]:
    """A period without records gets an empty array."""
    wide = run.ask(window(day - DAY * 29, day))
    quiet: list[date] = []
    if wide.ok:
        known = {iso_date(row.get("date")) for row in rows_of(wide)}
        quiet = [one for n in range(30) if (one := day - DAY * n) not in known]
    for one in quiet[: 1 if run.live else 3]:
        yield from _empty(run, window(one, one), sure=True)
    if not run.live:
        yield from _empty(run, window(date(1999, 1, 1), date(1999, 1, 10)), sure=False)
        yield from _empty(run, window(run.today + DAY * 3, run.today + DAY * 9), sure=False)
    elif not quiet:
        yield from _empty(run, window(date(2015, 1, 1), date(2015, 1, 10)), sure=False)


def _empty(run: Run, call: Call, *, sure: bool) -> Iterator[Judgement]:
    answer = run.ask(call)
    if unanswered(answer):
        return
    if not sure and answer.status in {400, 422}:
        return
    shown = answer.json.get("usages") if answer.ok else None
    yield judge(
        "supertone.empty-array",
        shown == [],
        answer,
        observed=f"status {answer.status}: {start(answer)}",
        allowed='200 with "usages": [] where nothing was used',
    )


def _bad_dates(run: Run, day: date, *, drawn: bool = True) -> Iterator[Judgement]:
    """What is no date is refused; a reversed period has no rows; a missing date opens no wider window."""
    good = window(day - DAY * 3, day)
    nonsense = values.NO_DATES if drawn else values.NO_DATES[:1]
    for bad in nonsense:
        yield from _no_date(run, good.using(start_date=bad))
        yield from _no_date(run, good.using(end_date=bad))
    if drawn:
        yield from _no_date(run, good.using(start_date="yesterday", end_date="today"))
    # Whatever a server keeps of the question before shows best between a good answer and a bad question.
    run.again(good)
    for days in (1, 3, 20) if drawn else (1,):
        yield from _reversed(run, window(day, day - DAY * days))
    long = window(day - DAY * 60, day)
    yield from _missing(run, long.using(end_date=None))
    yield from _missing(run, long.using(start_date=None))
    if drawn:
        yield from _missing(run, Call())
    if drawn:
        explore(
            run,
            values.no_dates(),
            lambda bad: _held(run, _no_date(run, good.using(start_date=bad))),
            share=0.5,
        )


def _held(run: Run, judgements: Iterable[Judgement]) -> bool:
    told = list(judgements)
    run.enter(told)
    return all(judgement.held for judgement in told)


def _no_date(run: Run, call: Call) -> Iterator[Judgement]:
    return refused(
        run, call, "malformed-date-refused", SIGNS, refusal=refusal, allowed="a refusal of what is no date"
    )


def _reversed(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if _silent(answer):
        return
    yield judge(
        "supertone.reversed-window-empty",
        answer.status != 200 or not rows_of(answer),
        answer,
        observed=f"rows although the period ends before it starts: {start(answer)}",
        allowed="a refusal, or no rows",
    )
    if answer.refused:
        yield from turned_down(run, answer, SIGNS, refusal=refusal)


def _missing(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if _silent(answer):
        return
    yield judge("supertone.missing-date-refused", answer.refused, answer, observed=f"status {answer.status}")
    days = [day for row in rows_of(answer) if (day := iso_date(row.get("date"))) is not None]
    span = (max(days) - min(days)).days if days else 0
    yield judge("supertone.both-dates-required", span <= LONGEST, answer, observed=f"rows over {span} days")
    if answer.refused:
        yield from turned_down(run, answer, SIGNS, refusal=refusal)


def _explored(run: Run, day: date) -> Iterator[Judgement]:
    """Drawn windows agree with the wide ones known by now."""
    wide = (day - DAY * 29, day)

    def holds(drawn: tuple[int, int]) -> bool:
        low, high = sorted(drawn)
        return narrow(run, WINDOWS, wide, (day - DAY * high, day - DAY * low))

    explore(run, st.tuples(st.integers(0, 29), st.integers(0, 29)), holds)
    return iter(())
