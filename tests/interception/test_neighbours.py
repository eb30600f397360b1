"""What people put into their clients themselves goes on to work, and what is not used is not imported."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import textwrap
import time
import urllib.request
from datetime import timedelta
from unittest import mock

import aiohttp
import httpcore
import httpx
import httpx2
import pytest
import requests
import requests.adapters
import urllib3

import usagekit
from usage_mockserver.faults import Fault

URL = "https://lyrcs.ai/api/v1/usage"
KEY = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}


class Canned(requests.adapters.BaseAdapter):
    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response._content, response.request = 299, b"mine", request
        return response

    def close(self):
        pass


def mounted():
    session = requests.Session()
    session.mount("https://", Canned())
    return session.get(URL).status_code


def patched_adapter():
    """The way of responses: the adapter's method is replaced."""
    with mock.patch.object(requests.adapters.HTTPAdapter, "send", Canned().send):
        return requests.get(URL).status_code


def replaced_transport(library):
    """The way of pytest-httpx: the transport's method is replaced."""

    def mine(self, request):
        return library.Response(299)

    with mock.patch.object(library.HTTPTransport, "handle_request", mine):
        return library.get(URL).status_code


def replaced_pool():
    """The way of respx: the pool's method is replaced, which is also our seam."""

    def mine(self, request):
        return httpcore.Response(299)

    with mock.patch.object(httpcore.ConnectionPool, "handle_request", mine):
        return httpx.get(URL).status_code


def mocked(library):
    with library.Client(transport=library.MockTransport(lambda _: library.Response(299))) as client:
        return client.get(URL).status_code


def asgi():
    import asyncio

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return (await client.get(URL)).status_code

    return asyncio.run(ask())


def own_handler():
    class Mine(urllib.request.HTTPSHandler):
        def https_open(self, req):
            return urllib.request.addinfourl(mock.MagicMock(), {}, req.full_url, 299)

    return urllib.request.build_opener(Mine).open(URL).code


def replaced_request():
    """The way of aioresponses: the session's method is replaced."""
    import asyncio

    async def mine(self, method, url, **_):
        return mock.Mock(status=299, release=mock.AsyncMock())

    async def ask():
        async with aiohttp.ClientSession() as session:
            return (await session._request("GET", URL)).status

    with mock.patch.object(aiohttp.ClientSession, "_request", mine):
        return asyncio.run(ask())


OWN = {
    "requests, a mounted adapter": mounted,
    "requests, the adapter patched": patched_adapter,
    "httpx, the transport patched": lambda: replaced_transport(httpx),
    "httpx2, the transport patched": lambda: replaced_transport(httpx2),
    "httpx, the pool patched": replaced_pool,
    "httpx, MockTransport": lambda: mocked(httpx),
    "httpx2, MockTransport": lambda: mocked(httpx2),
    "httpx, ASGITransport": asgi,
    "urllib, an own handler": own_handler,
    "aiohttp, the session patched": replaced_request,
}


@pytest.mark.parametrize("name", OWN)
def test_own_mocks_win_inside(name):
    with usagekit.intercept() as usage:
        assert OWN[name]() == 299
    assert usage.requests == []


def mine(_pool, _request):
    return httpcore.Response(299)


def test_an_own_patch_around_it_is_what_other_hosts_reach(monkeypatch):
    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", mine)
    with usagekit.intercept():
        assert httpx.get("https://example.org/").status_code == 299
        assert httpx.get(URL, headers=KEY).status_code == 200
    assert vars(httpcore.ConnectionPool)["handle_request"] is mine


def test_an_interception_inside_of_an_own_patch_inside_of_an_interception():
    with usagekit.intercept() as outer:
        with mock.patch.object(httpcore.ConnectionPool, "handle_request", mine):
            with usagekit.intercept() as inner:
                assert httpx.get(URL, headers=KEY).status_code == 200
            assert httpx.get(URL).status_code == 299
        assert httpx.get(URL, headers=KEY).status_code == 200
    assert (len(outer.requests), len(inner.requests)) == (1, 1)


def test_an_own_patch_that_outlives_it_finds_nothing_of_it(at_lyrcs, monkeypatch):
    # So that the end of this test puts it back, which the patch below cannot.
    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", httpcore.ConnectionPool.handle_request)
    with usagekit.intercept():
        patch = mock.patch.object(httpcore.ConnectionPool, "handle_request", mine)
        patch.start()
    assert httpx.get(URL).status_code == 299
    patch.stop()
    assert httpx.get("http://lyrcs.ai/").content == b"real"


# -- what clients show beside the answer ----------------------------------------------------------------


