"""The garbage collector, kept from looking through a million new events again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Pauses:
    """How many of those who make many objects are at it, and whether the collector ran before the first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._ran = False

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No collection of cycles until the last of such blocks ends; what is in no cycle is freed as ever."""
        with self._lock:
            if not self._count:
                self._ran = gc.isenabled()
                gc.disable()
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if not self._count and self._ran:
                    gc.enable()


_PAUSES = Pauses()
# Events are in no cycle, and looking for some took a quarter of the time of adding a million.
paused = _PAUSES.paused
