"""Routing, host rule and kept answers, with a stand-in for the providers so that every answer is counted."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from usage_mockserver import kept, scenarios, world
from usage_mockserver.app import App, create_app
from usage_mockserver.clock import Clock
from usage_mockserver.framing import Limits, read_head
from usage_mockserver.http import Reply, Request
from usage_mockserver.kept import HEAD, wire
from usage_mockserver.ledger import Views
from usage_mockserver.world import World
from usage_specs import load

LOCAL = "127.0.0.1:8000"
KEY = "canary-4711-key"
SWITCH = next(iter(load("supertone").switches.values()))


class StandIn:
    """A provider that remembers what it was asked and does as the path says."""

    DOCS = ()
    VIEWS = Views()

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def seeded(self, chance: Any, day: Any) -> list[Any]:
        return [SimpleNamespace(at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))]

    def answer(self, request: Request, account: Any) -> Reply:
        self.asked.append(request)
        if request.path == "/boom":
            raise RuntimeError(f"cannot read {request.query} with {request.headers}")
        body = json.dumps(
            {"provider": account.provider, "path": request.path, "count": len(self.asked)}
        ).encode()
        headers = (("content-type", "application/json"), ("x-echo", request.path))
        status = {"/empty": 204, "/same": 304}.get(request.path, 200)
        return Reply(status, headers, body, "stand.in", keep=request.path != "/random")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    provider = StandIn()
    monkeypatch.setattr(world, "load", lambda name: provider)
    monkeypatch.setattr(scenarios, "load", lambda name: provider)
    scenarios.seeded_ledger.cache_clear()
    yield provider
    scenarios.seeded_ledger.cache_clear()


@pytest.fixture
def app(stand_in: StandIn) -> App:
    return create_app(World(["somya", "supertone"]))


@pytest.fixture
def single(stand_in: StandIn) -> App:
    return create_app(World(["supertone"]))


def called(
    app: App, path: str = "/supertone/v1", *, method: str = "GET", query: bytes = b"", **more: Any
) -> tuple[int, dict[str, str], bytes]:
    """One request through ASGI."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("no body is ever read")

    headers = [(b"host", LOCAL.encode()), *more.pop("headers", [])]
    scope = {"type": "http", "method": method, "raw_path": path.encode(), "path": path, "query_string": query}
    asyncio.run(app({**scope, "headers": headers, "scheme": "http", **more}, receive, send))
    fields = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], fields, b"".join(message["body"] for message in sent[1:])


def message(reply: Reply) -> str:
    text: str = json.loads(reply.body)["usagekit"]["message"]
    return text


@pytest.mark.parametrize(
    ("host", "path", "provider", "base", "rest"),
    [
        (LOCAL, "/supertone/v1/voice-usage", "supertone", "/supertone", "/v1/voice-usage"),
        (LOCAL, "/somya/v1/usage", "somya", "/somya", "/v1/usage"),
        (LOCAL, "/supertone", "supertone", "/supertone", "/"),
        (LOCAL, "/supertone/", "supertone", "/supertone", "/"),
        (LOCAL, "/supertone//evil.example/", "supertone", "/supertone", "//evil.example/"),
        (LOCAL, "/supertone/v1/voice%2Dusage%00", "supertone", "/supertone", "/v1/voice-usage\0"),
        ("supertoneapi.com", "/v1/voice-usage", "supertone", "", "/v1/voice-usage"),
        ("SupertoneAPI.com:443", "/", "supertone", "", "/"),
        ("api.somya.ai", "/supertone/v1", "somya", "", "/supertone/v1"),
    ],
)
def test_request_reaches_its_provider(
    app: App, stand_in: StandIn, host: str, path: str, provider: str, base: str, rest: str
) -> None:
    reply = app.handle("GET", host, path)
    assert json.loads(reply.body)["provider"] == provider
    assert (stand_in.asked[0].base, stand_in.asked[0].path) == (base, rest)


