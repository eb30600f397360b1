"""Operations as commands to Redis, and what this process knows once they are done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from usage_mockserver.state.link import Command
from usage_mockserver.state.operations import Add, Change, Clear, Forget, Operation, Remove, Reset, Restore
from usage_mockserver.state.packing import (
    CHUNK,
    pack_added,
    pack_cleared,
    pack_memory,
    pack_removed,
    pack_settings,
)
from usage_mockserver.state.store import Counted, Mark, Store
from usage_mockserver.world import World

LONG, SPARSE = 1000, 20
"""A list of more entries than this, and of so many more than its events need, is written anew."""


@dataclass
class Draft:
    """What is to be done at once, where the events for it wait, and how far the lists are read afterwards."""

    name: str
    world: World
    store: Store
    marks: dict[str, Mark]
    counted: dict[str, Counted]
    commands: list[Command] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)

    def key(self, kind: str, *parts: str) -> str:
        """The name of something of this session."""
        return self.store.key(kind, self.name, *parts)

    def take(self, operation: Operation) -> None:
        """Add what this operation needs."""
        match operation:
            case Change(provider, settings, faults):
                self._set("settings", provider, pack_settings(settings))
                if faults:
                    self._count(provider, self.counted.get(provider, Counted())._replace(memory=b""))
            case Add(provider, events):
                self._add(provider, events)
            case Remove(provider, event):
                self._remove(provider, event)
            case Clear(provider):
                self._clear(provider)
            case Reset(provider):
                self.commands.append(("HDEL", self.key("settings"), provider))
                self._count(provider, Counted())
                self._empty(provider)
            case Restore(states):
                for provider, (state, memory) in states.items():
                    self._set("settings", provider, pack_settings(state.settings))
                    held = memory if state.settings.faults else []
                    self._count(provider, Counted(state.requests, pack_memory(held)))
                    self._rewrite(provider, state.added.added if state.added is not None else ())
            case Forget():
                self.commands += self.store.forgetting(self.name)

    def _set(self, kind: str, name: str, value: Any) -> None:
        self.commands.append(("HSET", self.key(kind), name, value))

    def _count(self, provider: str, counted: Counted) -> None:
        self.counted[provider] = counted
        for name, value in (
            (f"{provider}:requests", counted.requests),
            (f"{provider}:faults", counted.memory),
        ):
            if value:
                self._set("counted", name, value)
            else:
                self.commands.append(("HDEL", self.key("counted"), name))

    # -- events -----------------------------------------------------------------------------------------

    def _add(self, provider: str, events: Sequence[Any]) -> None:
        if self._is_long(provider):
            held = self.world.added(provider)
            self._rewrite(provider, [*(held.added if held is not None else ()), *events])
        else:
            self._append(provider, events)

    def _remove(self, provider: str, event: Any) -> None:
        held = self.world.added(provider)
        if held is not None and self._is_long(provider):
            self._rewrite(provider, held.without(event).added)
        else:
            self._push(provider, pack_removed(provider, event))

    def _is_long(self, provider: str) -> bool:
        held = self.world.added(provider)
        needed = 1 + (held.count // CHUNK if held is not None else 0)
        return self.marks.get(provider, Mark()).length > max(LONG, SPARSE * needed)

    def _rewrite(self, provider: str, events: Sequence[Any]) -> None:
        self._clear(provider)
        if events:
            self._append(provider, events)

    def _clear(self, provider: str) -> None:
        self._empty(provider)
        self._push(provider, pack_cleared())

    def _empty(self, provider: str) -> None:
        self.commands.append(("DEL", self.key("events", provider)))
        self.marks[provider] = Mark()

    def _push(self, provider: str, packed: bytes) -> None:
        entry = self.store.named(packed)
        self.commands.append(("RPUSH", self.key("events", provider), entry))
        self._moved(provider, Mark(1, entry.partition(b" ")[0]))

    def _append(self, provider: str, events: Sequence[Any]) -> None:
        packed = pack_added(provider, events)
        if len(events) <= CHUNK:
            self._push(provider, next(packed))
            return
        # Piece by piece, so that neither side ever holds all of it in one message.
        key, mark = self.store.upload(packed)
        self.uploads.append(key)
        self.commands.append(("MOVE", key, self.key("events", provider)))
        self._moved(provider, mark)

    def _moved(self, provider: str, mark: Mark) -> None:
        held = self.marks.get(provider, Mark())
        self.marks[provider] = Mark(held.length + mark.length, mark.last)


def draft(
    name: str,
    world: World,
    marks: Mapping[str, Mark],
    counted: Mapping[str, Counted],
    operations: Iterable[Operation],
    store: Store,
) -> Draft:
    """The operations on one session as they go to Redis; large additions are there already, unseen."""
    found = Draft(name, world, store, dict(marks), dict(counted))
    for operation in operations:
        found.take(operation)
    return found