def test_requests_shows_what_it_always_shows():
    seen = []
    with usagekit.intercept() as usage, requests.Session() as session:
        session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
        session.auth = lambda request: request.headers.update(KEY) or request
        session.cookies.set("a", "b")
        got = session.get(URL + "/", stream=True, timeout=(3, 4))
        assert got.raw.read(5) == b'{"org'
        got.close()
        form = session.post(URL, files={"file": b"content"}, data={"name": "value"})
    assert (got.elapsed.total_seconds() > 0, got.url, got.reason) == (True, URL, "OK")
    assert [step.status_code for step in got.history] == [308]
    assert (seen, form.status_code) == ([308, 200, 405], 405)
    assert dict(usage.requests[0].record.credentials)["cookie"] == "[masked]"


def test_the_retries_of_a_client_are_its_own(monkeypatch):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        usage.world.change(
            "lyrcs", clock=usage.world.settings["lyrcs"].clock.advance(timedelta(seconds=seconds))
        )

    with usagekit.intercept("lyrcs", now="2026-03-15T12:00:00Z") as usage, requests.Session() as session:
        usage.world.change("lyrcs", faults=(Fault("rate-limit", limit=1, window=7),))
        session.mount("https://", requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(2)))
        monkeypatch.setattr(time, "sleep", sleep)
        assert [session.get(URL, headers=KEY).status_code for _ in range(2)] == [200, 200]
    assert [entry.record.status for entry in usage.requests] == [200, 429, 200]
    assert 0 < sum(slept) <= 7


def test_a_field_that_is_sent_twice_is_a_list_or_the_first_of_them():
    with usagekit.intercept() as usage:
        connection = http.client.HTTPSConnection("lyrcs.ai")
        connection.putrequest("GET", "/api/v1/usage")
        for name, value in (
            *KEY.items(),
            ("authorization", "Bearer other"),
            ("cookie", "a=1"),
            ("cookie", "b=2"),
        ):
            connection.putheader(name, value)
        handle, seen = usage.app.handle, []
        usage.app.handle = lambda *args: seen.append(args[4]) or handle(*args)
        connection.endheaders()
        assert connection.getresponse().status == 200
    assert (seen[0]["authorization"], seen[0]["cookie"]) == (KEY["authorization"], "a=1, b=2")


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_httpx_shows_what_it_always_shows(library):
    seen = []
    hooks = {"request": [seen.append], "response": [seen.append]}
    auth = library.BasicAuth("a", "b")
    with usagekit.intercept(), library.Client(event_hooks=hooks, cookies={"a": "b"}, http2=False) as client:
        got = client.get(URL, headers=KEY)
        other = client.get(URL, auth=auth)
        form = client.post(URL, files={"file": b"content"}, data={"name": "value"})
        client.timeout = library.Timeout(1, read=2)
        assert client.get(URL).elapsed.total_seconds() > 0
    assert (got.http_version, got.reason_phrase, other.status_code) == ("HTTP/1.1", "OK", 401)
    assert (len(seen), form.status_code) == (8, 405)


@pytest.mark.asyncio
async def test_aiohttp_shows_what_it_always_shows():
    with usagekit.intercept() as usage:
        async with aiohttp.ClientSession(cookies={"a": "b"}, raise_for_status=True) as session:
            with pytest.raises(aiohttp.ClientResponseError, match="401"):
                await session.get(URL)
            async with session.get(URL, headers=KEY) as got:
                assert (got.reason, (await got.json())["period"]) == ("OK", "all_time")
            form = aiohttp.FormData({"name": "value"})
            form.add_field("file", b"content", filename="f")
            for body in (form, b"x" * 100_000):
                async with session.post(URL, data=body, expect100=True, raise_for_status=False) as got:
                    assert got.status == 405
            with pytest.raises(aiohttp.ClientResponseError, match="404"):
                await session.ws_connect("wss://lyrcs.ai/live")
    assert [entry.record.status for entry in usage.requests] == [401, 200, 405, 405, 404]


@pytest.mark.asyncio
async def test_aiohttp_traces_a_connection_and_what_it_carries():
    told = []
    trace = aiohttp.TraceConfig()
    for name in ("request_start", "connection_create_start", "connection_create_end", "request_end"):

        async def note(*_args, name=name):
            told.append(name)

        getattr(trace, f"on_{name}").append(note)
    with usagekit.intercept():
        async with (
            aiohttp.ClientSession(trace_configs=[trace]) as session,
            session.get(URL, headers=KEY) as got,
        ):
            assert got.status == 200
    assert told == ["request_start", "connection_create_start", "connection_create_end", "request_end"]


@pytest.mark.asyncio
async def test_an_answer_longer_than_the_buffers_of_aiohttp():
    with usagekit.intercept("varg") as usage:
        handle, body = usage.app.handle, bytes(range(256)) * 8192
        usage.app.handle = lambda *args: handle(*args).__class__(200, (), body)
        small = aiohttp.ClientSession(read_bufsize=1024)
        async with small as session, session.get("https://api.varg.ai/v1/usage") as got:
            parts = []
            while part := await got.content.read(100_000):
                parts.append(part)
    assert b"".join(parts) == body


