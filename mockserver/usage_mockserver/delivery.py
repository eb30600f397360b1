"""Sends what does not simply go out: late, cut off, in drops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from usage_mockserver.http import Reply, Transport

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PIECE = 64 * 1024


class CutOff(Exception):
    """The connection is to end here, in the middle of an answer: `reset`, or closed after what was sent.

    Our own server does that; another one takes it for a failure of the application, which ends in much the
    same way.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__("the connection is cut off on purpose")
        self.reset = reset


@asynccontextmanager
async def until_gone(receive: Receive) -> AsyncIterator[Callable[[float], Awaitable[bool]]]:
    """A way to wait some seconds, which ends at once and says True when the client has gone."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    watcher = asyncio.ensure_future(watch())

    async def wait(seconds: float) -> bool:
        done, _ = await asyncio.wait((watcher,), timeout=seconds)
        return bool(done)

    try:
        yield wait
    finally:
        watcher.cancel()


async def deliver(
    reply: Reply, fields: Sequence[tuple[bytes, bytes]], body: bytes, receive: Receive, send: Send
) -> None:
    """Send the reply's fields and body the way it says: held back, in pieces, cut off."""
    transport = reply.transport or Transport()
    async with until_gone(receive) as wait:
        if reply.delay > 0 and await wait(reply.delay):
            return
        if transport.reset:
            raise CutOff(reset=True)
        await send({"type": "http.response.start", "status": reply.status, "headers": list(fields)})
        end = len(body) if transport.cut is None else min(transport.cut, len(body))
        step = transport.step or PIECE
        for begin in range(0, end, step):
            if begin and transport.pause and await wait(transport.pause):
                return
            part = body[begin : min(begin + step, end)]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if end < len(body):
            raise CutOff(reset=False)
        await send({"type": "http.response.body", "body": b""})
