"""State as bytes and back: settings, events, what was counted, records of requests. Plain JSON, no code in it.

Events go into entries of a list: `NAME PACKED`, the name given by whoever wrote it and never given again. An entry
adds events, takes one away, or, as the first, says that those the server was started with are gone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from usage_mockserver.event_plain import event_line, plain_event
from usage_mockserver.event_reader import EventReader
from usage_mockserver.faults import Memory
from usage_mockserver.invalid import InvalidError
from usage_mockserver.journal import FIELDS, Entry, Record
from usage_mockserver.settings import Settings, plain_settings, read_settings
from usage_mockserver.state.operations import StateError
from usage_mockserver.world import World

FORMAT = 1
CHUNK = 2000
"""Events in one entry at most: what a replica reads at once."""

QUICKLY = 1
"""How hard zlib tries: events shrink to a tenth already, and more would take longer than to send them."""


class Step(NamedTuple):
    """What one entry does to the added events of an account."""

    clear: bool = False
    add: Sequence[Any] = ()
    remove: Any = None


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# -- settings -------------------------------------------------------------------------------------------


def pack_settings(settings: Settings) -> bytes:
    """The settings without the keys, which stay in each process."""
    return _dumps(plain_settings(settings))


def unpack_settings(provider: str, packed: bytes, own: Settings) -> Settings:
    """The settings of one account; `own` are those it has here, for the clock that its time comes from."""
    try:
        return read_settings(provider, json.loads(packed), Settings(clock=replace(own.clock, frozen=None)))
    except ValueError as error:
        raise _unreadable("settings", error) from None


def describe(world: World) -> dict[str, Any]:
    """How a world was begun, without keys: replicas must have this in common, or a reset would part them."""
    digests = {}
    for name in world.providers:
        added = world.added(name)
        lines = "\n".join(event_line(name, event) for event in (added.added if added is not None else ()))
        digests[name] = blake2b(lines.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    return {
        "format": FORMAT,
        "providers": list(world.providers),
        "settings": {name: plain_settings(world.beginning(name)) for name in world.providers},
        "events": digests,
    }


def difference(theirs: Any, ours: Any, where: str = "") -> str:
    """The first thing in which two descriptions differ, "" when they do not."""
    if theirs == ours:
        return ""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for name in dict.fromkeys((*ours, *theirs)):
            found = difference(theirs.get(name), ours.get(name), f"{where}.{name}" if where else str(name))
            if found:
                return found
    return f"{where} is {json.dumps(theirs)} there and {json.dumps(ours)} here"


# -- what was counted -----------------------------------------------------------------------------------


def pack_memory(memory: Sequence[Memory]) -> bytes:
    """What faults remember, b"" when that is nothing."""
    return _dumps(list(memory)) if memory else b""


def unpack_memory(packed: bytes) -> list[Memory]:
    """What `pack_memory` was given."""
    return list(json.loads(packed)) if packed else []


# -- events ---------------------------------------------------------------------------------------------


def pack_added(provider: str, events: Iterable[Any]) -> Iterator[bytes]:
    """Entries that add these events, chunk by chunk."""
    left = iter(events)
    while chunk := list(islice(left, CHUNK)):
        yield _squeezed({"add": [plain_event(provider, event) for event in chunk]})


def pack_removed(provider: str, event: Any) -> bytes:
    """An entry that takes one event away."""
    return _squeezed({"remove": plain_event(provider, event)})


def pack_cleared() -> bytes:
    """An entry that takes away the events which the server was started with."""
    return _squeezed({"clear": True})


def _squeezed(value: Any) -> bytes:
    return zlib.compress(_dumps(value), QUICKLY)


def unpack_step(packed: bytes, reader: EventReader) -> Step:
    """What an entry does."""
    try:
        found = json.loads(zlib.decompress(packed))
        if "add" in found:
            return Step(add=[reader.read(event)[1] for event in found["add"]])
        if "remove" in found:
            return Step(remove=reader.read(found["remove"])[1])
        return Step(clear=bool(found["clear"]))
    except (ValueError, LookupError, TypeError, zlib.error) as error:
        raise _unreadable("events", error) from None


def _unreadable(what: str, error: Exception) -> StateError:
    told = error.message if isinstance(error, InvalidError) else type(error).__name__
    return StateError(f"The shared state holds {what} that cannot be read here: {told[:200]}")


# -- the journal ----------------------------------------------------------------------------------------


def pack_record(record: Record, at: float) -> bytes:
    """A record and the second it was made at."""
    return b"%d %b" % (round(at * 1000), _packed_record(record))


# Clients ask the same again and again.
@lru_cache(maxsize=256)
def _packed_record(record: Record) -> bytes:
    return _dumps({name: getattr(record, name) for name in FIELDS})


def unpack_entry(packed: bytes) -> Entry:
    """An entry of the journal: number, milliseconds, record."""
    number, at, text = packed.split(b" ", 2)
    values = json.loads(text)
    for name in ("query", "credentials"):
        values[name] = tuple((str(one), str(other)) for one, other in values[name])
    known = {name: value for name, value in values.items() if name in FIELDS}
    return Entry(int(number), datetime.fromtimestamp(int(at) / 1000, UTC), Record(**known))
