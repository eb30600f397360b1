"""Sessions: who selects one, that none sees another, that they are bounded, and that pages cannot make any."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from usage_mockserver.admin import Admin
from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.invalid import InvalidError
from usage_mockserver.journal import Journal
from usage_mockserver.providers import NAMES
from usage_mockserver.providers.varg import Job
from usage_mockserver.server import serve
from usage_mockserver.sessions import Sessions
from usage_mockserver.world import Settings, World

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATH = "/varg/v1/usage?from=2026-03-02&to=2026-03-02"
KEY = {"authorization": "Bearer varg_usagekit_demo"}


@pytest.fixture
def sessions():
    world = World(NAMES, Settings(clock=Clock(frozen=NOW), scenario="empty"))
    return Sessions(create_app(world), control=Admin())


@pytest.fixture
def client(sessions):
    with serve(sessions) as running, httpx2.Client(base_url=running.url, headers=KEY) as client:
        yield client


def ids(reply):
    assert reply.status_code == 200, reply.text
    return [job["job_id"] for job in reply.json()["usage"]]


def add(sessions, name, *job_ids):
    sessions.open(name)[1].world.add("varg", [Job(DAY, job_id=job_id) for job_id in job_ids])


def test_prefix_and_field_select_the_same_session(sessions, client):
    add(sessions, "one", "mine")
    for _ in range(3):
        assert ids(client.get(f"/~one{PATH}")) == ["mine"]
        assert ids(client.get(PATH, headers={"X-Usagekit-Session": "one"})) == ["mine"]
        assert ids(client.get(PATH)) == []


def test_a_session_of_a_host_without_a_journal_has_none():
    world = World(NAMES, Settings(clock=Clock(frozen=NOW), scenario="empty"))
    _, app = Sessions(create_app(world, journal=Journal(entries=0)), control=Admin()).open("one")

    app.handle("GET", "127.0.0.1", "/varg/v1/usage", headers=KEY)

    assert app.journal.count() == 0


def test_the_prefix_goes_before_the_field(sessions, client):
    add(sessions, "one", "mine")
    add(sessions, "two", "yours")
    assert ids(client.get(f"/~one{PATH}", headers={"x-usagekit-session": "two"})) == ["mine"]


def test_each_has_its_own_settings_events_and_journal(sessions, client):
    one, two = sessions.open("one")[1], sessions.open("two")[1]
    one.world.change("varg", scenario="busy", clock=Clock(frozen=NOW + timedelta(days=1)))
    assert ids(client.get(f"/~one{PATH}"))
    assert ids(client.get(f"/~two{PATH}")) == []
    assert (one.journal.total, two.journal.total, sessions.host.journal.total) == (1, 1, 0)


def test_a_session_begins_as_the_server_was_started(sessions, client):
    sessions.host.world.add("varg", [Job(DAY, job_id="loaded")])
    sessions.host.world.settle()
    sessions.host.world.add("varg", [Job(DAY, job_id="later")])
    add(sessions, "one", "mine")
    assert sorted(ids(client.get(f"/~one{PATH}"))) == ["loaded", "mine"]
    assert sorted(ids(client.get(PATH))) == ["later", "loaded"]


@pytest.mark.parametrize("name", ["nobody", "a,b", "~", "one two"])
def test_an_unknown_session_is_never_the_hosts_account(client, name):
    reply = client.get(PATH, headers={"x-usagekit-session": name})
    assert reply.status_code == 404
    assert "no session" in reply.json()["usagekit"]["message"]
    assert client.get(f"/~nobody{PATH}").status_code == 404


def test_a_data_request_makes_no_session(sessions, client):
    client.get(f"/~new{PATH}")
    client.get(PATH, headers={"x-usagekit-session": "new"})
    assert sessions.names == []


@pytest.mark.parametrize("more", [{}, {"prefer": "wait=0"}], ids=["short way", "long way"])
def test_a_session_named_twice_is_nobodys(sessions, client, more):
    add(sessions, "one", "mine")
    add(sessions, "two", "yours")
    for _ in range(2):
        fields = [("x-usagekit-session", "one"), ("x-usagekit-session", "two"), *KEY.items(), *more.items()]
        assert client.get(PATH, headers=fields).status_code == 404


def test_a_closed_session_is_gone_and_a_new_one_knows_nothing(sessions, client):
    add(sessions, "one", "mine")
    assert ids(client.get(f"/~one{PATH}")) == ["mine"]
    assert sessions.close("one")
    assert not sessions.close("one")
    assert client.get(f"/~one{PATH}").status_code == 404
    sessions.open("one")
    assert ids(client.get(f"/~one{PATH}")) == []


def test_the_one_not_used_for_longest_makes_room():
    few = Sessions(create_app(World(["varg"])), most=2)
    few.open("one")
    few.open("two")
    few.find("one")
    few.open("three")
    assert few.names == ["one", "three"]


def test_guests_do_not_make_room():
    few = Sessions(create_app(World(["varg"])), most=1)
    prefixes = [few.admit(create_app(World(["varg"]))) for _ in range(5)]
    few.open("one")
    few.open("two")
    assert all(few.find(prefix[2:]) is not None for prefix in prefixes)


def test_a_name_that_is_made_up_is_nobodys():
    few = Sessions(create_app(World(["varg"])))
    few.open("1")
    assert few.open()[0] == "2"
    assert few.admit(create_app(World(["varg"]))) == "/~3"


@pytest.mark.parametrize("name", ["-x", ".", "a/b", "ä", "a" * 101, "a b", "~"])
def test_a_bad_name_is_refused(sessions, name):
    with pytest.raises(InvalidError, match="is no name of a session"):
        sessions.open(name)


def test_a_session_answers_under_a_vendors_own_name(sessions, client):
    add(sessions, "one", "mine")
    reply = client.get(
        "/v1/usage?from=2026-03-02&to=2026-03-02",
        headers={"host": "api.varg.ai", "x-usagekit-session": "one"},
    )
    assert ids(reply) == ["mine"]


def test_a_thousand_sessions_at_once_stay_small(sessions):
    for number in range(1200):
        sessions.open(f"s{number}")
    assert len(sessions.names) == 1000
    assert sessions.names[0] == "s200"


def test_threads_with_sessions_of_their_own_never_meet(sessions, client):
    names = [f"s{number}" for number in range(4)]
    for name in names:
        sessions.open(name)
    wrong = []
    ready = threading.Barrier(8)

    def work(number):
        name = names[number % 4]
        with httpx2.Client(base_url=client.base_url, headers=KEY) as own:
            ready.wait()
            for turn in range(60):
                if number < 4 and turn % 10 == 0:
                    add(sessions, name, f"{name}-{turn}")
                found = ids(
                    own.get(
                        f"/~{name}{PATH}" if turn % 2 else PATH,
                        headers={} if turn % 2 else {"x-usagekit-session": name},
                    )
                )
                wrong.extend(job for job in found if not job.startswith(f"{name}-"))
                if number < 4 and len(found) != turn // 10 + 1:
                    wrong.append((name, turn, found))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert wrong == []
    assert [sessions.find(name).journal.total for name in names] == [120] * 4


def test_faults_of_one_session_disturb_no_other(sessions, client):
    from usage_mockserver.faults import Fault

    sessions.open("bad")[1].world.change("varg", faults=(Fault("status", status=503),))
    sessions.open("good")
    assert client.get(f"/~bad{PATH}").status_code == 503
    assert client.get(f"/~good{PATH}").status_code == 200
    assert client.get(PATH).status_code == 200


def test_redirects_stay_in_the_session(sessions, client):
    sessions.open("one")
    moved = client.get("/~one/lyrcs/api/v1/usage/", headers={"authorization": "Bearer lyrcs_sk_live_x"})
    assert moved.headers["location"] == "/~one/lyrcs/api/v1/usage"


def test_without_a_control_plane_its_paths_are_unknown():
    with serve(Sessions(create_app(World(["varg", "lyrcs"])))) as running:
        reply = httpx2.get(f"{running.url}/__admin/health")
    assert reply.status_code == 404
    assert "endpoints are listed" in json.loads(reply.text)["usagekit"]["message"]
