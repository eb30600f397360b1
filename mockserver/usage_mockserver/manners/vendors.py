"""Manners of one vendor: each is something its document leaves open (FACTS.md, the ambiguities)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from usage_mockserver.account import Account
from usage_mockserver.http import Reply, Request, json_bytes, number, pairs
from usage_mockserver.manners.accounts import kept_events, with_events
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Edit,
    Handler,
    Memory,
    Wrap,
    asking,
    edited,
    in_zone,
    instead,
    json_reply,
    parsed,
    rare,
    remembering,
    shifted,
    via,
    written,
)

SOMYA, SUPERTONE, VARG, LYRCS = ("somya",), ("supertone",), ("varg",), ("lyrcs",)


# -- Somya ----------------------------------------------------------------------------------------------


def _exclusive_to(ask: Ask) -> Reply:
    """The day `to` does not belong to the period."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    body = parsed(reply)
    first, last = (date.fromisoformat(body["data"]["period"][name]) for name in ("from", "to"))
    if first > last:
        return reply
    # An empty day far away stands for an empty window.
    shown = (first, shifted(last, -1)) if first < last else (date(1990, 1, 1), date(1990, 1, 1))
    other = ask.answer({"from": shown[0].isoformat(), "to": shown[1].isoformat()})
    body["data"]["requests"] = other["data"]["requests"]
    return written(reply, body)


def _data(change: Callable[[Any, Ask], object], when: Callable[[Ask], bool]) -> Wrap:
    def edit(body: Any, ask: Ask) -> None:
        change(body["data"], ask)

    return edited(edit, when)


def _falling_credits(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    body = parsed(reply)
    left = body["data"]["credits"]
    left["tts_remaining"] = max(0, left["tts_remaining"] - memory["answers"])
    return written(reply, body)


def _last_thirty_days(ask: Ask) -> dict[str, str | None] | None:
    if "from" in ask.query or "to" in ask.query:
        return None
    today = ask.account.today
    return {"from": shifted(today, -29).isoformat(), "to": today.isoformat()}


def _unknown_key(ask: Ask) -> bool:
    if "api_key_id" not in ask.query:
        return False
    ever = {"from": "2000-01-01", "to": ask.account.today.isoformat(), "source": None}
    counts = ask.answer(ever)["data"]["requests"]
    return bool(counts["tts_count"] + counts["asr_count"] == 0)


def _third_origin(handler: Handler) -> Handler:
    """With source=web a third of the events is left out, which only source=all shows."""
    thinned = with_events(kept_events(lambda event: event.at.minute % 3 > 0))(handler)

    def answer(request: Request, account: Account) -> Reply:
        whole = handler(request, account)
        if whole.status != 200 or dict(pairs(request.query)).get("source") != "web":
            return whole
        body = json.loads(thinned(request, account).body)
        # Credits are the account's, whatever origin the question is about.
        body["data"]["credits"] = json.loads(whole.body)["data"]["credits"]
        return replace(whole, body=json_bytes(body))

    return answer


SOMYA_MANNERS: tuple[Manner, ...] = (
    Manner("to-excluded", "the day `to` does not belong to the period", via(_exclusive_to), SOMYA),
    Manner("indian-days", "days begin at midnight in India", in_zone(5.5), SOMYA),
    Manner(
        "third-origin",
        "some requests are in all alone",
        _third_origin,
        SOMYA,
    ),
    Manner(
        "key-id-echoes-api-key",
        "with api_key_id alone the echoed source is api_key",
        _data(
            lambda found, _: found.update(source="api_key"),
            lambda ask: "api_key_id" in ask.query and "source" not in ask.query,
        ),
        SOMYA,
    ),
    Manner(
        "web-ignores-key-id",
        "with source=web api_key_id is ignored",
        asking(lambda ask: {"api_key_id": None} if ask.query.get("source") == "web" else None),
        SOMYA,
    ),
    Manner(
        "unknown-key-id-not-found",
        "an api_key_id without requests gets 404",
        instead(lambda _: json_reply(404, {"detail": "API key not found"}), _unknown_key),
        SOMYA,
    ),
    Manner(
        "default-last-thirty-days",
        "without dates the period is the last thirty days",
        asking(_last_thirty_days),
        SOMYA,
    ),
    Manner("success-left-out", "there is no success", edited(lambda body, _: {"data": body["data"]}), SOMYA),
    Manner(
        "credits-falling", "somebody else uses up credits all the time", remembering(_falling_credits), SOMYA
    ),
    Manner(
        "credits-negative",
        "more was used than was granted",
        _data(lambda found, _: found["credits"].update(tts_remaining=-12), lambda _: True),
        SOMYA,
    ),
)


# -- Supertone ------------------------------------------------------------------------------------------


def _rows(change: Callable[[list[Any], Ask], list[Any]]) -> Wrap:
    def edit(body: Any, ask: Ask) -> None:
        body["usages"] = change(body["usages"], ask)

    return edited(edit)


def _silent(found: list[Any], _: Ask) -> list[Any]:
    """A row without minutes on every day that has one with."""
    days = dict.fromkeys(row["date"] for row in found)
    return [*found, *({"date": day, "voice_id": "silent", "total_minutes_used": 0} for day in days)]


def _without(names: tuple[str, ...]) -> Callable[[list[Any], Ask], list[Any]]:
    return lambda found, _: [{name: row[name] for name in row if name not in names} for row in found]


def _until_yesterday(found: list[Any], ask: Ask) -> list[Any]:
    return [row for row in found if row["date"] < ask.account.today.isoformat()]


def _renamed(found: list[Any], _: Ask) -> list[Any]:
    return [
        {**row, "name": "My Voice (new)"} if row["voice_id"][0] == "o" and row["date"] > "2025-10" else row
        for row in found
    ]


SUPERTONE_MANNERS: tuple[Manner, ...] = (
    Manner(
        "names-left-out",
        "rows have neither name nor thumbnail_url",
        _rows(_without(("name", "thumbnail_url"))),
        SUPERTONE,
    ),
    Manner("rows-of-no-minutes", "some rows have 0 minutes", _rows(_silent), SUPERTONE),
    Manner("today-shows-tomorrow", "the rows of today are not there yet", _rows(_until_yesterday), SUPERTONE),
    Manner("voice-renamed", "a custom voice has another name from some day on", _rows(_renamed), SUPERTONE),
)


# -- Varg -----------------------------------------------------------------------------------------------


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
        "default-this-month", "without dates the records of this month are shown", asking(_this_month), VARG
    ),
)


