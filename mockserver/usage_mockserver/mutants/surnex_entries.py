"""How the sums, filters and echoes of a Surnex server go wrong."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Any

from usage_mockserver.http import Reply
from usage_mockserver.instants import FIRST, read_rfc3339
from usage_mockserver.mutants.edits import Ask, json_reply, parsed, written
from usage_mockserver.mutants.surnex_edits import (
    DAY,
    HOUR,
    Entry,
    entries,
    instant,
    instants,
    scaled,
)

SECOND = 1_000_000


def doubled_operations(found: Any, name: str) -> None:
    """The operations of one provider count twice, in the totals as well."""
    counts = found["providers"].get(name, {}).get("calls_by_operation", {})
    for operation, count in counts.items():
        found["totals"]["calls_by_operation"][operation] += count
        counts[operation] = 2 * count


def all_ok(found: Any, name: str) -> None:
    """All calls to one provider count as 2xx, also those that failed."""
    if name in found["providers"]:
        entry = found["providers"][name]
        more = entry["calls_total"] - entry["http_status_counts"]["2xx"]
        for one in (entry, found["totals"]):
            one["http_status_counts"]["2xx"] += more


def in_two_classes(entry: Entry, one: str, other: str) -> None:
    """What is in one status class is in the other as well."""
    entry["http_status_counts"][other] += entry["http_status_counts"][one]


def take_out(found: Any, name: str) -> None:
    """The totals lack the calls to one of several providers."""
    out = found["providers"].get(name)
    if out is None or len(found["providers"]) == 1:
        return
    total = found["totals"]
    total["calls_total"] -= out["calls_total"]
    total["estimated_cost_usd"] = round(total["estimated_cost_usd"] - out["estimated_cost_usd"], 6)
    for counts in ("calls_by_operation", "http_status_counts"):
        for key, count in out[counts].items():
            total[counts][key] -= count


def largest(found: Any) -> None:
    """The totals are those of the provider with most calls."""
    if found["providers"]:
        found["totals"] = max(found["providers"].values(), key=lambda entry: int(entry["calls_total"]))


def overwritten(found: Any) -> None:
    """An operation that several providers have counts for the last of them."""
    for entry in found["providers"].values():
        found["totals"]["calls_by_operation"].update(entry["calls_by_operation"])


def averages(found: Any) -> list[float]:
    """The average latency of each provider."""
    return [entry["avg_latency_ms"] for entry in found["providers"].values() if entry["avg_latency_ms"]]


def average_summed(total: Entry, found: Any) -> None:
    """The average is the sum of the averages."""
    if averages(found):
        total["avg_latency_ms"] = round(sum(averages(found)), 2)


def average_too_low(total: Entry, found: Any) -> None:
    """The average is half of the smallest."""
    if averages(found):
        total["avg_latency_ms"] = round(min(averages(found)) / 2, 2)


def average_in_seconds(total: Entry, _: Any) -> None:
    """The average is in seconds."""
    if total["avg_latency_ms"]:
        total["avg_latency_ms"] = round(total["avg_latency_ms"] / 1000, 5)


def whole_dollars(total: Entry, _: Any) -> None:
    """The cost is rounded up."""
    total["estimated_cost_usd"] = ceil(total["estimated_cost_usd"])


def snapshots_less(found: Any, *states: str) -> None:
    """Snapshots in these states are not in the total."""
    counts = found["snapshots"]["snapshots_by_status"]
    found["snapshots"]["snapshots_total"] -= sum(counts[state] for state in states)


def partial_twice(found: Any) -> None:
    """A partial snapshot is in the state complete as well."""
    counts = found["snapshots"]["snapshots_by_status"]
    counts["complete"] += counts["partial"]


def no_complete(found: Any) -> None:
    """Complete snapshots are not shown."""
    snapshots_less(found, "complete")
    found["snapshots"]["snapshots_by_status"]["complete"] = 0


def as_if(found: Any, other: Any, name: str) -> None:
    """The calls to another provider under this name."""
    found["totals"] = other["totals"]
    found["providers"] = {name: other["totals"]}


def one_call(found: Any, name: str) -> None:
    """A single failed call to this provider."""
    entry = {
        "calls_total": 1,
        "calls_by_operation": {"unknown": 1},
        "avg_latency_ms": 30_000,
        "p95_latency_ms": 30_000,
        "http_status_counts": {"2xx": 0, "4xx": 1, "5xx": 0},
        "estimated_cost_usd": 0,
    }
    found.update(totals=entry, providers={name: entry})


def other_account(found: Any, digit: str) -> None:
    """The account id with another first digit."""
    rest = found["account_id"][1:]
    found["account_id"] = (digit if found["account_id"][0] != digit else "f") + rest


def refused_key(_: Reply) -> Reply:
    """The refusal of a key."""
    details = {"reason": "missing_or_invalid_api_key"}
    error = {"code": "UNAUTHORIZED", "message": "Unauthorized", "request_id": "req_401", "details": details}
    return json_reply(401, {"error": error})


def any_project(ask: Ask) -> Reply:
    """Whatever the project, three times the calls of the whole account."""
    reply = ask.reply()
    if "project_id" not in ask.query or reply.status not in (200, 404):
        return reply
    answered = ask.reply({"project_id": None})
    if answered.status != 200:
        return answered
    found = parsed(answered)
    for entry in entries(found):
        scaled(3)(entry)
    return written(answered, found)


# -- time -----------------------------------------------------------------------------------------------


def now_of(ask: Ask) -> int:
    """The account's now in microseconds."""
    return (ask.account.now - FIRST) // timedelta(microseconds=1)


def bound(ask: Ask, name: str) -> int | None:
    """One bound in microseconds."""
    return read_rfc3339(ask.query.get(name, ""))


def in_future(ask: Ask) -> bool:
    """The range begins after now."""
    begin = bound(ask, "from")
    return begin is not None and begin > now_of(ask)


def to_in_future(ask: Ask) -> bool:
    """The range ends after now."""
    end = bound(ask, "to")
    return end is not None and end > now_of(ask)


def long_past(ask: Ask) -> bool:
    """The range ends before 2016."""
    return "to" in ask.query and ask.query["to"] < "2016"


def by_less_than_a_day(ask: Ask) -> bool:
    """The bounds are less than a day apart."""
    both = instants(ask)
    return both is not None and abs(both[1] - both[0]) < DAY


def in_one_year(ask: Ask) -> bool:
    """Both bounds have the same year."""
    return ask.query["from"][:4] == ask.query["to"][:4]


def second_early(found: Any, ask: Ask) -> None:
    """The echoed `to` is the second before."""
    end = bound(ask, "to")
    if end is not None:
        found["range"]["to"] = instant(end - SECOND)


def day_late(found: Any, ask: Ask) -> None:
    """The echoed `to` is a day later."""
    end = bound(ask, "to")
    if end is not None:
        found["range"]["to"] = instant(end + DAY)


def two_hours_late(found: Any, _: Ask) -> None:
    """Both echoed bounds are two hours later."""
    for name, at in found["range"].items():
        moment = read_rfc3339(at or "")
        if moment is not None:
            found["range"][name] = instant(moment + 2 * HOUR)
