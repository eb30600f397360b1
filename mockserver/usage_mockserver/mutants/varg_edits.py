"""How the defects of a Varg server are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from usage_mockserver.http import Reply, number
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Edit,
    Memory,
    When,
    Wrap,
    always,
    asking,
    edited,
    parsed,
    rare,
    shifted,
    via,
    written,
)

Job = dict[str, Any]
Jobs = list[Job]


def bounds(first: date | None, last: date | None) -> dict[str, str | None]:
    """Both parameters."""
    return {"from": first.isoformat() if first else None, "to": last.isoformat() if last else None}


def between(ask: Ask, first: date | None, last: date | None) -> Jobs:
    """The records of another window."""
    found: Jobs = ask.answer(bounds(first, last))["usage"]
    return found


def total(found: Jobs) -> int | float:
    """What the records cost together, as a reader adds them up."""
    costs = (job.get("cost_cents") for job in found)
    exact = sum(Decimal(str(cost)) for cost in costs if isinstance(cost, (int, float)))
    return number(float(exact))


def jobs(edit: Callable[[Jobs, Ask], Jobs], when: When = always) -> Wrap:
    """Other records in answers, and the total that is theirs."""

    def change(data: Any, ask: Ask) -> None:
        data["usage"] = edit(data["usage"], ask)
        data["total_cents"] = total(data["usage"])

    return edited(change, when)


def each(change: Callable[[Job], object], one_in: int = 1, when: When = always) -> Wrap:
    """One record in so many is changed in place."""

    def edit(found: Jobs, _: Ask) -> Jobs:
        for job in found:
            if rare(job, one_in):
                change(job)
        return found

    return jobs(edit, when)


def rarely(change: Callable[[Job], object], one_in: int = 40) -> Wrap:
    """One record in so many is changed in place, the total stays."""

    def edit(data: Any, _: Ask) -> None:
        for job in data["usage"]:
            if rare(job, one_in):
                change(job)

    return edited(edit)


def kept(test: Callable[[Job, date, date], bool], when: When = always) -> Wrap:
    """Only the records that pass the test are shown, where both days are given."""

    def edit(found: Jobs, ask: Ask) -> Jobs:
        window = ask.window
        return found if window is None else [job for job in found if test(job, *window)]

    return jobs(edit, when)


def leaked(more: Callable[[date, date], tuple[date, date]], when: When = always) -> Wrap:
    """The records of a second window are shown as well."""

    def edit(found: Jobs, ask: Ask) -> Jobs:
        window = ask.window
        if window is None or window[0] > window[1]:
            return found
        other = between(ask, *more(*window))
        return [*found, *(job for job in other if job not in found)]

    return jobs(edit, when)


def summed(total_of: Callable[[Any, Ask], object], when: When = always) -> Wrap:
    """The same records beside another total."""

    def change(data: Any, ask: Ask) -> None:
        data["total_cents"] = total_of(data, ask)

    return edited(change, when)


def without_records(change: Edit) -> Wrap:
    """Answers without records are changed."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        data = parsed(reply)
        if reply.status != 200 or data["usage"]:
            return reply
        changed = change(data, ask)
        return written(reply, data if changed is None else changed)

    return via(make)


def lone(name: str) -> When:
    """This bound is given and the other is not."""
    other = {"from": "to", "to": "from"}[name]
    return lambda ask: name in ask.query and other not in ask.query


def no_bounds(ask: Ask) -> bool:
    """Neither bound is given."""
    return "from" not in ask.query and "to" not in ask.query


def widened(name: str, days: int) -> Wrap:
    """A lone bound is read so many days too wide."""

    def change(ask: Ask) -> dict[str, str | None] | None:
        day = ask.day(name) if lone(name)(ask) else None
        return None if day is None else {name: shifted(day, days).isoformat()}

    return asking(change)


def for_reversed(read: Callable[[date, date], tuple[date | None, date | None]], near: int = 10_000) -> Wrap:
    """A reversed window is answered as if another had been asked for, where its bounds are that near."""

    def change(ask: Ask) -> dict[str, str | None] | None:
        window = ask.window
        if window is None or not 0 < (window[0] - window[1]).days <= near:
            return None
        return bounds(*read(*window))

    return asking(change, (200, *REFUSED))


def clock_of(change: Callable[[str], object]) -> Callable[[Job], object]:
    """created_at in another form."""
    return lambda job: job.update(created_at=change(job["created_at"]))


def repeated(found: Jobs, chosen: Callable[[Job], bool]) -> Jobs:
    """The chosen records stand twice."""
    return [copy for job in found for copy in ([job, job] if chosen(job) else [job])]


def charged_again(ask: Ask, memory: Memory) -> Reply:
    """Each time a question is asked its newest record costs a cent more."""
    reply = ask.reply()
    data = parsed(reply)
    if reply.status != 200 or not data["usage"]:
        return reply
    question = tuple(sorted(ask.query.items()))
    memory[question] = times = memory.get(question, 0) + 1
    dear = max(data["usage"], key=lambda job: job["cost_cents"])
    dear["cost_cents"] += times
    return written(reply, {**data, "total_cents": total(data["usage"])})


def total_of_before(ask: Ask, memory: Memory) -> Reply:
    """The total is that of the question before."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    data = parsed(reply)
    shown = memory.get("total", data["total_cents"])
    memory["total"] = data["total_cents"]
    return written(reply, {**data, "total_cents": shown})


def cached_by_from(ask: Ask, memory: Memory) -> Reply:
    """Answers are remembered by `from` alone."""
    reply = ask.reply()
    if reply.status != 200 or "from" not in ask.query:
        return reply
    kept_reply: Reply = memory.setdefault(ask.query["from"], reply)
    return kept_reply


def status_of(status: int) -> Callable[[Reply], Reply]:
    """The same reply under another status."""
    return lambda reply: replace(reply, status=status)


def two_days_before(first: date, _: date) -> tuple[date, date]:
    """The two days before the window, which no time zone explains."""
    return shifted(first, -2), shifted(first, -1)


def two_days_after(_: date, last: date) -> tuple[date, date]:
    """The two days after it."""
    return shifted(last, 1), shifted(last, 2)


def local_days(hours: float) -> Wrap:
    """Bounds are days of another zone; the instants stay in UTC."""
    ahead = timedelta(hours=hours)

    def edit(body: Any, ask: Ask) -> None:
        first, last = ask.day("from"), ask.day("to")
        wide = {"from": first and shifted(first, -1).isoformat(), "to": last and shifted(last, 1).isoformat()}
        if first is not None and last is not None and first > last:
            return
        found = ask.answer({name: str(day) for name, day in wide.items() if day})["usage"]
        days = [(datetime.fromisoformat(job["created_at"]) + ahead).date() for job in found]
        body["usage"] = [
            job
            for job, day in zip(found, days, strict=True)
            if (first is None or first <= day) and (last is None or day <= last)
        ]
        body["total_cents"] = sum(job["cost_cents"] for job in body["usage"])

    return edited(edit)