# -- Lyrcs ----------------------------------------------------------------------------------------------


def _languages(change: Callable[[dict[str, int]], dict[str, int]]) -> Wrap:
    edit: Edit = lambda body, _: {**body, "jobs_by_language": change(body["jobs_by_language"])}  # noqa: E731
    return edited(edit)


def _expiring(ask: Ask, memory: Memory) -> Reply:
    """One completed job fewer with every answer: its files expired."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    body = parsed(reply)
    return written(reply, {**body, "completed_jobs": max(0, body["completed_jobs"] - memory["answers"])})


def _cached(ask: Ask, memory: Memory) -> Reply:
    """Each answer is given four times."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = turn = memory.get("answers", 0) + 1
    if turn % 4 == 1:
        memory["kept"] = reply
    kept: Reply = memory["kept"]
    return kept


def _plan(reply: Reply) -> Reply:
    """The quota of a larger plan."""
    fields = (
        (name, f"{value}0" if name.startswith("x-ratelimit-") else value) for name, value in reply.headers
    )
    return replace(reply, headers=tuple(fields))


LYRCS_MANNERS: tuple[Manner, ...] = (
    Manner(
        "languages-of-no-jobs",
        "a language without jobs is listed",
        _languages(lambda counts: {**counts, "Urdu": 0}),
        LYRCS,
    ),
    Manner(
        "jobs-without-language",
        "some jobs have no language",
        _languages(lambda counts: {name: count - count // 20 for name, count in counts.items()}),
        LYRCS,
    ),
    Manner("files-expiring", "completed_jobs falls", remembering(_expiring), LYRCS),
    Manner("cached-answers", "each answer is given four times", remembering(_cached), LYRCS),
    Manner("larger-plan", "the quota is ten times as large", instead(_plan), LYRCS),
)
