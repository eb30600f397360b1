"""Manners of Supertone: what its page leaves open about rows, names, young accounts and kept answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from usage_mockserver.account import Account
from usage_mockserver.http import Reply
from usage_mockserver.ledger import Ledger
from usage_mockserver.manners.accounts import kept_events, with_arrivals, with_events
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Handler,
    Memory,
    Wrap,
    edited,
    json_reply,
    parsed,
    remembering,
    shifted,
    via,
    written,
)

SUPERTONE = ("supertone",)


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


def _renamed_meanwhile(ask: Ask, memory: Memory) -> Reply:
    """From the twentieth answer on a voice has the name that its owner has just given it."""
    reply = ask.reply()
    memory["answers"] = memory.get("answers", 0) + (reply.status == 200)
    if reply.status != 200 or memory["answers"] < 20:
        return reply
    found = parsed(reply)["usages"]
    named = [{**row, "name": "Renamed"} if row.get("name") == "Agatha" else row for row in found]
    return written(reply, {"usages": named})


OPENED = 20
"""Days since the young account was opened."""


def _of_late(handler: Handler) -> Handler:
    """The account is young, and what begins before it gets 400."""

    def young(account: Account) -> Ledger:
        first = shifted(account.today, -OPENED)
        return kept_events(lambda event: event.at.date() >= first)(account)

    younger = with_events(young)(handler)

    def make(ask: Ask) -> Reply:
        window, reply = ask.window, ask.reply()
        if reply.status != 200 or window is None or window[0] >= shifted(ask.account.today, -OPENED):
            return reply
        inner = {"statusCode": 400, "message": "The account is younger", "error": "Bad Request"}
        return json_reply(400, {"status": "error", "message": inner})

    return via(make)(younger)


def _behind_a_cache(handler: Handler) -> Handler:
    """Every answer is kept for thirty requests, while with each of them something more is used."""
    growing = with_arrivals(handler)

    def make(ask: Ask, memory: Memory) -> Reply:
        memory["asked"] = now = memory.get("asked", 0) + 1
        question = ask.request.query, tuple(ask.keys), ask.request.method, ask.request.path
        since, kept = memory.get(question, (-30, None))
        if kept is None or now - since >= 30:
            memory[question] = now, ask.reply()
        answer: Reply = memory[question][1]
        return answer

    return remembering(make)(growing)


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
    Manner(
        "voice-renamed-meanwhile",
        "a voice is renamed while questions are asked",
        remembering(_renamed_meanwhile),
        SUPERTONE,
    ),
    Manner(
        "young-account",
        "the account is twenty days old, and what begins before it gets 400",
        _of_late,
        SUPERTONE,
    ),
    Manner(
        "events-arriving-behind-a-cache",
        "something is used with every request, and answers are kept for thirty requests",
        _behind_a_cache,
        SUPERTONE,
    ),
)
