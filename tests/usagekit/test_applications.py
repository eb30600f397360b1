"""Applications of this process as targets: judged like servers, started and stopped, never waited for forever."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import httpx2
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

import usagekit
from usage_contracts.target import Call
from usage_contracts.transport import BudgetSpent, HttpTarget, Limits, RunOver
from usage_contracts.verdict import Outcome
from usage_mockserver.invalid import InvalidError
from usage_specs import load
from usagekit.applications import interface_of, transport_for
from usagekit.checking import CheckError, Options
from usagekit.cli import main

NOW = datetime(2026, 3, 15, tzinfo=UTC)
KEYS = [load("lyrcs").service.demo_key]
OPTIONS = Options(examples=1, now=NOW)
LYRCS = load("lyrcs").service


def fake(mutant: str = ""):
    app = usagekit.create_app("lyrcs", now=NOW, keys=KEYS)
    if mutant:
        app.world.change("lyrcs", mutant=mutant)
    return app


def as_wsgi(app):
    """A fake as a WSGI application."""

    def answer(environ, start_response):
        headers = {
            name[5:].lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        reply = app.handle(
            environ["REQUEST_METHOD"],
            headers["host"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            headers,
        )
        start_response(f"{reply.status} Whatever", list(reply.headers))
        return [reply.body]

    return answer


def verdicts(report):
    return {verdict.behaviour.id: verdict.outcome for verdict in report.verdicts}


def ours():
    """The threads that ask applications."""
    return [one for one in threading.enumerate() if one.name == "usagekit-application"]


def ask(app, path="/", *, method="GET", seconds=5.0, interface="auto"):
    """One answer of an application; whatever asked it is gone afterwards."""
    with httpx2.Client(
        transport=transport_for(app, interface_of(app, interface), seconds=seconds), base_url="http://test"
    ) as client:
        return client.request(method, path)


@pytest.fixture
def no_socket(monkeypatch):
    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.socket.bind", refuse)


@pytest.fixture(scope="module")
def served():
    with usagekit.serve("lyrcs", now=NOW, keys=KEYS) as running:
        yield usagekit.check("lyrcs", url=running.url, options=OPTIONS)


@pytest.mark.parametrize("spoken", ["asgi", "wsgi"])
def test_an_application_is_judged_as_the_same_server_is(spoken, served, no_socket):
    app = fake() if spoken == "asgi" else as_wsgi(fake())

    report = usagekit.check("lyrcs", app=app, options=OPTIONS)

    assert report.exit_status == 0
    assert verdicts(report) == verdicts(served)
    assert report.requests == served.requests
    assert f"{spoken.upper()} application was asked in this process" in report.notes[0]
    assert ours() == []


@pytest.mark.parametrize("spoken", ["asgi", "wsgi"])
def test_a_defect_of_an_application_is_found(spoken):
    app = fake("key-not-required")

    report = usagekit.check("lyrcs", app=app if spoken == "asgi" else as_wsgi(app), options=OPTIONS)

    assert report.exit_status == 1
    assert verdicts(report)["lyrcs.key-required"] is Outcome.BROKEN


def test_an_application_is_asked_as_if_the_url_led_to_it():
    seen = []

    async def app(scope, receive, send):
        seen.append((dict(scope["headers"]).get(b"host"), scope.get("path")))
        raise KeyError(scope["type"])

    usagekit.check("lyrcs", app=app, url="http://gateway.test/proxy", options=OPTIONS)

    assert seen[-1] == (b"gateway.test", f"/proxy{LYRCS.path}")


@pytest.mark.parametrize("spoken", ["asgi", "wsgi"])
def test_the_cap_holds_for_an_application_too(spoken):
    asked = []
    app = fake()

    def counting(*args):
        asked.append(args)
        return app(*args) if spoken == "asgi" else as_wsgi(app)(*args)

    bounds = Limits(requests=3)
    transport = transport_for(counting, spoken, seconds=5)
    with HttpTarget(LYRCS, "http://127.0.0.1", key=KEYS[0], limits=bounds, transport=transport) as target:
        for _ in range(3):
            assert target.send(Call()).status == 200
        with pytest.raises(BudgetSpent):
            target.send(Call())
    assert len([one for one in asked if spoken == "wsgi" or one[0]["type"] == "http"]) == 3


def test_a_lifespan_is_started_before_the_first_answer_and_stopped_after_the_last():
    told = []

    async def app(scope, receive, send):
        told.append((scope["type"], threading.get_ident(), id(asyncio.get_running_loop())))
        if scope["type"] == "http":
            assert scope["state"] == {"pool": 1}
            await PlainTextResponse("fine")(scope, receive, send)
            return
        scope["state"]["pool"] = 1
        for what in ("startup", "shutdown"):
            told.append((await receive())["type"])
            await send({"type": f"lifespan.{what}.complete"})

    with httpx2.Client(transport=transport_for(app, "asgi", seconds=5)) as client:
        assert ours() == []
        assert [client.get("http://test").text for _ in range(2)] == ["fine", "fine"]
    assert ours() == []
    kinds = [one if isinstance(one, str) else one[0] for one in told]
    assert kinds == ["lifespan", "lifespan.startup", "http", "http", "lifespan.shutdown"]
    places = {one[1:] for one in told if not isinstance(one, str)}
    assert len(places) == 1, "one loop in one thread"
    assert threading.get_ident() not in {thread for thread, _ in places}


def test_an_application_that_does_not_start_is_a_target_that_could_not_be_reached():
    async def failing(app):
        raise RuntimeError("no database")
        yield

    from contextlib import asynccontextmanager

    report = usagekit.check("lyrcs", app=Starlette(lifespan=asynccontextmanager(failing)), options=OPTIONS)

    assert report.exit_status == 3
    assert report.reason.endswith("the application did not start: RuntimeError: no database)")
    assert ours() == []


def raising(error):
    async def app(scope, receive, send):
        raise error

    return app


def test_an_exception_that_escapes_is_the_500_that_a_server_would_give():
    answer = ask(raising(KeyError("usages")))

    assert answer.status_code == 500
    assert answer.text.startswith("the application raised KeyError: 'usages' (test_applications.py:")


def test_an_exception_that_escapes_is_told_in_the_report():
    report = usagekit.check("varg", app=raising(KeyError("usages")), options=OPTIONS)

    assert report.exit_status == 1
    assert any("KeyError: 'usages'" in verdict.finding.observed for verdict in report.of(Outcome.BROKEN))


def test_not_even_a_request_to_exit_ends_the_run():
    assert ask(raising(SystemExit(1))).status_code == 500
    assert ask(lambda environ, start_response: sys.exit(1)).status_code == 500


def test_an_error_page_of_the_framework_stands_before_the_exception_behind_it():
    def broken(request):
        raise KeyError("usages")

    async def page(request, error):
        return PlainTextResponse("sorry", 500)

    app = Starlette(routes=[Route("/", broken)], exception_handlers={Exception: page})

    assert ask(app).text == "sorry"


async def breaks_off(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise KeyError("usages")


async def forgets_the_end(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})


def breaks_off_too(environ, start_response):
    start_response("200 OK", [])
    yield b"half"
    raise KeyError("usages")


@pytest.mark.parametrize("app", [breaks_off, forgets_the_end, breaks_off_too])
def test_an_answer_that_breaks_off_is_a_broken_connection(app):
    with pytest.raises(httpx2.RemoteProtocolError, match=r"KeyError|without an answer"):
        ask(app)


async def says_nothing(scope, receive, send):
    return


async def begins_with_the_body(scope, receive, send):
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.mark.parametrize("app", [says_nothing, begins_with_the_body, lambda environ, start_response: [b"x"]])
def test_an_application_that_breaks_its_protocol_is_a_500(app):
    assert ask(app).status_code == 500


async def waits(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.sleep(3600)


async def streams_without_end(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"", "more_body": True})


@pytest.mark.parametrize("app", [waits, streams_without_end])
def test_an_answer_that_does_not_come_is_cut_off(app):
    with pytest.raises(httpx2.ReadTimeout, match=r"0\.05 s"):
        ask(app, seconds=0.05)
    assert ours() == []


@pytest.mark.parametrize("spoken", ["asgi", "wsgi"])
def test_a_stuck_application_ends_the_run(spoken, monkeypatch):
    monkeypatch.setattr("usagekit.asgi.GRACE", 0.02)
    over = threading.Event()

    async def blocks(scope, receive, send):
        if scope["type"] == "http":
            over.wait()

    def blocks_too(environ, start_response):
        over.wait()
        return []

    transport = transport_for(blocks if spoken == "asgi" else blocks_too, spoken, seconds=0.02)
    client = httpx2.Client(transport=transport)
    try:
        for _ in range(5):
            with pytest.raises(httpx2.ReadTimeout, match="busy"):
                client.get("http://test")
        with pytest.raises(RunOver, match="stuck"):
            client.get("http://test")
    finally:
        over.set()
        client.close()
    for thread in ours():
        thread.join(5)


async def pieces():
    for piece in (b"{", b"}"):
        yield piece
        await asyncio.sleep(0)


def test_streams_synchronous_handlers_and_heads_are_answered():
    app = Starlette(
        routes=[
            Route("/stream", lambda request: StreamingResponse(pieces())),
            Route("/plain", lambda request: PlainTextResponse("plain")),
        ]
    )

    assert ask(app, "/stream").content == b"{}"
    assert ask(app, "/plain").text == "plain"
    head = ask(app, "/plain", method="HEAD")
    assert (head.content, head.headers["content-length"]) == (b"", "5")
    assert ours() == []


def test_a_slash_redirect_is_followed():
    def usage(request):
        return PlainTextResponse("{}")

    app = Starlette(routes=[Route(f"{LYRCS.path}/", usage)])
    with HttpTarget(
        LYRCS, "http://test", key=KEYS[0], transport=transport_for(app, "asgi", seconds=5)
    ) as target:
        assert target.send(Call()).status == 200


class Old:
    """A WSGI application as they are written too: a class, `write`, a header that is not ASCII, `close`."""

    closed = 0

    def __init__(self, environ, start_response):
        self.write = start_response("200 OK", [("x-name", "café")])

    def __iter__(self):
        self.write(b"one ")
        yield b"two "
        self.write(b"three")

    def close(self):
        Old.closed += 1


def test_old_ways_of_wsgi_work():
    answer = ask(Old)

    assert answer.text == "one two three"
    assert answer.headers.raw == [(b"x-name", "café".encode("latin-1"))]
    assert Old.closed == 1


def test_an_error_that_a_wsgi_application_handles_itself_stands():
    def app(environ, start_response):
        try:
            raise KeyError("usages")
        except KeyError:
            start_response("400 Bad Request", [], sys.exc_info())
            return [b"sorry"]

    assert (ask(app).status_code, ask(app).text, ask(app, method="HEAD").content) == (400, "sorry", b"")


def test_more_than_a_run_reads_is_not_kept(monkeypatch):
    monkeypatch.setattr("usagekit.asgi.MAX_BODY", 10)
    monkeypatch.setattr("usagekit.wsgi.MAX_BODY", 10)

    async def large(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(8):
                await send({"type": "http.response.body", "body": b"xxx", "more_body": True})
            await send({"type": "http.response.body"})

    def large_too(environ, start_response):
        start_response("200 OK", [])
        yield from [b"xxx"] * 8

    assert [len(ask(app).content) for app in (large, large_too)] == [12, 12]


def two(environ, start_response): ...


def three(scope, receive, send): ...


async def three_later(scope, receive, send): ...


class Called:
    async def __call__(self, scope, receive, send): ...


@pytest.mark.parametrize(
    ("app", "spoken"),
    [
        (two, "wsgi"),
        (three, "asgi"),
        (three_later, "asgi"),
        (Called(), "asgi"),
        (Old, "wsgi"),
        (fake(), "asgi"),
    ],
)
def test_what_an_application_speaks_is_seen(app, spoken):
    assert interface_of(app) == spoken


async def two_later(environ, start_response): ...


@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        (lambda *args: None, "takes both .* say interface"),
        (two_later, "say interface 'asgi' or 'wsgi'"),
        (lambda one: None, "takes neither"),
        (lambda: None, "takes no arguments"),
        (7, "is a int, which cannot be called"),
    ],
)
def test_what_cannot_be_seen_is_asked_for(app, sentence):
    with pytest.raises(InvalidError, match=sentence):
        interface_of(app)


def test_what_an_application_speaks_can_be_said():
    assert interface_of(lambda *args: None, "wsgi") == "wsgi"
    with pytest.raises(CheckError, match="did you mean 'wsgi'"):
        usagekit.check("lyrcs", app=two, interface="wsgy")


def test_an_interrupt_ends_the_run_and_its_thread():
    async def app(scope, receive, send):
        if scope["type"] == "http":
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            await asyncio.sleep(3600)

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        usagekit.check("lyrcs", app=app, options=Options(seconds=600))
    assert ours() == []
    assert time.monotonic() - begun < 300, "the interrupt was waited for"


MODULE = """
import usagekit
fake = usagekit.create_app("lyrcs", now="2026-03-15")
def make():
    return fake
