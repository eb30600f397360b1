"""Memories with a limit."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(dict[K, V]):
    """Values made when they are first asked for, at most so many; the oldest make room."""

    def __init__(self, make: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._make, self._most = make, most
        self._lock = Lock()

    def __missing__(self, key: K) -> V:
        value = self._make(key)
        self.keep(key, value)
        return value

    def keep(self, key: K, value: V) -> None:
        """Put a value there, in place of an older one."""
        # Threads that answer at the same time must not both make room by dropping the same value.
        with self._lock:
            if key not in self and len(self) >= self._most:
                del self[next(iter(self))]
            self[key] = value
