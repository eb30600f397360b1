"""Two replicas and a server of its own, told the same in any order: nobody can tell them apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.state.redis_server import RedisServer
from tests.state.replicas import Memory, Replica

PROVIDERS = st.sampled_from(["varg", "lyrcs"])
SESSIONS = st.sampled_from(["", "", "mine"])
WHO = st.sampled_from([0, 1])
FAULTS = st.sampled_from(
    [
        [],
        [{"kind": "status", "status": 503, "times": 2}],
        [{"kind": "status", "status": 500, "probability": 0.4}],
        [{"kind": "rate-limit", "limit": 3, "window": 60}],
    ]
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(1, 3),
        "scenario": st.sampled_from(["busy", "sparse", "empty", "docs"]),
        "faults": FAULTS,
        "clock": st.sampled_from(["2026-03-10T12:00:00Z", "2026-03-18T15:00:00Z", "2026-03-12"]),
    },
)
KINDS = {"varg": "varg.job", "lyrcs": "lyrcs.call"}


class Machine(RuleBasedStateMachine):
    """Any changes and questions, each through one of the replicas."""

    redis: RedisServer

    @initialize()
    def begin(self) -> None:
        self.redis.ask("FLUSHALL")
        self.replicas = [Replica(self.redis.url), Replica(self.redis.url)]
        self.alone = Memory()
        self.saved: list[Any] = [None, None]

    def teardown(self) -> None:
        for who in (*getattr(self, "replicas", ()), getattr(self, "alone", None)):
            if who is not None:
                who.close()

    def both(self, who: int, method: str, path: str, sent: Any = None, session: str = "") -> Any:
        found = [one.control(method, path, sent, session=session) for one in (self.replicas[who], self.alone)]
        assert found[0] == found[1]
        return found[0]

    @rule(who=WHO, session=SESSIONS, sent=SETTINGS)
    def patch_all(self, who: int, session: str, sent: Any) -> None:
        self.both(who, "PATCH", "settings", sent, session)

    @rule(who=WHO, session=SESSIONS, provider=PROVIDERS, sent=SETTINGS)
    def put(self, who: int, session: str, provider: str, sent: Any) -> None:
        self.both(who, "PUT", f"settings/{provider}", sent, session)

    @rule(
        who=WHO,
        provider=PROVIDERS,
        session=SESSIONS,
        minutes=st.lists(st.integers(0, 17_000), min_size=1, max_size=3),
    )
    def add(self, who: int, provider: str, session: str, minutes: list[int]) -> None:
        events = [
            {"kind": KINDS[provider], "at": f"2026-03-{5 + m // 1440:02}T{m // 60 % 24:02}:{m % 60:02}:00Z"}
            for m in minutes
        ]
        self.both(who, "POST", "events", events, session)

    @rule(who=WHO, place=st.integers(0, 10))
    def remove(self, who: int, place: int) -> None:
        events = self.both(who, "GET", "events").json["events"]
        if events:
            event = events[place % len(events)]
            self.both(who, "DELETE", f"events/{event['kind'].partition('.')[0]}/{event['id']}")

    @rule(who=WHO, provider=PROVIDERS)
    def clear(self, who: int, provider: str) -> None:
        self.both(who, "DELETE", f"events/{provider}")

    @rule(who=WHO, session=SESSIONS, provider=PROVIDERS)
    def reset(self, who: int, session: str, provider: str) -> None:
        self.both(who, "POST", f"reset/{provider}", None, session)

    @rule(who=WHO)
    def close(self, who: int) -> None:
        self.both(who, "DELETE", "sessions/mine")

    @rule(who=WHO, hours=st.integers(-30, 30))
    def advance(self, who: int, hours: int) -> None:
        self.both(who, "POST", "clock", {"advance": {"hours": hours}})

    @rule(who=WHO)
    def snapshot(self, who: int) -> None:
        self.saved = [one.control("GET", "snapshot").json for one in (self.replicas[who], self.alone)]

    @precondition(lambda self: self.saved[0] is not None)
    @rule(who=WHO)
    def restore(self, who: int) -> None:
        for one, saved in zip((self.replicas[who], self.alone), self.saved, strict=True):
            assert one.control("POST", "restore", saved).status == 200

    @rule(who=WHO, session=SESSIONS, provider=PROVIDERS)
    def ask(self, who: int, session: str, provider: str) -> None:
        found = [one.served(provider, session=session) for one in (self.replicas[who], self.alone)]
        assert found[0] == found[1]

    @invariant()
    def they_are_alike(self) -> None:
        for path in ("settings", "events"):
            found = [one.control("GET", path).body for one in (*self.replicas, self.alone)]
            assert found[0] == found[1] == found[2]


@pytest.mark.slow
def test_nobody_can_tell_replicas_from_one_server(redis) -> None:
    Machine.redis = redis
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=20, stateful_step_count=25, deadline=None, database=None)
    )
