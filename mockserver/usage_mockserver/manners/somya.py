"""Manners of Somya's server in what a missing date means, and in how little a refusal says."""

from __future__ import annotations

from usage_mockserver.http import Reply
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Changes,
    asking,
    edited,
    instead,
    json_reply,
    parsed,
    shifted,
    via,
    written,
)

SOMYA = ("somya",)


def _naive(ask: Ask) -> Changes | None:
    """A missing `to` is today and a missing `from` the first of this month, whatever the other one is."""
    today = ask.account.today
    usual = {"from": today.replace(day=1).isoformat(), "to": today.isoformat()}
    missing = {name: day for name, day in usual.items() if name not in ask.query}
    return missing if len(missing) == 1 else None


def _naive_and_strict(ask: Ask) -> Reply:
    """The same, and what comes out the wrong way round is refused."""
    changes = _naive(ask)
    asked = {**ask.query, **(changes or {})}
    reply = ask.reply(changes)
    if reply.status == 200 and {"from", "to"} <= set(asked) and str(asked["from"]) > str(asked["to"]):
        message = {"type": "value_error", "loc": ["query"], "msg": "Value error, from must not be after to"}
        return json_reply(422, {"detail": [message]})
    return reply


def _last_month(ask: Ask) -> Changes | None:
    if {"from", "to"} & set(ask.query):
        return None
    last = shifted(ask.account.today.replace(day=1), -1)
    return {"from": last.replace(day=1).isoformat(), "to": last.isoformat()}


def _from_this_instant(ask: Ask) -> Reply:
    """Without dates the last thirty times twenty-four hours are told, of whose first day nothing is left."""
    if {"from", "to"} & set(ask.query):
        return ask.reply()
    today = ask.account.today
    reply = ask.reply({"from": shifted(today, -29).isoformat(), "to": today.isoformat()})
    if reply.status != 200:
        return reply
    body = parsed(reply)
    body["data"]["period"]["from"] = shifted(today, -30).isoformat()
    return written(reply, body)


SOMYA_PERIODS: tuple[Manner, ...] = (
    Manner(
        "lone-dates-read-naively",
        "a missing `to` is today, a missing `from` the first of this month",
        asking(_naive),
        SOMYA,
    ),
    Manner(
        "lone-dates-naive-and-strict",
        "the same, with 422 when that makes the period run backwards",
        via(_naive_and_strict),
        SOMYA,
    ),
    Manner("default-last-month", "without dates the period is the month before", asking(_last_month), SOMYA),
    Manner(
        "default-from-this-instant",
        "without dates the period begins at this time of a day thirty days ago",
        via(_from_this_instant),
        SOMYA,
    ),
    Manner(
        "refusals-without-detail",
        "a 422 has an object without `detail`, which the schema does not require",
        edited(lambda _body, _: {}, statuses=(422,)),
        SOMYA,
    ),
    Manner(
        "a-month-at-most",
        "more than 31 days get 422",
        instead(
            lambda _: json_reply(422, {"detail": [{"type": "v", "loc": ["query"], "msg": "Too long"}]}),
            lambda ask: ask.window is not None and (ask.window[1] - ask.window[0]).days >= 31,
        ),
        SOMYA,
    ),
)
