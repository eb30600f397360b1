"""The fakes of one session whose state other processes may change: no answer goes out from a state that is over.

An answer is made from what is known here. Before it goes out, one question to Redis checks that nothing was changed
meanwhile, and notes it. So a change made through one replica is seen by the next request to any other, and where
nothing was changed sharing costs that one question. While Redis is away, answers are made from what was known last.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Any

from usage_mockserver.app import App, Receive, Scope, Send
from usage_mockserver.framing import Head
from usage_mockserver.http import Reply
from usage_mockserver.kept import Kept, Spelled
from usage_mockserver.settings import READERS, Settings
from usage_mockserver.state.draft import draft
from usage_mockserver.state.operations import Forget, Operation, StaleError, StateError, apply
from usage_mockserver.state.packing import pack_memory, unpack_memory, unpack_settings
from usage_mockserver.state.shared_journal import SharedJournal
from usage_mockserver.state.store import Counted, Mark, News, Store
from usage_mockserver.world import World

TRIES = 100
"""Answers begun before somebody who is always overtaken is turned away."""

BLIND_SECONDS = 1.0
"""So long nothing is asked of a Redis that holds what cannot be understood here."""

OVERTAKEN = "The account is changed all the time; ask again."

log = logging.getLogger("usagekit")


class GoneError(Exception):
    """The session was closed elsewhere."""


class SharedApp(App):
    """An application whose world is a copy of what Redis holds, brought up to date whenever it is asked."""

    def __init__(
        self, world: World, journal: SharedJournal, *, store: Store, name: str, **options: Any
    ) -> None:
        super().__init__(world, journal, **options)
        self.name = name
        self._store = store
        self._book = journal
        self._version = b""
        self._marks: dict[str, Mark] = {}
        self._counted: dict[str, Counted] = {}
        self._behind = False
        self._blind = 0.0
        self._told = ""

    # -- answers ----------------------------------------------------------------------------------------

    def handle(self, *asked: Any, **more: Any) -> Reply:
        """The answer to one request, noted in the journal."""
        for _ in range(TRIES):
            try:
                self._look()
                return super().handle(*asked, **more)
            except StaleError:
                continue
        raise StateError(OVERTAKEN)

    def repeat(self, head: bytes) -> Spelled | None:
        """The answer to a head that was answered before, None when anything was changed since."""
        try:
            return super().repeat(head)
        except StaleError:
            return None

    def respond(self, head: Head, root: str = "") -> Spelled | None:
        """The answer to a plain head, None where it has to go the long way: also when anything was changed."""
        try:
            self._look()
            return super().respond(head, root)
        except StaleError:
            return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3: http is answered, lifespan acknowledged, a WebSocket refused."""
        for _ in range(TRIES):
            try:
                self._look()
                # Stale is what an answer turns out to be before any of it is sent.
                await super().__call__(scope, receive, send)
            except StaleError:
                continue
            return
        raise StateError(OVERTAKEN)

    def _look(self) -> None:
        """See what others did, if there is something to be seen."""
        if self._behind:
            try:
                self.catch_up()
            except StateError as error:
                # Redis went away or cannot be read: what is known here is the best there is.
                self._behind, self._blind = False, monotonic() + BLIND_SECONDS
                self._tell("changes by others are not seen", error)

    def _note(self, kept: Kept) -> None:
        if not (self._store.lost or (self._blind and monotonic() < self._blind)):
            self._confirm(kept)
        if self._access_log:
            self._log(kept.record)

    def _confirm(self, kept: Kept) -> None:
        """Note the answer; StaleError when it was made from a state that is over."""
        provider = kept.record.provider
        known = self._counted.get(provider, Counted())
        requests, memory = self.world.counted(provider) if provider else (0, [])
        after = pack_memory(memory)
        # What may be kept depends on no counter, so that others may count at the same time.
        expected = "" if kept.reply.keep else known.requests
        counts: tuple[Any, ...] = (provider, requests - known.requests, expected, known.memory, after)
        if not provider or (expected == "" and known == (requests, after)):
            counts = ()
        entry = self._book.packed(kept.record)
        try:
            noted = self._store.note(self.name, self._version, entry, self._book.bounds, *counts)
        except StateError as error:
            self._tell("requests are answered without being noted", error)
            return
        if noted.stale or noted.counted is not None:
            self._behind = noted.stale
            self._count(provider, noted.counted or known)
            raise StaleError
        if noted.requests is not None and noted.requests != requests:
            self.world.remember(provider, noted.requests, memory)
        self._counted[provider] = Counted(noted.requests if noted.requests is not None else requests, after)

    def _tell(self, what: str, error: StateError) -> None:
        # Once, and not for each request; that Redis is away was said already.
        if what != self._told and not self._store.lost:
            self._told = what
            log.warning("%s: %s", what, error.message)

    def _count(self, provider: str, counted: Counted) -> None:
        self._counted[provider] = counted
        if provider:
            self.world.remember(provider, counted.requests, unpack_memory(counted.memory))

    # -- the state --------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Take over what others did; GoneError when the session is closed, StateError when Redis is away."""
        found = self._store.read(self.name, self._marks)
        if found is None:
            raise GoneError(self.name)
        # All of it is read before any of it is used: half a state would answer what never was.
        settings = {name: self._settings(name, found.settings.get(name)) for name in self.world.providers}
        self._behind, self._blind, self._told = False, 0.0, ""
        if found.version != self._version:
            for name, one in settings.items():
                self.world.change(name, **{field: getattr(one, field) for field in READERS})
                self._follow(name, found.events[name])
            self.forget()
        for name in self.world.providers:
            self._count(name, found.counted.get(name, Counted()))
        self._version = found.version

    def _settings(self, provider: str, packed: bytes | None) -> Settings:
        if packed is None:
            return self.world.beginning(provider)
        return unpack_settings(provider, packed, self.world.settings[provider])

    def _follow(self, provider: str, news: News) -> None:
        if news.anew:
            self.world.unclear(provider)
        waiting: list[Any] = []
        for step in news.steps:
            if not step.add:
                self._add(provider, waiting)
            if step.clear:
                self.world.clear(provider)
            elif step.remove is not None:
                self.world.remove(provider, step.remove)
            waiting += step.add
        self._add(provider, waiting)
        self._marks[provider] = news.mark

    def _add(self, provider: str, waiting: list[Any]) -> None:
        if waiting:
            self.world.add(provider, waiting)
            waiting.clear()

    def commit(self, operations: Sequence[Operation]) -> None:
        """Do all of these for everybody; StaleError when the state is another one, and then none of them."""
        plan = draft(self.name, self.world, self._marks, self._counted, operations, self._store)
        try:
            self._version = self._store.commit(self.name, self._version, plan.commands)
        except (StaleError, StateError):
            self._store.discard(plan.uploads)
            raise
        apply(self, [operation for operation in operations if not isinstance(operation, Forget)])
        self._marks, self._counted = plan.marks, plan.counted