@pytest.mark.parametrize(("path", "rest"), [("/v1/voice-usage", "/v1/voice-usage"), ("/supertone/v1", "/v1")])
def test_single_provider_needs_no_prefix(single: App, stand_in: StandIn, path: str, rest: str) -> None:
    assert single.handle("GET", LOCAL, path).status == 200
    assert stand_in.asked[0].path == rest


@pytest.mark.parametrize(
    "path", ["/nothing", "/Supertone/v1", "/%73upertone/v1", "/supertone2", "//supertone/v1"]
)
def test_unknown_path_is_told_what_there_is(app: App, stand_in: StandIn, path: str) -> None:
    reply = app.handle("GET", LOCAL, path)
    assert reply.status == 404
    paths = [endpoint["path"] for endpoint in json.loads(reply.body)["endpoints"]]
    assert paths == ["/somya/v1/usage", "/supertone/v1/voice-usage"]
    assert stand_in.asked == []


def test_root_lists_the_endpoints(single: App) -> None:
    reply = single.handle("GET", LOCAL, "/")
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "name": "usagekit",
        "endpoints": [
            {"provider": "supertone", "method": "GET", "path": "/v1/voice-usage", "host": "supertoneapi.com"}
        ],
    }


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:1", "localhost:80", "LOCALHOST", "[::1]", "[::1]:80", ""]
)
def test_local_host_is_answered(app: App, host: str) -> None:
    assert app.handle("GET", host, "/").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "0.0.0.0",
        "[::2]",
        "api.varg.ai",
    ],
)
def test_foreign_host_is_refused_in_one_sentence(app: App, stand_in: StandIn, host: str) -> None:
    reply = app.handle("GET", host, "/supertone/v1")
    name = host.removesuffix(":80")
    assert reply.status == 400
    assert (
        message(reply) == f"This server does not answer for host {name!r}; start it with --allow-host {name}."
    )
    assert stand_in.asked == []


def test_allowed_host_is_answered(stand_in: StandIn) -> None:
    app = create_app(World(["somya", "supertone"]), allow_hosts=["Usage.Test"])
    assert app.handle("GET", "usage.test:8000", "/supertone/v1").status == 200


def test_provider_sees_the_fields_it_may_depend_on(app: App, stand_in: StandIn) -> None:
    headers = [
        (b"x-sup-api-key", b"k"),
        (b"user-agent", b"x"),
        (b"if-none-match", b'W/"1"'),
        (b"accept", b"a"),
    ]
    called(
        app,
        query=b"a=%20",
        headers=[*headers, (b"accept", b"b"), (b"authorization", b"1"), (b"authorization", b"2")],
    )
    asked = stand_in.asked[0]
    assert asked.query == "a=%20"
    assert asked.headers == {
        "host": LOCAL,
        "x-sup-api-key": "k",
        "if-none-match": 'W/"1"',
        "accept": "a, b",
        "authorization": "1",
    }


