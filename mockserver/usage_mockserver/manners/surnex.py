"""Manners of Surnex: each is something its document leaves open (FACTS.md, the ambiguities)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from usage_mockserver.http import Reply, number
from usage_mockserver.instants import FIRST, MICROSECONDS_A_DAY, nearest_datetime, read_rfc3339
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Memory,
    When,
    Wrap,
    always,
    edited,
    given,
    instead,
    json_reply,
    parsed,
    remembering,
    via,
    written,
)
from usage_mockserver.providers.surnex_events import PROJECTS, UPSTREAMS

SURNEX = ("surnex",)
STATES = ("queued", "running", "complete", "partial", "failed")
MICROSECOND, MONTH = timedelta(microseconds=1), 30 * MICROSECONDS_A_DAY


def _changed(change: Callable[[Any, Ask], object], when: When = always) -> Wrap:
    def edit(body: Any, ask: Ask) -> None:
        change(body, ask)

    return edited(edit, when)


def _entries(body: Any) -> Iterator[dict[str, Any]]:
    yield body["totals"]
    yield from body["providers"].values()


def _in_each(change: Callable[[dict[str, Any]], object]) -> Wrap:
    return _changed(lambda body, _: [change(entry) for entry in _entries(body)])


def _printed(microseconds: int) -> str:
    """The instant as JavaScript prints it."""
    return nearest_datetime(microseconds).isoformat(timespec="milliseconds")[:23] + "Z"


def _normalised(text: str | None) -> str | None:
    moment = read_rfc3339(text or "")
    return None if moment is None else _printed(moment)


def _default_range(ask: Ask) -> Reply:
    """A missing `to` means now, a missing `from` thirty days before `to`."""
    now = (ask.account.now - FIRST) // MICROSECOND
    begin, end = (read_rfc3339(ask.query.get(name, "")) for name in ("from", "to"))
    filled: dict[str, str | None] = {}
    if "to" not in ask.query:
        end = now if begin is None or begin < now else begin + MONTH
        filled["to"] = _printed(end)
    if "from" not in ask.query:
        filled["from"] = _printed((now if end is None else end) - MONTH)
    return ask.reply(filled) if filled else ask.reply()


def _zero_entries(body: Any, ask: Ask) -> None:
    """Every known provider has an entry, also without calls."""
    asked = ask.query.get("provider")
    nothing = {
        "calls_total": 0,
        "calls_by_operation": {},
        "avg_latency_ms": None,
        "p95_latency_ms": None,
        "http_status_counts": {"2xx": 0, "4xx": 0, "5xx": 0},
        "estimated_cost_usd": 0,
    }
    for name in UPSTREAMS if asked is None else (asked,):
        body["providers"].setdefault(name, nothing)


def _no_snapshots(body: Any, _: Ask) -> None:
    body["snapshots"] = {"snapshots_total": 0, "snapshots_by_status": dict.fromkeys(STATES, 0)}


def _moving(ask: Ask, memory: Memory) -> Reply:
    """Every second answer finds the queued snapshots running."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    body = parsed(reply)
    counts = body["snapshots"]["snapshots_by_status"]
    if memory["answers"] % 2 == 0:
        counts["running"] += counts["queued"]
        counts["queued"] = 0
    return written(reply, body)


def _interpolated(entry: dict[str, Any]) -> None:
    if entry["p95_latency_ms"]:
        entry["p95_latency_ms"] = number(round(entry["p95_latency_ms"] * 0.985, 1))


def _whole_average(entry: dict[str, Any]) -> None:
    if entry["avg_latency_ms"]:
        entry["avg_latency_ms"] = round(entry["avg_latency_ms"])


def _one_project(ask: Ask) -> Reply:
    """The key sees one project; the others are not there."""
    if "project_id" not in ask.query:
        return ask.reply({"project_id": PROJECTS[0]})
    reply = ask.reply()
    if reply.status != 200 or ask.query["project_id"].lower() == PROJECTS[0]:
        return reply
    return _failed(404, "NOT_FOUND")


def _failed(status: int, code: str) -> Reply:
    return json_reply(status, {"error": {"code": code, "message": code.title(), "request_id": "req_1"}})


def _unknown_provider(ask: Ask) -> bool:
    return ask.query.get("provider", UPSTREAMS[0]) not in UPSTREAMS


def _over_a_year(ask: Ask) -> bool:
    begin, end = (read_rfc3339(ask.query.get(name, "")) for name in ("from", "to"))
    return begin is not None and end is not None and end - begin > 366 * MICROSECONDS_A_DAY


SURNEX_MANNERS: tuple[Manner, ...] = (
    Manner(
        "range-with-milliseconds",
        "the range is echoed as JavaScript prints instants",
        _changed(
            lambda body, _: body.update(range={name: _normalised(at) for name, at in body["range"].items()})
        ),
        SURNEX,
    ),
    Manner("default-range", "a missing bound is replaced, and echoed", via(_default_range), SURNEX),
    Manner(
        "provider-star",
        "without a filter provider is *",
        _changed(lambda body, ask: "provider" in ask.query or body.update(provider="*")),
        SURNEX,
    ),
    Manner("entries-of-no-calls", "every known provider has an entry", _changed(_zero_entries), SURNEX),
    Manner(
        "snapshots-filtered-by-provider",
        "with a provider there are no snapshots",
        _changed(_no_snapshots, given("provider")),
        SURNEX,
    ),
    Manner("snapshots-moving", "snapshots move from state to state", remembering(_moving), SURNEX),
    Manner(
        "timeouts-without-status",
        "some calls ended without a status",
        _in_each(lambda entry: entry["http_status_counts"].update({"5xx": 0})),
        SURNEX,
    ),
    Manner("p95-interpolated", "p95 is not one of the latencies", _in_each(_interpolated), SURNEX),
    Manner("average-whole", "average latencies are whole milliseconds", _in_each(_whole_average), SURNEX),
    Manner(
        "cost-in-cents",
        "costs are rounded to cents",
        _in_each(
            lambda entry: entry.update(estimated_cost_usd=number(round(entry["estimated_cost_usd"], 2)))
        ),
        SURNEX,
    ),
    Manner(
        "unknown-provider-not-found",
        "a provider nobody knows gets 404",
        instead(lambda _: _failed(404, "NOT_FOUND"), _unknown_provider),
        SURNEX,
    ),
    Manner(
        "unknown-project-forbidden",
        "a project of somebody else gets 403",
        instead(lambda _: _failed(403, "FORBIDDEN"), given("project_id"), (404,)),
        SURNEX,
    ),
    Manner(
        "long-ranges-refused",
        "a range of more than a year gets 400",
        instead(lambda _: _failed(400, "VALIDATION_ERROR"), _over_a_year),
        SURNEX,
    ),
    Manner("key-for-one-project", "the key has rights on one project alone", via(_one_project), SURNEX),
)