@pytest.mark.parametrize("closed", [True, False])
def test_urllib3_connections_may_be_opened_by_hand(closed, at_lyrcs):
    with usagekit.intercept():
        connection = urllib3.connection.HTTPConnection("lyrcs.ai", 80)
        connection.connect()
        secure = http.client.HTTPSConnection("lyrcs.ai")
        secure.connect()
        if closed:
            connection.close()
            secure.close()
        assert at_lyrcs.peers == set()
    # A connection that was never used belongs to the network again.
    connection.request("GET", "/after")
    assert connection.getresponse().data == b"real"
    assert at_lyrcs.asked == ["/after"]
    connection.close()
    secure.close()


def test_an_unverified_connection_is_not_warned_of():
    with usagekit.intercept():
        assert requests.get(URL, headers=KEY, verify=False).status_code == 200


def test_a_request_that_no_server_could_read_gets_the_answer_of_ours():
    with usagekit.intercept():
        connection = http.client.HTTPSConnection("lyrcs.ai")
        connection.putrequest("GET", "/", skip_host=True)
        connection.endheaders()
        got = connection.getresponse()
        assert (got.status, json.loads(got.read())["usagekit"]["message"]) == (
            400,
            "A request has exactly one Host field.",
        )
        assert requests.request("PURGE", URL, headers=KEY).status_code == 405


# -- imports --------------------------------------------------------------------------------------------

LIBRARIES = ("urllib3", "requests", "httpx", "httpx2", "httpcore", "httpcore2", "aiohttp")


def run(code):
    """What a new interpreter prints for this code, as JSON."""
    script = textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_is_imported_that_is_not_used():
    found = run(f"""
        import json, sys
        from urllib.request import Request, urlopen
        before = set(sys.modules)
        import usagekit
        with usagekit.intercept() as usage:
            with urlopen(Request({URL!r}, headers={KEY!r})) as answer:
                body = answer.read()
        print(json.dumps([len(body) > 100, [name for name in {LIBRARIES} if name in sys.modules]]))
    """)
    assert found == [True, []]


@pytest.mark.parametrize("library", ["urllib3", "requests", "httpx", "httpx2", "aiohttp"])
def test_a_library_imported_inside_is_intercepted(library):
    ask = {
        "urllib3": "status = urllib3.request('GET', URL, headers=KEY).status",
        "requests": "status = requests.get(URL, headers=KEY).status_code",
        "httpx": "status = httpx.get(URL, headers=KEY).status_code",
        "httpx2": "status = httpx2.get(URL, headers=KEY).status_code",
        "aiohttp": """
            import asyncio
            async def asked():
                async with aiohttp.ClientSession() as session, session.get(URL, headers=KEY) as got:
                    return got.status
            status = asyncio.run(asked())
        """,
    }[library]
    code = f"""
        import json, sys
        import usagekit
        URL, KEY = {URL!r}, {KEY!r}
        finders = list(sys.meta_path)
        with usagekit.intercept() as outer, usagekit.intercept("lyrcs") as usage:
            assert {library!r} not in sys.modules
            import {library}
            INSIDE
        from usagekit.interception import patches
        for name in patches.LIBRARIES:
            module = sys.modules.get(name)
            if module is not None:
                assert module.__loader__ is module.__spec__.loader, name
                assert type(module.__loader__).__module__.startswith(("importlib", "_frozen_importlib")), name
        assert sys.meta_path == finders
        others = [name for name in {LIBRARIES} if name in sys.modules]
        print(json.dumps([status, len(usage.requests), patches.patched(), others]))
    """
    inside = textwrap.indent(textwrap.dedent(ask).strip(), " " * 12).lstrip()
    status, count, left, others = run(code.replace("INSIDE", inside))
    assert (status, count, left) == (200, 1, [])
    with_it = {"requests": ["urllib3"], "httpx": ["httpcore"], "httpx2": ["httpcore2"]}.get(library, [])
    assert set(others) == {library, *with_it}


def test_a_library_without_its_seam_says_so_on_import():
    found = run("""
        import json, sys, types
        import usagekit
        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name == "httpcore":
                    from importlib.machinery import ModuleSpec
                    return ModuleSpec(name, Finder)
            @staticmethod
            def create_module(spec):
                return types.ModuleType("httpcore")
            @staticmethod
            def exec_module(module):
                module.__version__ = "9.0"
        sys.meta_path.insert(0, Finder)
        with usagekit.intercept():
            try:
                import httpcore
            except RuntimeError as error:
                print(json.dumps([str(error), "httpcore" in sys.modules]))
    """)
    assert found[0].startswith(
        "usagekit.intercept() cannot answer for httpcore 9.0: it has no ConnectionPool.handle_request."
    )
    assert found[1] is False
