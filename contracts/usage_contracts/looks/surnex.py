"""What one answer of Surnex' usage rollups must hold by itself."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from usage_contracts.calendar_days import DAY
from usage_contracts.dates import iso_date, iso_instant
from usage_contracts.measures import Measure, differences, same, shown, total
from usage_contracts.run import Run, start
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

SIGNS = ("totals", "providers")


TOLERATED: dict[str, frozenset[str]] = {}


STATUSES = ("2xx", "4xx", "5xx")


LATENCIES = ("avg_latency_ms", "p95_latency_ms")


STATES = ("queued", "running", "complete", "partial", "failed")


def cents(name: Hashable) -> float:
    """Half a cent for costs, which a service may round; nothing for counts."""
    return 0.005 if name == "cost" or (isinstance(name, tuple) and name[-1] == "cost") else 0.0


NOBODY = "usagekit-nobody"


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def as_object(value: Any) -> dict[str, Any]:
    """The value where it is an object, {} otherwise."""
    return value if isinstance(value, dict) else {}


class _NoNumber(ValueError):
    """A figure that is no number; the schema check tells it."""


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise _NoNumber(value)
    return value or 0


def rollup_of(found: dict[str, Any]) -> dict[Hashable, float]:
    """The figures of one rollup that add up."""
    measure: dict[Hashable, float] = {
        "calls": _number(found.get("calls_total")),
        "cost": _number(found.get("estimated_cost_usd")),
    }
    for name, value in as_object(found.get("calls_by_operation")).items():
        measure["operation", name] = _number(value)
    for name, value in as_object(found.get("http_status_counts")).items():
        measure["status", name] = _number(value)
    for latency in LATENCIES:
        _number(found.get(latency))
    return measure


def figures(answer: Answer) -> Measure | None:
    """Everything that adds up: calls, cost, operations, status classes, providers' calls, snapshots."""
    try:
        return _measured(answer.json)
    except _NoNumber:
        return None


def _measured(body: dict[str, Any]) -> Measure | None:
    if not isinstance(body.get("totals"), dict):
        return None
    measure = rollup_of(body["totals"])
    for name, entry in as_object(body.get("providers")).items():
        for figure, value in rollup_of(as_object(entry)).items():
            measure["provider", name, figure] = value
    snapshots = as_object(body.get("snapshots"))
    measure["snapshots"] = _number(snapshots.get("snapshots_total"))
    # What does not add up between answers is read too: looks take every figure for a number.
    for value in as_object(snapshots.get("snapshots_by_status")).values():
        _number(value)
    return measure


def inhabited(answer: Answer) -> bool:
    """Whether there was any call or snapshot."""
    found = figures(answer) or {}
    return bool(found.get("calls") or found.get("snapshots"))


def settled(run: Run, call: Call) -> bool:
    """Whether the range ended two days ago or more."""
    end = instant_of(call.param("to"))
    return end is not None and end.date() <= run.settled_day + DAY


def instant_of(text: str | None) -> datetime | None:
    """The instant that a bound names, None where it is missing or written otherwise."""
    day = iso_date(text)
    return midnight(day) if day is not None else iso_instant(text)


def look(run: Run, answer: Answer) -> Iterator[Judgement]:
    """Judge one 200 answer by itself."""
    body = answer.json
    entries = {name: as_object(entry) for name, entry in as_object(body.get("providers")).items()}
    totals = as_object(body.get("totals"))
    yield from _look_at_range(answer)
    if figures(answer) is None:
        return
    yield from _look_at_provider(answer, entries, totals)
    for place, rollup in (("totals", totals), *entries.items()):
        yield from _look_at_rollup(answer, place, rollup)
    yield from _look_at_totals(answer, entries, totals)
    yield from _look_at_snapshots(answer)
    first = next((known for known in run.log if known.ok and known.call.key == "good"), answer)
    yield judge(
        "surnex.account-constant",
        first.json.get("account_id") == body.get("account_id"),
        (first, answer),
        observed=f"account_id {first.json.get('account_id')!r}, then {body.get('account_id')!r}",
        allowed="one account per key",
    )
    begin = instant_of(answer.call.param("from"))
    if begin is not None and begin > run.now + timedelta(days=1):
        yield judge(
            "surnex.nothing-later",
            not totals.get("calls_total"),
            answer,
            observed=f"{totals.get('calls_total')} calls in the future",
            allowed="no calls later than now",
        )


def _look_at_range(answer: Answer) -> Iterator[Judgement]:
    told = as_object(answer.json.get("range"))
    for name in ("from", "to"):
        asked, got = instant_of(answer.call.param(name)), told.get(name)
        if asked is not None:
            yield judge(
                "surnex.range-echo",
                instant_of(got) == asked,
                answer,
                observed=f"range.{name} {got!r}, asked for {answer.call.param(name)!r}",
                allowed="the instants asked for",
            )
        elif isinstance(got, str):
            yield judge(
                "surnex.range-echo",
                any(char.isdigit() for char in got),
                answer,
                observed=f"range.{name} {got!r} where none was asked for",
                allowed="null, or the instant at which the range begins or ends",
            )
    if answer.call.param("from") is None and answer.call.param("to") is None:
        nulls = told.get("from") is None and told.get("to") is None
        yield judge("surnex.range-null-when-missing", nulls, answer, observed=f"range {told}")


