"""What must hold for Surnex' usage rollups, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from uuid import UUID

from hypothesis import strategies as st

from usage_contracts.calendar_days import DAY, month_start
from usage_contracts.explore import explore
from usage_contracts.looks.surnex import (
    NOBODY,
    SIGNS,
    TOLERATED,
    as_object,
    cents,
    figures,
    inhabited,
    look,
    look_denied,
    midnight,
    rollup_of,
    settled,
    stands_apart,
)
from usage_contracts.measures import differences, empty, excesses, same, shown, total
from usage_contracts.promises.surnex_moments import (
    HOUR,
    ODD,
    SECOND,
    answered,
    busy_hour,
    far_back,
    halves,
    long_month,
    open_ends,
    open_where_missing,
    since,
    sums,
    today,
)
from usage_contracts.promises.surnex_refusals import oddities, refusals
from usage_contracts.promises.surnex_windows import between, window, windows
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import access, harmless, probe, same_figures, still_answered, twice
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import compare, edges, latest_day, months, stretch, years

__all__ = ["SIGNS", "TOLERATED", "figures", "inhabited", "look", "look_denied", "plan", "settled"]


EXAMPLES = ((date(2026, 1, 1), date(2026, 1, 31)),)


def plan(run: Run) -> Iterator[Callable[[Run], Iterable[Judgement]]]:
    """The steps of a run, most telling first."""
    anchor = latest_day(run, windows(), EXAMPLES)
    day = anchor or run.settled_day
    week = window(day - DAY * 6, day)
    names = _providers(run, window(day - DAY * 29, day))
    if run.live:
        yield lambda run: _live(run, day, names)
        return
    yield lambda run: _agreeing(run, day, names)
    yield lambda run: _entries(run, day, names)
    yield lambda run: _moments(run, day, names)
    yield lambda run: _strangers(run, day, names)
    yield lambda run: _wider(run, day)
    yield lambda run: refusals(run, day)
    yield lambda run: oddities(run, day)
    yield lambda run: _spellings(run, day)
    filtered = week.using(provider=names[0] if names else NOBODY)
    yield lambda run: harmless(run, [week], order=False)
    yield lambda run: harmless(run, [filtered])
    yield lambda run: access(run, [week, filtered], SIGNS, bad=[window(day, day - DAY * 3)], key_first=False)
    yield lambda run: _credentials(run, [week, filtered, Call()])
    yield lambda run: twice(run, [window(day - DAY * 29, day), week, window(day, day)])
    yield lambda run: _afterwards(run, day, filtered)
    yield lambda run: _explored(run, day, names)


def _live(run: Run, day: date, names: Sequence[str]) -> Iterator[Judgement]:
    run.valid(Call())
    compare(run, windows(), [day - DAY * 7, day - DAY, day + DAY], [(0, 2)])
    turn = month_start(day)
    compare(run, windows(), [turn - DAY * 2, turn, turn + DAY * 2], [(0, 2)])
    far_back(run, day)
    week = window(day - DAY * 6, day)
    yield from _partition(run, [week], names[:2])
    yield from _credentials(run, [week.using(provider=names[0]) if names else week])
    yield from _strangers(run, day, names[:1])
    yield from refusals(run, day, drawn=False)
    yield from harmless(run, [week])
    yield from twice(run, [week])
    run.valid(since(midnight(day - DAY * 3) + ODD).using(provider=names[0] if names else None))
    yield from _never_falls(run)
    yield from oddities(run, day)
    if run.probe_auth:
        yield from probe(run, window(day, day), SIGNS)


def _providers(run: Run, call: Call) -> list[str]:
    answer = run.valid(call)
    return _named(answer) if answer is not None else []


def _named(answer: Answer) -> list[str]:
    return list(as_object(answer.json.get("providers"))) if answer.ok else []


def _entries(run: Run, day: date, names: Sequence[str]) -> Iterator[Judgement]:
    """Providers asked alone: all of them in a week, some in other ranges."""
    yield from _partition(run, [window(day - DAY * 6, day)], names)
    others = [window(day, day), window(day - DAY * 59, day - DAY * 30), Call()]
    yield from _partition(run, others, names[:1])
    for project in run.known.get("project_id", ())[:1]:
        month = window(day - DAY * 29, day, project_id=project)
        if run.ask(month).ok:
            yield from _partition(run, [month], names[:1])


def _moments(run: Run, day: date, names: Sequence[str]) -> Iterator[Judgement]:
    """Ranges with odd ends, and without."""
    yield from _partition(run, open_ends(run, day), names[:1])
    today(run)
    hour = busy_hour(run, day)
    if hour is not None:
        busy = run.ask(between(hour - HOUR + SECOND * 2, hour))
        yield from _partition(run, [between(hour, midnight(day + DAY))], _named(busy)[-1:])
    long_month(run, day)
    halves(run, month_start(day))


def _agreeing(run: Run, day: date, names: Sequence[str]) -> Iterator[Judgement]:
    """A range counts what its parts count."""
    cuts = stretch(run, day)
    size = len(cuts) - 1
    compare(run, windows(), cuts, [(0, size), (0, 7), (0, 8), (size - 2, size)])
    turns = list(edges(run, day))
    for around in (*turns[:2], *turns[3:7]):
        compare(run, windows(), around, [(0, 3)])
    compare(run, windows(), months(day, 6), [(0, 6), (3, 6)])
    compare(run, windows(), years(day, 3), [(0, 3)])
    for name in names[:1]:
        compare(run, windows(provider=name), [cuts[0], cuts[3], cuts[size]], [(0, 2)])
        compare(run, windows(provider=name), months(day, 6)[::3], [(0, 2)])
    _hours(run, cuts)
    return iter(())


def _hours(run: Run, cuts: Sequence[date]) -> None:
    """Ranges that begin and end within days add up too."""
    for first, last in ((cuts[0], cuts[-1]), (cuts[5], cuts[6])):
        low, high = midnight(first), midnight(last)
        sums(run, between(low, high), [between(low, low + ODD), between(low + ODD, high)])


def _partition(run: Run, calls: Sequence[Call], names: Sequence[str]) -> Iterator[Judgement]:
    """Each provider's own answer is its entry in the whole."""
    for call in calls:
        for name in names:
            _entry(run, call, name)
    return iter(())


