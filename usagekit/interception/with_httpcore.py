"""httpcore and httpcore2, and with them httpx and httpx2, sync and async.

It is the pool that answers and not the transport of httpx: the mocks that people put into httpx are all above
it or in its place, and go on to work.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from usagekit.interception.handle import Answer, Interception
from usagekit.interception.scope import HostRefused, answering, plain
from usagekit.interception.seam import Function, Seam

if TYPE_CHECKING:
    from httpcore import AsyncConnectionPool, ConnectionPool, Request, Response


def handle_request(original: Function, core: ModuleType) -> Function:
    """ConnectionPool.handle_request for hosts that are not intercepted, and the fakes for those that are."""

    @wraps(original)
    def handled(self: ConnectionPool, request: Request) -> Response:
        interception = _judged(request, core)
        if interception is None:
            return cast("Response", original(self, request))
        for _ in request.stream:  # type: ignore[union-attr]
            pass
        answer = _asked(interception, request)
        seconds, too_late = _waiting(answer, request)
        if seconds:
            time.sleep(seconds)
        return _response(answer, too_late, core)

    return handled


def handle_async_request(original: Function, core: ModuleType) -> Function:
    """AsyncConnectionPool.handle_async_request, likewise."""

    @wraps(original)
    async def handled(self: AsyncConnectionPool, request: Request) -> Response:
        interception = _judged(request, core)
        if interception is None:
            return cast("Response", await original(self, request))
        async for _ in request.stream:  # type: ignore[union-attr]
            pass
        answer = _asked(interception, request)
        seconds, too_late = _waiting(answer, request)
        if seconds:
            await _sleep(seconds)
        return _response(answer, too_late, core)

    return handled


def _judged(request: Request, core: ModuleType) -> Interception | None:
    url = request.url
    try:
        return answering(url.scheme.decode("ascii"), url.host.decode("ascii"), url.port)
    except HostRefused as refused:
        raise core.ConnectError(refused.reason) from refused


def _asked(interception: Interception, request: Request) -> Answer:
    url = request.url
    scheme = "https" if url.scheme in (b"https", b"wss") else "http"
    method, target = request.method.decode("ascii"), url.target.decode("ascii")
    return interception.ask(method, scheme, plain(url.host.decode("ascii")), target, request.headers)


def _waiting(answer: Answer, request: Request) -> tuple[float, bool]:
    """How long the client waits, and whether in vain."""
    patience = request.extensions.get("timeout", {}).get("read")
    too_late = patience is not None and answer.delay > patience
    return (patience if too_late else answer.delay), too_late


def _response(answer: Answer, too_late: bool, core: ModuleType) -> Response:
    if too_late:
        raise core.ReadTimeout("timed out")
    response: Response = core.Response(
        answer.status,
        headers=list(answer.fields),
        content=answer.body,
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason},
    )
    return response


async def _sleep(seconds: float) -> None:
    trio: Any = sys.modules.get("trio")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Whoever runs this is not asyncio, and httpcore knows only one other.
        if trio is None:
            raise
        await trio.sleep(seconds)
    else:
        await asyncio.sleep(seconds)


SEAMS = (
    Seam("ConnectionPool", "handle_request", handle_request),
    Seam("AsyncConnectionPool", "handle_async_request", handle_async_request),
)
