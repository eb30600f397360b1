"""What must hold for Somya's usage summary, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice, pairwise

from hypothesis import strategies as st

from usage_contracts.calendar_days import DAY, month_start
from usage_contracts.explore import explore
from usage_contracts.looks.somya import (
    SIGNS,
    TOLERATED,
    figures,
    inhabited,
    look,
    look_denied,
    settled,
)
from usage_contracts.measures import empty, excesses, shown
from usage_contracts.promises.somya_credits import credits_alike
from usage_contracts.promises.somya_filters import filters, partition, strangers
from usage_contracts.promises.somya_periods import defaults, still_told
from usage_contracts.promises.somya_refusals import refusals
from usage_contracts.promises.somya_windows import inclusive_end, two_days, window, windows
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import (
    access,
    harmless,
    probe,
    same_figures,
    turned_down,
    twice,
    unfit,
)
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import compare, edges, latest_day, months, stretch, years

__all__ = ["SIGNS", "TOLERATED", "figures", "inhabited", "look", "look_denied", "plan", "settled"]


EXAMPLES: tuple[tuple[date, date], ...] = ()


def plan(run: Run) -> Iterator[Callable[[Run], Iterable[Judgement]]]:
    """The steps of a run, most telling first."""
    asked = windows()
    anchor = latest_day(run, asked, EXAMPLES)
    day = anchor or run.settled_day
    near = [window(day - DAY * 6, day), window(day - DAY * 6, day, source="web")]
    if run.live:
        yield lambda run: _live(run, day)
        return
    yield lambda run: defaults(run, day)
    yield lambda run: _agreeing(run, day)
    yield lambda run: filters(run, day)
    yield lambda run: _wider(run, day)
    yield lambda run: _nothing_used(run, day)
    yield lambda run: refusals(run, day)
    # Right behind refusals, so that what those leave behind shows.
    yield lambda run: twice(run, [window(day - DAY * 29, day), near[1], window(day, day)])
    yield lambda run: harmless(run, near)
    yield lambda run: access(
        run,
        [near[0], Call(), near[1]],
        SIGNS,
        bad=[Call((("source", "mobile"),)), Call((("from", "yesterday"),))],
    )
    yield lambda run: _credentials(run, near)
    yield still_told
    yield lambda run: _explored(run, day)
    yield credits_alike


def _live(run: Run, day: date) -> Iterator[Judgement]:
    yield from defaults(run, day, short=True)
    asked = windows(inclusive=inclusive_end(run, day))
    turn = month_start(day)
    compare(run, asked, [turn - DAY * 2, turn, turn + DAY * 2], [(0, 2)])
    compare(run, asked, [day - DAY * 799, day - DAY * 364, day - DAY * 29, day + DAY], [(0, 3)])
    partition(run, (day - DAY * 799, day))
    yield from strangers(run, day, count=1)
    yield from refusals(run, day, drawn=False)
    yield from twice(run, [window(day - DAY * 6, day)])
    yield from harmless(run, [window(day - DAY * 6, day)])
    yield from _credentials(run, [window(day - DAY * 6, day)])
    yield from _inverted(run, window(day, day - DAY * 3))
    yield from credits_alike(run)
    if run.probe_auth:
        yield from probe(run, window(day, day), SIGNS)


def _agreeing(run: Run, day: date) -> Iterator[Judgement]:
    """A window counts what its parts count."""
    asked = windows(inclusive=inclusive_end(run, day))
    cuts = stretch(run, day)
    size = len(cuts) - 1
    compare(run, asked, cuts, [(0, size), (0, 7), (0, 8), (size - 2, size)])
    # The two latest month ends, a year's end and a leap day.
    for around in (*islice(edges(run, day), 2), *islice(edges(run, day), 3, 5)):
        compare(run, asked, around, [(0, 3), (1, 3)])
        _within_answered(run, asked.call, around)
    compare(run, asked, months(day, 6), [(0, 6)])
    compare(run, asked, years(day, 3), [(0, 3)])
    for source in ("web", "api_key"):
        narrow = windows(inclusive=inclusive_end(run, day), source=source)
        compare(run, narrow, [cuts[0], cuts[3], cuts[size]], [(0, 2)])
        compare(run, narrow, [day - DAY * 799, day - DAY * 364, day + DAY], [(0, 2)])
    if not inclusive_end(run, day):
        two_days(run, day)
    return iter(())


def _within_answered(run: Run, ask: Callable[[date, date], Call], cuts: Sequence[date]) -> None:
    """No day of a window that was answered is too old, too far ahead or too long a span."""
    if run.ask(ask(cuts[0], cuts[-1] - DAY)).ok:
        for first, following in pairwise(cuts):
            run.valid(ask(first, following - DAY))


def _wider(run: Run, day: date) -> Iterator[Judgement]:
    """A wider window never counts less."""
    spans = [
        (day, day),
        (day - DAY * 29, day),
        (day - DAY * 120, day),
        (day - DAY * 799, day),
        (date.min, date.max),
    ]

    def complaint(answers: Sequence[Answer]) -> str | None:
        small, large = map(run.figures, answers)
        if empty(small):
            return None
        wrong = excesses(small, large)
        return f"the wider window shows less: {shown(wrong, small, large)}" if wrong else ""

    for small, large in pairwise(spans):
        calls = (window(*small), window(*large))
        if all(run.valid(call, lenient=True) is not None for call in calls):
            run.relation("somya.wider-never-less", calls, complaint, allowed="no counter falls")
    return iter(())


def _nothing_used(run: Run, day: date) -> Iterator[Judgement]:
    """Before there was an account, and after today, nothing is counted."""
    spans = [(date(1999, 1, 1), date(1999, 12, 31)), (run.today + DAY * 3, run.today + DAY * 30)]
    for first, last in spans:
        answer = run.ask(window(first, last))
        if unanswered(answer) or answer.refused:
            continue
        yield judge(
            "somya.empty-past-zero",
            not inhabited(answer),
            answer,
            observed=f"usage in {first}..{last}: {start(answer)}",
            allowed="all counters 0",
        )
    for days in (1, 40):
        yield from _inverted(run, window(day, day - DAY * days))
    yield from _inverted(run, window(day, day - DAY * 3, source="web"))


def _inverted(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if not unanswered(answer) and answer.refused:
        yield from turned_down(run, answer, SIGNS, refusal=unfit)


def _credentials(run: Run, calls: Sequence[Call]) -> Iterator[Judgement]:
    """The key opens the account in either header."""
    for call in calls:
        other = Call(call.params, "good", 1)
        answer = run.ask(other)
        if answer.judgeable and answer.status in {401, 403} and run.ask(call).ok:
            yield judge(
                "somya.key-either-header",
                False,
                (run.ask(call), answer),
                observed=f"status {answer.status} to the key as a bearer token",
                allowed="X-API-Key and Authorization: Bearer are equivalent",
            )
        else:
            yield from same_figures(run, "key-either-header", call, other)


def _explored(run: Run, day: date) -> Iterator[Judgement]:
    """Drawn windows add up, for each source, and sources stay within all."""
    asked = windows(inclusive=inclusive_end(run, day))

    def holds(drawn: tuple[int, int, int]) -> bool:
        low, middle, high = sorted(drawn)
        if low < middle < high:
            cuts = [day - DAY * high, day - DAY * middle, day - DAY * low]
            return compare(run, asked, cuts, [(0, 2)]) and partition(run, (cuts[0], cuts[2]))
        return partition(run, (day - DAY * high, day - DAY * low))

    backs = st.integers(0, 800)
    explore(run, st.tuples(backs, backs, backs), holds, share=0.4)
    return iter(())
