"""The state of all sessions in Redis, as those who answer see it: read, changed as a whole, counted, noted.

Of each session there are a version, settings and counters by provider, a list of entries for the added events of
each, and the journal. Nothing is kept for what is as it was begun.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from usage_mockserver.event_reader import EventReader
from usage_mockserver.journal import Entry
from usage_mockserver.state.link import Command, Link
from usage_mockserver.state.operations import StaleError, StateError
from usage_mockserver.state.packing import Step, difference, unpack_entry, unpack_step
from usage_mockserver.state.scripts import BEGIN, CLOSE, COMMIT, NOTE, OPEN

log = logging.getLogger("usagekit")

BATCH = 8
TRIES = 20
UPLOAD_SECONDS = 600


class Mark(NamedTuple):
    """How far one process has read a list of events: its length then, and the name of its last entry."""

    length: int = 0
    last: bytes = b""


class News(NamedTuple):
    """What became of the events of one account: all of them `anew`, or further `steps`, and how far that is."""

    anew: bool
    steps: Sequence[Step]
    mark: Mark


class Counted(NamedTuple):
    """Requests of one account so far, and what its faults remember."""

    requests: int = 0
    memory: bytes = b""


class Found(NamedTuple):
    """One session as it is now; a provider without settings has those it was begun with."""

    version: bytes
    settings: Mapping[str, bytes]
    counted: Mapping[str, Counted]
    events: Mapping[str, News]


class Noted(NamedTuple):
    """What became of an answer: not given any more (`stale`), counted elsewhere meanwhile (`counted`), or noted."""

    stale: bool = False
    counted: Counted | None = None
    requests: int | None = None


class Store:
    """All sessions of one server in Redis, under names that begin with `prefix`.

    `origin` describes how the server was begun; whoever began otherwise is refused with a StateError.
    """

    def __init__(self, link: Link, prefix: str, origin: Mapping[str, Any]) -> None:
        self._link = link
        self._prefix = f"{prefix}:"
        self._described = origin
        self._origin = json.dumps(origin, sort_keys=True).encode()
        self._providers: tuple[str, ...] = tuple(origin["providers"])
        self._versions = [self.key("versions")]
        self._writer = b""
        self._written = 0

    @property
    def lost(self) -> bool:
        """Whether Redis is away for now."""
        return self._link.lost

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers that are served."""
        return self._providers

    def key(self, *parts: str) -> str:
        """The name of something in Redis."""
        return self._prefix + ":".join(parts)

    def begin(self) -> None:
        """Make sure that what is in Redis is ours; an empty one begins as the server did."""
        keys = [self.key("origin"), self.key("versions")]
        held, name = self._link.run(BEGIN, keys, self._prefix, self._origin, *self._providers)
        if held != self._origin:
            told = difference(_description(held), self._described)
            raise StateError(
                f"Redis holds the state of a server that was started otherwise ({told}); start them alike, "
                f"or give this one another ?prefix= (it is {self._prefix[:-1]}), or delete {keys[0]}"
            )
        self._writer = self._writer or name

    def check(self) -> None:
        """Connect, begin, and warn of a Redis that may throw away a part of what it holds."""
        self._link.open()
        self.begin()
        with suppress(StateError):
            told = dict(
                line.partition(b":")[::2] for line in self._link.ask(("INFO", "memory"))[0].splitlines()
            )
            if told.get(b"maxmemory") != b"0" and told.get(b"maxmemory_policy", b"").startswith(b"allkeys"):
                log.warning(
                    "when Redis is full it evicts any key: set maxmemory-policy noeviction for the state"
                )

    def named(self, entry: bytes) -> bytes:
        """An entry with a name of its own."""
        self._written += 1
        return b"%b-%d %b" % (self._writer, self._written, entry)

    # -- reading ----------------------------------------------------------------------------------------

    def read(self, name: str, marks: Mapping[str, Mark]) -> Found | None:
        """What is new in a session since these marks; None when there is no such session."""
        for _ in range(TRIES):
            origin, version, *rest = self._transaction(self._reading(name, marks))
            if origin != self._origin or (version is None and not name) or not self._writer:
                self.begin()
                continue
            if version is None:
                return None
            settings, counted, *lists = rest
            news = self._news(name, marks, lists)
            # A long list is read in pieces, and must not have become another one meanwhile.
            if news is not None and self._version(name) == version:
                return Found(version, _by_provider(settings), _counted(counted), news)
        raise StateError("The shared state changes all the time; ask again.")

    def _reading(self, name: str, marks: Mapping[str, Mark]) -> list[Command]:
        commands: list[Command] = [
            ("GET", self.key("origin")),
            ("HGET", self.key("versions"), name),
            ("HGETALL", self.key("settings", name)),
            ("HGETALL", self.key("counted", name)),
        ]
        for provider in self._providers:
            key = self.key("events", name, provider)
            commands += [("LLEN", key), ("LINDEX", key, marks.get(provider, Mark()).length - 1)]
        return commands

    def _transaction(self, commands: list[Command]) -> list[Any]:
        found: list[Any] = self._link.ask(("MULTI",), *commands, ("EXEC",))[-1]
        return found

    def _version(self, name: str) -> bytes | None:
        found: bytes | None = self._link.ask(("HGET", self.key("versions"), name))[0]
        return found

    def _news(self, name: str, marks: Mapping[str, Mark], lists: list[Any]) -> dict[str, News] | None:
        found = {}
        for provider, length, last in zip(self._providers, lists[::2], lists[1::2], strict=True):
            mark = marks.get(provider, Mark())
            known = mark.length == 0 or (last is not None and last.split(b" ", 1)[0] == mark.last)
            begin = mark.length if known and length >= mark.length else 0
            reader = EventReader(provider)
            steps, end = [], mark.last if begin else b""
            for entry in self._entries(name, provider, begin, length):
                end, _, packed = entry.partition(b" ")
                steps.append(unpack_step(packed, reader))
            if len(steps) != length - begin:
                return None
            found[provider] = News(begin != mark.length, steps, Mark(length, end))
        return found

    def _entries(self, name: str, provider: str, begin: int, end: int) -> Iterator[bytes]:
        key = self.key("events", name, provider)
        for first in range(begin, end, BATCH):
            yield from self._link.ask(("LRANGE", key, first, min(first + BATCH, end) - 1))[0]

    # -- writing ----------------------------------------------------------------------------------------

    def upload(self, entries: Iterator[bytes]) -> tuple[str, Mark]:
        """Entries put where nobody looks yet, and forgotten unless they are moved soon."""
        key = self.key("upload", self.named(b"").decode().strip())
        length, entry = 0, b""
        try:
            for packed in entries:
                entry = self.named(packed)
                self._link.ask(("RPUSH", key, entry), ("EXPIRE", key, UPLOAD_SECONDS))
                length += 1
        except StateError:
            self.discard([key])
            raise
        return key, Mark(length, entry.partition(b" ")[0])

    def discard(self, keys: Sequence[str]) -> None:
        """Forget what was uploaded, if Redis can be reached; else it goes by itself."""
        if keys and not self.lost:
            self._link.ask(("UNLINK", *keys))

    def commit(self, name: str, version: bytes, commands: Sequence[Command]) -> bytes:
        """Do all of these at once and give the new version; StaleError when the session has another already."""
        spelled = [part for command in commands for part in (len(command), *command)]
        found: bytes | None = self._link.run(COMMIT, self._versions, name, version, *spelled)
        if found is None:
            raise StaleError
        return found

    def note(self, name: str, version: bytes, entry: bytes, bounds: tuple[int, int], *counts: Any) -> Noted:
        """Note an answer that was made from this version of a session, if it still is the one.

        `bounds` are the entries and bytes that the journal may hold. Where something was counted, `counts` are the
        provider, requests more, requests so far if the answer hangs on them, fault memory before and after.
        """
        answer = (self._prefix, name, version, entry, *bounds, *counts)
        kind, *found = self._link.run(NOTE, self._versions, *answer)
        if kind == 0:
            return Noted(stale=True)
        if kind == 1:
            return Noted(counted=Counted(int(found[0]), found[1]))
        return Noted(requests=int(found[0]) if found[0] != b"" else None)

    # -- sessions ---------------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Whether there is this session."""
        return self._version(name) is not None

    def open(self, name: str, most: int) -> str:
        """Make a session if there is none of this name, or one with a new name; the least used makes room."""
        keys = [self.key("versions"), self.key("used"), self.key("numbers")]
        found: bytes = self._link.run(OPEN, keys, self._prefix, name, most, *self._providers)
        return found.decode()

    def close(self, name: str) -> bool:
        """Forget a session; False when there is none."""
        return bool(self._link.run(CLOSE, [], self._prefix, name, *self._providers))

    def names(self) -> list[str]:
        """Every session, the one not used for longest first."""
        return [name.decode() for name in self._link.ask(("ZRANGE", self.key("used"), 0, -1))[0]]

    # -- the journal ------------------------------------------------------------------------------------

    def entries(self, name: str) -> list[Entry]:
        """The journal of a session, oldest entry first."""
        return [
            unpack_entry(packed) for packed in self._link.ask(("LRANGE", self.key("journal", name), 0, -1))[0]
        ]

    def total(self, name: str) -> int:
        """The number of the last entry."""
        return int(self._link.ask(("HGET", self.key("notes", name), "number"))[0] or 0)

    def forgetting(self, name: str) -> list[Command]:
        """What empties the journal."""
        return [("DEL", self.key("journal", name)), ("HDEL", self.key("notes", name), "size")]

    def forget(self, name: str) -> None:
        """Empty the journal."""
        self._link.ask(*self.forgetting(name))

    def end(self) -> None:
        """Leave Redis."""
        self._link.close()


def _description(packed: bytes) -> Any:
    try:
        return json.loads(packed)
    except ValueError:
        return None


def _by_provider(flat: list[bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _counted(flat: list[bytes]) -> dict[str, Counted]:
    found: dict[str, Counted] = {}
    for name, value in _by_provider(flat).items():
        provider, _, kind = name.partition(":")
        held = found.get(provider, Counted())
        new = held._replace(requests=int(value)) if kind == "requests" else held._replace(memory=value)
        found[provider] = new
    return found
