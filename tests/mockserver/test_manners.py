"""The legal servers: everything a document leaves open is taken by some of them, and they still keep it."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from mutant_probes import BY_PROVIDER, NOBODY, Probe, request

from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply, Request
from usage_mockserver.manners import LEGAL, MANNERS, LegalServer, find_manner
from usage_mockserver.world import Settings, World
from usage_specs import load

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
SERVERS = [server for known in LEGAL.values() for server in known]
LEAST = {"somya": 25, "supertone": 25, "varg": 25, "surnex": 25, "lyrcs": 15}
DOCUMENTED = {
    "somya": "from=2026-11-01&to=2026-11-15&source=all",
    "supertone": "start_date=2025-05-19&end_date=2025-05-28",
    "varg": "from=2026-01-01&to=2026-01-31",
    "surnex": "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z",
    "lyrcs": "",
}
# An account may be younger than the vendor's example.
LATELY = {"supertone-young-account": "start_date=2026-11-01&end_date=2026-11-15"}
ODD = {
    "somya": [
        Probe(f"api_key_id={NOBODY}&source=web&from=2025-01-01&to=2025-06-30"),
        Probe("", method="HEAD"),
    ],
    "supertone": [
        Probe("start_date=2025-06-01&start_date=2025-06-02&end_date=2025-06-03"),
        Probe("start_date=2025-06-01T00:00:00Z&end_date=2025-06-03"),
        Probe("", method="HEAD"),
    ],
    "varg": [Probe("from=2025-06-01T00:00:00Z&to=2025-06-03"), Probe("", method="HEAD")],
    "surnex": [Probe("", method="HEAD")],
    "lyrcs": [Probe("", method="HEAD"), Probe("", {"authorization": "Bearer wrong"})],
}
# Four minutes and an old answer show only while something is used.
HARDLY_SEEN = {"clock-fast", "clock-slow", "cached-answers", "instances-that-remember"}


def name_of(server: LegalServer) -> str:
    return f"{server.provider}-{server.name}"


def world_of(server: LegalServer) -> World:
    settings = Settings(
        scenario=server.scenario,
        clock=Clock(frozen=NOW),
        switches=server.switches,
        manners=server.manners,
    )
    return World([server.provider], settings)


def followed(world: World, provider: str, asked: Request) -> Reply:
    """The answer, redirects on the same host followed as clients do."""
    reply = world.answer(provider, asked)
    where = dict(reply.headers).get("location")
    if reply.status not in (307, 308) or where is None:
        return reply
    path, _, query = where.partition("?")
    return world.answer(provider, Request(asked.method, path, query, asked.headers))


def body_of(reply: Reply) -> Any:
    packed = dict(reply.headers).get("content-encoding") == "gzip"
    return json.loads(gzip.decompress(reply.body) if packed else reply.body)


@pytest.mark.parametrize("server", SERVERS, ids=name_of)
def test_a_documented_request_is_answered(server: LegalServer) -> None:
    query = LATELY.get(name_of(server), DOCUMENTED[server.provider])
    reply = followed(world_of(server), server.provider, request(server.provider, Probe(query)))

    if server.answers:
        assert reply.status == 200
        assert dict(reply.headers)["content-type"].lower().startswith("application/json")
        assert isinstance(body_of(reply), dict)
    else:
        assert reply.status in (402, 403)


@pytest.mark.parametrize("server", SERVERS, ids=name_of)
def test_nothing_a_checker_asks_makes_a_server_fail(server: LegalServer) -> None:
    world = world_of(server)
    may_say_500 = "bad-parameters-500" in server.manners or server.switches.get("error-status") == "500"
    # It is the gateway before the service that answers so, whatever is asked.
    may_say_500 |= "bad-gateway-now-and-then" in server.manners
    for probe in (*BY_PROVIDER[server.provider](NOW.date())[::3], *ODD[server.provider]):
        reply = world.answer(server.provider, request(server.provider, probe))

        assert reply.status < 500 or may_say_500


@pytest.mark.parametrize(
    "server", [one for one in SERVERS if one.manners and one.name not in HARDLY_SEEN], ids=name_of
)
def test_a_manner_can_be_seen(server: LegalServer) -> None:
    plain = World([server.provider], Settings(scenario=server.scenario, clock=Clock(frozen=NOW)))
    world = world_of(server)
    seen = bool(server.server)
    for probe in (*BY_PROVIDER[server.provider](NOW.date()), *ODD[server.provider]):
        asked = request(server.provider, probe)
        one, other = plain.answer(server.provider, asked), world.answer(server.provider, asked)
        seen = seen or (one.status, one.headers, one.body, one.delay) != (
            other.status,
            other.headers,
            other.body,
            other.delay,
        )

    assert seen


@pytest.mark.parametrize("provider", LEGAL)
def test_there_are_enough_legal_servers(provider: str) -> None:
    names = [server.name for server in LEGAL[provider]]

    assert len(names) >= LEAST[provider]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("provider", LEGAL)
def test_every_value_of_a_switch_and_every_manner_is_taken(provider: str) -> None:
    values = {(name, value) for server in LEGAL[provider] for name, value in server.switches.items()}
    manners = {name for server in LEGAL[provider] for name in server.manners}

    wanted = {
        (switch.name, value) for switch in load(provider).switches.values() for value in switch.choices[1:]
    }
    assert wanted <= values
    assert {manner.name for manner in MANNERS if provider in manner.providers} <= manners


@pytest.mark.parametrize("server", SERVERS[::6], ids=name_of)
def test_the_same_server_gives_the_same_bytes_twice(server: LegalServer) -> None:
    asked = [request(server.provider, probe) for probe in BY_PROVIDER[server.provider](NOW.date())[::5]]
    one, other = world_of(server), world_of(server)

    for question in asked:
        assert one.answer(server.provider, question) == other.answer(server.provider, question)


def test_a_name_is_one_manner_of_a_provider() -> None:
    for provider in LEGAL:
        names = [manner.name for manner in MANNERS if provider in manner.providers]

        assert len(set(names)) == len(names)


def test_packed_answers_are_for_those_who_take_them() -> None:
    app = create_app(World(["lyrcs"], Settings(manners=("gzip",))))
    fields = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}

    def packed(**more: str) -> bool:
        asked = {**fields, **{name.replace("_", "-"): value for name, value in more.items()}}
        reply = app.handle("GET", "127.0.0.1", "/lyrcs/api/v1/usage", headers=asked)
        return ("content-encoding", "gzip") in reply.headers

    assert packed(accept_encoding="gzip, deflate")
    assert not packed(accept_encoding="identity")
    assert not packed()


def test_an_unknown_manner_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean 'gzip'"):
        find_manner("varg", "gzipp")
    with pytest.raises(ValueError, match="has no manner"):
        World(["varg"]).change("varg", manners=("indian-time-of-day",))


def test_fifty_thousand_events_are_fifty_thousand() -> None:
    server = next(one for one in LEGAL["varg"] if one.name == "fifty-thousand-events")
    reply = world_of(server).answer("varg", request("varg", Probe("from=2026-09-21&to=2026-11-19")))

    assert len(body_of(reply)["usage"]) >= 50_000


def test_one_event_is_one() -> None:
    server = next(one for one in LEGAL["varg"] if one.name == "one-event")

    assert len(body_of(world_of(server).answer("varg", request("varg", Probe(""))))["usage"]) == 1


def test_something_arrives_with_every_request() -> None:
    server = next(one for one in LEGAL["lyrcs"] if one.name == "events-arriving")
    world = world_of(server)
    jobs = [body_of(world.answer("lyrcs", request("lyrcs", Probe(""))))["total_jobs"] for _ in range(3)]

    assert jobs == [jobs[0], jobs[0] + 1, jobs[0] + 2]


def test_every_ninth_good_request_is_throttled_and_may_be_asked_again_at_once() -> None:
    world = World(["somya"], Settings(manners=("throttled-now-and-then",)))
    replies = [world.answer("somya", request("somya", Probe(""))) for _ in range(10)]

    assert [reply.status for reply in replies] == [200] * 8 + [429, 200]
    assert ("retry-after", "0") in replies[8].headers


def test_slow_answers_say_how_long_to_wait() -> None:
    world = World(["varg"], Settings(manners=("slow",)))
    delays = [
        world.answer("varg", request("varg", Probe("from=2026-01-01&to=2026-01-01"))).delay for _ in range(5)
    ]

    assert delays == [0.02, 0.02, 0.02, 0.02, 0.25]


def test_a_mutant_shows_through_compressed_answers() -> None:
    world = World(["lyrcs"], Settings(manners=("gzip",), mutant="period-of-this-month"))

    assert body_of(world.answer("lyrcs", request("lyrcs", Probe(""))))["period"] == "month"
