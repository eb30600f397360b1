"""Answers kept for questions asked again, bounded in number and size."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable
from functools import lru_cache
from http import HTTPStatus
from threading import Lock
from typing import Any

from usage_mockserver.http import Reply
from usage_mockserver.journal import Record

REPLIES = 512
BYTES = 2 * 1024 * 1024
HEADS = 512
LONGEST_HEAD = 2048

Fields = tuple[tuple[bytes, bytes], ...]
Spelled = tuple[bytes, bytes, bytes]
"""An answer as it goes over the wire: the status line, after which the server's own fields stand, then the
other fields and the empty line, then the body."""
WITHOUT_BODY = (204, 304)
PHRASES = {status.value: status.phrase for status in HTTPStatus}
HEAD = "usagekit.head"
"""Key in an ASGI scope's `extensions`: there our server hands on a raw head that may be answered again."""
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def wire(reply: Reply, method: str, extra: tuple[tuple[str, str], ...] = ()) -> tuple[Fields, bytes]:
    """Fields and body as they are sent: with content-length, and no body for HEAD, 204 and 304."""
    fields = tuple([_field(name, value) for name, value in (*reply.headers, *extra)])
    if reply.status in WITHOUT_BODY:
        return fields, b""
    fields = (*fields, (b"content-length", b"%d" % len(reply.body)))
    return fields, b"" if method == "HEAD" else reply.body


@lru_cache(maxsize=256)
def _field(name: str, value: str) -> tuple[bytes, bytes]:
    # A provider that repeats a piece of the request in a field must not be able to end the field with it.
    return name.encode("ascii"), _CONTROL.sub(b" ", value.encode("latin-1", "replace"))


class Kept:
    """One answer with all that is sent and noted each time it is given.

    `stamp` is the state of the account it was made from, None when it depends on nothing but the request;
    `size` is about how many bytes it holds.
    """

    __slots__ = (
        "_head",
        "_start",
        "body",
        "fields",
        "key",
        "record",
        "record_size",
        "reply",
        "size",
        "stamp",
    )

    def __init__(
        self, stamp: tuple[Any, ...] | None, reply: Reply, record: Record, fields: Fields, body: bytes
    ) -> None:
        self.stamp, self.reply, self.record, self.fields, self.body = stamp, reply, record, fields, body
        self.record_size = record.size
        self.size = len(body) + 2 * self.record_size
        self.key: Hashable = None
        self._start = self._head = b""

    def spelled(self) -> Spelled:
        """The answer as our own server writes it."""
        if not self._start:
            phrase = PHRASES.get(self.reply.status, "")
            self._start = f"HTTP/1.1 {self.reply.status} {phrase}\r\n".encode()
            self._head = b"".join([*[b"%b: %b\r\n" % field for field in self.fields], b"\r\n"])
        return self._start, self._head, self.body


class KeptReplies:
    """The answers used last, by question, and the raw heads that were found to ask one."""

    def __init__(self, size: int | None = None) -> None:
        self._bytes = BYTES if size is None else size
        self._replies: OrderedDict[Hashable, Kept] = OrderedDict()
        self._heads: OrderedDict[bytes, Hashable] = OrderedDict()
        self._used = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Kept | None:
        """The answer kept for a question."""
        with self._lock:
            found = self._replies.get(key)
            if found is not None:
                self._replies.move_to_end(key)
            return found

    def by_head(self, head: bytes) -> Kept | None:
        """The answer kept for a request with exactly this head."""
        key = self._heads.get(head)
        return None if key is None else self.get(key)

    def put(self, key: Hashable, kept: Kept) -> None:
        """Keep an answer, in place of an older one; the ones not asked for longest make room."""
        if kept.size > self._bytes:
            return
        with self._lock:
            kept.key = key
            if (old := self._replies.pop(key, None)) is not None:
                self._used -= old.size
            self._replies[key] = kept
            self._used += kept.size
            while len(self._replies) > REPLIES or self._used > self._bytes:
                self._used -= self._replies.popitem(last=False)[1].size

    def remember_head(self, head: bytes, kept: Kept) -> None:
        """Note that this head asks the question that `kept` answers; nothing when that answer is not kept."""
        if kept.key is None or len(head) > LONGEST_HEAD:
            return
        with self._lock:
            self._heads[head] = kept.key
            if len(self._heads) > HEADS:
                self._heads.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._replies.clear()
            self._heads.clear()
            self._used = 0
