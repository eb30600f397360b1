"""Manners of refusing: other statuses and bodies where the documents leave them open."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from usage_mockserver.http import Reply
from usage_mockserver.instants import read_rfc3339
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    BOUNDS,
    DOCUMENTED,
    REFUSED,
    Ask,
    Wrap,
    asking,
    has_unknown_parameter,
    instead,
    json_reply,
    parsed,
    shifted,
    via,
    with_headers,
    written,
)

OLD = "2019-12-31"


def _bad_parameter(provider: str, name: str, message: str, status: int = 400) -> Reply:
    """The refusal of a parameter in the vendor's shape."""
    bodies: dict[str, Any] = {
        "somya": {"detail": [{"type": "value_error", "loc": ["query", name], "msg": message}]},
        "supertone": {
            "status": "error",
            "message": {"statusCode": status, "message": message, "error": "Bad Request"},
        },
        "varg": {"error": "ValidationError", "message": message, "field": name, "statusCode": status},
        "surnex": {
            "error": {
                "code": "VALIDATION_ERROR",
                "message": "Invalid request",
                "request_id": "req_400",
                "details": {"issues": [{"path": [name], "message": message, "code": "custom"}]},
            }
        },
        "lyrcs": {"error": "validation_error", "message": message, "code": "VAL_001"},
    }
    return json_reply(status, bodies[provider])


def _moved(status: int, to: int) -> Wrap:
    """Refusals of one status under another, in the body as well."""

    def change(reply: Reply) -> Reply:
        body = parsed(reply)
        for found in (body, body.get("message") if isinstance(body, dict) else None):
            if isinstance(found, dict) and found.get("statusCode") == status:
                found["statusCode"] = to
        return replace(reply if body is None else written(reply, body), status=to)

    return instead(change, statuses=(status,))


def _bare_401(ask: Ask) -> Reply:
    """What the framework of the vendor answers by itself to a missing or wrong key."""
    reply = ask.reply()
    if reply.status != 401:
        return reply
    provider = ask.account.provider
    if provider == "lyrcs":
        return Reply(401, (("content-type", "text/html"),), b"<h1>401 Unauthorized</h1>")
    if provider == "surnex":
        error = {"code": "UNAUTHORIZED", "message": "Invalid API key", "request_id": "req_401"}
        return json_reply(401, {"error": error})
    bodies = {
        "somya": {"detail": "Invalid or missing API key"},
        "supertone": {"message": "Unauthorized", "statusCode": 401},
        "varg": {"error": "unauthorized", "message": "Missing Authorization header"},
    }
    return json_reply(401, bodies[provider])


