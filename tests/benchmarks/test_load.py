"""The bundled client, and what is asked with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import usagekit
from benchmarks import accounts, load, questions, traffic
from benchmarks.processes import Failed, spent, started
from benchmarks.questions import KINDS, Question, question
from usage_mockserver.event_reader import EventReader
from usage_mockserver.server import serve
from usage_specs import PROVIDERS

BARE = Path(load.__file__).with_name("bare.py")


@pytest.fixture(autouse=True)
def no_wrk(monkeypatch):
    monkeypatch.setattr(load, "tool", lambda _: False)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", [*KINDS, *questions.FURTHER])
def test_every_question_gets_the_status_it_expects(provider, kind):
    asked = question(provider, kind)
    if asked is None:
        assert provider == "lyrcs"
        return
    app = usagekit.create_app(provider, now=questions.NOW)
    for path in asked.paths[:: max(1, len(asked.paths) // 3)]:
        path, _, query = path.partition("?")
        assert app.handle("GET", "localhost", path, query, asked.headers).status == asked.status


def test_fresh_requests_are_all_different_and_others_all_the_same():
    app = usagekit.create_app("varg", now=questions.NOW)
    with serve(app) as running:
        fresh = load.ask(running.port, Question(["/v1/usage"], questions.key("varg"), 200, fresh=True), 0.05)
        assert len({entry.record.query for entry in app.journal.entries()}) == min(fresh, 1000)
        app.journal.clear()
        again = load.ask(running.port, Question(["/v1/usage"], questions.key("varg"), 200), 0.05)
        assert {entry.record.query for entry in app.journal.entries()} == {()}
    assert app.journal.total == fresh + again


def test_another_status_than_expected_is_an_error():
    with (
        serve(usagekit.create_app("varg")) as running,
        pytest.raises(RuntimeError, match=r"wanted b'HTTP/1\.1 200 '.*401"),
    ):
        load.ask(running.port, Question(["/v1/usage"], {}, 200), 0.05)


def test_cpu_and_memory_are_those_of_the_server(tmp_path):
    (tmp_path / "bodies.json").write_text(json.dumps({"/x": "body"}))
    with started([sys.executable, str(BARE), str(tmp_path / "bodies.json")]) as server:
        assert questions.answer(server.port, "/x", {}) == (200, b"body")
        pace = traffic.paced(server, Question(["/x"], {}, 200), 0.1)
        assert pace.rate > 0
        # More than nothing, and less than the whole time for each.
        assert 1 < pace.micros < 1e6 * load.CONNECTIONS / pace.rate * 10
        assert 5 < server.memory() <= server.peak() < 500
        pid = server._pid
    assert not Path(f"/proc/{pid}").exists()


def test_a_server_that_does_not_start_says_why():
    with (
        pytest.raises(Failed, match="did not start: no port today"),
        started([sys.executable, "-c", "print('no port today')"]),
    ):
        pytest.fail("it has no port")


def test_a_command_that_fails_says_so():
    code = "import sys; print('out'); sys.exit('why')"
    with pytest.raises(Failed, match=r"ended with 1:\nout\nwhy"):
        spent([sys.executable, "-c", code])
    took = spent([sys.executable, "-c", code], statuses=[1])
    assert took.out == "out\n"
    assert took.cpu > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_added_events_are_as_many_as_asked_for_and_spread_over_the_history(provider):
    lines = b"".join(accounts.stream(provider, 7_001)).splitlines()
    reader = EventReader(provider)
    found = [reader.read(json.loads(line))[1] for line in (lines[0], *lines[:: len(lines) // 20], lines[-1])]
    assert len(lines) == 7_001
    assert sorted(event.at for event in found) == [event.at for event in found]
    assert (questions.NOW - found[0].at.date()).days == accounts.SPREAD
    assert (questions.NOW - found[-1].at.date()).days == 1


@pytest.mark.parametrize(
    ("told", "status", "count"),
    [
        ("  12 requests in 1.00s, 3MB read\n", 200, 12),
        ("  12 requests in 1.00s\n  Non-2xx or 3xx responses: 12\n", 401, 12),
        ("  12 requests in 1.00s\n  Non-2xx or 3xx responses: 1\n", 200, None),
        ("  12 requests in 1.00s\n", 401, None),
        ("", 200, None),
    ],
)
def test_what_wrk_says_is_understood(told, status, count):
    if count is None:
        with pytest.raises(RuntimeError):
            load._counted(told, status)
    else:
        assert load._counted(told, status) == count
