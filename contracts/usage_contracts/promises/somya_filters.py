"""Filters of a Somya server: sources and keys are parts of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from usage_contracts.calendar_days import DAY
from usage_contracts.looks.somya import SOURCES, hundredths, inhabited
from usage_contracts.measures import empty, excesses, shown, total
from usage_contracts.promises.somya_windows import inclusive_end, window, windows
from usage_contracts.run import Run, start, unanswered
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge
from usage_contracts.windows import LONG, compare


def partition(run: Run, span: tuple[date, date]) -> bool:
    """What the web and the API keys used is within what all used."""

    long = (span[1] - span[0]).days >= LONG
    # A long window is mostly asked for without a source anyway, which means all.
    whole = window(*span) if long else window(*span, source="all")
    calls = [*(window(*span, source=source) for source in SOURCES[:2]), whole]
    if any(run.valid(call, lenient=long) is None for call in calls):
        return True
    return run.relation(
        "somya.sources-within-all",
        calls,
        lambda answers: _too_much(run, answers[:-1], answers[-1]),
        allowed="web + api_key <= all",
    )


def recent(run: Run) -> tuple[date, date]:
    """The days whose figures still move, whether or not the last one counts."""
    return run.settled_day, run.today + DAY


def within(run: Run, calls: Sequence[Call]) -> None:
    """The sources of a period that may end now are within the whole, but for what may just have arrived."""
    late = window(*recent(run))
    if all(run.ask(call).ok for call in (*calls, late)):
        *parts, whole = calls
        run.relation(
            "somya.sources-within-all",
            (*parts, late, whole),
            lambda found: _too_much(run, found[:-2], *found[-2:]),
            allowed="web + api_key <= all",
        )


def filters(run: Run, day: date) -> Iterator[Judgement]:
    """Sources are parts of the whole, a stranger's key has used nothing, credits know no filter."""
    for back, days in ((0, 0), (0, 6), (0, 364), (0, 799)):
        partition(run, (day - DAY * (back + days), day - DAY * back))
    yield from strangers(run, day, count=1)
    _known_keys(run, day)


def _known_keys(run: Run, day: date) -> None:
    """Keys that whoever runs this knows of: parts of what all keys used, each adding up in its windows."""
    month = window(day - DAY * 29, day, source="api_key")
    calls = [month.using(api_key_id=name) for name in _distinct(run.known.get("api_key_id", ()))]
    usable = [call for call in calls if run.ask(call).ok]
    for call in calls[:1]:
        alone = Call((("api_key_id", str(call.param("api_key_id"))),))
        ways = [call, alone, Call((*window(day, day).params, *alone.params))]
        if any(run.ask(way).ok for way in ways):
            # A key that is known to the service is so under every valid choice of the other parameters.
            for way in ways:
                run.valid(way)
    for call in usable[:2]:
        narrow = windows(
            inclusive=inclusive_end(run, day), source="api_key", api_key_id=str(call.param("api_key_id"))
        )
        compare(run, narrow, [day - DAY * 799, day - DAY * 29, day - DAY * 9, day + DAY], [(1, 3), (0, 3)])
    if usable and run.valid(month) is not None:
        run.relation(
            "somya.keys-within-api-key",
            (*usable, month),
            lambda answers: _too_much(run, answers[:-1], answers[-1]),
            allowed="the keys' figures together are within those of source=api_key",
        )


def _distinct(names: Sequence[str]) -> list[str]:
    """Key ids without those that are another spelling of one before."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found.setdefault(str(UUID(name)), name)
        except ValueError:
            found.setdefault(name, name)
    return list(found.values())


def _too_much(run: Run, parts: Sequence[Answer], *wholes: Answer) -> str | None:
    added, large = total(map(run.figures, parts)), total(map(run.figures, wholes))
    if empty(added):
        return None
    wrong = excesses(added, large, hundredths, len(parts) + 1)
    return f"parts exceed the whole: {shown(wrong, added, large)}" if wrong else ""


def strangers(run: Run, day: date, count: int) -> Iterator[Judgement]:
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
