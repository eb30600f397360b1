"""httpcore and httpcore2, and with them httpx and httpx2, sync and async.

It is the pool that answers and not the transport of httpx: the mocks that people put into httpx are all above
it or in its place, and go on to work.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
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
        patience = _patience(request)
        _wait(answer.delay, patience, core)
        return _response(answer, core, lambda: _body(answer, patience, core))

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
        patience = _patience(request)
        await _wait_async(answer.delay, patience, core)
        return _response(answer, core, lambda: _async_body(answer, patience, core))

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


def _patience(request: Request) -> float:
    """For how long the client lets nothing arrive."""
    seconds: float | None = request.extensions.get("timeout", {}).get("read")
    return float("inf") if seconds is None else seconds


def _response(answer: Answer, core: ModuleType, disturbed: Callable[[], Any]) -> Response:
    if answer.transport.reset:
        raise core.ReadError("Connection reset by peer")
    response: Response = core.Response(
        answer.status,
        headers=list(answer.fields),
        content=answer.body if answer.plain else disturbed(),
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason},
    )
    return response


def _body(answer: Answer, patience: float, core: ModuleType) -> Iterator[bytes]:
    for pause, part in answer.body_parts():
        _wait(pause, patience, core)
        yield part
    _check_whole(answer, core)


async def _async_body(answer: Answer, patience: float, core: ModuleType) -> AsyncIterator[bytes]:
    for pause, part in answer.body_parts():
        await _wait_async(pause, patience, core)
        yield part
    _check_whole(answer, core)


def _check_whole(answer: Answer, core: ModuleType) -> None:
    if answer.end < len(answer.body):
        raise core.RemoteProtocolError(
            "peer closed connection without sending complete message body "
            f"(received {answer.end} bytes, expected {len(answer.body)})"
        )


def _wait(seconds: float, patience: float, core: ModuleType) -> None:
    if seconds:
        time.sleep(min(seconds, patience))
    if seconds > patience:
        raise core.ReadTimeout("timed out")


async def _wait_async(seconds: float, patience: float, core: ModuleType) -> None:
    if seconds:
        # Not asyncio's: httpx also runs on trio.
        from anyio import sleep

        await sleep(min(seconds, patience))
    if seconds > patience:
        raise core.ReadTimeout("timed out")


SEAMS = (
    Seam("ConnectionPool", "handle_request", handle_request),
    Seam("AsyncConnectionPool", "handle_async_request", handle_async_request),
)
