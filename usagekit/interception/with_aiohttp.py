"""aiohttp: the connector gives a connection whose other end is a fake; all the rest is aiohttp's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from usage_mockserver.framing import BLANK, Chunks, Refused, read_head
from usagekit.interception.handle import LIMITS, Interception
from usagekit.interception.scope import HostRefused, answering, plain
from usagekit.interception.seam import Function, Seam

if TYPE_CHECKING:
    from aiohttp import BaseConnector, ClientRequest
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


def connect(original: Function, module: ModuleType) -> Function:
    """BaseConnector.connect, which connects to a fake where the host is intercepted."""

    @wraps(original)
    async def connected(self: BaseConnector, req: ClientRequest, *args: Any, **kwargs: Any) -> Connection:
        url = req.url
        try:
            interception = answering(url.scheme, url.raw_host or "", url.port)
        except HostRefused as refused:
            raise module.ClientConnectorError(req.connection_key, refused) from refused
        if interception is None:
            passed: Connection = await original(self, req, *args, **kwargs)
            return passed
        # Timings that a client takes begin here, and are missed where nobody calls.
        traces: Iterable[Trace] = args[0] if args else kwargs.get("traces", ())
        for trace in traces:
            await trace.send_connection_create_start()
        connection = _connection(self, req, interception)
        for trace in traces:
            await trace.send_connection_create_end()
        return connection

    return connected


def _connection(connector: BaseConnector, req: ClientRequest, interception: Interception) -> Connection:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

    loop = asyncio.get_running_loop()
    protocol = ResponseHandler(loop)
    scheme = "https" if req.url.scheme in ("https", "wss") else "http"
    protocol.connection_made(Line(loop, protocol, interception, scheme, plain(req.url.raw_host or "")))
    # Not for the pool: the next request may be made when nothing is intercepted any more.
    protocol.force_close()
    return Connection(connector, req.connection_key, protocol, loop)


class Incoming:
    """One request as it arrives in pieces; `raw` is its head once that is there."""

    def __init__(self) -> None:
        self.raw = b""
        self.expects = False
        self._buffer = bytearray()
        self._left = 0
        self._chunks: Chunks | None = None

    def feed(self, data: bytes | bytearray | memoryview) -> bool:
        """Take a piece; whether the request is complete."""
        self._buffer += data
        if not self.raw and not self._headed():
            return False
        if self._chunks is not None:
            return self._chunks.take(self._buffer) is not None
        self._left -= len(self._buffer)
        self._buffer.clear()
        return self._left <= 0

    def _headed(self) -> bool:
        end = self._buffer.find(BLANK) + len(BLANK)
        if end < len(BLANK):
            return False
        self.raw = bytes(self._buffer[:end])
        del self._buffer[:end]
        try:
            head = read_head(self.raw, LIMITS)
        except Refused:
            # Answered with just that when it is asked; there is no telling how long the body is.
            return True
        self.expects = head.expects
        self._left = head.length or 0
        self._chunks = Chunks(LIMITS) if head.length is None else None
        return True


class Line(asyncio.Transport):
    """The transport of one exchange."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: ResponseHandler,
        interception: Interception,
        scheme: str,
        host: str,
    ) -> None:
        super().__init__()
        self._loop, self._protocol = loop, protocol
        self._interception, self._scheme, self._host = interception, scheme, host
        self._incoming = Incoming()
        self._parts: Iterator[tuple[float, bytes]] = iter(())
        self._part = b""
        self._whole = True
        self._closing = self._paused = self._waiting = self._asked = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a piece of the request; the answer comes after its last one."""
        if self._asked:
            return
        expected = self._incoming.expects
        complete = self._incoming.feed(data)
        if complete:
            self._asked = True
            answer = self._interception.ask_raw(self._incoming.raw, self._scheme, self._host)
            self._parts, self._whole = answer.parts(), answer.end == len(answer.body)
            # Not before the client has said how it wants to read.
            self._loop.call_soon(self._pump)
        elif self._incoming.expects and not expected:
            self._loop.call_soon(self._protocol.data_received, b"HTTP/1.1 100 Continue\r\n\r\n")

    def _pump(self) -> None:
        """Hand over what is due, until the client or the answer itself wants a pause."""
        while not (self._paused or self._closing or self._waiting):
            if self._part:
                part, self._part = self._part, b""
                self._protocol.data_received(part)
                continue
            try:
                pause, self._part = next(self._parts)
            except StopIteration:
                if not self._whole:
                    self.close()
                return
            except ConnectionResetError as error:
                self._close(error)
                return
            if pause:
                self._waiting = True
                self._loop.call_later(pause, self._wake)

    def _wake(self) -> None:
        self._waiting = False
        self._pump()

    def pause_reading(self) -> None:
        """Hold the answer back."""
        self._paused = True

    def resume_reading(self) -> None:
        """Go on with the answer."""
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._pump)

    def close(self) -> None:
        """End the exchange."""
        self._close(None)

    def _close(self, error: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, error)

    def abort(self) -> None:
        """End the exchange."""
        self.close()

    def is_closing(self) -> bool:
        """Whether the exchange is over."""
        return self._closing


SEAMS = (Seam("BaseConnector", "connect", connect),)
