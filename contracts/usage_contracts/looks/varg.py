"""What one answer of Varg's usage records must hold by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from usage_contracts.dates import iso_date, iso_instant
from usage_contracts.measures import Measure
from usage_contracts.run import Run, start
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

SIGNS = ("usage", "total_cents")


EXAMPLES = ((date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28)))


# The same document has a media-processing tag, so these are news and no breach.
TOLERATED = {"capability": frozenset({"ffmpeg", "render", "lipsync"})}


FIELDS = ("job_id", "model", "capability", "cost_cents", "cache_hit", "created_at")


FEW = 3
"""So many records make a rule."""


WORDS = ("job_id", "model", "capability")
ALIKE = ("job_id", "model", "capability", "cost_cents", "created_at")


def records(answer: Answer) -> list[dict[str, Any]]:
    """The usage records of an answer, [] where there are none to read."""
    rows = answer.json.get("usage") if answer.ok else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def figures(answer: Answer) -> Measure | None:
    """Cents and number of records per date, job, model, capability, cache hit and time."""
    found: dict[Hashable, float] = {}
    for row in records(answer):
        created, cost = row.get("created_at"), _number(row.get("cost_cents"))
        if cost is None or not isinstance(created, str):
            return None
        words = [str(row.get(name, "")) for name in WORDS]
        names = _names(created, *words, "cache hit" if row.get("cache_hit") is True else "")
        if names is None:
            return None
        cents, number = names
        found[cents] = found.get(cents, 0) + cost
        found[number] = found.get(number, 0) + 1
    return found


# The same records stand in many answers of a run.
@lru_cache(maxsize=1 << 15)
def _names(created: str, *words: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    instant = iso_instant(created)
    if instant is None:
        return None
    key = (instant.date().isoformat(), *words, instant.time().isoformat())
    return ("cents", *key), ("records", *key)


def inhabited(answer: Answer) -> bool:
    """Whether any record is shown."""
    return bool(records(answer))


def settled(run: Run, call: Call) -> bool:
    """Whether the window ended two days ago or more."""
    end = iso_date(call.param("to"))
    return end is not None and end <= run.settled_day


def look(run: Run, answer: Answer) -> Iterator[Judgement]:
    """Judge one 200 answer by itself."""
    present = [name for name in SIGNS if name in answer.json]
    yield judge(
        "varg.total-and-usage-present",
        len(present) == len(SIGNS),
        answer,
        observed=f"only {present} of {list(SIGNS)}",
        allowed="the records and their total",
    )
    rows = records(answer)
    yield from _total(answer, rows)
    if rows:
        yield from _look_at_dates(run, answer, rows)
        yield from _look_at_records(answer, rows)


def _total(answer: Answer, rows: list[dict[str, Any]]) -> Iterator[Judgement]:
    total = _number(answer.json.get("total_cents"))
    costs = [_number(row.get("cost_cents")) for row in rows]
    if total is None or any(cost is None for cost in costs):
        return
    added = sum(cost for cost in costs if cost is not None)
    slug = "varg.total-is-sum" if rows else "varg.empty-total-zero"
    yield judge(
        slug,
        abs(total - added) <= _rounding([cost for cost in costs if cost is not None]),
        answer,
        observed=f"total_cents {total:g}, the {len(rows)} records add up to {added:g}",
        allowed="the total of the records beside it",
    )


def _rounding(costs: list[float]) -> float:
    """What a sum may be off: a millionth of a cent per record, and more only where doubles cannot tell that."""
    return max(1, len(costs)) * max(1e-6, 1e-14 * sum(map(abs, costs)))


def look_at_signs(answer: Answer) -> Iterator[Judgement]:
    """Judge the signs of many records: some may be refunds, what is below 0 as a rule is none.

    A refund takes back what was paid, so an account has more payments, and refunds are of many amounts.
    """
    priced = [(row, cost) for row in records(answer) if (cost := _number(row.get("cost_cents")))]
    refunds = Counter(cost for _, cost in priced if cost < 0)
    kinds = {
        kind: Counter(cost > 0 for row, cost in priced if str(row.get("capability")) == kind)
        for kind in sorted({str(row.get("capability")) for row, _ in priced})
    }
    unpaid = [kind for kind, paid in kinds.items() if paid[False] >= FEW and not paid[True]]
    # Where all refunds are of one amount, and that was hardly ever paid, it is a mark and no money.
    marks = [
        cost
        for cost, times in refunds.items()
        if len(refunds) == 1 and times >= FEW and times > sum(paid == -cost for _, paid in priced)
    ]
    if priced:
        yield judge(
            "varg.cost-not-negative",
            not unpaid and not marks,
            answer,
            observed=f"{refunds.total()} costs below 0: {[*unpaid, *marks]}",
            allowed="0 or more, but for refunds of what was paid",
        )


def _look_at_dates(run: Run, answer: Answer, rows: list[dict[str, Any]]) -> Iterator[Judgement]:
    told = [row["created_at"] for row in rows if "created_at" in row]
    instants = [iso_instant(text) for text in told]
    unread = [text for text, instant in zip(told, instants, strict=True) if instant is None]
    yield judge(
        "varg.created-at-utc", not unread, answer, observed=f"created_at {unread[:1]}", allowed="RFC 3339"
    )
    known = [instant for instant in instants if instant is not None]
    low, high = iso_date(answer.call.param("from")), iso_date(answer.call.param("to"))
    if low is not None or high is not None:
        first, last = low or date.min, high or date.max
        slack = timedelta(days=1) if run.live else timedelta()
        outside = [instant for instant in known if not _within(instant, first, last, slack)]
        slug = "varg.records-in-window" if low and high else "varg.one-bound"
        if first <= last:
            yield judge(
                slug,
                not outside,
                answer,
                observed=f"{len(outside)} records outside, such as {[str(one) for one in outside[:1]]}",
                allowed=f"records of {low or '…'}..{high or '…'}, both included, in UTC",
            )
    latest = datetime.now(UTC) if run.live else run.now
    late = [instant for instant in known if instant > max(latest, run.now) + timedelta(minutes=15)]
    yield judge(
        "varg.not-in-future",
        not late,
        answer,
        observed=f"created at {late[:1]}",
        allowed="nothing later than now",
    )


def _within(instant: datetime, first: date, last: date, slack: timedelta) -> bool:
    # That days begin in UTC is implied, not stated: a real service gets a day's slack at both ends.
    if first <= instant.date() <= last:
        return True
    return any(first <= (instant + shift).date() <= last for shift in (slack, -slack))


def _look_at_records(answer: Answer, rows: list[dict[str, Any]]) -> Iterator[Judgement]:
    paid = [row for row in rows if row.get("cache_hit") is True and _number(row.get("cost_cents"))]
    if any(row.get("cache_hit") is True for row in rows):
        yield judge(
            "varg.cache-hit-free",
            not paid,
            answer,
            observed=f"a cache hit that cost {[row['cost_cents'] for row in paid[:1]]} cents",
            allowed="cache hits cost nothing",
        )
    # Whole records are compared only where their jobs are the same: writing them all down takes long.
    jobs = Counter(str(row["job_id"]) for row in rows if "job_id" in row)
    repeated = [row for row in rows if "job_id" in row and jobs[str(row["job_id"])] > 1]
    texts = Counter(repr([row.get(name) for name in FIELDS]) for row in repeated)
    again = [text for text, times in texts.items() if times > 1]
    yield judge(
        "varg.no-duplicates",
        not again,
        answer,
        observed=f"{len(again)} records stand there more than once, such as {again[:1]}",
        allowed="each record once",
    )
    ids = Counter(row["job_id"] for row in rows if isinstance(row.get("job_id"), str))
    yield judge("varg.job-id-unique", not ids or max(ids.values()) == 1, answer, observed="a job_id twice")
    yield _named(answer, rows)
    some = [name for name in ALIKE if 0 < sum(name in row for row in rows) < len(rows)]
    yield judge(
        "varg.records-alike",
        not some,
        answer,
        observed=f"{some} in some records and not in others",
        allowed="records of one shape",
    )


def _named(answer: Answer, rows: list[dict[str, Any]]) -> Judgement:
    """A field that is missing may be missing; under another spelling it is there and wrong."""
    present = {name for row in rows for name in row}
    plain = {_plainly(name): name for name in present}
    renamed = [plain[_plainly(name)] for name in FIELDS if name not in present and _plainly(name) in plain]
    return judge(
        "varg.schema",
        not renamed,
        answer,
        observed=f"records with {renamed}",
        allowed=f"the documented names, {', '.join(FIELDS)}",
    )


def _plainly(name: str) -> str:
    """A field's name without what only says how words are put together."""
    return name.replace("_", "").replace("-", "").lower()


def look_denied(run: Run, answer: Answer) -> Iterator[Judgement]:  # noqa: ARG001
    """A refused key gets the documented error object."""
    if answer.status != 401:
        return
    body = answer.json if isinstance(answer.json, dict) else {}
    fine = isinstance(body.get("error"), str) and isinstance(body.get("message"), str)
    yield judge(
        "varg.auth-error-body",
        fine,
        answer,
        observed=f"body {start(answer)}",
        allowed='"error" and "message", both texts',
    )
