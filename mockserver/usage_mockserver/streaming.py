"""Bodies that are handed on while they arrive, so that none has to fit into memory."""

from __future__ import annotations

from dataclasses import dataclass

from usage_mockserver.framing import Chunks

SLOWEST = 64 * 1024
"""Bytes a second that a streamed body must come with, once the time of any request is over."""


@dataclass(slots=True)
class Stream:
    """A body on its way: what is left of it, or its chunks; what was taken, and what becomes of the connection."""

    left: int
    chunks: Chunks | None
    taken: int = 0
    keep_alive: bool = False

    def take(self, buffer: bytearray) -> tuple[bytes, bool]:
        """What is in the buffer of this body, spelled for llhttp, and whether that is the end of it."""
        before = len(buffer)
        if self.chunks is not None:
            done = self.chunks.take(buffer) is not None
            part = self.chunks.drain()
            spelled = b"%x\r\n%b\r\n" % (len(part), part) if part else b""
            spelled += b"0\r\n\r\n" if done else b""
        else:
            spelled = bytes(buffer[: self.left])
            del buffer[: self.left]
            self.left -= len(spelled)
            done = not self.left
        self.taken += before - len(buffer)
        return spelled, done

    @property
    def grace(self) -> float:
        """Seconds that this body may take longer than others, for what it has brought so far."""
        return self.taken / SLOWEST
