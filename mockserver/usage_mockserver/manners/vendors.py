"""Manners of one vendor: each is something its document leaves open (FACTS.md, the ambiguities)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from usage_mockserver.account import Account
from usage_mockserver.http import Reply, Request, json_bytes, pairs
from usage_mockserver.manners.accounts import kept_events, with_events
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Handler,
    Memory,
    Wrap,
    asking,
    edited,
    in_zone,
    instead,
    json_reply,
    parsed,
    remembering,
    shifted,
    via,
    written,
)

SOMYA, VARG, LYRCS = ("somya",), ("varg",), ("lyrcs",)


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