def test_repeated_question_is_answered_from_what_was_kept(app: App, stand_in: StandIn) -> None:
    answers = {called(app)[2] for _ in range(5)}
    assert len(answers) == 1
    assert len(stand_in.asked) == 1
    assert app.journal.count(provider="supertone", behaviour="stand.in", path="/v1") == 5


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/supertone/v2"},
        {"path": "/somya/v1"},
        {"method": "POST"},
        {"query": b"a=1"},
        {"headers": [(b"x-sup-api-key", b"other")]},
        {"headers": [(b"x-api-key", b"other")]},
        {"headers": [(b"if-none-match", b"x")]},
        {"headers": [(b"cache-control", b"no-cache")]},
        {"scheme": "https"},
        {"root_path": "/supertone"},
    ],
    ids=str,
)
def test_whatever_a_provider_sees_makes_another_question(
    app: App, stand_in: StandIn, other: dict[str, Any]
) -> None:
    called(app)
    called(app, **other)
    assert len({json.loads(called(app, **more)[2]).get("count") for more in ({}, other)}) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"scenario": "sparse"},
        {"keys": ("other",)},
        {"switches": {SWITCH.name: SWITCH.choices[-1]}},
        {"clock": Clock(frozen=datetime(2026, 3, 2, tzinfo=UTC))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_account_is_asked_anew(app: App, stand_in: StandIn, change: dict[str, Any]) -> None:
    app.world.change("supertone", clock=Clock(frozen=datetime(2026, 3, 1, tzinfo=UTC)))
    called(app)
    app.world.change("supertone", **change)
    called(app)
    assert len(stand_in.asked) == 2
    called(app)
    assert len(stand_in.asked) == 2


NOW = [datetime(2026, 3, 1, tzinfo=UTC)]


def test_running_clock_alone_does_not_drop_answers(app: App, stand_in: StandIn) -> None:
    app.world.change("supertone", clock=Clock(source=lambda: NOW[0]))
    counts = []
    for hour in (1, 11, 12, 13, 23, 24):
        NOW[0] = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)
        called(app)
        counts.append(len(stand_in.asked))
    assert counts == [1, 1, 2, 2, 2, 3]


def test_answer_not_to_be_kept_is_made_each_time(app: App, stand_in: StandIn) -> None:
    for _ in range(3):
        called(app, "/supertone/random", extensions={HEAD: b"head"})
    assert len(stand_in.asked) == 3
    assert app.repeat(b"head") is None


def test_head_answered_before_is_repeated_while_nothing_changes(app: App, stand_in: StandIn) -> None:
    assert app.repeat(b"head") is None
    body = called(app, extensions={HEAD: b"head"})[2]
    start, head, sent = app.repeat(b"head") or (b"", b"", b"")
    assert start == b"HTTP/1.1 200 OK\r\n"
    assert head.endswith(b"\r\n\r\n")
    assert sent == body
    assert app.journal.count(path="/v1") == 2
    app.world.change("supertone", seed=5)
    assert app.repeat(b"head") is None


@pytest.mark.parametrize("target", ["/supertone/v1?a=%20", "/supertone/empty", "/nothing", "/"])
def test_plain_head_is_answered_as_through_asgi(app: App, stand_in: StandIn, target: str) -> None:
    raw = f"GET {target} HTTP/1.1\r\nHost: {LOCAL}\r\nX-Sup-Api-Key:  {KEY} \r\n\r\n".encode()
    start, head, sent = app.respond(read_head(raw, Limits())) or (b"", b"", b"")
    path, _, query = target.partition("?")
    status, fields, body = called(app, path, query=query.encode(), headers=[(b"x-sup-api-key", KEY.encode())])
    assert start.startswith(f"HTTP/1.1 {status} ".encode())
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    assert (head, sent) == (lines.encode() + b"\r\n", body)
    assert app.repeat(raw) == (start, head, sent)
    assert app.journal.count() == 3
    assert KEY not in repr(app.journal.entries())


@pytest.mark.parametrize("path", ["/somya/canary-4711-key", "/canary-4711-key", "/supertone/canary-4711-key"])
def test_configured_key_is_masked_wherever_it_is_sent(app: App, path: str) -> None:
    app.world.change("supertone", keys=(KEY,))
    called(app, path)
    assert KEY not in repr(app.journal.entries())


def test_forgotten_answers_are_made_again(app: App, stand_in: StandIn) -> None:
    called(app, extensions={HEAD: b"head"})
    app.forget()
    assert app.repeat(b"head") is None
    called(app)
    assert len(stand_in.asked) == 2


def test_kept_answers_are_bounded_in_number(
    app: App, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "REPLIES", 3)
    monkeypatch.setattr(kept, "HEADS", 2)
    for number in range(5):
        called(app, query=b"%d" % number, extensions={HEAD: b"%d" % number})
    assert [app.repeat(b"%d" % number) is not None for number in range(5)] == [
        False,
        False,
        False,
        True,
        True,
    ]
    called(app, query=b"2")
    assert len(stand_in.asked) == 5
    called(app, query=b"1")
    assert len(stand_in.asked) == 6


