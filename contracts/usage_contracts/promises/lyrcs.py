"""What must hold for Lyrcs' all-time usage, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from hypothesis import strategies as st

from usage_contracts.explore import explore
from usage_contracts.looks.lyrcs import (
    SIGNS,
    TOLERATED,
    figures,
    inhabited,
    is_old,
    look,
    look_denied,
    settled,
)
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import access, no_usage, probe
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

__all__ = ["SIGNS", "TOLERATED", "figures", "inhabited", "look", "look_denied", "plan", "settled"]


PAST, FUTURE = "2001-01-01", "2999-12-31"

SINCE = (
    "from",
    "start",
    "start_date",
    "startDate",
    "date_from",
    "from_date",
    "since",
    "after",
    "created_after",
)
UNTIL = ("to", "end", "end_date", "endDate", "date_to", "to_date", "until", "before", "created_before")
SPAN = (
    ("period", "month"),
    ("range", "7d"),
    ("days", "7"),
    ("last", "7d"),
    ("date", PAST),
    ("day", PAST),
    ("month", PAST[:7]),
    ("year", PAST[:4]),
)
KIND = (
    ("language", "Klingon"),
    ("lang", "Klingon"),
    ("status", "failed"),
    ("project_id", "none"),
    ("user_id", "none"),
    ("key_id", "none"),
)
PAGE = (("limit", "1"), ("offset", "1"), ("page", "2"), ("per_page", "1"), ("page_size", "1"))
WHOSE = tuple((name, "org_someone_else") for name in ("org_id", "org", "organisation_id", "organization_id"))

QUERIES: tuple[Call, ...] = (
    Call(tuple((name, PAST) for name in (*SINCE, *UNTIL))),
    Call(tuple((name, FUTURE) for name in SINCE)),
    Call((*SPAN, *KIND)),
    Call((*PAGE, *WHOSE)),
    Call((("from", "2026-01-01"), ("to", "2026-01-31"))),
    Call((("start_date", "2026-01-01"), ("end_date", "2026-01-31"))),
    Call((("period", "month"),)),
    Call((("language", "Hindi"),)),
    Call((("org_id", "org_someone_else"),)),
    Call((("from", "2026-01-01"), ("from", "yesterday"))),
    Call(raw="from=%ff%fe&to[]=%00&=&&language=%F0%9F%8E%B5&x"),
)
"""Queries that filter nothing, the ones that say most first: of many names one is enough for a filter.

Some stand alone too, since a server may refuse a query of many, which it is free to do.
"""
SPARED = 4
"""So many of them a real service is asked."""
CONTROLS = 3
"""So many other queries are asked before figures that are too high with one are called wrong."""


def plan(run: Run) -> Iterator[Callable[[Run], Iterable[Judgement]]]:
    """The steps of a run, most telling first."""
    run.valid(Call())
    yield _queries
    if not run.live:
        yield _again
        yield lambda run: access(run, [Call(), Call((("from", "2026-01-01"),))], SIGNS)
        yield _again
        yield _drawn
    elif run.probe_auth:
        yield lambda run: probe(run, Call(), SIGNS)


def _plain(run: Run) -> Answer:
    """The figures once more; a good key that opened the account gets them every time."""
    answer = run.again(Call())
    opened = any(known.ok for known in run.log if known.call.key == "good")
    if not opened or not answer.judgeable or answer.status in {200, 402, 403}:
        return answer
    if answer.status == 500:
        run.stumbles.append(answer)
    # Who was shown wrong keys may lock the account for a while.
    elif answer.status != 401 or not any(known.call.key != "good" for known in run.log):
        run.enter([_unanswered(run, answer)])
    return answer


def _unanswered(run: Run, answer: Answer) -> Judgement:
    return judge(
        run.id("answered"),
        False,
        (run.first[answer.call], answer),
        observed=f"200, and later status {answer.status}: {start(answer)}",
        allowed="200 to the same question",
    )


def _queries(run: Run) -> Iterator[Judgement]:
    """No query narrows the figures: there is no filtering."""
    before = run.ask(Call())
    for call in QUERIES[: SPARED if run.live else None]:
        asked, after = run.again(call), _plain(run)
        yield from _ignored(run, before, asked, after)
        before = after


def _ignored(run: Run, before: Answer, asked: Answer, after: Answer) -> Iterator[Judgement]:
    """The same figures as before and after, but for what came in meanwhile."""
    if unanswered(asked) or not (before.ok and after.ok):
        return
    if asked.status in {400, 422}:
        yield no_usage(run, asked, SIGNS)
        return
    odd = _outside(before, asked, after)
    if odd and asked.ok and _cached(run, before, asked):
        odd = []
    yield judge(
        "lyrcs.unknown-parameter-ignored",
        asked.status == 200 and not odd,
        (before, asked, after),
        observed=f"status {asked.status}, {[str(name) for name in odd[:3]]} differ with a query",
        allowed="the same all-time figures whatever the query",
    )


def _outside(before: Answer, asked: Answer, after: Answer) -> list[Hashable]:
    """The figures that are not between those before and after."""
    low, high = figures(before) or {}, figures(after) or {}
    new = (figures(asked) if asked.ok else {}) or {}
    return [
        name
        for name in dict.fromkeys([*low, *new])
        if not low.get(name, 0) <= new.get(name, -1) <= high.get(name, 0) + _slack(name)
    ]


def _cached(run: Run, before: Answer, asked: Answer) -> bool:
    """Whether the figures differ as they do behind a cache: one of both answers is older than the other.

    What is higher than without a query is compared with another query, which a cache does not know either.
    """
    old, new = figures(before) or {}, figures(asked) or {}
    names = dict.fromkeys([*old, *new])
    if any(new.get(name, 0) < old.get(name, 0) for name in names):
        return is_old(run, asked)
    if run.broken("lyrcs.unknown-parameter-ignored"):
        return False
    others = (run.again(Call((("_", str(len(run.log))),))) for _ in range(CONTROLS))
    return any(fresh.ok and not _outside(before, asked, fresh) for fresh in others)


def _slack(name: Hashable) -> int:
    # The calls of this run may count themselves, with a delay.
    return 5 if name == "api_calls" else 0


def _again(run: Run) -> Iterator[Judgement]:
    """The same question, again and again."""
    for _ in range(4):
        _plain(run)
    return iter(())


def _drawn(run: Run) -> Iterator[Judgement]:
    """Drawn queries change nothing either."""
    names = st.sampled_from(("from", "to", "date", "language", "status", "page", "org", "key", "x"))
    words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_ %&é漢", max_size=10)

    def holds(pair: tuple[str, str]) -> bool:
        told = list(_ignored(run, run.again(Call()), run.again(Call((pair,))), run.again(Call())))
        run.enter(told)
        return all(one.held for one in told)

    explore(run, st.tuples(names, words), holds, share=0.5)
    return iter(())
