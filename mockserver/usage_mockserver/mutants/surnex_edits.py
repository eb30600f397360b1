"""How the defects of a Surnex server are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from usage_mockserver.http import Reply, number, pairs
from usage_mockserver.instants import MICROSECONDS_A_DAY, nearest_datetime, read_rfc3339
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Changes,
    Memory,
    When,
    Wrap,
    always,
    asking,
    edited,
    parsed,
    via,
    written,
)

Entry = dict[str, Any]
DAY, HOUR = MICROSECONDS_A_DAY, MICROSECONDS_A_DAY // 24
FIGURES = ("totals", "providers", "snapshots")
CLASSES = ("2xx", "4xx", "5xx")
STATES = ("queued", "running", "complete", "partial", "failed")
NEVER = {"from": "1990-01-01T00:00:00Z", "to": "1990-01-02T00:00:00Z"}


def data(change: Callable[[Any, Ask], object], when: When = always) -> Wrap:
    """Answers changed in place."""

    def edit(found: Any, ask: Ask) -> None:
        change(found, ask)

    return edited(edit, when)


def rolled(ask: Ask, changes: Changes) -> Any:
    """The answer to another question."""
    return ask.answer(changes)


def figures_of(read: Callable[[Ask], Changes | None], when: When = always) -> Wrap:
    """The figures are those of another question; range and provider are still those asked for."""

    def change(found: Any, ask: Ask) -> None:
        changes = read(ask)
        if changes is not None:
            other = rolled(ask, changes)
            found.update({name: other[name] for name in FIGURES if name in other})

    return data(change, when)


# -- ranges ---------------------------------------------------------------------------------------------


def instants(ask: Ask) -> tuple[int, int] | None:
    """Both bounds in microseconds, None unless both are given and exist."""
    begin, end = (read_rfc3339(ask.query.get(name, "")) for name in ("from", "to"))
    return None if begin is None or end is None else (begin, end)


def instant(microseconds: int) -> str:
    """The instant as the document writes it."""
    return nearest_datetime(microseconds).isoformat().replace("+00:00", "Z")


def between(begin: int, end: int) -> dict[str, str | None]:
    """Both bounds; a range in which nothing ever happened where they are not in order."""
    return {"from": instant(begin), "to": instant(end)} if begin < end else dict(NEVER)


def window(read: Callable[[int, int], tuple[int, int]], when: When = always) -> Wrap:
    """The figures are those of another range."""

    def change(ask: Ask) -> Changes | None:
        both = instants(ask)
        return None if both is None else between(*read(*both))

    return figures_of(change, when)


def over(days: int) -> When:
    """Both bounds are given and further apart than this."""

    def holds(ask: Ask) -> bool:
        both = instants(ask)
        return both is not None and both[1] - both[0] > days * DAY

    return holds


def midnight(microseconds: int) -> int:
    """The first instant of the day."""
    return microseconds // DAY * DAY


def month_start(microseconds: int) -> bool:
    """The first instant of a month."""
    return microseconds % DAY == 0 and nearest_datetime(microseconds).day == 1


def reversed_range(ask: Ask) -> bool:
    """`from` is after `to`."""
    both = instants(ask)
    return both is not None and both[0] > both[1]


def for_reversed(read: Callable[[int, int], tuple[int, int]], when: When = always) -> Wrap:
    """A reversed range is answered with the figures of another, and echoed as it was sent."""

    def make(ask: Ask) -> Reply:
        reply, both = ask.reply(), instants(ask)
        if reply.status not in REFUSED or both is None or both[0] <= both[1] or not when(ask):
            return reply
        answered = ask.reply(between(*read(*both)))
        if answered.status != 200:
            return answered
        body = parsed(answered)
        body["range"] = {"from": ask.query["from"], "to": ask.query["to"]}
        return written(answered, body)

    return via(make)


# -- entries --------------------------------------------------------------------------------------------


def entries(found: Any) -> Iterator[Entry]:
    """The totals, then each provider."""
    yield found["totals"]
    yield from found["providers"].values()


def each(change: Callable[[Entry], object], when: When = always) -> Wrap:
    """The totals and every provider are changed in place."""

    def edit(found: Any, _: Ask) -> None:
        for entry in entries(found):
            change(entry)

    return data(edit, when)


def totals(change: Callable[[Entry, Any], object], when: When = always) -> Wrap:
    """The totals are changed in place; `change` also gets the whole answer."""
    return data(lambda found, _: change(found["totals"], found), when)


def more_calls(entry: Entry, count: int = 1) -> None:
    """So many calls more, with everything that counts calls."""
    if entry["http_status_counts"]["2xx"]:
        name = max(entry["calls_by_operation"], key=entry["calls_by_operation"].__getitem__)
        entry["calls_total"] += count
        entry["calls_by_operation"][name] += count
        entry["http_status_counts"]["2xx"] += count


def scaled(times: int) -> Callable[[Entry], None]:
    """So many times the calls and the cost."""

    def change(entry: Entry) -> None:
        entry["calls_total"] *= times
        entry["estimated_cost_usd"] = number(round(entry["estimated_cost_usd"] * times, 6))
        for counts in (entry["calls_by_operation"], entry["http_status_counts"]):
            counts.update({name: count * times for name, count in counts.items()})

    return change


def without_operation(name: str) -> Callable[[Entry], None]:
    """Calls of one operation are counted, and the operation is not listed."""
    return lambda entry: entry["calls_by_operation"].pop(name, None)


def zeroed(found: Any) -> None:
    """No calls, no snapshots."""
    entry = {
        "calls_total": 0,
        "calls_by_operation": {},
        "avg_latency_ms": None,
        "p95_latency_ms": None,
        "http_status_counts": dict.fromkeys(CLASSES, 0),
        "estimated_cost_usd": 0,
    }
    states = {"snapshots_total": 0, "snapshots_by_status": dict.fromkeys(STATES, 0)}
    found.update(totals=entry, providers={}, snapshots=states)


def idle(entry: Entry) -> bool:
    """No calls."""
    return bool(entry["calls_total"] == 0)


# -- refusals -------------------------------------------------------------------------------------------


def fails(ask: Ask, name: str) -> bool:
    """The request is refused because of this parameter, maybe among others."""
    if name not in ask.query or ask.reply().status not in REFUSED:
        return False
    return ask.reply({other: None for other in ask.query if other != name}).status in REFUSED


def about(*names: str) -> When:
    """The request is refused because of one of these parameters."""
    return lambda ask: any(fails(ask, name) for name in names)


def lenient(name: str, value: str | None, when: When = always) -> Wrap:
    """An invalid value of this parameter is read as another, or as none."""
    return asking(lambda ask: {name: value} if fails(ask, name) and when(ask) else None, REFUSED)


def is_empty(name: str) -> When:
    """The parameter was sent without a value."""
    return lambda ask: ask.query.get(name) == ""


def refused(change: Callable[[Any, Ask], Any], when: When = always) -> Wrap:
    """Another JSON in refusals of invalid parameters."""
    return edited(change, when, (400,))


def error(change: Callable[[dict[str, Any]], object], status: int = 400) -> Wrap:
    """The `error` of these refusals is changed in place."""

    def edit(body: Any, _: Ask) -> None:
        change(body["error"])

    return edited(edit, statuses=(status,))


def issues(change: Callable[[dict[str, Any]], object]) -> Wrap:
    """Every issue of a 400 is changed in place."""

    def edit(found: dict[str, Any]) -> None:
        for issue in found["details"]["issues"]:
            change(issue)

    return error(edit)


def status_of(status: int) -> Callable[[Reply], Reply]:
    """The same reply under another status."""
    return lambda reply: replace(reply, status=status)


def no_calls(ask: Ask) -> bool:
    """Nothing was called in the asked range by anybody."""
    return idle(ask.answer()["totals"])


def unknown_provider(ask: Ask) -> bool:
    """The provider never had a call."""
    return "provider" in ask.query and no_calls_ever(ask, {"from": None, "to": None, "project_id": None})


def no_calls_ever(ask: Ask, changes: Changes) -> bool:
    """The question has no calls with these changes."""
    reply = ask.reply(changes)
    return reply.status == 200 and idle(parsed(reply)["totals"])


# -- memory and order -----------------------------------------------------------------------------------


def counted_again(ask: Ask, memory: Memory) -> Reply:
    """Each time a question is asked every entry has one call more."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    question = tuple(sorted(ask.query.items()))
    memory[question] = times = memory.get(question, 0) + 1
    found = parsed(reply)
    more_calls(found["totals"], times * len(found["providers"]))
    for entry in found["providers"].values():
        more_calls(entry, times)
    return written(reply, found)


def cached_by_range(ask: Ask, memory: Memory) -> Reply:
    """Figures are remembered by the range, whoever's they are."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    found = parsed(reply)
    key = ask.query.get("from"), ask.query.get("to")
    found.update(memory.setdefault(key, {name: found[name] for name in FIGURES}))
    return written(reply, found)


def numbered_account(ask: Ask, memory: Memory) -> Reply:
    """The last digits of account_id count the answers."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    found = parsed(reply)
    found["account_id"] = f"{found['account_id'][:-4]}{memory['answers'] % 65536:04x}"
    return written(reply, found)


def behind_provider(ask: Ask) -> Changes | None:
    """The parameters behind `provider` in the query, left out."""
    names = [name for name, _ in pairs(ask.request.query)]
    behind = names[names.index("provider") + 1 :] if "provider" in names else []
    return dict.fromkeys(behind) if behind else None
