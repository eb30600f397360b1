"""The place of a socket under `http.client`: takes a request, and has the answer when it is read."""

from __future__ import annotations

import socket
import time
from io import BufferedReader, RawIOBase
from typing import Any

from usage_mockserver.framing import BLANK
from usagekit.interception.handle import Answer, Interception


class Wire:
    """Stands where a connection keeps its socket, from one request to its answer.

    `parked` is the socket it took the place of, and gets it back.
    """

    def __init__(self, connection: Any, interception: Interception, scheme: str, host: str) -> None:
        before = connection.sock
        self.parked: socket.socket | None = before.parked if isinstance(before, Wire) else before
        self._connection = connection
        self._interception = interception
        self._scheme, self._host = scheme, host
        self._head = bytearray()
        self._whole = False
        self._timeout: float | None = None
        self.settimeout(connection.timeout)

    def sendall(self, data: Any) -> None:
        """Take a piece of the request; of its body nothing is needed."""
        if not self._head and not self._interception.is_open:
            # Connected inside, used after: from here on it is an ordinary connection.
            self._connection.sock = None
            self._connection.connect()
            self._connection.sock.sendall(data)
        elif not self._whole:
            self._head += data
            self._whole = BLANK in self._head

    def makefile(self, *_mode: Any, **_buffering: Any) -> BufferedReader:
        """The answer, as far as it comes and when it comes."""
        raw = bytes(self._head[: self._head.find(BLANK) + len(BLANK)])
        answer = self._interception.ask_raw(raw, self._scheme, self._host)
        # One request only: the next one may be made when nothing is intercepted any more.
        if self._connection.sock is self:
            self._connection.sock = self.parked
        return BufferedReader(Flow(answer, self._timeout))

    def settimeout(self, seconds: Any) -> None:
        """How long the client waits for an answer."""
        known = seconds is None or isinstance(seconds, int | float)
        self._timeout = seconds if known else socket.getdefaulttimeout()

    def gettimeout(self) -> float | None:
        """How long the client waits for an answer."""
        return self._timeout

    def shutdown(self, how: int) -> None:
        """Nothing to shut down."""

    def close(self) -> None:
        """Close the socket this one took the place of."""
        if self.parked is not None:
            self.parked.close()


class Flow(RawIOBase):
    """An answer to be read like a socket: TimeoutError where it lets the client wait for too long."""

    def __init__(self, answer: Answer, timeout: float | None) -> None:
        super().__init__()
        self._parts = answer.parts()
        self._timeout = timeout
        self._part = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for the next part, and take of it what has room."""
        while not self._part:
            step = next(self._parts, None)
            if step is None:
                return 0
            pause, part = step
            self._wait(pause)
            self._part = memoryview(part)
        taken = min(len(self._part), len(buffer))
        buffer[:taken] = self._part[:taken]
        self._part = self._part[taken:]
        return taken

    def _wait(self, seconds: float) -> None:
        if self._timeout is not None and seconds > self._timeout:
            time.sleep(self._timeout)
            raise TimeoutError("timed out")
        if seconds:
            time.sleep(seconds)
