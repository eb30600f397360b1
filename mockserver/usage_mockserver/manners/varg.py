"""Manners of Varg: what its page leaves open about costs, refunds, record shapes, clocks and missing dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from usage_mockserver.http import number
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import Ask, Wrap, asking, edited, rare, shifted

VARG = ("varg",)


def _jobs(change: Callable[[list[Any]], list[Any]]) -> Wrap:
    """Other records, and the total that is theirs."""

    def edit(body: Any, _: Ask) -> None:
        body["usage"] = change(body["usage"])
        exact = sum(Decimal(str(job["cost_cents"])) for job in body["usage"])
        body["total_cents"] = number(float(exact))

    return edited(edit)


def _each(change: Callable[[Any], Any]) -> Wrap:
    return _jobs(lambda found: [{**job, **change(job)} for job in found])


def _clock(form: Callable[[datetime], str]) -> Wrap:
    return _each(lambda job: {"created_at": form(datetime.fromisoformat(job["created_at"]))})


def _refunded(found: list[Any]) -> list[Any]:
    """One job in thirty was refunded: a second record of it takes back what it cost."""
    back = [{**job, "cost_cents": -job["cost_cents"]} for job in found if rare(job, 30) and job["cost_cents"]]
    return [*found, *back]


def _credited(body: Any, ask: Ask) -> None:
    """One job in forty gets half its cost back: a record of its own, five days later."""
    first, last = ask.day("from"), ask.day("to")
    ever = {"from": None, "to": None}
    found = []
    for job in ask.answer(ever)["usage"]:
        at = datetime.fromisoformat(job["created_at"]) + timedelta(days=5)
        if not rare(job, 40) or not job["cost_cents"] or at > ask.account.now:
            continue
        if (first is None or first <= at.date()) and (last is None or at.date() <= last):
            at_text = at.isoformat().replace("+00:00", "Z")
            credit = {"job_id": "refund_" + job["job_id"], "cost_cents": -job["cost_cents"] / 2}
            found.append({**job, **credit, "created_at": at_text})
    body["usage"].extend(found)
    body["total_cents"] += sum(job["cost_cents"] for job in found)


def _retried(found: list[Any]) -> list[Any]:
    """One job in thirty was tried twice, the first time for nothing."""
    return [*found, *({**job, "cost_cents": 0, "model": "fal:retry"} for job in found if rare(job, 30))]


def _failed(found: list[Any]) -> list[Any]:
    """One job in twenty stands beside one that failed and cost nothing."""
    failed = [
        {**job, "job_id": job["job_id"] + "f", "cost_cents": 0, "cache_hit": False}
        for job in found
        if rare(job, 20)
    ]
    return [*found, *failed]


def _kinds(job: Any) -> dict[str, Any]:
    return {"capability": "ffmpeg"} if rare(job["job_id"], 25) else {}


def _this_month(ask: Ask) -> dict[str, str | None] | None:
    today = ask.account.today
    if "from" in ask.query or "to" in ask.query:
        return None
    return {"from": today.replace(day=1).isoformat(), "to": today.isoformat()}


def _a_month_beside(ask: Ask) -> dict[str, str | None] | None:
    """Thirty days before a lone `to`, thirty days from a lone `from`, the last thirty days without both."""
    first, last, today = ask.day("from"), ask.day("to"), ask.account.today
    if first is not None and "to" not in ask.query:
        return {"to": shifted(first, 29).isoformat()}
    if last is not None and "from" not in ask.query:
        return {"from": shifted(last, -29).isoformat()}
    if ask.query.keys() & {"from", "to"}:
        return None
    return {"from": shifted(today, -29).isoformat(), "to": today.isoformat()}


def _hits_marked(found: list[Any]) -> list[Any]:
    return [
        job if job["cache_hit"] else {name: job[name] for name in job if name != "cache_hit"} for job in found
    ]


VARG_MANNERS: tuple[Manner, ...] = (
    Manner(
        "fractional-cents",
        "costs have fractions of a cent",
        _each(lambda job: {"cost_cents": number(float(Decimal(str(job["cost_cents"])) * Decimal("1.37")))}),
        VARG,
    ),
    Manner("further-capabilities", "some records are of ffmpeg", _each(_kinds), VARG),
    Manner("refunds", "a refunded job has a second record with a negative cost", _jobs(_refunded), VARG),
    Manner("credits-days-later", "a refund is a record of its own, days later", edited(_credited), VARG),
    Manner("retried-jobs", "a retried job has two records of one id", _jobs(_retried), VARG),
    Manner("failed-jobs-listed", "failed jobs are listed at cost 0", _jobs(_failed), VARG),
    Manner("cache-hit-only-when-true", "cache_hit is there when it is true", _jobs(_hits_marked), VARG),
    Manner(
        "models-left-out",
        "no record says its model and capability",
        _jobs(
            lambda found: [
                {name: job[name] for name in job if name not in ("model", "capability")} for job in found
            ]
        ),
        VARG,
    ),
    Manner(
        "milliseconds",
        "created_at has milliseconds",
        _clock(lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
        VARG,
    ),
    Manner("offset-written-out", "created_at ends in +00:00", _clock(lambda at: at.isoformat()), VARG),
    Manner(
        "offset-of-india",
        "created_at is told in Indian time",
        _clock(lambda at: at.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()),
        VARG,
    ),
    Manner("default-thirty-days", "a missing date means thirty days", asking(_a_month_beside), VARG),
    Manner(
        "default-this-month", "without dates the records of this month are shown", asking(_this_month), VARG
    ),
)
