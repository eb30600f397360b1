"""Every change through one replica is seen by the next request to another, as if there were only one server."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from tests.state.replicas import ASKED, Memory, Replica
from usage_mockserver.event_reader import EventReader
from usage_mockserver.server import serve
from usage_mockserver.settings import plain_settings
from usage_mockserver.state.operations import Add, Change, Clear

EVENT = {"kind": "varg.job", "at": "2026-03-09T12:00:00Z", "job_id": "mine"}
CALL = {"kind": "lyrcs.call", "at": "2026-03-09T12:00:00Z"}
ONCE = [{"kind": "status", "status": 503, "times": 1}]
RATE = [{"kind": "rate-limit", "limit": 2, "window": 60}]
UNSURE = [{"kind": "status", "status": 500, "probability": 0.5}]
SNAPSHOT = object()

CHANGES = {
    "scenario": [("PATCH", "settings", {"scenario": "sparse"})],
    "seed": [("PATCH", "settings/varg", {"seed": 7})],
    "switch": [("PATCH", "settings/varg", {"switches": {"order": "oldest"}})],
    "mutant": [("PATCH", "settings/lyrcs", {"mutant": "key-not-required"})],
    "manners": [("PATCH", "settings/varg", {"manners": ["clock-fast"]})],
    "put": [("PATCH", "settings", {"seed": 4}), ("PUT", "settings/varg", {"scenario": "empty"})],
    "by provider": [("PATCH", "settings", {"varg": {"seed": 4}, "somya": {"scenario": "empty"}})],
    "clock": [("POST", "clock", {"travel_to": "2026-03-11T09:30:00.123456Z"})],
    "clock on": [("POST", "clock/varg", {"advance": {"days": -3}}), ("POST", "clock", {"advance": 0.25})],
    "add": [("POST", "events", EVENT)],
    "add some": [("POST", "events", [EVENT, CALL, EVENT])],
    "add, then another seed": [("POST", "events", EVENT), ("PATCH", "settings", {"seed": 2})],
    "clear": [("POST", "events", [EVENT, CALL]), ("DELETE", "events/varg", None)],
    "clear nothing": [("DELETE", "events", None)],
    "faults": [("PATCH", "settings/varg", {"faults": ONCE})],
    "faults again": [("PATCH", "settings", {"faults": ONCE})] * 2,
    "quota": [("PATCH", "settings", {"faults": RATE})],
    "chance": [("PATCH", "settings", {"faults": UNSURE})],
    "live counter": [("PATCH", "settings/lyrcs", {"switches": {"api-calls": "live"}})],
    "unique ids": [("PATCH", "settings/surnex", {"switches": {"request-id": "unique"}})],
    "reset": [("POST", "events", EVENT), ("PATCH", "settings", {"seed": 3}), ("POST", "reset", None)],
    "reset one": [("PATCH", "settings", {"seed": 3, "faults": ONCE}), ("POST", "reset/varg", None)],
    "restore": [
        ("POST", "events", [EVENT, CALL]),
        ("PATCH", "settings", {"faults": UNSURE, "switches": {}}),
        ("GET", "snapshot", SNAPSHOT),
        ("POST", "reset", None),
        ("POST", "restore", SNAPSHOT),
    ],
    "empty journal": [("DELETE", "journal", None)],
    "refused": [
        ("PATCH", "settings", {"scenario": "bussy"}),
        ("POST", "events", [EVENT, {"kind": "varg.jop"}]),
    ],
}


def without_times(journal: dict) -> dict:
    return {**journal, "entries": [{**entry, "at": ""} for entry in journal["entries"]]}


def compare(one: Memory, other: Memory, session: str = "", *, counted: bool = True) -> None:
    """Both answer everything alike, and count it alike.

    What is kept is counted once where it is kept, so where several replicas answer in turn, counts differ.
    """
    for _ in range(2):
        for name in ASKED:
            assert one.served(name, session=session) == other.served(name, session=session), name
            assert one.ask(name, session=session) == other.ask(name, session=session), name
    for path in ("settings", "clock", "events?limit=1000", "journal/count?provider=varg"):
        found = [who.control("GET", path, session=session) for who in (one, other)]
        assert found[0] == found[1], path
    snapshots = [who.control("GET", "snapshot", session=session).json for who in (one, other)]
    if not counted:
        for saved in snapshots:
            saved["providers"] = {name: {**own, "requests": 0} for name, own in saved["providers"].items()}
    assert snapshots[0] == snapshots[1]
    entries = [
        without_times(who.control("GET", "journal?limit=1000", session=session).json) for who in (one, other)
    ]
    assert entries[0] == entries[1]


IN_A_SESSION = ("put", "add some", "faults", "reset", "restore")


@pytest.mark.parametrize(
    ("name", "session"), [*((name, "") for name in CHANGES), *((name, "mine") for name in IN_A_SESSION)]
)
def test_a_change_is_seen_by_the_next_request_to_another(pair, memory, name: str, session: str) -> None:
    one, other = pair
    compare(other, memory)
    saved = {}
    for method, path, sent in CHANGES[name]:
        got = []
        for who in (one, memory):
            body = (
                saved.get(who)
                if sent is SNAPSHOT and method == "POST"
                else None
                if sent is SNAPSHOT
                else sent
            )
            got.append(who.control(method, path, body, session=session))
            saved[who] = got[-1].json if sent is SNAPSHOT else saved.get(who)
        assert got[0] == got[1]
    compare(other, memory, session)
    assert one.control("GET", "snapshot", session=session) == other.control(
        "GET", "snapshot", session=session
    )


def test_one_event_less(pair, memory) -> None:
    for who in (pair[0], memory):
        identity = who.control("POST", "events", [EVENT, CALL, {**EVENT, "job_id": "other"}]).json["ids"][0]
        assert who.control("DELETE", f"events/varg/{identity}").json == {"removed": 1}
    compare(pair[1], memory)
    assert pair[1].control("DELETE", f"events/varg/{identity}").status == 404


def test_both_may_change_things_in_turn(pair, memory) -> None:
    for turn in range(12):
        event = {**EVENT, "job_id": f"job-{turn}"}
        pair[turn % 2].control("POST", "events", event)
        memory.control("POST", "events", event)
        compare(pair[turn % 2 - 1], memory)


def test_a_list_that_began_anew_and_is_as_long_is_read_anew(pair, memory) -> None:
    for names in (("a",), ("b",), ("c", "d")):
        for who in (pair[0], memory):
            who.control("DELETE", "events")
            for name in names:
                who.control("POST", "events", {**EVENT, "job_id": name})
        compare(pair[1], memory)


def test_what_changes_while_a_list_is_read_is_not_mixed_with_it(pair, memory) -> None:
    one, other = pair
    for who in (one, memory):
        who.control("POST", "events", [EVENT, CALL])
    genuine = other.store._entries

    def slowly(*args):
        found = list(genuine(*args))
        if other.store._entries is slowly:
            other.store._entries = genuine
            changed = replace(one.sessions.host.world.settings["varg"], seed=5)
            run = lambda: one.sessions.commit(one.sessions.host, Clear("lyrcs"), Change("varg", changed))  # noqa: E731
            one.sessions.perform("", run)
        return iter(found)

    other.store._entries = slowly
    memory.control("DELETE", "events/lyrcs")
    memory.control("PATCH", "settings/varg", {"seed": 5})
    other.sessions.host.catch_up()
    assert plain_settings(other.sessions.host.world.settings["varg"])["seed"] == 5
    assert other.sessions.host.world.added("lyrcs") is None
    compare(other, memory)


def test_faults_that_are_set_again_begin_to_count_anew_for_all(pair) -> None:
    one, other = pair
    for _ in range(2):
        one.control("PATCH", "settings/varg", {"faults": ONCE})
        assert [who.ask("varg").status for who in (other, one, other)] == [503, 200, 200]
        other.control("PATCH", "settings/varg", {"seed": 2})
        assert [who.ask("varg").status for who in (one, other)] == [200, 200]


def test_keys_stay_what_they_are_in_each_process_whoever_changes_the_settings(redis, replica) -> None:
    one, other = replica(redis.url, keys=("mine_4711",)), replica(redis.url, keys=("mine_4711",))
    one.control("PATCH", "settings", {"seed": 3})
    for who in (one, other):
        statuses = [
            who.request("GET", "/varg/v1/usage", authorization=f"Bearer {key}").status
            for key in ("mine_4711", "varg_usagekit_demo")
        ]
        assert statuses == [200, 401]


def test_who_comes_later_finds_it_all(pair, memory, replica, redis) -> None:
    for who in (pair[0], memory):
        who.control("POST", "events", [EVENT, CALL])
        who.control("PATCH", "settings/somya", {"scenario": "empty"})
        who.control("PATCH", "settings/varg", {"seed": 4}, session="mine")
    late = replica(redis.url)
    compare(late, memory, "mine")
    compare(late, memory)


def test_sessions_are_there_and_gone_for_all(pair) -> None:
    one, other = pair
    assert one.control("POST", "sessions", {}).json["name"] == "1"
    assert other.control("POST", "sessions", {}).json["name"] == "2"
    assert one.control("PUT", "sessions/mine", {}).status == 200
    assert sorted(s["name"] for s in other.control("GET", "sessions").json["sessions"]) == ["1", "2", "mine"]
    assert one.ask("varg", session="2").status == other.ask("varg", session="1").status == 200
    assert other.ask_shortly("varg", session="1") is not None
    assert one.control("DELETE", "sessions/1").json == {"closed": 1}
    assert other.ask_shortly("varg", session="1") is None
    gone = other.request("GET", "/varg/v1/usage", x_usagekit_session="1")
    assert gone.status == 404
    assert "no session" in gone.json["usagekit"]["message"]
    assert other.control("DELETE", "sessions/1").status == 404
    assert one.control("DELETE", "sessions").json == {"closed": 2}
    assert other.control("GET", "sessions").json["sessions"] == []


def test_a_session_opened_anew_is_as_new_everywhere(pair, memory) -> None:
    for who in (pair[0], memory):
        who.control("POST", "events", EVENT, session="mine")
    compare(pair[1], memory, "mine")
    for who in (pair[0], memory):
        who.control("DELETE", "sessions/mine")
        who.control("POST", "events", {**EVENT, "job_id": "new"}, session="mine")
    compare(pair[1], memory, "mine")


def test_the_session_least_used_anywhere_makes_room(pair) -> None:
    one, other = pair
    for who in pair:
        who.sessions._most = 3
    for name in ("a", "b", "c"):
        one.control("PATCH", "settings", {"seed": 2}, session=name)
        one.control("POST", "events", EVENT, session=name)
        one.ask("varg", session=name)
    other.ask("varg", session="a")
    one.control("PUT", "sessions/d", {})
    assert [session["name"] for session in other.control("GET", "sessions").json["sessions"]] == [
        "c",
        "a",
        "d",
    ]
    assert not [key for key in keys(pair) if b":b" in key]


def keys(pair) -> list[bytes]:
    return pair[0].store._link.ask(("KEYS", "*"))[0]


def test_the_journal_is_bounded_for_all_together(pair, redis) -> None:
    one, other = pair
    for who in (one, other):
        who.sessions.host._book.bounds = (5, 100_000)
    for turn in range(8):
        pair[turn % 2].ask("varg")
    assert [entry["number"] for entry in one.control("GET", "journal").json["entries"]] == [4, 5, 6, 7, 8]
    for who in (one, other):
        who.sessions.host._book.bounds = (1000, 700)
    one.ask("varg")
    held = redis.ask("LRANGE", "usagekit:journal:", 0, -1)
    assert 0 < len(held) < 5
    assert int(redis.ask("HGET", "usagekit:notes:", "size")) == sum(map(len, held)) <= 700


def test_no_key_of_a_client_ever_gets_into_redis(redis, replica) -> None:
    one = replica(redis.url, keys=("canary_4711",))
    one.control("PATCH", "settings", {"seed": 4})
    one.request("GET", "/varg/v1/usage?api_key=canary_0815", authorization="Bearer canary_4711")
    one.request("GET", "/varg/v1/usage", authorization="Bearer canary_wrong")
    one.control("GET", "snapshot")
    for key in redis.ask("KEYS", "*"):
        assert b"canary" not in redis.ask("DUMP", key)


def lines(count: int, **more: object) -> bytes:
    event = {"kind": "varg.job", **more}
    return b"".join(
        json.dumps({**event, "at": f"2026-03-{1 + n % 17:02}T12:00:{n % 60:02}Z", "job_id": f"j{n}"}).encode()
        + b"\n"
        for n in range(count)
    )


def posted(who: Memory, body: bytes):
    return who.request("POST", "/__admin/events", body, "application/x-ndjson")


def test_many_events_come_in_pieces_and_all_at_once(pair, memory, redis) -> None:
    body = lines(5000)
    assert posted(pair[0], body).json == posted(memory, body).json
    assert redis.ask("LLEN", "usagekit:events::varg") == 3
    assert redis.ask("KEYS", "usagekit:upload:*") == []
    compare(pair[1], memory)
    assert posted(pair[1], body).json == posted(memory, body).json
    assert redis.ask("LLEN", "usagekit:events::varg") == 6
    assert redis.ask("TTL", "usagekit:events::varg") == -1
    compare(pair[0], memory)


def test_events_that_were_overtaken_come_once_and_leave_nothing_behind(pair, redis) -> None:
    one, other = pair
    event = EventReader().read(EVENT)[1]
    genuine = one.store.commit

    def overtaken(*args):
        one.store.commit = genuine
        other.sessions.perform("", lambda: other.sessions.commit(other.sessions.host, Add("varg", [event])))
        return genuine(*args)

    one.store.commit = overtaken
    assert posted(one, lines(5000)).status == 201
    assert redis.ask("KEYS", "usagekit:upload:*") == []
    assert [who.control("GET", "events").json["total"] for who in pair] == [5001, 5001]


def test_versions_grow_also_when_the_clock_of_redis_was_turned_back(pair, redis) -> None:
    one, other = pair
    assert one.ask("varg") == other.ask("varg")
    late = b"8000000000000000"
    redis.ask("HSET", "usagekit:versions", "", late)
    for count in (1, 2):
        one.control("POST", "events", EVENT)
        assert int(redis.ask("HGET", "usagekit:versions", "")) == int(late) + count
        assert other.control("GET", "events").json["total"] == count


def test_one_bad_line_and_nothing_is_added_anywhere(pair, redis) -> None:
    refused = posted(pair[0], lines(5000) + b'{"kind":"varg.job","at":"yesterday"}\n')
    assert refused.status == 400
    assert refused.json["error"]["message"].startswith("line 5001: at is 'yesterday'")
    assert pair[1].control("GET", "events").json["total"] == 0
    assert redis.ask("KEYS", "usagekit:[eu][vp]*") == []


def test_a_list_that_grew_by_little_steps_is_written_anew(pair, memory, redis, monkeypatch) -> None:
    monkeypatch.setattr("usage_mockserver.state.draft.LONG", 10)
    monkeypatch.setattr("usage_mockserver.state.draft.SPARSE", 3)
    for turn in range(30):
        event = {**EVENT, "job_id": f"job-{turn}"}
        for who in (pair[turn % 2], memory):
            identity = who.control("POST", "events", event).json["ids"][0]
            if turn % 3 == 0:
                who.control("DELETE", f"events/varg/{identity}")
        assert redis.ask("LLEN", "usagekit:events::varg") <= 14
    for who in pair:
        compare(who, memory, counted=False)


def together(*runs) -> None:
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_change_is_lost_when_two_are_made_at_once(pair) -> None:
    def forward(who: Replica):
        return lambda: [who.control("POST", "clock/varg", {"advance": 60}) for _ in range(25)]

    def add(who: Replica, name: str):
        return lambda: [who.control("POST", "events", {**EVENT, "job_id": f"{name}{n}"}) for n in range(25)]

    together(forward(pair[0]), forward(pair[1]))
    assert pair[0].control("GET", "clock/varg").json["now"] == "2026-03-18T15:50:00Z"
    together(add(pair[0], "a"), add(pair[1], "b"))
    found = [who.control("GET", "events").json for who in pair]
    assert found[0] == found[1]
    assert found[0]["total"] == 50


def test_a_fault_that_comes_five_times_comes_five_times_in_all(pair) -> None:
    pair[0].control("PATCH", "settings/varg", {"faults": [{"kind": "status", "status": 503, "times": 5}]})
    found: list[int] = []
    together(*[lambda who=who: [found.append(who.ask("varg").status) for _ in range(20)] for who in pair])
    assert (found.count(503), found.count(200)) == (5, 35)
    assert pair[1].control("GET", "snapshot").json["providers"]["varg"]["faults"][0]["asked"] == 40


def test_a_quota_is_one_for_all(pair) -> None:
    pair[0].control("PATCH", "settings/lyrcs", {"faults": [{"kind": "rate-limit", "limit": 7, "window": 60}]})
    found: list[int] = []
    together(*[lambda who=who: [found.append(who.ask("lyrcs").status) for _ in range(10)] for who in pair])
    assert (found.count(200), found.count(429)) == (7, 13)


def test_requests_are_numbered_without_a_gap_by_all_together(pair) -> None:
    together(*[lambda who=who: [who.ask("varg") for _ in range(30)] for who in pair])
    entries = pair[0].control("GET", "journal?limit=1000").json["entries"]
    assert [entry["number"] for entry in entries] == list(range(1, 61))


def test_events_of_the_start_come_back_with_a_reset(redis, memory) -> None:
    event = EventReader().read(EVENT)[1]

    def begun(who):
        who.sessions.host.world.add("varg", [event])
        who.sessions.host.world.settle()

    class Loaded(Replica):
        def _made(self, world):
            world.add("varg", [event])
            world.settle()
            return super()._made(world)

    one, other = Loaded(redis.url), Loaded(redis.url)
    begun(memory)
    for who in (one, memory):
        who.control("POST", "events", {**EVENT, "job_id": "more"})
    compare(other, memory)
    for who in (one, memory):
        who.control("DELETE", "events")
    compare(other, memory)
    for who in (other, memory):
        who.control("POST", "reset")
    compare(one, memory)
    assert one.control("GET", "events").json["total"] == 1
    one.close()
    other.close()


def test_who_watches_one_replica_sees_what_another_answers(pair, redis) -> None:
    one, other = pair
    with (
        serve(other.sessions) as running,
        closing(HTTPConnection("127.0.0.1", running.port, timeout=20)) as watcher,
    ):
        one.ask("varg")
        watcher.request("GET", "/__admin/journal/stream?after=0")
        stream = watcher.getresponse()

        def next_event() -> tuple[int, str]:
            while not (line := stream.readline()).startswith(b"id: "):
                assert line
            stream.readline()
            return int(line[4:]), json.loads(stream.readline()[6:])["provider"]

        assert next_event() == (1, "varg")
        one.ask("lyrcs")
        assert next_event() == (2, "lyrcs")
        other.ask("somya")
        assert next_event() == (3, "somya")
        # Emptied, it begins with number 1 again.
        redis.ask("FLUSHALL")
        time.sleep(0.3)
        one.ask("varg")
        assert next_event() == (1, "varg")


def test_without_a_journal_nothing_is_noted_and_changes_are_seen(redis, replica) -> None:
    one, other = replica(redis.url, journal_entries=0), replica(redis.url, journal_entries=0)
    one.control("PATCH", "settings", {"scenario": "empty"})
    assert other.ask("varg").json == {"usage": [], "total_cents": 0}
    assert other.control("GET", "journal").json == {"entries": [], "total": 0}
    assert redis.ask("KEYS", "usagekit:journal*") == []