def test_kept_answers_are_bounded_in_size(
    app: App, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app._kept, "_bytes", 10)
    called(app)
    called(app)
    assert len(stand_in.asked) == 2


@pytest.mark.parametrize(
    ("path", "method"), [("/supertone/v1", "HEAD"), ("/supertone/empty", "GET"), ("/supertone/same", "GET")]
)
def test_answers_without_a_body(app: App, path: str, method: str) -> None:
    status, fields, body = called(app, path, method=method)
    assert body == b""
    assert ("content-length" in fields) == (status == 200)
    if status == 200:
        assert int(fields["content-length"]) > 20


def test_marker_tells_a_fake_and_can_be_left_out(app: App, stand_in: StandIn) -> None:
    assert called(app)[1]["x-usagekit"] == "fake"
    assert "x-usagekit" not in called(create_app(World(["supertone"]), marker=False))[1]


def test_field_values_cannot_end_their_line() -> None:
    fields, _ = wire(Reply(200, (("location", "/a\r\nset-cookie: b\0"),), b""), "GET")
    assert fields[0] == (b"location", b"/a  set-cookie: b ")


def test_failing_provider_is_a_plain_500_logged_once(app: App, caplog: pytest.LogCaptureFixture) -> None:
    status, _, body = called(
        app, "/supertone/boom", query=b"api_key=" + KEY.encode(), headers=[(b"x-api-key", b"k")]
    )
    assert status == 500
    assert json.loads(body) == {
        "usagekit": {"message": "The fake failed on this request; its log says where."}
    }
    assert [record.getMessage().partition(" at ")[0] for record in caplog.records] == [
        "supertone: RuntimeError"
    ]
    assert KEY not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("length", [b"1048577", b"9" * 5000, b"x"])
def test_body_too_long_is_refused_and_closed(app: App, stand_in: StandIn, length: bytes) -> None:
    status, fields, _ = called(app, headers=[(b"content-length", length)])
    assert (status, fields["connection"], stand_in.asked) == (413, "close", [])


def test_access_log_names_method_provider_and_status_only(
    stand_in: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "usagekit.access")
    app = create_app(World(["somya", "supertone"]), access_log=True)
    called(app, query=b"api_key=" + KEY.encode())
    called(app, "/nothing")
    assert [record.getMessage() for record in caplog.records] == ["GET supertone 200", "GET usagekit 404"]


def test_middleware_may_change_what_it_was_sent(app: App) -> None:
    async def receive() -> Any:
        raise AssertionError

    async def spoil(message: Any) -> None:
        if "headers" in message:
            message["headers"].append((b"x-spoilt", b"1"))

    scope = {"type": "http", "method": "GET", "path": "/supertone/v1", "headers": [(b"host", LOCAL.encode())]}
    for _ in range(2):
        asyncio.run(app(dict(scope), receive, spoil))
    assert "x-spoilt" not in called(app)[1]


def test_mounted_application_strips_what_stands_before_it(app: App, stand_in: StandIn) -> None:
    assert called(app, "/fakes/supertone/v1", root_path="/fakes")[0] == 200
    assert (stand_in.asked[0].base, stand_in.asked[0].path) == ("/fakes/supertone", "/v1")


def test_lifespan_is_acknowledged_and_websocket_refused(app: App) -> None:
    def exchanged(kind: str, *received: str) -> list[str]:
        incoming, outgoing = iter(received), []

        async def receive() -> Any:
            return {"type": next(incoming)}

        async def send(message: Any) -> None:
            outgoing.append(message["type"])

        asyncio.run(app({"type": kind}, receive, send))
        return outgoing

    assert exchanged("lifespan", "lifespan.startup", "lifespan.shutdown") == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert exchanged("websocket", "websocket.connect") == ["websocket.close"]