def _entry(run: Run, call: Call, name: str) -> bool:
    own = call.using(provider=name)
    if answered(run, call) is None or answered(run, own) is None:
        return True

    def complaint(answers: Sequence[Answer]) -> str | None:
        whole, alone = answers
        entry = as_object(as_object(whole.json.get("providers")).get(name))
        totals = as_object(alone.json.get("totals"))
        if not entry and not totals.get("calls_total"):
            return None
        if not stands_apart(entry, totals):
            return ""
        wrong = differences(rollup_of(entry), rollup_of(totals))
        told = shown(wrong, rollup_of(entry), rollup_of(totals)) or "latencies"
        return f"{name} in the whole and asked alone: {told}"

    return run.relation("surnex.provider-partition", (call, own), complaint, allowed="the provider's entry")


def _strangers(run: Run, day: date, names: Sequence[str]) -> Iterator[Judgement]:
    """What does not exist has no usage, and a filter never shows more than the whole."""
    month = window(day - DAY * 29, day)
    nobody = str(UUID(int=(0x5EED << 96) + run.seed * 7919, version=4))
    yield from _stranger(run, month.using(provider=NOBODY))
    for call in (month.using(project_id=nobody), Call((("project_id", nobody),)))[: 1 if run.live else 2]:
        yield from _stranger(run, call)
        answer = run.ask(call)
        if answer.ok:
            yield judge(
                "surnex.unknown-project-empty",
                not (run.figures(answer)).get("calls"),
                answer,
                observed=f"usage of a project that is nobody's: {start(answer)}",
                allowed="no calls (404, 403 and 400 are tolerated)",
            )
        elif answer.refused and not unanswered(answer):
            yield judge("surnex.unknown-project-empty", True, answer)
    for name in names[:1]:
        _never_more(run, month, month.using(provider=name))
    yield from _known_projects(run, day)


