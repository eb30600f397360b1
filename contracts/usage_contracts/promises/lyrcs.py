"""What must hold for Lyrcs' all-time usage, whoever serves it: the plan of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from hypothesis import strategies as st

from usage_contracts.explore import explore
from usage_contracts.looks.lyrcs import SIGNS, TOLERATED, figures, inhabited, look, look_denied, settled
from usage_contracts.run import Run, unanswered
from usage_contracts.steps import access, no_usage, probe
from usage_contracts.target import Call
from usage_contracts.verdict import Judgement, judge

__all__ = ["SIGNS", "TOLERATED", "figures", "inhabited", "look", "look_denied", "plan", "settled"]


QUERIES: tuple[tuple[tuple[str, str], ...], ...] = (
    (("from", "2026-01-01"), ("to", "2026-01-31")),
    (("start_date", "2026-01-01"), ("end_date", "2026-01-31")),
    (("period", "month"),),
    (("language", "Hindi"),),
    (("limit", "1"), ("offset", "1")),
    (("org_id", "org_someone_else"),),
)


def plan(run: Run) -> Iterator[Callable[[Run], Iterable[Judgement]]]:
    """The steps of a run, most telling first."""
    run.valid(Call())
    yield _queries
    if not run.live:
        yield lambda run: access(run, [Call(), Call(QUERIES[0])], SIGNS)
        yield _again
        yield _drawn
    elif run.probe_auth:
        yield lambda run: probe(run, Call(), SIGNS)


def _queries(run: Run) -> Iterator[Judgement]:
    """No query narrows the figures: there is no filtering."""
    for params in QUERIES[: 2 if run.live else None]:
        yield from _ignored(run, Call(params))


def _ignored(run: Run, call: Call) -> Iterator[Judgement]:
    """The same figures as before and after, but for what came in meanwhile."""
    before = run.again(Call())
    asked = run.again(call)
    after = run.again(Call())
    if unanswered(asked) or not (before.ok and after.ok):
        return
    if asked.status in {400, 422}:
        yield no_usage(run, asked, SIGNS)
        return
    low, high = figures(before) or {}, figures(after) or {}
    new = figures(asked) if asked.ok else {}
    names = dict.fromkeys([*low, *(new or {})])
    odd = [
        name
        for name in names
        if not low.get(name, 0) <= (new or {}).get(name, -1) <= high.get(name, 0) + _slack(name)
    ]
    yield judge(
        "lyrcs.unknown-parameter-ignored",
        asked.status == 200 and not odd,
        (before, asked, after),
        observed=f"status {asked.status}, {[str(name) for name in odd[:3]]} differ with a query",
        allowed="the same all-time figures whatever the query",
    )


def _slack(name: Hashable) -> int:
    # The calls of this run may count themselves, with a delay.
    return 5 if name == "api_calls" else 0


def _again(run: Run) -> Iterator[Judgement]:
    """The same question, again and again."""
    for _ in range(4):
        run.again(Call())
    return iter(())


def _drawn(run: Run) -> Iterator[Judgement]:
    """Drawn queries change nothing either."""
    names = st.sampled_from(("from", "to", "date", "language", "status", "page", "org", "key", "x"))
    words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-_ %&é漢", max_size=10)

    def holds(pair: tuple[str, str]) -> bool:
        told = list(_ignored(run, Call((pair,))))
        run.enter(told)
        return all(one.held for one in told)

    explore(run, st.tuples(names, words), holds, share=0.5)
    return iter(())