def _look_at_provider(
    answer: Answer, entries: dict[str, dict[str, Any]], totals: dict[str, Any]
) -> Iterator[Judgement]:
    asked = answer.call.param("provider")
    if asked is None:
        return
    yield judge(
        "surnex.provider-echo",
        answer.json.get("provider") == asked,
        answer,
        observed=f"provider {answer.json.get('provider')!r}",
        allowed=f"{asked!r}, the provider asked for",
    )
    others = [name for name in entries if name != asked]
    apart = asked in entries and stands_apart(entries[asked], totals)
    yield judge(
        "surnex.provider-filter",
        not others and not apart and (asked in entries or not totals.get("calls_total")),
        answer,
        observed=f"providers {list(entries)}{', totals differ from the entry' if apart else ''}",
        allowed=f"the entry of {asked!r} and totals equal to it",
    )
    if asked == NOBODY:
        yield judge(
            "surnex.unknown-provider-empty",
            not totals.get("calls_total"),
            answer,
            observed=f"{totals.get('calls_total')} calls of a provider that does not exist",
            allowed="no calls",
        )


def stands_apart(entry: dict[str, Any], totals: dict[str, Any]) -> bool:
    """Whether a provider's entry and the totals of its own answer are not the same."""
    latencies = [(_number(entry.get(name)), _number(totals.get(name))) for name in LATENCIES]
    return bool(differences(rollup_of(entry), rollup_of(totals), cents, 2)) or not all(
        same(one, other, 0.5) for one, other in latencies
    )


def _look_at_rollup(answer: Answer, place: str, rollup: dict[str, Any]) -> Iterator[Judgement]:
    calls = _number(rollup.get("calls_total"))
    operations = sum(_number(value) for value in as_object(rollup.get("calls_by_operation")).values())
    statuses = sum(_number(as_object(rollup.get("http_status_counts")).get(name)) for name in STATUSES)
    yield judge(
        "surnex.operations-add-up",
        operations == calls,
        answer,
        observed=f"{place}: {operations:g} calls by operation, calls_total {calls:g}",
        allowed="the operations are the calls",
    )
    yield from _look_at_statuses(answer, place, statuses, calls)
    average, high = rollup.get("avg_latency_ms"), rollup.get("p95_latency_ms")
    # A service may write 0 where it has nothing to average.
    if calls == 0:
        idle = not average and not high and not rollup.get("estimated_cost_usd") and not statuses
        yield judge(
            "surnex.no-calls-no-latency",
            idle,
            answer,
            observed=f"{place}: latencies {average}, {high}, cost {rollup.get('estimated_cost_usd')} without calls",
            allowed="no latency, no cost, no status without calls",
        )
    yield judge(
        "surnex.latencies-together",
        (average is None) == (high is None),
        answer,
        observed=f"{place}: avg_latency_ms {average}, p95_latency_ms {high}",
        allowed="both latencies, or neither",
    )


def _look_at_statuses(answer: Answer, place: str, statuses: float, calls: float) -> Iterator[Judgement]:
    told = f"{place}: {statuses:g} calls by status, calls_total {calls:g}"
    yield judge(
        "surnex.statuses-add-up",
        statuses <= calls,
        answer,
        observed=told,
        allowed="no more statuses than calls",
    )
    # A call that timed out has no status, so fewer of them break nothing.
    yield judge("surnex.every-call-has-status", statuses == calls, answer, observed=told)


def _look_at_totals(
    answer: Answer, entries: dict[str, dict[str, Any]], totals: dict[str, Any]
) -> Iterator[Judgement]:
    if not entries and not totals.get("calls_total"):
        return
    added, whole = total(map(rollup_of, entries.values())), rollup_of(totals)
    wrong = differences(whole, added, cents, len(entries) + 1)
    yield judge(
        "surnex.totals-are-sums",
        not wrong,
        answer,
        observed=f"totals and the sum of the providers: {shown(wrong, whole, added)}",
        allowed="totals are the sums over the providers",
    )
    for name, slug in (
        ("avg_latency_ms", "totals-average-between"),
        ("p95_latency_ms", "totals-p95-between"),
    ):
        known = [_number(entry[name]) for entry in entries.values() if entry.get(name) is not None]
        value = totals.get(name)
        if known and value is not None:
            yield judge(
                f"surnex.{slug}",
                min(known) - 0.5 <= _number(value) <= max(known) + 0.5,
                answer,
                observed=f"totals.{name} {value}, the providers have {min(known):g} to {max(known):g}",
                allowed="between the smallest and the largest of the providers",
            )


def _look_at_snapshots(answer: Answer) -> Iterator[Judgement]:
    snapshots = as_object(answer.json.get("snapshots"))
    states = as_object(snapshots.get("snapshots_by_status"))
    added, whole = (
        sum(_number(states.get(name)) for name in STATES),
        _number(snapshots.get("snapshots_total")),
    )
    yield judge(
        "surnex.snapshots-add-up",
        added == whole,
        answer,
        observed=f"{added:g} snapshots by status, snapshots_total {whole:g}",
        allowed="the five states are the snapshots",
    )


def look_denied(run: Run, answer: Answer) -> Iterator[Judgement]:  # noqa: ARG001
    """A refused key gets the documented envelope."""
    if answer.status != 401:
        return
    yield judge(
        "surnex.unauthorized-envelope",
        is_enveloped(answer),
        answer,
        observed=f"{answer.headers.get('content-type')}: body {start(answer)}",
        allowed="JSON: error with code, message and request_id",
    )
    yield judge(
        "surnex.unauthorized-code",
        as_object(as_object(answer.json).get("error")).get("code") == "UNAUTHORIZED",
        answer,
        observed=f"body {start(answer)}",
        allowed="code UNAUTHORIZED",
    )


def is_enveloped(answer: Answer) -> bool:
    """Whether the body is the documented error envelope, declared as JSON."""
    if "json" not in answer.headers.get("content-type", "").lower():
        return False
    error = as_object(as_object(answer.json).get("error"))
    return all(
        isinstance(error.get(name), str) and error[name] for name in ("code", "message", "request_id")
    ) and isinstance(error.get("details", {}), dict)