def fails():
    raise KeyError("settings")
def either(*args):
    pass
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "my_proxy.py").write_text(MODULE, "utf-8")
    (tmp_path / "my_broken.py").write_text("import not_installed_anywhere", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield lambda *words: CliRunner().invoke(main, ["check", "lyrcs", "--examples", "1", *words])
    for name in ("my_proxy", "my_broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("words", [["my_proxy:fake"], ["my_proxy:make", "--factory"]])
def test_the_command_line_takes_an_import_string(words, run):
    result = run("--now", "2026-03-15", "--app", *words)

    assert result.exit_code == 0, result.output
    again = " ".join(["usagekit check lyrcs --seed 1 --app", *words])
    assert f"again: {again}\n" in result.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["my_proxy"], "write package.module:app"),
        (["my_prox:fake"], "there is no module 'my_prox' here"),
        (["my_proxy:fak"], "did you mean 'fake'"),
        (["my_broken:app"], "importing my_broken failed: ModuleNotFoundError"),
        (["my_proxy:make"], "takes no arguments"),
        (["my_proxy:either"], "say interface"),
        (["my_proxy:fails", "--factory"], "fails() failed: KeyError: 'settings' (my_proxy.py:7)"),
        (["my_proxy:fake", "--interface", "wsgy"], "wsgy"),
    ],
)
def test_a_wrong_application_is_one_sentence_and_exit_two(words, sentence, run):
    result = run("--app", *words)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_factory_is_one_of_an_application(run):
    assert "--factory needs --app" in run("--factory").stderr


def test_a_run_leaves_nothing_to_complain_about(tmp_path):
    program = (
        "import usagekit; assert usagekit.check('lyrcs', app=usagekit.create_app('lyrcs')).exit_status == 0"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
