"""Somya: speech requests of keys and of the web playground, counted by FastAPI as the real service does it.

Request validation, 404, 405, 307 and the 422 bodies are FastAPI's own; only the figures are computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI, Query
from fastapi import Request as Asked
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from usage_mockserver.account import Account
from usage_mockserver.credentials import accepts, presented
from usage_mockserver.http import Reply, Request
from usage_mockserver.ledger import Views
from usage_mockserver.providers.somya_events import (
    DOCS,
    EVENTS,
    KEY_IDS,
    NOTHING,
    Asr,
    Counts,
    Tts,
    both,
    by_origin,
    seeded,
    spent,
)
from usage_specs import load

__all__ = ["DOCS", "EVENTS", "KEY_IDS", "Asr", "Tts", "answer", "seeded"]

SERVICE = load("somya").service

CREDITS = 10_000
"""What the Pro plan grants each calendar month (UTC), speech and recognition alike (pricing guide)."""

# Nothing is published on what a credit buys; with these a busy month uses a good tenth of the plan.
CHARACTERS_PER_CREDIT = 100
MILLISECONDS_PER_CREDIT = 10_000

REFUSED = {
    "source": "somya.source-invalid-refused",
    "api_key_id": "somya.key-id-invalid-refused",
    "from": "somya.date-invalid-refused",
    "to": "somya.date-invalid-refused",
}


def counted(account: Account, selection: str, first: date, last: date) -> Counts:
    """Speech requests, recognitions, characters and milliseconds of both days and those between."""
    rows = [
        counts
        for sheet in account.day_sheets(by_origin, first, last)
        for origin, counts in sheet.items()
        if selection in (("all", "web") if origin is None else ("all", "api_key", origin))
    ]
    tts, asr, characters, milliseconds = map(sum, zip(*rows, strict=True)) if rows else NOTHING
    return tts, asr, characters, milliseconds


# These models have no docstrings: FastAPI would publish them, and the vendor's document has none.
class UsagePeriod(BaseModel):
    from_: date = Field(alias="from")
    to: date


class UsageCredits(BaseModel):
    tts_remaining: int
    asr_remaining: int


class UsageRequests(BaseModel):
    tts_count: int
    asr_count: int
    tts_characters_processed: int
    asr_seconds_processed: float


class UsageData(BaseModel):
    source: str
    period: UsagePeriod
    credits: UsageCredits
    requests: UsageRequests


class UsageResponse(BaseModel):
    success: bool = True
    data: UsageData


VIEWS = Views(sheets=(by_origin,), totals=(spent,))


def credits_left(account: Account) -> dict[str, int]:
    """What is left of this calendar month's grant, whatever was asked for."""
    characters, milliseconds = account.total(spent, both, account.today.replace(day=1))
    return {
        "tts_remaining": max(0, CREDITS - -(-characters // CHARACTERS_PER_CREDIT)),
        "asr_remaining": max(0, CREDITS - -(-milliseconds // MILLISECONDS_PER_CREDIT)),
    }


def period(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """The asked days; a missing `to` is today, a missing `from` the first of the month that `to` lies in."""
    if last is None:
        last = today if first is None else max(first, today)
    return first or last.replace(day=1), last


@dataclass(slots=True)
class Call:
    """What travels through FastAPI with one request, and the behaviour that decided its answer."""

    request: Request
    account: Account
    behaviour: str = ""


class UnauthorizedError(Exception):
    """No key, or a wrong one."""


def _call(asked: Asked) -> Call:
    call: Call = asked.scope["usagekit.call"]
    return call


def check_key(call: Call) -> None:
    """Every key that is presented must open the account, and there must be one."""
    sent = [presented(call.request, credential) for credential in SERVICE.credentials]
    keys = [key for key in sent if key is not None]
    if not keys:
        call.behaviour = "somya.key-required"
        raise UnauthorizedError
    if not all(accepts(SERVICE, key, call.account.keys) for key in keys):
        call.behaviour = "somya.wrong-key-refused"
        raise UnauthorizedError


class KeyedRoute(APIRoute):
    """A route that checks the key before the parameters; unlike a security scheme, no document shows it."""

    def get_route_handler(self) -> Callable[[Asked], Coroutine[Any, Any, Response]]:
        """The route's own handler behind the check of the key."""
        handle = super().get_route_handler()

        async def keyed(asked: Asked) -> Response:
            check_key(_call(asked))
            return await handle(asked)

        return keyed


async def _unauthorized(asked: Asked, _: Exception) -> Response:
    if _call(asked).account.switches["unauthorized-body"] == "detail":
        return JSONResponse({"detail": "Not authenticated"}, 401)
    return JSONResponse(_failure("UNAUTHORIZED"), 401)


async def _invalid(asked: Asked, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    call = _call(asked)
    call.behaviour = call.behaviour or REFUSED[error.errors()[0]["loc"][1]]
    if call.account.switches["error-body"] == "envelope":
        return JSONResponse(_failure("VALIDATION_ERROR"), 422)
    return await request_validation_exception_handler(asked, error)


def _failure(code: str) -> dict[str, Any]:
    return {"success": False, "data": None, "error": {"code": code}}


def usage(call: Call, source: str, key_id: UUID | None, first: date, last: date) -> dict[str, Any]:
    """The answer to one valid question."""
    # No key can be used in the playground, so both filters together leave nothing.
    selection = source if key_id is None else "" if source == "web" else str(key_id)
    call.behaviour = "somya.answered" if selection else "somya.web-has-no-keys"
    if first > last:
        way = call.account.switches["inverted"]
        call.behaviour = f"somya.inverted-window-{'zero' if way == 'zeros' else 'answered'}"
        if way == "refuse":
            message = "Value error, from must not be after to"
            error = {"type": "value_error", "loc": ("query", "from"), "msg": message, "input": str(first)}
            raise RequestValidationError([error])
        if way == "swap":
            first, last = last, first
    tts, asr, characters, milliseconds = counted(call.account, selection, first, last)
    return {
        "data": {
            "source": source,
            "period": {"from": first, "to": last},
            "credits": credits_left(call.account),
            "requests": {
                "tts_count": tts,
                "asr_count": asr,
                "tts_characters_processed": characters,
                "asr_seconds_processed": milliseconds / 1000,
            },
        }
    }


def build_app() -> FastAPI:
    """The application whose OpenAPI document is the vendored one; it serves no document itself."""
    app = FastAPI(openapi_url=None)
    app.add_exception_handler(UnauthorizedError, _unauthorized)
    app.add_exception_handler(RequestValidationError, _invalid)

    app.router.route_class = KeyedRoute

    @app.get("/v1/usage", tags=["usage"], response_model=UsageResponse)
    async def get_usage_route(
        asked: Asked,
        source: Annotated[str, Query(pattern="^(web|api_key|all)$")] = "all",
        api_key_id: UUID | None = None,
        from_: Annotated[date | None, Query(alias="from")] = None,
        to: date | None = None,
    ) -> dict[str, Any]:
        call = _call(asked)
        return usage(call, source, api_key_id, *period(from_, to, call.account.today))

    return app


APP = build_app()


def answer(request: Request, account: Account) -> Reply:
    """What Somya answers to one request."""
    call = Call(request, account)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    # Nothing in the application waits for anything, so one step runs it to its end without an event loop.
    try:
        APP(_scope(call), receive, send).send(None)
    except StopIteration:
        start, *parts = sent
    else:
        raise RuntimeError("the Somya application waited for something; all of it must run in one step")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    kept = tuple(header for header in headers if header[0] != "content-length")
    return Reply(start["status"], kept, b"".join(part.get("body", b"") for part in parts), call.behaviour)


def _scope(call: Call) -> dict[str, Any]:
    request = call.request
    query = request.query
    if not query.isascii():
        query = quote(query, safe="%&=+;/?:@,!$'()*[]~", errors="surrogatepass")
    host = request.headers.get("host", "").encode("latin-1", "replace")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.base + request.path,
        "root_path": request.base,
        "query_string": query.encode("ascii"),
        "headers": [(b"host", host)] if host else [],
        "usagekit.call": call,
    }
