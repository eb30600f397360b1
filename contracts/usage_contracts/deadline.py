"""An end to answers that trickle: a server may send header lines, or `100 Continue`, for ever."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

OPENED = {"connection.connect_tcp.complete", "connection.start_tls.complete"}


class Deadline:
    """Breaks off an exchange that takes longer than so many seconds, whatever keeps arriving in it."""

    def __init__(self, seconds: float, *, watched: bool = True) -> None:
        self.seconds = seconds
        self._watched = watched
        self.passed = False
        self._stream: Any = None

    def trace(self, name: str, told: Mapping[str, Any]) -> None:
        """Remember the connection in use: the client's own limits are for one read each, not for all of them."""
        if name in OPENED:
            self._stream = told["return_value"]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """One exchange, broken off in time; `passed` says afterwards whether it was."""
        self.passed = False
        if not self._watched:
            yield
            return
        timer = Timer(self.seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self.passed = True
        with suppress(OSError, AttributeError):
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
