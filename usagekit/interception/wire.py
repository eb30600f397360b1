"""The place of a socket under `http.client`: takes a request, and has the answer when it is read."""

from __future__ import annotations

import socket
import time
from io import BufferedReader, BytesIO
from typing import Any

from usage_mockserver.framing import BLANK
from usagekit.interception.handle import Interception


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
        """The answer, when it is due; TimeoutError when that is later than the client waits."""
        raw = bytes(self._head[: self._head.find(BLANK) + len(BLANK)])
        answer = self._interception.ask_raw(raw, self._scheme, self._host)
        # One request only: the next one may be made when nothing is intercepted any more.
        if self._connection.sock is self:
            self._connection.sock = self.parked
        if self._timeout is not None and answer.delay > self._timeout:
            time.sleep(self._timeout)
            raise TimeoutError("timed out")
        if answer.delay:
            time.sleep(answer.delay)
        # BytesIO alone cannot peek.
        return BufferedReader(BytesIO(answer.spelled()))

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
