"""A world against a model of it: after any changes a reset gives the first answers again, byte for byte."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.faults import Fault
from usage_mockserver.providers.lyrcs import Call
from usage_mockserver.providers.varg import Job
from usage_mockserver.scenarios import SCENARIOS
from usage_mockserver.world import Settings, World

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
FIRST = datetime(2026, 3, 10, tzinfo=UTC)
ASKED = {
    "varg": (
        "/varg/v1/usage",
        "from=2026-03-10&to=2026-03-31",
        {"authorization": "Bearer varg_usagekit_demo"},
    ),
    "lyrcs": ("/lyrcs/api/v1/usage", "", {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}),
}
INSTANTS = st.integers(0, 12 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))
PROVIDERS = st.sampled_from(sorted(ASKED))


class Model:
    """What was done to one account, in the simplest form: a fresh world does it all again."""

    def __init__(self) -> None:
        self.settings = {name: Settings(clock=Clock(frozen=NOW)) for name in ASKED}
        self.added: dict[str, list] = {name: [] for name in ASKED}

    def copy(self) -> Model:
        other = Model()
        other.settings, other.added = (
            dict(self.settings),
            {name: list(some) for name, some in self.added.items()},
        )
        return other

    def answer(self, provider: str) -> bytes:
        fresh = World(ASKED, self.settings[provider])
        fresh.add(provider, self.added[provider])
        return asked(create_app(fresh), provider)


def asked(app, provider: str) -> bytes:
    path, query, headers = ASKED[provider]
    reply = app.handle("GET", "localhost", path, query, {**headers, "host": "localhost"})
    return b"%d %b" % (reply.status, reply.body)


class Machine(RuleBasedStateMachine):
    """Any changes in any order, through one application that keeps its answers."""

    @initialize(events=st.lists(INSTANTS, max_size=3))
    def begin(self, events: list[datetime]) -> None:
        self.model = Model()
        self.world = World(ASKED, Settings(clock=Clock(frozen=NOW)))
        self.app = create_app(self.world)
        loaded = [Job(at) for at in events]
        self.world.add("varg", loaded)
        self.model.added["varg"] = loaded
        self.world.settle()
        self.first = self.model.copy()
        self.begun = {name: asked(self.app, name) for name in ASKED}
        self.saved: tuple[str, Model] | None = None

    @rule(provider=PROVIDERS, seed=st.integers(1, 3))
    def seed(self, provider: str, seed: int) -> None:
        self._change(provider, seed=seed)

    @rule(provider=PROVIDERS, scenario=st.sampled_from(sorted(SCENARIOS)))
    def scenario(self, provider: str, scenario: str) -> None:
        self._change(provider, scenario=scenario)

    @rule(provider=PROVIDERS, now=INSTANTS)
    def clock(self, provider: str, now: datetime) -> None:
        self._change(provider, clock=Clock(frozen=now))

    @rule(provider=PROVIDERS, hours=st.integers(0, 30))
    def advance(self, provider: str, hours: int) -> None:
        self._change(provider, clock=self.model.settings[provider].clock.advance(timedelta(hours=hours)))

    @rule(order=st.sampled_from(["newest", "oldest"]))
    def switch(self, order: str) -> None:
        self._change("varg", switches={"order": order})

    @rule(provider=PROVIDERS, status=st.sampled_from([None, 429, 503]))
    def fault(self, provider: str, status: int | None) -> None:
        self._change(provider, faults=() if status is None else (Fault("status", status=status),))

    def _change(self, provider: str, **changes: object) -> None:
        self.world.change(provider, **changes)
        self.model.settings[provider] = replace(self.model.settings[provider], **changes)

    @rule(provider=PROVIDERS, instants=st.lists(INSTANTS, min_size=1, max_size=4))
    def add(self, provider: str, instants: list[datetime]) -> None:
        events = [Job(at) if provider == "varg" else Call(at) for at in instants]
        self.world.add(provider, events)
        self.model.added[provider] += events

    @precondition(lambda self: self.model.added["varg"])
    @rule(place=st.integers(0, 100))
    def remove(self, place: int) -> None:
        added = self.model.added["varg"]
        event = added[place % len(added)]
        self.world.remove("varg", event)
        added.remove(event)

    @rule(provider=PROVIDERS)
    def clear(self, provider: str) -> None:
        self.world.clear(provider)
        self.model.added[provider] = []

    @rule()
    def snapshot(self) -> None:
        self.saved = json.dumps(self.world.snapshot()), self.model.copy()

    @precondition(lambda self: self.saved is not None)
    @rule()
    def restore(self) -> None:
        assert self.saved is not None
        self.world.restore(json.loads(self.saved[0]))
        self.model = self.saved[1].copy()
        assert json.dumps(self.world.snapshot()) == self.saved[0]

    @rule()
    def reset(self) -> None:
        self.world.reset()
        self.model = self.first.copy()
        assert {name: asked(self.app, name) for name in ASKED} == self.begun

    @rule()
    def another_session(self) -> None:
        other = self.world.fork()
        assert {name: asked(create_app(other), name) for name in ASKED} == self.begun
        other.add("varg", [Job(FIRST)])
        other.change("lyrcs", scenario="docs")

    @invariant()
    def answers_are_those_of_a_fresh_world(self) -> None:
        for name in ASKED:
            assert asked(self.app, name) == self.model.answer(name)


Machine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestMachine = pytest.mark.slow(Machine.TestCase)
