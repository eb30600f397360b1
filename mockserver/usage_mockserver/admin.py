"""The control plane under `/__admin/`: who may use it, what a request says, how it is answered."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncGenerator
from contextlib import aclosing
from difflib import get_close_matches
from functools import partial
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from usage_mockserver.admin_call import Call, Live, RefusedCallError, Route, UnknownError
from usage_mockserver.admin_routes import ROUTES
from usage_mockserver.app import Receive, Scope, Send
from usage_mockserver.collector import paused
from usage_mockserver.event_files import LONGEST_LINE, read_json_line
from usage_mockserver.event_reader import EventReader
from usage_mockserver.http import Reply, json_bytes, pairs
from usage_mockserver.invalid import InvalidError
from usage_mockserver.kept import wire
from usage_mockserver.sessions import Sessions
from usage_mockserver.settings import READERS
from usage_mockserver.state.operations import StateError

JSON_BODY = 64 * 1024 * 1024
JSON = "application/json"
LINES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
WRITES = ("POST", "PUT", "PATCH")
OWN_SITE = ("same-origin", "none")
# Who keeps servers alive (kubelet, load balancer) has no token; such callers learn yes or no and nothing more.
PROBES = (["health"], ["ready"])

log = logging.getLogger("usagekit")


class Admin:
    """Answers control requests, with a `token` only those that present it, without one only this machine.

    Health and readiness anybody may ask, and is told yes or no. The token goes into `Authorization: Bearer`;
    whoever runs a server for other machines gives one.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    async def __call__(
        self, sessions: Sessions, name: str, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one request; `name` is the selected session and `path` what stands behind `/__admin`."""
        fields = _fields(scope)
        method = scope["method"]
        body = Body(receive)
        try:
            answer = await self._answer(sessions, name, path, scope, fields, body)
        except RefusedCallError as refused:
            answer = _error(refused.status, refused.message, **refused.fields)
        except StateError as error:
            answer = _error(error.status, error.message, **{"retry-after": "1"})
        except InvalidError as error:
            status = 404 if isinstance(error, UnknownError) else 400
            answer = _error(status, error.message, field=error.field, allowed=error.allowed)
        except ClientGoneError:
            return
        # What nobody foresaw. The text of the exception stays out of the log: it may repeat what was sent.
        except Exception as error:  # noqa: BLE001
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
            log.error("control plane: %s at %s", type(error).__name__, where)
            answer = _error(500, "The control plane failed on this request; its log says where.")
        try:
            # Whoever is still sending would not read an answer before the end of it.
            await body.drain()
        except ClientGoneError:
            return
        if isinstance(answer, Live):
            await answer.run(receive, send)
            return
        sent, content = wire(answer, method)
        await send({"type": "http.response.start", "status": answer.status, "headers": list(sent)})
        await send({"type": "http.response.body", "body": content})

    async def _answer(
        self, sessions: Sessions, name: str, path: str, scope: Scope, fields: dict[str, str], body: Body
    ) -> Reply | Live:
        method: str = "GET" if scope["method"] == "HEAD" else scope["method"]
        segments = [part for part in path.split("/") if part]
        _check_page(scope, fields)
        stranger = self._refusal(scope, fields)
        if stranger is not None and not (method == "GET" and segments in PROBES):
            raise stranger
        route, values = _find(method, segments, f"/__admin{path}")
        if method == "OPTIONS":
            return Reply(204, (("allow", ", ".join(_methods(segments))),), b"")
        query = dict(pairs(scope.get("query_string", b"").decode("latin-1")))
        origin = f"{scope.get('scheme', 'http')}://{fields.get('host', '')}{scope.get('root_path', '')}"
        call = Call(sessions, name, method, values, query, fields, origin)
        content_type = fields.get("content-type", "").partition(";")[0].strip().lower()
        if method in WRITES:
            if content_type in LINES and route.lines is not None:
                with paused():
                    lines = partial(route.lines, call, await _lines(call, body))
                    return _reply(sessions.perform(name, lines), route)
            call.body = await _json(body, content_type, route)
        handler = partial(route.handler, call)
        result = handler() if route.stateless else sessions.perform(name, handler)
        return _reply(result if stranger is None else {"status": result["status"]}, route)

    def _refusal(self, scope: Scope, fields: dict[str, str]) -> RefusedCallError | None:
        """What other machines and those without the token are told."""
        if self._token is None:
            if _is_local(scope.get("client")):
                return None
            return RefusedCallError(
                403, "Without a token the control plane answers this machine only; set --admin-token."
            )
        scheme, _, given = fields.get("authorization", "").partition(" ")
        # Both are compared, so that the time taken tells nothing about either.
        same = compare_digest(given.strip().encode("utf-8", "replace"), self._token.encode())
        if scheme.lower() != "bearer" or not same:
            return RefusedCallError(401, "The control plane needs its token: Authorization: Bearer TOKEN.")
        return None


def _check_page(scope: Scope, fields: dict[str, str]) -> None:
    """Refuse web pages of other origins."""
    origin = fields.get("origin")
    own = f"{scope.get('scheme', 'http')}://{fields.get('host', '')}"
    if origin is not None and origin.lower() != own.lower():
        raise RefusedCallError(403, "The control plane answers no page of another origin.")
    if fields.get("sec-fetch-site", "none").lower() not in OWN_SITE:
        raise RefusedCallError(403, "The control plane answers no page of another site.")


def _is_local(client: Any) -> bool:
    if not client:
        # A caller without an address is one in this process or on a Unix socket.
        return True
    try:
        address = ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return str(client[0]) in ("testclient", "localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _fields(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        # A repeated field becomes a value that nothing accepts.
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _find(method: str, segments: list[str], path: str) -> tuple[Route, dict[str, str]]:
    """The route meant, and what stands in place of its names."""
    allowed = _methods(segments)
    if not allowed:
        known = sorted({f"/__admin/{route.path}" for route in ROUTES})
        close = get_close_matches(path, known, n=1)
        told = f"did you mean {close[0]}?" if close else "GET /__admin/docs lists what there is"
        if segments[0] in READERS:
            told = f"{segments[0]} is a field of /__admin/settings"
        raise UnknownError(f"there is nothing under {path[:200]!r}; {told}", "", known)
    for route in ROUTES:
        values = route.match(segments)
        if values is not None and method in (route.method, "OPTIONS"):
            return route, values
    raise RefusedCallError(405, f"{method} means nothing here.", allow=", ".join(allowed))


def _methods(segments: list[str]) -> list[str]:
    found = [route.method for route in ROUTES if route.match(segments) is not None]
    if not found:
        return []
    return [*dict.fromkeys(found), *(("HEAD",) if "GET" in found else ()), "OPTIONS"]


def _reply(result: Any, route: Route) -> Reply | Live:
    if isinstance(result, (Reply, Live)):
        return result
    return Reply(route.status, COMMON, json_bytes(result))


COMMON = (
    ("content-type", "application/json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)


def _error(status: int, message: str, *, field: str = "", allowed: Any = (), **fields: str) -> Reply:
    """An error in the one shape that this interface has."""
    error: dict[str, Any] = {"message": message}
    if field:
        error["field"] = field
    if allowed:
        error["allowed"] = list(allowed)
    more = {"www-authenticate": 'Bearer realm="usagekit"'} if status == 401 else fields
    return Reply(status, (*COMMON, *more.items()), json_bytes({"error": error}))


# -- bodies ---------------------------------------------------------------------------------------------


class ClientGoneError(Exception):
    """The client left before it had sent everything."""


class Body:
    """The body of a request, part by part."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """What has not been read yet, as it arrives."""
        while self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self._more = message.get("more_body", False)
            yield message.get("body", b"")

    async def drain(self) -> None:
        """Read the rest, and forget it."""
        async for _ in self.parts():
            pass


async def _json(body: Body, content_type: str, route: Route) -> Any:
    """The JSON that was sent, None when there is no body."""
    found = bytearray()
    async with aclosing(body.parts()) as parts:
        async for part in parts:
            found += part
            if len(found) > JSON_BODY:
                message = f"JSON is limited to {JSON_BODY} bytes; send events as JSON lines."
                raise RefusedCallError(413, message)
    if not found and not content_type:
        return None
    if content_type != JSON:
        wanted = " or ".join((JSON, *LINES[:1])) if route.lines is not None else JSON
        raise RefusedCallError(415, f"The content type is {content_type or 'missing'}; it must be {wanted}.")
    if not found:
        return None
    try:
        return json.loads(bytes(found), parse_constant=_no_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise InvalidError("the body is not UTF-8") from None
    except RecursionError:
        raise InvalidError("the body is nested too deeply") from None
    except ValueError as error:
        if isinstance(error, InvalidError):
            raise
        raise InvalidError(f"the body is not JSON: {error}") from None


def _no_constant(text: str) -> Any:
    raise InvalidError(f"the body is not JSON: {text} is no number")


def _unique(found: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(found)
    if len(values) < len(found):
        names = [name for name, _ in found]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidError(f"{twice!r} is there twice", twice)
    return values


async def _lines(call: Call, body: Body) -> dict[str, list[Any]]:
    """The events in JSON lines by provider, read as they arrive; one bad line refuses all of them."""
    reader = EventReader(call.values.get("provider"), call.sessions.host.world.providers)
    found: dict[str, list[Any]] = {}
    rest, number = b"", 0
    try:
        # Closed here, or a bad line would leave it to the end of the event loop.
        async with aclosing(body.parts()) as parts:
            async for part in parts:
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    number += 1
                    _take(reader, line, found)
                if len(rest) > LONGEST_LINE:
                    number += 1
                    raise InvalidError(f"the line is longer than {LONGEST_LINE} bytes")
        number += 1
        _take(reader, rest, found)
    except InvalidError as error:
        raise InvalidError(f"line {number}: {error.message}", error.field, error.allowed) from None
    return found


def _take(reader: EventReader, line: bytes, found: dict[str, list[Any]]) -> None:
    if line and not line.isspace():
        owner, event = reader.read(read_json_line(line))
        found.setdefault(owner, []).append(event)
