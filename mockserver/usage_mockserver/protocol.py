"""Strict, bounded HTTP/1.1 on uvicorn: one message at a time, every wait limited, refusals 4xx and close.

What goes in is decided by `framing`; llhttp parses it and uvicorn runs the application, as always. Two ways
are shorter, for an application that offers them. `repeat` answers bytes that were answered before, for the
price of one look-up (measured: 0.5 times the CPU of bare uvicorn with a constant answer, against 1.8 the long
way). `respond` answers a plain head at once: no second parser, no scope, task and messages, one write.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
from dataclasses import replace
from typing import Any, cast

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from usage_mockserver.delivery import CutOff
from usage_mockserver.framing import BLANK, Chunks, Head, Limits, Refused, check_start, read_head, written
from usage_mockserver.kept import HEAD, LONGEST_HEAD
from usage_mockserver.streaming import Stream

AT_ONCE = 16
"""Answers given in one go to a peer that sends many requests at once, before the others have their turn."""
NEVER = float("inf")
logger = logging.getLogger("usagekit.wire")


class StrictProtocol(HttpToolsProtocol):
    """One connection.

    `_buffer` holds what was received and not understood yet, `_head` the head whose body is awaited.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits or Limits()
        # uvicorn's own access log shows the query, and any handler on the root logger switches it on.
        self.access_log = False
        self._repeat = getattr(config.loaded_app, "repeat", None)
        self._respond = getattr(config.loaded_app, "respond", None)
        self._streams = getattr(config.loaded_app, "streams", None)
        self._buffer = bytearray()
        self._seen = 0
        self._head: Head | None = None
        self._chunks: Chunks | None = None
        self._streaming: Stream | None = None
        self._begun = 0.0
        self._deadline = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._period = min(self._limits.head_seconds, self._limits.request_seconds, self._limits.idle_seconds)
        self._eof = self._leaving = False
        self._refused = self._blank = False
        self._yielded, self._lingered = False, 0

    # -- the connection ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or drop it at once when there are too many."""
        super().connection_made(transport)
        if self.scheme != "http":
            self._repeat = self._respond = None
        if len(self.connections) > self._limits.connections:
            transport.abort()
            return
        self._begun = self.loop.time()
        self._deadline = self._begun + self._limits.head_seconds
        self._watch(self._period)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything about the peer."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        self._deadline, self._buffer = NEVER, bytearray()

    def data_received(self, data: bytes) -> None:
        """Answer at once what was answered before; collect and check everything else."""
        if self._refused:
            self._discard(len(data))
            return
        if self._streaming is not None:
            self._buffer += data
            self._hand_on(self._streaming)
            return
        if not self._buffer and self._head is None and self._idle:
            self._begun = self.loop.time()
            if self._repeat is not None and len(data) <= LONGEST_HEAD and not self._leaving:
                answer = self._repeat(data)
                if answer is not None:
                    self._answer_now(*answer)
                    return
            self._deadline = self._begun + self._limits.head_seconds
        self._buffer += data
        self._advance()
        self._pace()

    def eof_received(self) -> bool:  # type: ignore[override]
        """A peer that has said everything still gets the answer to it."""
        self._eof = True
        if self._streaming is not None:
            return False
        # TLS has no half-open state to keep, and who leaves has no time for it.
        over = self._refused or self._leaving or self.scheme != "http"
        return not over and (self._yielded or not self._idle)

    def leave(self) -> None:
        """Close with the next answer, and at once where the peer has most likely gone while it waited."""
        if self._eof:
            self.transport.abort()
        self._leaving = True
        if not self._free:
            self.cycle.keep_alive = False

    # Called by uvicorn; nothing here speaks WebSocket, whatever is installed beside it.
    def _should_upgrade_to_ws(self) -> bool:
        return False

    # -- time -------------------------------------------------------------------------------------------

    # One timer for the life of a connection, asked rarely and moved by assignment: arming and cancelling one
    # for each request costs more than answering it.
    def _watch(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        left = self._deadline - self.loop.time()
        if left > 0:
            self._watch(min(max(left, 0.001), self._period))
        elif self._refused and self.scheme == "https" and not self.transport.is_closing():
            self.transport.close()
            self._watch(self._limits.linger_seconds)
        elif self.transport.is_closing() or self._refused or self.flow.write_paused:
            self.transport.abort()
        elif self._buffer or self._head is not None:
            self._refuse(Refused(408, "The request did not arrive in time."))
        else:
            self.transport.close()
            self._watch(self._limits.linger_seconds)

    def pause_writing(self) -> None:
        """Stop taking requests from a peer that does not read its answers."""
        super().pause_writing()
        self._pace()
        self._deadline = self.loop.time() + self._limits.write_seconds

    def resume_writing(self) -> None:
        """Go on with what waited."""
        super().resume_writing()
        self._deadline = self.loop.time() + self._limits.idle_seconds if self._free else NEVER
        if self._free and not self.transport.is_closing():
            self._advance()
        self._pace()

    # -- requests ---------------------------------------------------------------------------------------

    @property
    def _free(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    @property
    def _idle(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.flow.write_paused

    def _answer_now(self, start: bytes, head: bytes, body: bytes) -> None:
        self._deadline, self._blank = self._begun + self._limits.idle_seconds, False
        self.server_state.total_requests += 1
        fields = b"".join([b"%b: %b\r\n" % field for field in self.server_state.default_headers])
        self.transport.write(b"".join((start, fields, head, body)))

    def _advance(self) -> None:
        """Start the next request that is complete, if the one before it is answered."""
        left = AT_ONCE
        try:
            while self._idle and not (self._refused or self._yielded or self.transport.is_closing()):
                head = self._head or self._next_head()
                if head is not None and self._streaming is not None:
                    self._start_stream(head, self._streaming)
                    return
                body = None if head is None else self._body(head)
                if head is None or body is None:
                    return
                self._start(head, body)
                left -= 1
                if not left:
                    self._yielded = True
                    self.loop.call_soon(self._go_on)
        except Refused as refused:
            self._refuse(refused)

    def _go_on(self) -> None:
        self._yielded = False
        self._advance()
        self._pace()
        self._close_if_done()

    def _pace(self) -> None:
        """Read on only while what was read can be used soon."""
        if self.flow.write_paused or (
            len(self._buffer) > self._limits.head and (self._yielded or not self._free)
        ):
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _next_head(self) -> Head | None:
        buffer = self._buffer
        # One empty line before a request is a habit of old clients (RFC 9112, 2.2).
        if buffer.startswith(b"\r\n") and not self._blank:
            self._blank, buffer[:2] = True, b""
        if not buffer:
            self._seen = 0
            return None
        end = buffer.find(BLANK, max(self._seen - 3, 0), self._limits.head)
        if end < 0:
            if buffer != b"\r":
                check_start(buffer, self._seen, self._limits)
            self._seen = len(buffer)
            return None
        raw = bytes(buffer[: end + 4])
        del buffer[: end + 4]
        self._seen, self._blank = 0, False
        limits = self._limits
        streams = self._streams is not None and not raw.startswith((b"GET ", b"HEAD ")) and self._streams(raw)
        if streams:
            limits = replace(limits, body=limits.stream)
        self._head = head = read_head(raw, limits)
        self._chunks = Chunks(limits) if head.length is None else None
        if streams and head.length != 0:
            self._streaming = Stream(head.length or 0, self._chunks)
        self._deadline = self._begun + self._limits.request_seconds
        if head.expects and head.length != 0 and not buffer:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return head

    def _body(self, head: Head) -> bytes | None:
        if self._chunks is not None:
            return self._chunks.take(self._buffer)
        if not head.length:
            return b""
        if len(self._buffer) < head.length:
            return None
        body = bytes(self._buffer[: head.length])
        del self._buffer[: head.length]
        return body

    def _start(self, head: Head, body: bytes) -> None:
        self._head = self._chunks = None
        if head.plain and self._respond is not None and not self._leaving:
            answer = self._respond(head)
            if answer is not None:
                self._begun = self.loop.time()
                self._answer_now(*answer)
                return
        self._deadline = NEVER
        self._feed(*written(head, body))
        if head.plain and self.scheme == "http":
            cast("dict[str, Any]", self.scope)["extensions"] = {HEAD: head.raw}

    def _feed(self, *parts: bytes) -> None:
        """Have llhttp read what was proved to be right, which starts the application."""
        try:
            for part in parts:
                self.parser.feed_data(part)
        except HttpParserUpgrade:
            # Nothing here speaks another protocol: answered as what it also is, a request.
            self.cycle.keep_alive = False
        except HttpParserInvalidMethodError:
            raise Refused(405, "This method is not known.", ((b"allow", b"GET, HEAD, OPTIONS"),)) from None
        except HttpParserError as error:
            cause = type(error.__context__ or error).__name__
            logger.warning("llhttp refused what framing let through: %s", cause)
            raise Refused(400, "The request is malformed.") from None
        # The body is here, or its 100 was sent, so none is owed any more.
        self.cycle.waiting_for_100_continue = False
        if self._leaving:
            self.cycle.keep_alive = False

    # -- streams ----------------------------------------------------------------------------------------

    def _start_stream(self, head: Head, stream: Stream) -> None:
        """Start a request whose body the application takes as it arrives."""
        self._feed(written(head, b"")[0])
        stream.keep_alive = self.cycle.keep_alive
        # Until the body is read to its end nothing can follow on this connection.
        self.cycle.keep_alive = False
        self._hand_on(stream)

    def _hand_on(self, stream: Stream) -> None:
        """Hand on what is here of a body; uvicorn stops reading where the application does not keep up."""
        if self.cycle.response_complete:
            self._buffer.clear()
            return
        try:
            part, done = stream.take(self._buffer)
        except Refused as refused:
            self._refuse(refused)
            return
        self.parser.feed_data(part)
        self._deadline = self._begun + self._limits.request_seconds + stream.grace
        if done:
            self._head = self._chunks = self._streaming = None
            self._deadline = NEVER
            self.cycle.keep_alive = stream.keep_alive and not self._leaving

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        async def until_cut_off(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                # Only the end of the server cancels a request, and uvicorn would log that as an error of the
                # application, with a stack trace.
                cycle.disconnected = True
            except CutOff as cut:
                cycle.disconnected = True
                self._cut_off(reset=cut.reset)

        super()._start_asgi_task(cycle, until_cut_off)

    def _cut_off(self, *, reset: bool) -> None:
        """End the connection in the middle of an answer: in order, or so that the peer sees a reset."""
        sock = self.transport.get_extra_info("socket")
        if not reset:
            self.transport.close()
            return
        if sock is not None:
            # To linger for no time at all means RST in place of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._deadline = self.loop.time() + self._limits.write_seconds
            return
        self._begun = self.loop.time()
        if self.flow.write_paused:
            self._deadline = self._begun + self._limits.write_seconds
            return
        self._deadline = self._begun + self._limits.idle_seconds
        self._advance()
        self._pace()
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._eof and self._free and not (self._refused or self._yielded):
            self.transport.close()

    # -- refusals ---------------------------------------------------------------------------------------

    def _refuse(self, refused: Refused) -> None:
        """Say why, and go deaf: what stands behind a bad request has no meaning."""
        self._refused = True
        if self._streaming is not None:
            # The application waits for a body that is not going to come, and must not answer any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        self._head = self._chunks = self._streaming = None
        self._buffer = bytearray()
        self._deadline = self.loop.time() + self._limits.linger_seconds
        if self._timer is not None:
            self._timer.cancel()
        self._watch(self._limits.linger_seconds)
        body = json.dumps({"usagekit": {"message": refused.reason}}).encode()
        fields = (
            *self.server_state.default_headers,
            *refused.headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        )
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        self.transport.write(STATUS_LINE[refused.status] + head + b"\r\n" + body)
        # Closing with unread bytes in the socket would reset the connection and could take the answer along.
        # TLS cannot end one direction alone: there the peer is given the time to leave by itself.
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _discard(self, count: int) -> None:
        self._lingered += count
        if self._lingered > self._limits.linger:
            self.transport.abort()
