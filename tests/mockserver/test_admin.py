"""The control plane: every route, every refusal, and what a hostile page may not do."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import httpx2
import pytest
from openapi_spec_validator import validate

from usage_mockserver.admin import Admin
from usage_mockserver.admin_openapi import FAULT_NOTES
from usage_mockserver.admin_routes import ROUTES
from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.faults import KINDS
from usage_mockserver.providers import NAMES
from usage_mockserver.server import serve
from usage_mockserver.sessions import Sessions
from usage_mockserver.world import Settings, World

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
KEY = {"authorization": "Bearer varg_usagekit_demo"}
USAGE = "/varg/v1/usage?from=2026-03-02&to=2026-03-02"
EVENT = {"kind": "varg.job", "at": "2026-03-02T12:00:00Z", "job_id": "mine"}
LINES = {"content-type": "application/x-ndjson"}


def made(token: str | None = None) -> Sessions:
    world = World(NAMES, Settings(clock=Clock(frozen=NOW), scenario="empty"))
    return Sessions(create_app(world), control=Admin(token))


@pytest.fixture
def sessions() -> Sessions:
    return made()


@pytest.fixture
def client(sessions: Sessions) -> Iterator[httpx2.Client]:
    with serve(sessions) as running, httpx2.Client(base_url=running.url) as client:
        yield client


def ids(client: httpx2.Client, prefix: str = "") -> list[str]:
    reply = client.get(prefix + USAGE, headers=KEY)
    assert reply.status_code == 200, reply.text
    return [job["job_id"] for job in reply.json()["usage"]]


def error(reply: httpx2.Response, status: int) -> dict:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"error"}
    assert set(body["error"]) <= {"message", "field", "allowed"}
    return body["error"]


# -- what there is --------------------------------------------------------------------------------------


def test_health_and_ready(client):
    assert client.get("/__admin/health").json() == {"status": "ok"}
    assert client.get("/__admin/ready").json() == {"status": "ready", "providers": list(NAMES), "sessions": 0}


def test_providers_say_where_they_are_and_what_can_be_set(client):
    found = {one["name"]: one for one in client.get("/__admin/providers").json()["providers"]}
    assert list(found) == list(NAMES)
    varg = found["varg"]
    assert varg["url"] == f"{str(client.base_url).rstrip('/')}/varg"
    assert varg["switches"]["order"] == {"value": "newest", "choices": ["newest", "oldest"]}
    assert varg["events"]["job"]["cost_cents"] == "float"
    assert 429 in varg["statuses"]
    assert client.get("/__admin/providers/varg").json() == varg


def test_every_table_entry_is_in_the_document_and_on_the_page(client):
    document = client.get("/__admin/openapi.json").json()
    validate(document)
    page = client.get("/__admin/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert client.get("/__admin/docs").text == client.get("/__admin").text == page.text
    for route in ROUTES:
        assert route.method.lower() in document["paths"][f"/__admin/{route.path}"]
        assert f"/__admin/{route.path}</code>" in page.text
    assert FAULT_NOTES.keys() == KINDS.keys()


def test_the_page_loads_nothing(client):
    page = client.get("/__admin/docs")
    assert not re.search(r"<script|src=|@import|url\(|https?://", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("name", ["scenario", "faults", "mutant", "seed", "switches/varg"])
def test_who_looks_for_a_setting_by_its_name_is_told_where_it_is(client, name):
    told = client.put(f"/__admin/{name}", json={}).json()["error"]["message"]
    assert told.endswith(f"{name.partition('/')[0]} is a field of /__admin/settings")


def test_head_and_options(client):
    assert client.head("/__admin/health").status_code == 200
    options = client.options("/__admin/events")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, POST, DELETE, HEAD, OPTIONS")
    assert not [name for name in options.headers if name.startswith("access-control")]


# -- settings -------------------------------------------------------------------------------------------


def test_what_is_read_can_be_written_back(client):
    client.patch("/__admin/settings/varg", json={"seed": 3, "faults": [{"kind": "latency", "ms": 5}]})
    before = client.get("/__admin/settings").json()
    assert client.put("/__admin/settings", json=before).json() == before


def test_patch_leaves_the_rest_and_put_does_not(client):
    client.patch("/__admin/settings/varg", json={"seed": 7, "switches": {"order": "oldest"}})
    patched = client.patch("/__admin/settings/varg", json={"scenario": "busy"}).json()
    assert (patched["seed"], patched["scenario"], patched["switches"]) == (7, "busy", {"order": "oldest"})
    put = client.put("/__admin/settings/varg", json={"seed": 9}).json()
    assert (put["seed"], put["scenario"], put["switches"]) == (9, "empty", {})
    assert put["clock"] == {"frozen": "2026-03-18T15:00:00Z"}


def test_a_switch_that_is_null_is_the_default_again(client):
    client.patch("/__admin/settings/varg", json={"switches": {"order": "oldest", "reversed": "refuse"}})
    left = client.patch("/__admin/settings/varg", json={"switches": {"order": None}}).json()
    assert left["switches"] == {"reversed": "refuse"}


def test_settings_for_all_and_by_name(client):
    client.patch("/__admin/settings", json={"seed": 5})
    found = client.patch("/__admin/settings", json={"varg": {"seed": 6}}).json()
    assert {name: one["seed"] for name, one in found.items()} == {**dict.fromkeys(NAMES, 5), "varg": 6}


def test_a_wrong_one_among_many_changes_none(client):
    before = client.get("/__admin/settings").json()
    told = error(client.patch("/__admin/settings", json={"varg": {"seed": 6}, "lyrcs": {"seed": "x"}}), 400)
    assert told["field"] == "lyrcs.seed"
    assert client.get("/__admin/settings").json() == before


def test_each_change_shows_in_the_next_answer(client):
    assert ids(client) == ids(client) == []
    client.patch("/__admin/settings/varg", json={"scenario": "busy"})
    busy = ids(client)
    assert busy
    client.patch("/__admin/settings/varg", json={"seed": 2})
    assert ids(client) != busy
    client.patch("/__admin/settings/varg", json={"seed": 1})
    told = error(client.patch("/__admin/settings/varg", json={"mutant": "no-such"}), 400)
    mutant = next(name for name in told["allowed"])
    assert client.patch("/__admin/settings/varg", json={"mutant": mutant}).json()["mutant"] == mutant
    client.patch(
        "/__admin/settings/varg", json={"mutant": None, "faults": [{"kind": "status", "status": 503}]}
    )
    assert client.get(USAGE, headers=KEY).status_code == 503
    client.patch("/__admin/settings/varg", json={"faults": []})
    assert ids(client) == busy


def test_keys_are_shown_nowhere(client, sessions):
    sessions.host.world.change("varg", keys=("varg_canary_4711",))
    for path in ("settings", "snapshot", "providers"):
        assert "canary" not in client.get(f"/__admin/{path}").text
    client.put("/__admin/settings", json={})
    client.post("/__admin/restore", json=client.get("/__admin/snapshot").json())


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({"sede": 1}, "sede", "did you mean 'seed'?"),
        ({"seed": "1"}, "seed", "whole number"),
        ({"seed": True}, "seed", "whole number"),
        ({"seed": 2**70}, "seed", "64 bits"),
        ({"scenario": "emty"}, "scenario", "did you mean 'empty'?"),
        ({"scenario": 5}, "scenario", "there is no scenario 5"),
        ({"switches": {"odrer": "x"}}, "switches", "did you mean 'order'?"),
        ({"switches": {"order": "newst"}}, "switches.order", "did you mean 'newest'?"),
        ({"switches": []}, "switches", "an object"),
        ({"mutant": "nope"}, "mutant", "there is no mutant of varg 'nope'"),
        ({"manners": ["gzp"]}, "manners", "did you mean 'gzip'?"),
        ({"manners": "gzip"}, "manners", "a list"),
        ({"faults": {}}, "faults", "a list"),
        ({"faults": ["reset"]}, "faults[0]", "an object with a kind"),
        ({"faults": [{"kind": "latencyy", "ms": 1}]}, "faults[0].kind", "did you mean 'latency'?"),
        ({"faults": [{"kind": "reset"}, {"kind": "reset", "m": 1}]}, "faults[1].m", "did you mean 'ms'?"),
        ({"faults": [{"ms": 1}]}, "faults[0].kind", "there is no fault ''"),
        ({"faults": [{"kind": "status", "status": 418}]}, "faults[0].status", "it may be 400,"),
        ({"faults": [{"kind": "reset"}] * 21}, "faults", "20 faults"),
        ({"clock": 5}, "clock", "an instant, or an object"),
        ({"clock": {"frozen": "soon"}}, "clock.frozen", "is not an instant"),
        ({"clock": {"frozen": 5}}, "clock.frozen", "is not an instant"),
        ({"clock": {"offset_seconds": "1"}}, "clock.offset_seconds", "must be seconds"),
        ({"clock": {"offset_seconds": 1e300}}, "clock.offset_seconds", "hundred years"),
    ],
)
def test_a_wrong_setting_names_field_and_way_out(client, sent, field, says):
    told = error(client.patch("/__admin/settings/varg", json=sent), 400)
    assert told["field"] == field
    assert says in told["message"]


# -- clock ----------------------------------------------------------------------------------------------


def test_the_clock_travels_advances_and_runs_again(client):
    told = client.post("/__admin/clock/varg", json={"travel_to": "2026-05-01"}).json()
    assert told == {"now": "2026-05-01T00:00:00Z", "frozen": "2026-05-01T00:00:00Z"}
    assert client.post("/__admin/clock/varg", json={"advance": 90}).json()["now"] == "2026-05-01T00:01:30Z"
    on = client.post("/__admin/clock/varg", json={"advance": {"days": 1, "hours": 2}}).json()
    assert on["now"] == "2026-05-02T02:01:30Z"
    assert client.get("/__admin/clock/lyrcs").json()["now"] == "2026-03-18T15:00:00Z"
    real = client.post("/__admin/clock", json={"real": True}).json()
    assert {one["offset_seconds"] for one in real.values()} == {0.0}


def test_events_show_when_the_clock_reaches_them(client):
    client.post("/__admin/clock", json={"travel_to": "2026-03-02T11:00:00Z"})
    client.post("/__admin/events", json=EVENT)
    assert ids(client) == []
    client.post("/__admin/clock", json={"advance": {"hours": 2}})
    assert ids(client) == ["mine"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, ""),
        ({"travel_to": "2026-05-01", "advance": 1}, ""),
        ({"travel": "2026-05-01"}, "travel"),
        ({"travel_to": "2026-02-30"}, "travel_to"),
        ({"travel_to": 5}, "travel_to"),
        ({"advance": "1"}, "advance"),
        ({"advance": {"weeks": 1}}, "advance"),
        ({"advance": {"days": "x"}}, "advance.days"),
        ({"advance": {"days": 40_000}}, "advance"),
        ({"real": False}, "real"),
        ([], ""),
    ],
)
def test_a_wrong_move_of_the_clock_is_refused(client, sent, field):
    assert error(client.post("/__admin/clock", json=sent), 400).get("field", "") == field
    assert client.get("/__admin/clock/varg").json()["now"] == "2026-03-18T15:00:00Z"


def test_the_clock_does_not_pass_the_end_of_time(client):
    client.post("/__admin/clock", json={"travel_to": "9999-12-31"})
    assert "9999" in error(client.post("/__admin/clock", json={"advance": {"days": 2}}), 400)["message"]
    assert ids(client) == []


# -- events ---------------------------------------------------------------------------------------------


def test_one_event_is_added_listed_and_removed(client):
    added = client.post("/__admin/events", json=EVENT)
    assert added.status_code == 201
    [name] = added.json()["ids"]
    assert added.json() == {"added": 1, "by_provider": {"varg": 1}, "ids": [name]}
    assert ids(client) == ["mine"]
    one = client.get(f"/__admin/events/varg/{name}").json()
    assert one == {
        "id": name,
        **EVENT,
        "model": "fal:kling-v2.5",
        "capability": "video",
        "cost_cents": 25,
        "cache_hit": False,
    }
    assert client.get("/__admin/events").json() == {"events": [one], "total": 1}
    assert client.delete(f"/__admin/events/varg/{name}").json() == {"removed": 1}
    assert ids(client) == []
    assert error(client.delete(f"/__admin/events/varg/{name}"), 404)["field"] == "id"


def test_equal_events_share_an_id_and_go_one_by_one(client):
    name = client.post("/__admin/events", json=[EVENT, EVENT]).json()["ids"][0]
    assert client.get("/__admin/events").json()["total"] == 2
    client.delete(f"/__admin/events/varg/{name}")
    assert client.get("/__admin/events").json()["total"] == 1


def test_a_list_of_several_providers_is_added(client):
    sent = [
        EVENT,
        {"provider": "lyrcs", "kind": "call", "at": "2026-03-02T12:00:00Z", "count": 3},
        {"kind": "surnex.call", "at": "2026-03-02T12:00:00Z", "provider": "openai"},
    ]
    assert client.post("/__admin/events", json=sent).json()["by_provider"] == {
        "varg": 1,
        "lyrcs": 1,
        "surnex": 1,
    }


def test_the_path_may_say_whose_events_they_are(client):
    client.post("/__admin/events/varg", json={"at": "2026-03-02T12:00:00Z", "job_id": "plain"})
    client.post(
        "/__admin/events/surnex", json={"kind": "call", "at": "2026-03-02T12:00:00Z", "provider": "openai"}
    )
    assert ids(client) == ["plain"]
    assert client.get("/__admin/events/surnex").json()["events"][0]["provider"] == "openai"


def test_pages_of_events_are_in_order_of_time(client):
    days = [f"2026-03-{day:02}T0{hour}:00:00Z" for day in (3, 1, 2) for hour in (5, 1)]
    client.post("/__admin/events/varg", json=[{"at": at} for at in days])
    client.post("/__admin/events/lyrcs", json={"kind": "call", "at": days[0]})
    found = []
    for offset in range(0, 10, 2):
        page = client.get("/__admin/events", params={"offset": offset, "limit": 2}).json()
        assert page["total"] == 7
        found += [event["at"] for event in page["events"]]
    assert found == [*sorted(days), days[0]]
    assert client.get("/__admin/events", params={"limit": 0}).json()["events"] == []


def test_clearing_takes_added_events_only(client):
    client.patch("/__admin/settings/varg", json={"scenario": "busy"})
    before = ids(client)
    client.post("/__admin/events", json=[EVENT] * 3)
    assert client.delete("/__admin/events/lyrcs").json() == {"removed": 0}
    assert client.delete("/__admin/events").json() == {"removed": 3}
    assert ids(client) == before


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({**EVENT, "cost_cent": 3}, "cost_cent", "did you mean 'cost_cents'?"),
        ({**EVENT, "cost_cents": "3"}, "cost_cents", "must be a number"),
        ({**EVENT, "cost_cents": -1}, "cost_cents", "from 0"),
        ({**EVENT, "cache_hit": 1}, "cache_hit", "true or false"),
        ({**EVENT, "capability": "smell"}, "capability", "one of video"),
        ({**EVENT, "at": "2026-03-02"}, "at", "must be an instant"),
        ({**EVENT, "at": 5}, "at", "must be an instant"),
        ({**EVENT, "at": "2026-02-30T00:00:00Z"}, "at", "must be an instant"),
        ({**EVENT, "at": "2026-03-02T12:00:00"}, "at", "must be an instant"),
        ({"kind": "varg.job"}, "at", "must be an instant"),
        ({**EVENT, "kind": "varg.jab"}, "kind", "did you mean 'job'?"),
        ({**EVENT, "kind": "vrag.job"}, "kind", "did you mean 'varg'?"),
        ({"at": EVENT["at"]}, "kind", "must say whose event"),
        ({"at": EVENT["at"], "provider": "lyrcs"}, "kind", "one of job, call"),
        (
            {"at": EVENT["at"], "provider": "surnex", "kind": "call"},
            "provider",
            "name the kind 'surnex.call'",
        ),
        ({**EVENT, "provider": "lyrcs"}, "provider", "does not go with"),
        (5, "", "an object with fields"),
        (None, "", "an object with fields"),
    ],
)
def test_a_wrong_event_is_refused_alone_and_among_good_ones(client, sent, field, says):
    for body, where in ((sent, ""), ([EVENT, sent], "[1].")):
        told = error(client.post("/__admin/events", json=body), 400)
        assert told.get("field", "") == where + field
        assert says in told["message"]
    told = error(
        client.post("/__admin/events", content=json.dumps(EVENT) + "\n" + json.dumps(sent), headers=LINES),
        400,
    )
    assert told["message"].startswith("line 2: ")
    assert told.get("field", "") == field
    assert client.get("/__admin/events").json()["total"] == 0


def test_lines_are_taken_in_any_pieces(client):
    text = "".join(json.dumps({**EVENT, "job_id": f"j{number}"}) + "\n" for number in range(500)).encode()

    def pieces():
        for begin in range(0, len(text), 333):
            yield text[begin : begin + 333]

    assert client.post("/__admin/events", content=pieces(), headers=LINES).json()["added"] == 500
    assert (
        client.post("/__admin/events", content=b"\r\n\n " + text.rstrip(), headers=LINES).json()["added"]
        == 500
    )
    assert client.get("/__admin/events").json()["total"] == 1000


@pytest.mark.parametrize(
    "line", [b"{", b"[1]", b"\xff", b"NaN", b"[" * 30000, b"1" * 70_000, b'"' + b"x" * 66_000]
)
def test_a_line_that_is_no_event_is_refused(client, line):
    told = error(
        client.post("/__admin/events", content=json.dumps(EVENT).encode() + b"\n" + line, headers=LINES), 400
    )
    assert told["message"].startswith("line 2: ")


def test_a_stream_far_above_the_usual_limit_is_taken_with_little_memory(client, sessions):
    line = json.dumps({**EVENT, "job_id": "x" * 200}).encode() + b"\n"
    count = 3 * 1024 * 1024 // len(line)

    def pieces():
        for _ in range(count // 100):
            yield line * 100

    reply = client.post("/__admin/events", content=pieces(), headers=LINES)
    assert reply.json()["added"] == count // 100 * 100
    sized = client.post("/__admin/events", content=line * count, headers=LINES)
    assert sized.json()["added"] == count
    assert client.get("/__admin/health").status_code == 200


def test_one_bad_line_at_the_end_refuses_all(client):
    text = (json.dumps(EVENT) + "\n") * 20_000 + json.dumps({**EVENT, "at": "never"})
    told = error(client.post("/__admin/events", content=text.encode(), headers=LINES), 400)
    assert told["message"].startswith("line 20001: at is 'never'")
    assert client.get("/__admin/events").json()["total"] == 0


def test_a_stream_that_breaks_off_adds_nothing(client, sessions):
    with closing(socket.create_connection((client.base_url.host, client.base_url.port))) as sock:
        head = "POST /__admin/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        sock.sendall((head + "Content-Length: 5000000\r\n\r\n" + (json.dumps(EVENT) + "\n") * 100).encode())
    time.sleep(0.1)
    assert client.get("/__admin/events").json()["total"] == 0


@pytest.mark.parametrize(("length", "status"), [(1000, 404), (5_000_000, 413)])
def test_a_vendor_that_is_sent_a_stream_answers_without_it_and_closes(client, length, status):
    head = f"POST /__admin/events HTTP/1.1\r\nHost: api.varg.ai\r\nContent-Length: {length}\r\n\r\nbegun"
    with closing(socket.create_connection((client.base_url.host, client.base_url.port), 5)) as sock:
        sock.sendall(head.encode())
        told = b""
        while part := sock.recv(4096):
            told += part
    assert told.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in told
    assert client.get("/__admin/health").status_code == 200


@pytest.mark.parametrize("body", [b"5\r\nabc", b"xyz\r\n", b"40000000\r\n" + b"x" * 100, b"40000001\r\n"])
def test_a_stream_that_is_broken_or_endless_is_refused(client, body):
    head = b"POST /__admin/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with closing(socket.create_connection((client.base_url.host, client.base_url.port), 5)) as sock:
        sock.sendall(head + body)
        sock.shutdown(socket.SHUT_WR)
        told = sock.recv(4096)
    assert told == b"" or told.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
    assert client.get("/__admin/events").json()["total"] == 0


def test_data_paths_keep_their_limit(client):
    reply = client.post("/varg/v1/usage", content=b"x" * (1024 * 1024 + 1), headers=KEY)
    assert reply.status_code == 413


# -- journal --------------------------------------------------------------------------------------------


def test_the_journal_is_listed_counted_filtered_and_cleared(client):
    for query in ("from=2026-03-01", "from=x", "from=2026-03-02"):
        client.get(f"/varg/v1/usage?{query}", headers=KEY)
    client.get("/lyrcs/api/v1/usage")
    found = client.get("/__admin/journal").json()
    assert [(one["number"], one["provider"], one["status"]) for one in found["entries"]] == [
        (1, "varg", 200),
        (2, "varg", 400),
        (3, "varg", 200),
        (4, "lyrcs", 401),
    ]
    assert found["total"] == 4
    assert found["entries"][0]["credentials"] == {"authorization": "Bearer [masked]"}
    only = client.get("/__admin/journal", params={"provider": "varg", "status": "200", "after": "1"}).json()
    assert [one["number"] for one in only["entries"]] == [3]
    assert [one["number"] for one in client.get("/__admin/journal?limit=2").json()["entries"]] == [1, 2]
    assert client.get("/__admin/journal/count?provider=varg").json() == {"count": 3}
    assert client.delete("/__admin/journal").json() == {"removed": 4}
    assert client.get("/__admin/journal/count").json() == {"count": 0}


def test_control_requests_are_not_in_the_journal(client):
    client.get("/__admin/health")
    assert client.get("/__admin/journal").json()["total"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [("status=x", "status"), ("after=-1", "after"), ("limit=1001", "limit"), ("statsu=200", "statsu"),
     ("provider=vrag", "provider"), ("after=9999999999999999999", "after"), ("limit=%C2%B2", "limit")],
)  # fmt: skip
def test_a_wrong_filter_is_refused(client, query, field):
    assert error(client.get(f"/__admin/journal?{query}"), 400)["field"] == field


def followed(client: httpx2.Client, path: str, count: int, act=lambda: None, **headers: str) -> list[dict]:
    found = []
    with client.stream("GET", path, headers=headers) as reply:
        assert reply.headers["content-type"] == "text/event-stream"
        act()
        for line in reply.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
            if len(found) == count:
                break
    return found


def test_the_stream_tells_of_requests_as_they_come(client):
    with httpx2.Client(base_url=client.base_url) as other:
        other.get("/lyrcs/api/v1/usage")
        [one] = followed(client, "/__admin/journal/stream", 1, lambda: ids(other))
    assert (one["provider"], one["number"]) == ("varg", 2)


def test_the_stream_goes_on_where_it_was(client):
    for _ in range(3):
        client.get("/lyrcs/api/v1/usage")
    ids(client)
    again = followed(client, "/__admin/journal/stream", 2, last_event_id="2", **{"last-event-id": "2"})
    assert [one["number"] for one in again] == [3, 4]
    assert [
        one["number"] for one in followed(client, "/__admin/journal/stream?after=0&provider=varg", 1)
    ] == [4]


def test_a_server_with_a_watcher_ends_at_once(sessions):
    with (
        serve(sessions) as running,
        httpx2.Client(base_url=running.url) as client,
        client.stream("GET", "/__admin/journal/stream"),
    ):
        time.sleep(0.05)
        begun = time.perf_counter()
        running.stop()
        assert time.perf_counter() - begun < 2


def test_a_watcher_that_leaves_is_forgotten(client, sessions):
    for _ in range(3):
        with client.stream("GET", "/__admin/journal/stream"):
            pass
    deadline = time.monotonic() + 10
    while sessions.watchers and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sessions.watchers == 0


def test_watchers_are_bounded(client, sessions):
    sessions.watchers = 32
    assert "watch already" in error(client.get("/__admin/journal/stream"), 429)["message"]


# -- state ----------------------------------------------------------------------------------------------


def test_reset_goes_back_to_the_start(client):
    before = client.get(USAGE, headers=KEY).content
    client.post("/__admin/events", json=EVENT)
    client.patch("/__admin/settings", json={"seed": 5, "scenario": "busy", "faults": [{"kind": "reset"}]})
    client.post("/__admin/clock", json={"advance": 5})
    assert client.post("/__admin/reset").json() == {"reset": list(NAMES)}
    assert client.get(USAGE, headers=KEY).content == before
    assert client.get("/__admin/journal").json()["total"] == 2
    assert client.get("/__admin/journal/count").json() == {"count": 1}
    assert client.get("/__admin/clock/varg").json()["now"] == "2026-03-18T15:00:00Z"


def test_reset_of_one_leaves_the_others(client):
    client.patch("/__admin/settings", json={"seed": 5})
    client.post("/__admin/reset/varg", json={})
    seeds = {name: one["seed"] for name, one in client.get("/__admin/settings").json().items()}
    assert seeds == {**dict.fromkeys(NAMES, 5), "varg": 1}


def test_a_snapshot_restores_answers_and_counts(client):
    client.post("/__admin/events", json=EVENT)
    client.patch("/__admin/settings/varg", json={"faults": [{"kind": "status", "status": 500, "times": 2}]})
    assert client.get(USAGE, headers=KEY).status_code == 500
    saved = client.get("/__admin/snapshot").json()
    client.post("/__admin/reset")
    assert ids(client) == []
    client.post("/__admin/restore", json=saved)
    assert client.get("/__admin/snapshot").json() == saved
    assert client.get(USAGE, headers=KEY).status_code == 500
    assert ids(client) == ["mine"]


def test_a_snapshot_holds_how_often_was_asked(client):
    client.patch("/__admin/settings/lyrcs", json={"switches": {"api-calls": "live"}})

    def calls() -> int:
        fields = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}
        return client.get("/lyrcs/api/v1/usage", headers=fields).json()["api_calls"]

    first = calls()
    saved = client.get("/__admin/snapshot").json()
    assert calls() == first + 1
    client.post("/__admin/restore", json=saved)
    assert calls() == first + 1


def test_a_snapshot_goes_into_a_session(client):
    client.post("/__admin/events", json=EVENT)
    saved = client.get("/__admin/snapshot").json()
    client.post("/~copy/__admin/restore", json=saved)
    client.post("/__admin/reset")
    assert (ids(client), ids(client, "/~copy")) == ([], ["mine"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda saved: saved.update(version=2), "version"),
        (lambda saved: saved.pop("version"), "version"),
        (lambda saved: saved.update(providers=[]), "providers"),
        (lambda saved: saved["providers"].update(vrag={}), "providers"),
        (lambda saved: saved["providers"].update(varg={}), "providers.varg"),
        (lambda saved: saved["providers"]["varg"].update(requests=-1), "providers.varg.requests"),
        (lambda saved: saved["providers"]["varg"].update(events={}), "providers.varg.events"),
        (lambda saved: saved["providers"]["varg"].update(events=[{"at": 1}]), "at"),
        (lambda saved: saved["providers"]["varg"].update(faults=[1]), "providers.varg.faults"),
        (lambda saved: saved["providers"]["varg"]["settings"].update(scenario="x"), "scenario"),
    ],
)
def test_a_wrong_snapshot_changes_nothing(client, change, field):
    client.post("/__admin/events", json=EVENT)
    saved = client.get("/__admin/snapshot").json()
    wrong = json.loads(json.dumps(saved))
    wrong["providers"]["somya"]["settings"]["seed"] = 99
    change(wrong)
    assert error(client.post("/__admin/restore", json=wrong), 400)["field"] == field
    assert client.get("/__admin/snapshot").json() == saved


# -- sessions -------------------------------------------------------------------------------------------


def test_sessions_are_made_listed_and_closed(client):
    made = client.post("/__admin/sessions", json={"name": "one"})
    base = str(client.base_url).rstrip("/")
    assert made.status_code == 201
    assert made.json() == {
        "name": "one",
        "url": f"{base}/~one",
        "header": {"X-Usagekit-Session": "one"},
        "requests": 0,
    }
    assert client.post("/__admin/sessions").json()["name"] == "1"
    assert client.put("/__admin/sessions/two").json()["name"] == "two"
    assert client.put("/__admin/sessions/two").json()["name"] == "two"
    assert [one["name"] for one in client.get("/__admin/sessions").json()["sessions"]] == ["one", "1", "two"]
    assert client.get("/__admin/sessions/one").json() == made.json()
    assert client.delete("/__admin/sessions/one").json() == {"closed": 1}
    assert error(client.delete("/__admin/sessions/one"), 404)["field"] == "name"
    assert client.delete("/__admin/sessions").json() == {"closed": 2}


@pytest.mark.parametrize("way", ["prefix", "field"])
def test_a_change_makes_the_session_it_selects(client, way):
    prefix, fields = ("/~mine", {}) if way == "prefix" else ("", {"x-usagekit-session": "mine"})
    client.post(f"{prefix}/__admin/events", json=EVENT, headers=fields)
    assert (ids(client), ids(client, "/~mine")) == ([], ["mine"])
    assert client.get(f"{prefix}/__admin/journal", headers=fields).json()["total"] == 1
    assert client.get("/__admin/journal").json()["total"] == 1


def test_asking_about_an_unknown_session_makes_none(client):
    assert error(client.get("/~nobody/__admin/settings"), 404)["field"] == "session"
    assert error(client.delete("/~nobody/__admin/events"), 404)["field"] == "session"
    assert client.get("/__admin/sessions").json()["sessions"] == []


@pytest.mark.parametrize("name", ["a b", "", "ä", "x" * 101, 5, None])
def test_a_wrong_name_is_refused(client, name):
    if name == "":
        pytest.skip("an empty name asks for a new one")
    assert error(client.post("/__admin/sessions", json={"name": name}), 400)["field"] == "name"


# -- refusals -------------------------------------------------------------------------------------------


def test_unknown_paths_and_methods(client):
    told = error(client.get("/__admin/event"), 404)
    assert "did you mean /__admin/events?" in told["message"]
    assert "/__admin/events" in told["allowed"]
    wrong = client.post("/__admin/health")
    assert "POST means nothing here" in error(wrong, 405)["message"]
    assert wrong.headers["allow"] == "GET, HEAD, OPTIONS"
    assert error(client.get("/__admin/settings/vrag"), 404)["field"] == "provider"
    assert client.get("/__adminx").json()["usagekit"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_only_json_is_taken(client, kind):
    headers = {} if kind is None else {"content-type": kind}
    told = error(client.post("/__admin/events", content=json.dumps(EVENT).encode(), headers=headers), 415)
    assert "application/json or application/x-ndjson" in told["message"]
    assert (
        "application/json"
        in error(client.patch("/__admin/settings", content=b"{}", headers=LINES), 415)["message"]
    )
    assert client.get("/__admin/events").json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b'{"seed": NaN}',
        b'{"seed":1,"seed":2}',
        b"[" * 100_000,
        b"1" * 5000,
        b"[]",
        b'"x"',
        b"7",
    ],
)
def test_a_body_that_is_no_settings_is_400(client, body):
    error(client.patch("/__admin/settings", content=body, headers={"content-type": "application/json"}), 400)


def test_a_body_that_is_too_large_is_413_and_the_server_lives(client, monkeypatch):
    monkeypatch.setattr("usage_mockserver.admin.JSON_BODY", 1000)
    told = error(client.patch("/__admin/settings", json={"x": "y" * 2000}), 413)
    assert "JSON lines" in told["message"]
    assert client.get("/__admin/health").status_code == 200


def test_whatever_fails_inside_is_told_without_its_text(client, sessions, monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(sessions.host.world, "snapshot", fail)
    told = error(client.get("/__admin/snapshot"), 500)
    assert "canary" not in told["message"] + caplog.text
    assert "RuntimeError at test_admin.py" in caplog.text


# -- hostile pages --------------------------------------------------------------------------------------

RESET = b"POST /__admin/reset HTTP/1.1\r\nHost: localhost\r\n"
PAGES = {
    "text/plain from a foreign page": RESET
    + b"Origin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
    "JSON from a foreign page": RESET
    + b"Origin: http://evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "a form of a sandboxed page": RESET
    + b"Origin: null\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
    "a form of an old browser": RESET
    + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
    "another port of this machine": RESET + b"Origin: http://localhost:3000\r\nContent-Length: 0\r\n\r\n",
    "a beacon without a body": RESET + b"Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n",
    "a name that points here now": b"POST /__admin/reset HTTP/1.1\r\nHost: evil.example\r\n"
    b"Origin: http://evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    "a picture whose address is the journal": b"GET /__admin/journal HTTP/1.1\r\nHost: localhost\r\n"
    b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n",
    "a preflight": b"OPTIONS /__admin/reset HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
    b"Access-Control-Request-Method: POST\r\n\r\n",
    "a page of a sibling site": RESET + b"Sec-Fetch-Site: same-site\r\nContent-Length: 0\r\n\r\n",
    "two origins, one of them right": RESET
    + b"Origin: http://localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_hostile_page_changes_and_learns_nothing(client, sessions, name):
    client.post("/__admin/events", json=EVENT)
    with closing(
        http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=5)
    ) as connection:
        connection.connect()
        connection.sock.sendall(PAGES[name])
        reply = http.client.HTTPResponse(connection.sock)
        reply.begin()
        body = reply.read()
    assert reply.status in (400, 403, 415)
    assert not [field for field, _ in reply.getheaders() if field.lower().startswith("access-control")]
    assert b"mine" not in body
    assert client.get("/__admin/events").json()["total"] == 1


def test_a_page_of_this_server_may_use_it(client):
    own = {"origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    assert client.post("/__admin/reset", headers=own).status_code == 200


@pytest.mark.parametrize("host", ["api.varg.ai", "api.varg.ai:8000"])
def test_a_vendors_own_path_is_never_shadowed(client, host):
    reply = client.get("/__admin/health", headers={"host": host})
    assert reply.status_code == 404
    assert reply.json()["error"] == "NotFoundError"


# -- token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic secret"}, 401),
        ({"authorization": "Bearer secret2"}, 401),
        ({"authorization": "Bearer secré"}, 401),
        ({"authorization": "Bearer secret"}, 200),
        ({"authorization": "bearer secret"}, 200),
    ],
)
def test_with_a_token_every_call_needs_it(fields, status):
    with serve(made("secret")) as running:
        encoded = {name: value.encode("latin-1") for name, value in fields.items()}
        for path in ("providers", "docs", "nothing/here"):
            found = httpx2.get(f"{running.url}/__admin/{path}", headers=encoded).status_code
            assert found == (404 if status == 200 and "nothing" in path else status)


def test_a_refusal_asks_for_the_token_and_does_not_tell_it():
    with serve(made("secret")) as running:
        reply = httpx2.get(f"{running.url}/__admin/providers")
        assert reply.headers["www-authenticate"] == 'Bearer realm="usagekit"'
        assert "secret" not in reply.text


def test_whether_it_lives_is_told_to_anybody_and_nothing_more():
    with serve(made("secret")) as running, httpx2.Client(base_url=running.url) as stranger:
        assert stranger.get("/__admin/health").json() == {"status": "ok"}
        assert stranger.get("/__admin/ready").json() == {"status": "ready"}
        assert stranger.head("/__admin/ready").status_code == 200
        assert stranger.post("/__admin/ready").status_code == 401
        assert stranger.get("/__admin/ready/more").status_code == 401
        page = {"origin": "https://elsewhere.example"}
        assert stranger.get("/__admin/health", headers=page).status_code == 403
        mine = stranger.get("/__admin/ready", headers={"authorization": "Bearer secret"}).json()
        assert mine["providers"] == list(NAMES)


async def called(app: Sessions, client: tuple[str, int] | None) -> int:
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/__admin/providers",
        "raw_path": b"/__admin/providers",
        "headers": [(b"host", b"localhost")],
        "client": client,
    }
    await app(scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("127.9.9.9", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.0.0.7", 403),
     ("::ffff:10.0.0.7", 403), ("2001:db8::1", 403), ("what", 403)],
)  # fmt: skip
@pytest.mark.asyncio
async def test_without_a_token_only_this_machine_may(sessions, address, status):
    assert await called(sessions, (address, 5)) == status
    assert await called(made("secret"), (address, 5)) == 401


@pytest.mark.asyncio
async def test_a_caller_in_this_process_is_this_machine(sessions):
    assert await called(sessions, None) == 200


def test_the_control_plane_can_be_off():
    with serve(create_app(World(["varg", "lyrcs"]))) as running:
        assert httpx2.get(f"{running.url}/__admin/health").status_code == 404
        big = httpx2.post(f"{running.url}/__admin/events", content=b"x" * (1024 * 1024 + 1), headers=LINES)
        assert big.status_code == 413