def _refused_when(test: Callable[[Ask], str], status: int) -> Wrap:
    """Answers are refused because of the parameter that the test names, if it names one."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        name = test(ask) if reply.status == 200 else ""
        if not name:
            return reply
        return _bad_parameter(ask.account.provider, name, f"{name} is not accepted", status)

    return via(make)


def _unknown_name(ask: Ask) -> str:
    known = DOCUMENTED[ask.account.provider]
    return next((name for name in ask.query if name not in known), "") if has_unknown_parameter(ask) else ""


def _names(ask: Ask) -> tuple[str, str]:
    return BOUNDS.get(ask.account.provider, ("from", "to"))


def _old(ask: Ask) -> str:
    last = _names(ask)[1]
    return last if last in ask.query and ask.query[last][:10] <= OLD else ""


def _future(ask: Ask) -> str:
    first, last = _names(ask)
    # Surnex may refuse what begins after now; the others may refuse any day to come.
    name = first if ask.account.provider == "surnex" else last
    moment = read_rfc3339(ask.query.get(name, ""))
    now = read_rfc3339(ask.account.now.isoformat()[:19] + "Z") or 0
    return name if moment is not None and moment > now else ""


def _long(ask: Ask) -> str:
    window = ask.window
    return "from" if window is not None and (window[1] - window[0]).days > 366 else ""


def _clamped(from_end: bool) -> Wrap:
    """A span that is too long is cut to thirty dates."""

    def change(ask: Ask) -> dict[str, str | None] | None:
        window = ask.window
        if window is None or (window[1] - window[0]).days < 30:
            return None
        if from_end:
            return {"start_date": shifted(window[1], -29).isoformat()}
        return {"end_date": shifted(window[0], 29).isoformat()}

    return asking(change, REFUSED)


def _default_dates(ask: Ask) -> dict[str, str | None] | None:
    sent = [name for name in _names(ask) if name in ask.query]
    if len(sent) == 2 or any(ask.day(name) is None for name in sent):
        return None
    last = ask.day("end_date") or (ask.day("start_date") or ask.account.today)
    first = ask.day("start_date") or last - timedelta(days=6)
    return {"start_date": first.isoformat(), "end_date": last.isoformat()}


DATETIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9:.]+(?:Z|[+-][0-9:]{5})?")


def _without_time(ask: Ask) -> dict[str, str | None] | None:
    found = {name: DATETIME.fullmatch(ask.query.get(name, "")) for name in _names(ask)}
    return {name: match[1] for name, match in found.items() if match is not None} or None


def _last_of_repeated(ask: Ask) -> dict[str, str | None]:
    return {name: ask.query[name] for name in _names(ask) if name in ask.query}


REFUSALS: tuple[Manner, ...] = (
    Manner(
        "refusals-403",
        "a missing or wrong key gets 403",
        instead(lambda reply: replace(reply, status=403), statuses=(401,)),
    ),
    Manner("bare-401", "a 401 has the bare body of a framework, or another text", via(_bare_401)),
    Manner(
        "empty-401",
        "a 401 has no body",
        instead(lambda _: Reply(401, (), b""), statuses=(401,)),
        ("supertone", "lyrcs"),
    ),
    Manner(
        "www-authenticate",
        "a 401 says how to log in",
        instead(lambda reply: with_headers(reply, www_authenticate="Bearer"), statuses=(401,)),
    ),
    Manner("bad-parameters-400", "invalid parameters get 400", _moved(422, 400), ("somya",)),
    Manner("bad-parameters-422", "invalid parameters get 422", _moved(400, 422), ("varg", "surnex")),
    Manner(
        "bad-parameters-500",
        "invalid parameters get 500 with an error body",
        _moved(400, 500),
        ("supertone", "varg"),
    ),
    Manner(
        "unknown-parameters-refused",
        "a parameter that is not documented gets 400",
        _refused_when(_unknown_name, 400),
    ),
    Manner(
        "old-dates-refused",
        "windows before the account existed get 400",
        _refused_when(_old, 400),
        ("somya", "supertone", "surnex"),
    ),
    Manner(
        "future-dates-refused",
        "windows in the future get 400",
        _refused_when(_future, 400),
        ("somya", "supertone", "surnex"),
    ),
    Manner("long-spans-refused", "more than a year gets 422", _refused_when(_long, 422), ("somya",)),
    Manner(
        "clamped-to-the-end",
        "a span that is too long shows its last thirty dates",
        _clamped(from_end=True),
        ("supertone",),
    ),
    Manner(
        "clamped-to-the-start",
        "a span that is too long shows its first thirty dates",
        _clamped(from_end=False),
        ("supertone",),
    ),
    Manner(
        "missing-dates-are-a-week",
        "without dates a week is shown",
        asking(_default_dates, REFUSED),
        ("supertone",),
    ),
    Manner(
        "datetimes-accepted",
        "a date may have a time of day",
        asking(_without_time, REFUSED),
        ("supertone", "varg"),
    ),
    Manner(
        "last-of-repeated",
        "of a repeated date the last value counts",
        asking(_last_of_repeated, REFUSED),
        ("supertone",),
    ),
    Manner(
        "payment-required",
        "every good request gets 402",
        instead(
            lambda _: json_reply(
                402, {"error": "insufficient_credits", "message": "Top up", "code": "PAY_001"}
            )
        ),
        ("somya", "lyrcs"),
        answers=False,
    ),
)
