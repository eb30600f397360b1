"""Manners of any server: headers, JSON spelling, speed, redirects, throttling."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from usage_mockserver.http import Reply
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Memory,
    Wrap,
    edited,
    instead,
    json_reply,
    parsed,
    remembering,
    text_reply,
    via,
    with_body,
    with_headers,
)
from usage_mockserver.providers import NAMES
from usage_specs import load

# -- headers and bytes ----------------------------------------------------------------------------------


def _gzip(ask: Ask) -> Reply:
    reply = ask.reply()
    if not reply.body or "gzip" not in ask.request.headers.get("accept-encoding", ""):
        return reply
    packed = with_body(reply, gzip.compress(reply.body, mtime=0))
    return with_headers(packed, content_encoding="gzip", vary="accept-encoding")


def _with(**fields: str) -> Wrap:
    return via(lambda ask: with_headers(ask.reply(), **fields))


def _respelt(spell: Callable[[Any], str]) -> Wrap:
    """The same JSON in other characters."""
    return instead(lambda reply: with_body(reply, spell(parsed(reply)).encode()))


def _backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _backwards(value[name]) for name in reversed(value)}
    return [_backwards(one) for one in value] if isinstance(value, list) else value


def _floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _floats(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_floats(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _wholes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _wholes(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_wholes(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _objects(provider: str, body: Any) -> Iterator[dict[str, Any]]:
    """The objects of an answer whose keys are fixed by the document, so that a further key is a field."""
    yield body
    if provider == "somya":
        yield body["data"]
        yield from (body["data"][name] for name in ("period", "credits", "requests"))
    elif provider == "surnex":
        yield from (body[name] for name in ("range", "totals", "snapshots"))
        yield from body["providers"].values()
    yield from body.get("usages", ())
    if isinstance(body.get("usage"), list):
        yield from body["usage"]


def _further_fields(body: Any, ask: Ask) -> None:
    for found in list(_objects(ask.account.provider, body)):
        found.update(_links={"self": ask.request.path}, note=None, weight=0.5, revision=7, tags=["x"])


def _turned(ask: Ask, memory: Memory) -> Reply:
    """Rows in an order that has nothing to do with their content, another one each time."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = turn = memory.get("answers", 0) + 1
    body = parsed(reply)
    name = next(name for name in ("usages", "usage") if name in body)
    order = sorted(range(len(body[name])), key=lambda place: (place * 7919 + turn * 104_729) % 10_007)
    body[name] = [body[name][place] for place in order]
    return with_body(reply, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


# -- speed, throttling, redirects -----------------------------------------------------------------------


def _slow(ask: Ask, memory: Memory) -> Reply:
    memory["answers"] = memory.get("answers", 0) + 1
    return replace(ask.reply(), delay=0.25 if memory["answers"] % 5 == 0 else 0.02)


THROTTLED: dict[str, Any] = {
    "somya": {"success": False, "data": None, "error": {"code": "RATE_LIMITED"}},
    "supertone": {
        "status": "error",
        "message": {"statusCode": 429, "message": "rate limit exceeded", "error": "Too Many Requests"},
    },
    "varg": {"error": "RateLimitError", "message": "Rate limit exceeded", "statusCode": 429},
    "surnex": {"error": {"code": "RATE_LIMITED", "message": "Too many requests", "request_id": "req_429"}},
    "lyrcs": {
        "error": "rate_limit_exceeded",
        "message": "Rate limit exceeded: 10 requests per minute",
        "code": "RATE_001",
        "retry_after": 0,
    },
}


def _throttled(every: int, **fields: str) -> Wrap:
    def make(ask: Ask, memory: Memory) -> Reply:
        reply = ask.reply()
        if reply.status != 200:
            return reply
        memory["answers"] = memory.get("answers", 0) + 1
        if memory["answers"] % every:
            return reply
        return with_headers(json_reply(429, THROTTLED[ask.account.provider]), **fields)

    return remembering(make)


def _bad_gateway(ask: Ask, memory: Memory) -> Reply:
    memory["asked"] = memory.get("asked", 0) + 1
    if memory["asked"] % 6:
        return ask.reply()
    return with_headers(text_reply(502, "<h1>502 Bad Gateway</h1>"), content_type="text/html")


def _slash(ask: Ask) -> Reply:
    request, path = ask.request, load(ask.account.provider).service.path
    if request.path == path:
        where = f"{request.base}{path}/" + (f"?{request.query}" if request.query else "")
        return text_reply(307, "", location=where)
    if request.path != f"{path}/":
        return ask.reply()
    return ask.handler(replace(request, path=path), ask.account)


def _head_answered(ask: Ask) -> Reply:
    method = "GET" if ask.request.method == "HEAD" else ask.request.method
    return ask.handler(replace(ask.request, method=method), ask.account)


def _head_refused(ask: Ask) -> Reply:
    if ask.request.method == "HEAD":
        return text_reply(405, "Method Not Allowed", allow="GET")
    return ask.reply()


def unchanged(ask: Ask) -> Reply:
    """The honest answer."""
    return ask.reply()


LISTS = ("supertone", "varg")
# Supertone says its charset anyway.
UNSAID = tuple(name for name in NAMES if name != "supertone")

WIRE: tuple[Manner, ...] = (
    Manner("gzip", "bodies are compressed", via(_gzip)),
    Manner("connection-close", "every connection ends with its answer", _with(connection="close")),
    Manner(
        "further-headers",
        "proxies and frameworks add fields of their own",
        _with(
            server="cloudflare",
            cf_cache_status="DYNAMIC",
            strict_transport_security="max-age=31536000",
            set_cookie="session=1; Path=/; HttpOnly",
            x_ratelimit_limit="120",
            x_ratelimit_remaining="119",
        ),
    ),
    Manner("further-fields", "every object has fields the document does not name", edited(_further_fields)),
    Manner(
        "charset",
        "the type says its charset",
        instead(lambda reply: with_headers(reply, content_type="application/json; charset=utf-8")),
        UNSAID,
    ),
    Manner(
        "type-in-capitals",
        "the type is written Application/JSON",
        instead(lambda reply: with_headers(reply, content_type="Application/JSON;charset=UTF-8")),
    ),
    Manner(
        "pretty-printed",
        "JSON has line breaks, blanks and escapes",
        _respelt(lambda body: json.dumps(body, indent=2) + "\n"),
    ),
    Manner(
        "keys-backwards",
        "the keys of every object come in another order",
        edited(lambda body, _: _backwards(body)),
    ),
    Manner("rows-in-any-order", "rows come in another order each time", remembering(_turned), LISTS),
    Manner(
        "whole-numbers-as-floats", "whole numbers are written 12.0", edited(lambda body, _: _floats(body))
    ),
    Manner(
        "floats-as-whole-numbers", "12.0 is written 12", edited(lambda body, _: _wholes(body)), ("somya",)
    ),
    Manner("slow", "every answer takes a while, every fifth a longer one", remembering(_slow)),
    Manner("http-1.0", "the server speaks HTTP/1.0", via(unchanged), server="http-1.0"),
    Manner(
        "throttled-now-and-then",
        "every ninth good request gets 429 with Retry-After: 0",
        _throttled(9, retry_after="0"),
    ),
    Manner(
        "throttled-without-a-hint", "every eleventh good request gets 429 without Retry-After", _throttled(11)
    ),
    Manner("bad-gateway-now-and-then", "every sixth request gets a gateway's 502", remembering(_bad_gateway)),
    Manner("trailing-slash", "the documented path redirects to the one with a slash", via(_slash)),
    Manner("head-refused", "HEAD gets 405", via(_head_refused)),
    Manner("head-answered", "HEAD is answered like GET", via(_head_answered), ("somya",)),
)
