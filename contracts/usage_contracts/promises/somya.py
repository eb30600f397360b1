"""What must hold for Somya's usage summary, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice, pairwise
from uuid import UUID

from hypothesis import strategies as st

from usage_contracts.calendar_days import DAY, month_start
from usage_contracts.explore import explore
from usage_contracts.looks.somya import (
    SIGNS,
    SOURCES,
    TOLERATED,
    figures,
    hundredths,
    inhabited,
    look,
    look_denied,
    part_of,
    settled,
)
from usage_contracts.measures import differences, empty, excesses, shown, total
from usage_contracts.promises.somya_refusals import refusals
from usage_contracts.promises.somya_windows import window, windows
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
from usage_contracts.windows import LONG, compare, edges, latest_day, months, stretch, years

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
    yield lambda run: _defaults(run, day)
    yield lambda run: _agreeing(run, day)
    yield lambda run: _filters(run, day)
    yield lambda run: _wider(run, day)
    yield lambda run: _nothing_used(run, day)
    yield lambda run: refusals(run, day)
    yield lambda run: harmless(run, near)
    yield lambda run: access(
        run,
        [near[0], Call(), near[1]],
        SIGNS,
        bad=[Call((("source", "mobile"),)), Call((("from", "yesterday"),))],
    )
    yield lambda run: _credentials(run, near)
    yield lambda run: twice(run, [window(day - DAY * 29, day), *near, window(day, day)])
    yield lambda run: _explored(run, day)


def _live(run: Run, day: date) -> Iterator[Judgement]:
    yield from _defaults(run, day, short=True)
    asked = windows(inclusive=_inclusive(run, day))
    turn = month_start(day)
    compare(run, asked, [day - DAY * 7, day - DAY, day + DAY], [(0, 2)])
    compare(run, asked, [turn - DAY * 2, turn, turn + DAY * 2], [(0, 2)])
    _partition(run, (day - DAY * 6, day))
    yield from _credentials(run, [window(day - DAY * 6, day, source="api_key")])
    yield from _strangers(run, day, count=1)
    yield from refusals(run, day, drawn=False)
    yield from harmless(run, [window(day - DAY * 6, day)])
    yield from twice(run, [window(day - DAY * 6, day)])
    yield from _inverted(run, window(day, day - DAY * 3))
    if run.probe_auth:
        yield from probe(run, window(day, day), SIGNS)


def _inclusive(run: Run, day: date) -> bool:
    """Whether the last day of a window counts; it does unless only the other reading adds up.

    Nothing says so, and a server that leaves it out is asked one day further.
    """
    whole = window(day - DAY * 20, day)
    if run.valid(whole) is None or empty(run.figures(run.ask(whole))):
        return True
    # A cut at a day without any usage adds up in both readings, and tells nothing.
    for back in (9, 10, 11):
        apart, touching = _adds_up(run, day - DAY * 20, day - DAY * back, day)
        if not (apart and touching):
            return apart or not touching
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


def _defaults(run: Run, day: date, *, short: bool = False) -> Iterator[Judgement]:
    """Every parameter may be left out; what is given is kept."""
    run.valid(Call())
    run.valid(Call((("from", (day - DAY * 3).isoformat()),)))
    run.valid(Call((("to", day.isoformat()),)))
    if not short:
        run.valid(Call((("from", month_start(day, 2).isoformat()),)))
        run.valid(Call((("to", (month_start(day) - DAY).isoformat()),)))
        for source in SOURCES:
            run.valid(Call((("source", source),)))
        run.valid(window(day, run.today))
        run.valid(Call((("from", (run.today + DAY * 20).isoformat()),)), lenient=True)
    plain = window(day - DAY * 6, day)
    yield from same_figures(run, "source-default-all", plain, plain.using(source="all"))


def _agreeing(run: Run, day: date) -> Iterator[Judgement]:
    """A window counts what its parts count."""
    asked = windows(inclusive=_inclusive(run, day))
    cuts = stretch(run, day)
    size = len(cuts) - 1
    compare(run, asked, cuts, [(0, size), (0, 7), (0, 8), (size - 2, size)])
    for around in islice(edges(run, day), 5):
        compare(run, asked, around, [(0, 3), (1, 3)])
    compare(run, asked, months(day, 6), [(0, 6), (3, 6)])
    compare(run, asked, years(day, 3), [(0, 3)])
    for source in ("web", "api_key"):
        narrow = windows(inclusive=_inclusive(run, day), source=source)
        compare(run, narrow, [cuts[0], cuts[3], cuts[size]], [(0, 2)])
    return iter(())


def _partition(run: Run, span: tuple[date, date]) -> bool:
    """What the web and the API keys used is within what all used."""

    calls = [window(*span, source=source) for source in SOURCES]
    if any(run.valid(call, lenient=(span[1] - span[0]).days >= LONG) is None for call in calls):
        return True
    return run.relation(
        "somya.sources-within-all",
        calls,
        lambda answers: _too_much(run, answers[:-1], answers[-1]),
        allowed="web + api_key <= all",
    )


def _filters(run: Run, day: date) -> Iterator[Judgement]:
    """Sources are parts of the whole, a stranger's key has used nothing, credits know no filter."""
    for back, days in ((0, 0), (0, 6), (30, 29), (0, 364)):
        _partition(run, (day - DAY * (back + days), day - DAY * back))
    yield from _strangers(run, day, count=1)
    _known_keys(run, day)
    yield from _credits(run, day)