def _stranger(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    if not unanswered(answer):
        yield judge(
            "surnex.answered",
            answer.status < 500,
            answer,
            observed=f"status {answer.status}: {start(answer)}",
            allowed="200 (404 and 400 are tolerated)",
        )


def _known_projects(run: Run, day: date) -> Iterator[Judgement]:
    """Projects that whoever runs this knows of: parts of the whole, together and each in its windows."""
    month = window(day - DAY * 29, day)
    projects = [month.using(project_id=name) for name in run.known.get("project_id", ())]
    usable = [call for call in projects if run.ask(call).ok]
    for call in usable[:2]:
        _never_more(run, month, call)
        name = str(call.param("project_id"))
        compare(run, windows(project_id=name), [day - DAY * 29, day - DAY * 9, day + DAY], [(0, 2)])
    if len(usable) > 1:
        run.relation(
            "surnex.filter-never-more",
            (*usable, month),
            lambda answers: _too_much(run, answers[:-1], answers[-1]),
            allowed="all projects together are a part of the whole",
        )
    return iter(())


def _too_much(run: Run, parts: Sequence[Answer], whole: Answer) -> str:
    added, large = total(map(run.figures, parts)), run.figures(whole)
    wrong = excesses(added, large, cents, len(parts) + 1)
    return f"parts show more than the whole: {shown(wrong, added, large)}" if wrong else ""


def _never_more(run: Run, whole: Call, part: Call) -> None:
    run.relation(
        "surnex.filter-never-more",
        (part, whole),
        lambda answers: _too_much(run, answers[:1], answers[1]),
        allowed="a part of the whole",
    )


def _wider(run: Run, day: date) -> Iterator[Judgement]:
    """A wider range never counts less."""
    backs = (0, 3, 29, 120, 800)

    def complaint(answers: Sequence[Answer]) -> str | None:
        small, large = map(run.figures, answers)
        if empty(small):
            return None
        wrong = excesses(small, large, cents, 2)
        return f"the wider range shows less: {shown(wrong, small, large)}" if wrong else ""

    for small, large in pairwise(backs):
        calls = (window(day - DAY * small, day), window(day - DAY * large, day))
        if all(answered(run, call) is not None for call in calls):
            run.relation("surnex.wider-never-less", calls, complaint, allowed="no count falls")
    for first, last in ((date(1999, 1, 1), date(1999, 12, 31)), (run.today + DAY * 3, run.today + DAY * 30)):
        answer = run.ask(window(first, last))
        if answer.ok:
            yield judge(
                "surnex.empty-range-zero",
                not inhabited(answer)
                and not any(as_object(answer.json.get("providers")).values() if inhabited(answer) else ()),
                answer,
                observed=f"usage in {first}..{last}: {start(answer)}",
                allowed="all counts 0",
            )


def _spellings(run: Run, day: date) -> Iterator[Judgement]:
    """One instant in other spellings means the same range; which spellings are taken is left open."""
    plain = window(day - DAY * 3, day)
    low, high = day - DAY * 3, day + DAY
    for first, last in (
        (low.isoformat(), high.isoformat()),
        (f"{low}T00:00:00+00:00", f"{high}T00:00:00+00:00"),
        (f"{low}T09:00:00+09:00", f"{high - DAY}T19:00:00-05:00"),
        (f"{low}T00:00:00.000Z", f"{high}T00:00:00.000Z"),
    ):
        other = Call((("from", first), ("to", last)))
        if run.ask(other).ok:
            yield from same_figures(run, "same-instant", plain, other)


def _credentials(run: Run, calls: Sequence[Call]) -> Iterator[Judgement]:
    """The key opens the account as a bearer token and as x-api-key."""
    for call in calls:
        other = Call(call.params, "good", 1)
        answer = run.ask(other)
        if answer.judgeable and answer.status in {401, 403} and run.ask(call).ok:
            yield judge(
                "surnex.either-credential",
                False,
                (run.ask(call), answer),
                observed=f"status {answer.status} to the key as {run.spec.service.credentials[1].header}",
                allowed="either credential",
            )
        else:
            yield from same_figures(run, "either-credential", call, other)


def _afterwards(run: Run, day: date, call: Call) -> Iterator[Judgement]:
    """What went before changes nothing: a refusal, a wrong key, a beginning, the same question."""
    for other in (window(day, day - DAY * 4), Call(call.params, "wrong")):
        run.again(other)
        if run.ask(call).ok:
            yield from still_answered(run, call)
    for known in list(run.latest.values()):
        first = run.first[known.call]
        if known is not first and settled(run, known.call) and run.readable(known) and run.readable(first):
            yield _same_average(first, known)
    yield from _never_falls(run)


def _never_falls(run: Run) -> Iterator[Judgement]:
    """What has no bounds shows no less than at first."""
    everything = run.ask(Call())
    later = run.again(Call())
    if run.readable(everything) and run.readable(later) and all(map(open_where_missing, (everything, later))):
        old, new = run.figures(everything), run.figures(later)
        fallen = excesses(old, new, cents, 2)
        yield judge(
            "surnex.repeatable",
            not fallen,
            (everything, later),
            observed=f"what has no bounds shows less than at first: {shown(fallen, old, new)}",
            allowed="no count falls",
        )


def _same_average(first: Answer, later: Answer) -> Judgement:
    """The latency of calls long past does not change; a service may round it."""
    one, other = (as_object(answer.json.get("totals")).get("avg_latency_ms") for answer in (first, later))
    moved = differences(figures(first) or {}, figures(later) or {})
    return judge(
        "surnex.repeatable",
        bool(moved) or one is None or other is None or same(one, other, 1.0),
        (first, later),
        observed=f"totals.avg_latency_ms is {one} at first and {other} later",
        allowed="the same average over the same calls",
    )


def _explored(run: Run, day: date, names: Sequence[str]) -> Iterator[Judgement]:
    """Drawn ranges add up, whole and for each provider."""

    def holds(drawn: tuple[int, int, int]) -> bool:
        low, middle, high = sorted(drawn)
        whole = window(day - DAY * high, day - DAY * min(low + 1, high))
        parts = all([_entry(run, whole, name) for name in names[:1]])
        if low < middle < high:
            cuts = [day - DAY * high, day - DAY * middle, day - DAY * low]
            return compare(run, windows(), cuts, [(0, 2)]) and parts
        return parts

    backs = st.integers(0, 800)
    explore(run, st.tuples(backs, backs, backs), holds, share=0.5)
    return iter(())
