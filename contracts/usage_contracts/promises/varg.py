"""What must hold for Varg's usage records, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date

from hypothesis import strategies as st

from usage_contracts import values
from usage_contracts.calendar_days import DAY, month_start
from usage_contracts.explore import explore
from usage_contracts.looks.varg import (
    EXAMPLES,
    SIGNS,
    TOLERATED,
    figures,
    inhabited,
    look,
    look_at_signs,
    look_denied,
    records,
    settled,
)
from usage_contracts.promises.varg_bounds import lone_bounds, parts, since, up_to_now
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import access, harmless, probe, turned_down, twice
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import Windows, compare, edges, latest_day, narrow, stretch

__all__ = ["SIGNS", "TOLERATED", "figures", "inhabited", "look", "look_denied", "plan", "settled"]


def window(first: date, last: date) -> Call:
    """The question about the dates first..last."""
    return Call((("from", first.isoformat()), ("to", last.isoformat())))


def _dated(name: Hashable) -> str:
    assert isinstance(name, tuple)
    return str(name[1])


WINDOWS = Windows(
    window,
    "varg.windows-add-up",
    ends="varg.both-ends-included",
    whole="varg.nothing-left-out",
    utc_implied=True,
    dated=_dated,
)


def refusal(answer: Answer) -> str:
    """A 400 or 422, or a 500 that has the documented error object."""
    if answer.status in {400, 422}:
        return ""
    body = answer.json
    told = (
        isinstance(body, dict) and isinstance(body.get("error"), str) and isinstance(body.get("message"), str)
    )
    return "" if answer.status == 500 and told else f"status {answer.status}"


def plan(run: Run) -> Iterator[Callable[[Run], Iterable[Judgement]]]:
    """The steps of a run, most telling first."""
    anchor = latest_day(run, WINDOWS, EXAMPLES)
    day = anchor or run.settled_day
    near = [window(day - DAY * 6, day), since(day)]
    if run.live:
        yield lambda run: _live(run, day)
        return
    yield lambda run: _agreeing(run, day)
    yield lambda run: _open_ends(run, day)
    yield _signs
    yield _nothing_used
    yield lambda run: _bad_dates(run, day)
    yield lambda run: harmless(run, near[:1])
    yield lambda run: access(run, [near[0], Call(), near[1]], SIGNS, bad=[near[0].using(to="yesterday")])
    yield lambda run: twice(run, [window(day - DAY * 12, day), near[0], window(day, day)])
    yield lambda run: _explored(run, day)


def _live(run: Run, day: date) -> Iterator[Judgement]:
    wide = (day - DAY * 29, day)
    for span in ((day, day), (day - DAY * 6, day), (day - DAY * 29, day - DAY * 20)):
        narrow(run, WINDOWS, wide, span)
    turn = month_start(day)
    compare(run, WINDOWS, [turn - DAY, turn, turn + DAY], [(0, 2)])
    for cuts in _partitions(run, day):
        parts(run, WINDOWS, cuts)
    if not _huge(run, day):
        # Limits of a server's own, in rows or in days, show in long windows alone.
        narrow(run, WINDOWS, (day - DAY * 119, day), wide)
    run.valid(Call())
    lone_bounds(run, WINDOWS, (day - DAY * 6, day), day)
    up_to_now(run, WINDOWS)
    yield from _signs(run)
    for days in (1, 3):
        yield from _reversed(run, window(day, day - DAY * days))
    for name in ("from", "to"):
        yield from _nonsense(run, window(day, day).using(**{name: values.NO_DATES[0]}))
    yield from harmless(run, [window(day - DAY * 6, day)])
    yield from twice(run, [window(day, day)])
    if run.probe_auth:
        yield from probe(run, window(day, day), SIGNS)


def _partitions(run: Run, day: date) -> Iterator[list[date]]:
    """Cuts that split windows asked anyway, so that two or three more questions tell whether they add up."""
    after, turn = day + DAY, month_start(day)
    yield [day - DAY * 6, day, after]
    yield [day - DAY * 29, day - DAY * 19, day - DAY * 6, after]
    yield [turn - DAY, turn, turn + DAY]
    if not _huge(run, day):
        yield [day - DAY * REACH, day - DAY * 119, day - DAY * 29, after]


def _agreeing(run: Run, day: date) -> Iterator[Judgement]:
    """Narrow windows show just what wide ones show for their dates."""
    cuts = stretch(run, day)
    compare(run, WINDOWS, cuts, [(0, len(cuts) - 1)])
    for days in (2, 7, 8):
        narrow(run, WINDOWS, (cuts[0], cuts[-1] - DAY), (cuts[0], cuts[0] + DAY * (days - 1)))
    for around in edges(run, day):
        compare(run, WINDOWS, around, [(0, 3)])
        _between(run, around)
    if not _huge(run, day):
        _far_apart(run, day, cuts)
    return iter(())


def _between(run: Run, days: Sequence[date]) -> None:
    """Where the day before and the day after are answered, no age turns down the one between them."""
    before, between, after, _ = (window(day, day) for day in days)
    if run.ask(before).ok and run.ask(after).ok:
        run.valid(between)


def _far_apart(run: Run, day: date, cuts: Sequence[date]) -> None:
    """Windows of weeks within windows of months and years."""
    wide = (cuts[0] - DAY * 90, cuts[0] + DAY * 30)
    for days in (2, 7, 8, 14, 15, 28, 30, 31):
        narrow(run, WINDOWS, wide, (cuts[0], cuts[0] + DAY * (days - 1)))
    for days in (2, 7, 8, 14, 15, 28, 30, 31, 32, 60):
        narrow(run, WINDOWS, wide, (cuts[-1] - DAY * days, cuts[-1] - DAY))
    month = month_start(day, 1)
    narrow(run, WINDOWS, (month - DAY * 2, month + DAY * 40), (month, month_start(month + DAY * 31) - DAY))
    year = (day - DAY * REACH, day)
    for back in (0, 90, 180, 365):
        narrow(run, WINDOWS, year, (day - DAY * (back + 29), day - DAY * back))
    narrow(run, WINDOWS, (day - DAY * 1500, day), year)
    parts(run, WINDOWS, [day - DAY * 1500, year[0], day + DAY])


HUGE = 250_000
REACH = 400


def _huge(run: Run, day: date) -> bool:
    """Whether a single week fills so many bytes that wide windows would take their time and memory."""
    return len(run.ask(window(day - DAY * 6, day)).body) > HUGE


def _open_ends(run: Run, day: date) -> Iterator[Judgement]:
    """One bound alone holds, and what lies beyond it is not lost."""
    bounds = [day - DAY * back for back in ((0, 1) if _huge(run, day) else (0, 1, 5, 20, 40))]
    for bound in bounds:
        if run.valid(since(bound)) is not None:
            _bounded(run, since(bound), (bound, day))
    run.valid(Call())
    lone_bounds(run, WINDOWS, bounds, day)
    up_to_now(run, WINDOWS)
    return iter(())


def _bounded(run: Run, lone: Call, span: tuple[date, date]) -> None:
    """An open end shows at least what the closed window shows; where a missing end means less is assumed."""
    closed = run.valid(window(*span))
    if closed is None or not run.ask(lone).ok:
        return
    seen, known = run.figures(run.ask(lone)), figures(closed) or {}
    run.enter(
        [
            judge(
                "varg.open-bounds",
                all(seen.get(name, 0) >= value for name, value in known.items()),
                (run.ask(lone), closed),
                observed="an open end shows less than a closed window",
            )
        ]
    )


def _signs(run: Run) -> Iterator[Judgement]:
    """Whether costs below 0 are the exception, by the answer that shows most."""
    shown = [answer for answer in run.latest.values() if answer.ok and answer.call.key == "good"]
    if shown:
        yield from look_at_signs(max(shown, key=lambda answer: len(answer.body)))


def _nothing_used(run: Run) -> Iterator[Judgement]:
    """A period without jobs has no records and costs nothing."""
    for first, last in ((date(1999, 1, 1), date(1999, 1, 31)), (run.today + DAY * 3, run.today + DAY * 30)):
        answer = run.ask(window(first, last))
        if answer.ok:
            yield judge(
                "varg.empty-total-zero",
                not records(answer) and not answer.json.get("total_cents"),
                answer,
                observed=f"{len(records(answer))} records, total_cents {answer.json.get('total_cents')}",
                allowed="no records and a total of 0",
            )


def _reversed(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if unanswered(answer):
        return
    none = not records(answer) and not (answer.json or {}).get("total_cents") if answer.ok else True
    yield judge(
        "varg.reversed-window-empty",
        none,
        answer,
        observed=f"usage although the period ends before it starts: {start(answer)}",
        allowed="no records, or a refusal",
    )
    if answer.refused:
        yield from turned_down(run, answer, SIGNS, refusal=refusal)


def _nonsense(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if unanswered(answer):
        return
    yield judge("varg.bad-date-refused", answer.refused, answer, observed=f"status {answer.status}")
    if answer.refused:
        yield from turned_down(run, answer, SIGNS, refusal=refusal)


def _bad_dates(run: Run, day: date) -> Iterator[Judgement]:
    """A reversed period holds nothing; what is no date is refused or ignored, never a breakdown."""
    good = window(day - DAY * 3, day)
    for days in (1, 3, 40):
        yield from _reversed(run, window(day, day - DAY * days))
    for bad in values.NO_DATES:
        yield from _nonsense(run, good.using(**{"from": bad}))
        yield from _nonsense(run, good.using(to=bad))

    def holds(bad: str) -> bool:
        told = list(_nonsense(run, good.using(**{"from": bad})))
        run.enter(told)
        return all(one.held or one.behaviour == "varg.bad-date-refused" for one in told)

    explore(run, values.no_dates(), holds, share=0.5)
    # A server that remembers the refusal would turn down whatever comes next.
    yield from twice(run, [window(day, day)])


def _explored(run: Run, day: date) -> Iterator[Judgement]:
    """Drawn windows agree with the wide one known by now."""
    reach = 9 if _huge(run, day) else REACH
    wide = (day - DAY * reach, day)

    def holds(drawn: tuple[int, int]) -> bool:
        low, high = sorted(drawn)
        return narrow(run, WINDOWS, wide, (day - DAY * high, day - DAY * low))

    explore(run, st.tuples(st.integers(0, reach), st.integers(0, reach)), holds)
    return iter(())