def _known_keys(run: Run, day: date) -> None:
    """Keys that whoever runs this knows of: parts of what all keys used, each adding up in its windows."""
    month = window(day - DAY * 29, day, source="api_key")
    calls = [month.using(api_key_id=name) for name in run.known.get("api_key_id", ())]
    usable = [call for call in calls if run.ask(call).ok]
    for call in usable:
        narrow = windows(
            inclusive=_inclusive(run, day), source="api_key", api_key_id=str(call.param("api_key_id"))
        )
        compare(run, narrow, [day - DAY * 29, day - DAY * 9, day + DAY], [(0, 2)])
    if usable and run.valid(month) is not None:
        run.relation(
            "somya.keys-within-api-key",
            (*usable, month),
            lambda answers: _too_much(run, answers[:-1], answers[-1]),
            allowed="the keys' figures together are within those of source=api_key",
        )


def _too_much(run: Run, parts: Sequence[Answer], whole: Answer) -> str | None:
    added, large = total(map(run.figures, parts)), run.figures(whole)
    if empty(added):
        return None
    wrong = excesses(added, large, hundredths, len(parts) + 1)
    return f"parts exceed the whole: {shown(wrong, added, large)}" if wrong else ""


def _strangers(run: Run, day: date, count: int) -> Iterator[Judgement]:
    """A key id that nobody has shows no usage, whatever else is asked."""
    for n in range(count):
        stranger = str(UUID(int=run.seed * 7919 + n + (0x5EED << 96), version=4))
        month = window(day - DAY * 29, day, api_key_id=stranger)
        calls = [month, month.using(source="api_key"), Call((("api_key_id", stranger),))]
        for call in calls[: 1 if run.live else 3]:
            yield from _stranger(run, call, empty=True)
        if not run.live:
            # Whether a key id narrows the web's figures is left open; that the service breaks down is not.
            yield from _stranger(run, month.using(source="web"), empty=False)


def _stranger(run: Run, call: Call, *, empty: bool) -> Iterator[Judgement]:
    answer = run.ask(call)
    if unanswered(answer):
        return
    yield judge(
        "somya.answered",
        answer.status < 500,
        answer,
        observed=f"status {answer.status}: {start(answer)}",
        allowed="200 (404, 403 and 400 are tolerated)",
    )
    if empty:
        yield judge(
            "somya.unknown-key-id-empty",
            not answer.ok or not inhabited(answer),
            answer,
            observed=f"usage of a key that is nobody's: {start(answer)}",
            allowed="nothing counted (404 and 403 are tolerated)",
        )


def _credits(run: Run, day: date) -> Iterator[Judgement]:
    plain = window(day - DAY * 6, day)
    for other in (
        plain.using(source="web"),
        window(day - DAY * 40, day - DAY * 20),
        Call(),
        plain.using(api_key_id=str(UUID(int=0x5EED << 96, version=4))),
    ):
        # Credits fall while others work, so the two must differ in three readings running.
        for _ in range(3):
            one, two, three = run.again(plain), run.again(other), run.again(plain)
            if not (one.ok and two.ok and three.ok):
                break
            if part_of(one, "credits") != part_of(three, "credits"):
                continue
            yield judge(
                "somya.credits-independent",
                part_of(one, "credits") == part_of(two, "credits"),
                (one, two),
                observed=f"credits {part_of(one, 'credits')}, and {part_of(two, 'credits')} under another filter",
                allowed="the account's credits, whatever is asked about",
            )
            break


def _wider(run: Run, day: date) -> Iterator[Judgement]:
    """A wider window never counts less."""
    spans = [
        (day, day),
        (day - DAY * 3, day),
        (day - DAY * 29, day),
        (day - DAY * 120, day),
        (day - DAY * 800, day),
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
    for days in (1, 3, 40):
        yield from _inverted(run, window(day, day - DAY * days))
        yield from _inverted(run, window(day, day - DAY * days, source="web"))


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
    asked = windows(inclusive=_inclusive(run, day))

    def holds(drawn: tuple[int, int, int]) -> bool:
        low, middle, high = sorted(drawn)
        if low < middle < high:
            cuts = [day - DAY * high, day - DAY * middle, day - DAY * low]
            return compare(run, asked, cuts, [(0, 2)]) and _partition(run, (cuts[0], cuts[2]))
        return _partition(run, (day - DAY * high, day - DAY * low))

    backs = st.integers(0, 800)
    explore(run, st.tuples(backs, backs, backs), holds, share=0.4)
    return iter(())
