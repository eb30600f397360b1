"""One isolated set of fake accounts, and what a user changed about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from threading import RLock
from typing import Any, NamedTuple

from usage_mockserver.account import Account
from usage_mockserver.dates import read_day
from usage_mockserver.event_plain import event_id, plain_event
from usage_mockserver.event_reader import EventReader
from usage_mockserver.faults import Disturbance, Memory
from usage_mockserver.http import Reply, Request
from usage_mockserver.invalid import InvalidError
from usage_mockserver.ledger import Event, Extended, Ledger
from usage_mockserver.preferences import preferred
from usage_mockserver.providers import load
from usage_mockserver.scenarios import seeded_ledger
from usage_mockserver.settings import Settings, check_settings, plain_settings, read_settings
from usage_mockserver.switches import completed

__all__ = ["Settings", "World"]

Handler = Callable[[Request, Account], Reply]
VERSION = 1


class State(NamedTuple):
    """Everything of one account that a user can change."""

    settings: Settings
    added: Extended | None = None
    requests: int = 0


class World:
    """The accounts of the given providers under one seed and clock, isolated from every other world.

    Changes may be made while other threads ask.
    """

    def __init__(self, providers: Iterable[str], settings: Settings | None = None) -> None:
        self.providers = tuple(providers)
        chosen = settings or Settings()
        self.settings = dict.fromkeys(self.providers, chosen)
        self._added: dict[str, Extended] = {}
        # Those of `_added` that belong to `_origin` too and so must be copied before they grow.
        self._borrowed: set[str] = set()
        self._requests = dict.fromkeys(self.providers, 0)
        self._wrapped: dict[str, tuple[tuple[str, tuple[str, ...]], Handler]] = {}
        self._disturbances: dict[str, Disturbance] = {}
        self._lock = RLock()
        self._origin: dict[str, State] = {}
        self.disturbed = chosen.disturbed
        self.settle()

    # -- changes ----------------------------------------------------------------------------------------

    def change(self, provider: str, **changes: Any) -> None:
        """Replace settings of one provider; unknown names of any kind are refused with ValueError.

        Added events stay, on top of whatever another seed or scenario puts beneath them. Faults that are set
        begin anew, also when they are the same as before.
        """
        with self._lock:
            old = self.settings[provider]
            new = replace(old, **changes)
            check_settings(provider, new)
            self.settings[provider] = new
            if "faults" in changes:
                self._disturbances.pop(provider, None)
            if provider in self._added and (new.seed, new.scenario) != (old.seed, old.scenario):
                beneath = seeded_ledger(provider, new.seed, new.scenario)
                self._added[provider] = self._added[provider].over(beneath)
                self._borrowed.discard(provider)
            self._look()

    def add(self, provider: str, events: Iterable[Event]) -> None:
        """Put events on top of the account's own, all or none; each shows once the clock reaches it."""
        with self._lock:
            settings = self.settings[provider]
            extended = self._added.get(provider)
            if extended is None:
                extended = Extended(seeded_ledger(provider, settings.seed, settings.scenario))
            elif provider in self._borrowed:
                extended = extended.over(seeded_ledger(provider, settings.seed, settings.scenario))
            extended.add(events)
            self._added[provider] = extended
            self._borrowed.discard(provider)

    def remove(self, provider: str, event: Event) -> None:
        """Take away one added event that equals this; ValueError when there is none."""
        with self._lock:
            extended = self._added.get(provider)
            if extended is None:
                raise ValueError("no such event was added")
            self._put(provider, extended.without(event))

    def clear(self, provider: str) -> None:
        """Take away every added event."""
        with self._lock:
            self._put(provider, None)

    def unclear(self, provider: str) -> None:
        """Put back the added events that the world was begun with, and no others."""
        with self._lock:
            self._put(provider, None)
            origin = self._origin[provider]
            if origin.added is not None:
                settings = self.settings[provider]
                beneath = seeded_ledger(provider, settings.seed, settings.scenario)
                self._added[provider] = origin.added.over(beneath)

    def added(self, provider: str) -> Extended | None:
        """The ledger that holds the added events, None when there are none."""
        return self._added.get(provider)

    def _put(self, provider: str, added: Extended | None) -> None:
        self._borrowed.discard(provider)
        if added is not None and added.count:
            self._added[provider] = added
        else:
            self._added.pop(provider, None)

    def _look(self) -> None:
        self.disturbed = any(settings.disturbed for settings in self.settings.values())

    # -- the whole state --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Make the present state the one that `reset` goes back to."""
        with self._lock:
            self._origin = {
                name: State(self.settings[name], self._added.get(name), self._requests[name])
                for name in self.providers
            }
            self._borrowed = set(self._added)

    def reset(self, provider: str | None = None) -> None:
        """Go back to how the world was begun: settings, events, and everything that was counted."""
        with self._lock:
            for name in self.providers if provider is None else (provider,):
                self._become(name, self._origin[name])
                if self._origin[name].added is not None:
                    self._borrowed.add(name)

    def beginning(self, provider: str) -> Settings:
        """The settings that `reset` goes back to."""
        return self._origin[provider].settings

    def fork(self) -> World:
        """Another world as this one was begun; what happens in one is not seen in the other."""
        other = World(self.providers)
        with self._lock:
            other._origin = dict(self._origin)
        other.reset()
        return other

    def _become(self, provider: str, state: State) -> None:
        self.settings[provider] = state.settings
        self._put(provider, state.added)
        self._requests[provider] = state.requests
        self._wrapped.pop(provider, None)
        self._disturbances.pop(provider, None)
        self._look()

    def snapshot(self) -> dict[str, Any]:
        """The state as plain JSON values: settings without keys, added events, what was counted."""
        with self._lock:
            return {"version": VERSION, "providers": {name: self._plain(name) for name in self.providers}}

    def _plain(self, provider: str) -> dict[str, Any]:
        added = self._added.get(provider)
        requests, memory = self.counted(provider)
        return {
            "settings": plain_settings(self.settings[provider]),
            "requests": requests,
            "faults": memory,
            "events": [plain_event(provider, event) for event in (added.added if added is not None else ())],
        }

    def restore(self, saved: Any) -> None:
        """Take over the state of a snapshot, all of it or, with InvalidError, nothing; the keys stay."""
        self.become(self.read(saved))

    def read(self, saved: Any) -> Mapping[str, tuple[State, list[Memory]]]:
        """What is in a snapshot, and what its faults remember, by provider; InvalidError says what is wrong."""
        return {name: self._read(name, one) for name, one in _saved(saved, self.providers).items()}

    def become(self, states: Mapping[str, tuple[State, list[Memory]]]) -> None:
        """Take over what was read from a snapshot."""
        with self._lock:
            for name, (state, memory) in states.items():
                self._become(name, state)
                self.remember(name, state.requests, memory)

    # -- what is counted --------------------------------------------------------------------------------

    def counted(self, provider: str) -> tuple[int, list[Memory]]:
        """How many requests one account has had, and what its faults remember, nothing before they are asked."""
        held = self._disturbances.get(provider)
        return self._requests[provider], held.plain() if held is not None else []

    def remember(self, provider: str, requests: int, memory: list[Memory]) -> None:
        """Count on from here; `memory` is what the faults that are set remember."""
        with self._lock:
            self._requests[provider] = requests
            self._disturbances.pop(provider, None)
            faults = self.settings[provider].faults
            if faults and memory:
                self._disturbances[provider] = Disturbance(faults, memory)

    def _read(self, provider: str, saved: Any) -> tuple[State, list[Memory]]:
        where = f"providers.{provider}"
        if not isinstance(saved, Mapping) or not {"settings", "events"} <= saved.keys() <= SAVED:
            raise InvalidError(f"{where} is an object with {', '.join(sorted(SAVED))}", where, SAVED)
        old = self.settings[provider]
        blank = Settings(clock=old.clock, keys=old.keys)
        settings = read_settings(provider, saved["settings"], blank)
        requests = saved.get("requests", 0)
        if isinstance(requests, bool) or not isinstance(requests, int) or requests < 0:
            raise InvalidError("requests is a whole number", f"{where}.requests")
        if not isinstance(saved["events"], list):
            raise InvalidError("events is a list", f"{where}.events")
        reader = EventReader(provider)
        extended = Extended(seeded_ledger(provider, settings.seed, settings.scenario))
        extended.add(reader.read(event)[1] for event in saved["events"])
        memory = Disturbance.read(settings.faults, saved.get("faults") or [], f"{where}.faults")
        return State(settings, extended, requests), memory

    # -- answers ----------------------------------------------------------------------------------------

    def ledger(self, provider: str) -> Ledger:
        """The events of one account: seeded ones, and what was added."""
        settings = self.settings[provider]
        return self._added.get(provider) or seeded_ledger(provider, settings.seed, settings.scenario)

    def find(self, provider: str, identity: str) -> Event | None:
        """The added event with this id, as `event_id` makes them."""
        added = self._added.get(provider)
        day = read_day("-".join((identity[:4], identity[4:6], identity[6:8])))
        if added is None or day is None:
            return None
        found = (event for event in added.added_on(day) if event_id(provider, event) == identity)
        return next(found, None)

    def account(self, provider: str) -> Account:
        """One account at this instant."""
        settings = self.settings[provider]
        return Account(
            provider=provider,
            ledger=self.ledger(provider),
            now=settings.clock.now(),
            seed=settings.seed,
            scenario=settings.scenario,
            switches=completed(provider, settings.switches, settings.scenario),
            keys=settings.keys,
            requests=self._requests[provider],
        )

    def answer(self, provider: str, request: Request) -> Reply:
        """The provider's answer to one request."""
        account = self.account(provider)
        self._requests[provider] += 1
        settings = self.settings[provider]
        if not settings.mutant and not settings.disturbed and "prefer" not in request.headers:
            return load(provider).answer(request, account)

        def in_scenario(scenario: str) -> Account:
            ledger = seeded_ledger(provider, settings.seed, scenario)
            switches = completed(provider, settings.switches, scenario)
            return replace(account, ledger=ledger, scenario=scenario, switches=switches)

        handler = self._handler(provider, settings)
        if "prefer" in request.headers:
            return preferred(request, account, handler, in_scenario)
        return handler(request, account)

    def _handler(self, provider: str, settings: Settings) -> Handler:
        """The provider behind its manners, its defect and its faults."""
        handler: Handler = load(provider).answer
        if settings.mutant or settings.manners:
            handler = self._remembering(provider, settings)
        if not settings.faults:
            return handler
        with self._lock:
            held = self._disturbances.get(provider)
            if held is None or held.faults != settings.faults:
                held = self._disturbances[provider] = Disturbance(settings.faults)
        inner, disturbance = handler, held
        return lambda request, account: disturbance.reply(request, account, inner)

    def _remembering(self, provider: str, settings: Settings) -> Handler:
        """The handler with manners and defect, made once, since both may remember."""
        chosen = (settings.mutant, settings.manners)
        held = self._wrapped.get(provider)
        if held is None or held[0] != chosen:
            held = self._wrapped[provider] = (chosen, wrapped(provider, *chosen))
        inner = held[1]
        # They may count as well, so no answer of theirs is kept.
        return lambda request, account: replace(inner(request, account), keep=False)


SAVED = {"settings", "requests", "faults", "events"}


def _saved(saved: Any, providers: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(saved, Mapping) or saved.get("version") != VERSION:
        raise InvalidError(f"this is no snapshot of version {VERSION}", "version", [str(VERSION)])
    found = saved.get("providers")
    if not isinstance(found, Mapping) or not found.keys() <= set(providers):
        raise InvalidError(f"providers is an object with {', '.join(providers)}", "providers", providers)
    return found


def wrapped(provider: str, mutant: str, manners: tuple[str, ...]) -> Handler:
    """The provider's handler, each manner around the ones before, the mutant outermost.

    Unknown names are refused with ValueError.
    """
    handler: Handler = load(provider).answer
    if manners:
        from usage_mockserver.manners import find_manner

        for name in manners:
            handler = find_manner(provider, name).wrap(handler)
    if mutant:
        from usage_mockserver.mutants import find

        handler = find(provider, mutant).wrap(handler)
    return handler
