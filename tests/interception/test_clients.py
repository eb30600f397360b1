"""One table of cases, asked through every client library."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import time
from dataclasses import replace
from functools import cache

import pytest

import usagekit
from tests.interception.clients import CLIENTS
from usage_mockserver.faults import Fault
from usage_specs import PROVIDERS, load

NOW = "2026-03-15T12:00:00Z"
QUERY = {
    "somya": "from=2026-03-01&to=2026-03-15",
    "supertone": "start_date=2026-03-01&end_date=2026-03-15",
    "varg": "from=2026-03-01&to=2026-03-15&limit=100",
    "surnex": "from=2026-03-01&to=2026-03-15",
    "lyrcs": "",
}
PLAIN = {"accept": "application/json"}


def key(provider):
    service = load(provider).service
    credential = service.credentials[0]
    return {**PLAIN, credential.header: credential.value(service.demo_key)}


def address(provider):
    service = load(provider).service
    return f"{service.origin}{service.path}" + (f"?{QUERY[provider]}" if QUERY[provider] else "")


@cache
def untouched():
    return usagekit.create_app(now=NOW)


def fake(provider, headers, method="GET", path=None):
    """What the fake itself answers, without any client."""
    service = load(provider).service
    query = QUERY[provider] if path is None else ""
    fields = {"host": service.host, **headers}
    return untouched().handle(method, service.host, path or service.path, query, fields, "https")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_answer_is_that_of_the_fake(client, provider):
    expected = fake(provider, key(provider))
    with usagekit.intercept(now=NOW) as usage:
        got = client.ask("GET", address(provider), key(provider))
    assert (got.status, got.body) == (200, expected.body)
    assert [entry.record.provider for entry in usage.requests] == [provider]


def test_no_name_is_looked_up_no_socket_connected_and_no_tls_begun(client, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("this would leave the process")

    for owner, name in (
        (socket, "getaddrinfo"),
        (socket.socket, "connect"),
        (socket.socket, "connect_ex"),
        (ssl.SSLContext, "wrap_socket"),
        (ssl.SSLContext, "wrap_bio"),
        (asyncio.BaseEventLoop, "create_connection"),
        (asyncio.BaseEventLoop, "getaddrinfo"),
    ):
        monkeypatch.setattr(owner, name, forbidden)
    with usagekit.intercept(now=NOW):
        statuses = [client.ask("GET", address(name), key(name)).status for name in PROVIDERS]
    assert statuses == [200] * 5


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_a_key_the_vendor_refuses(client, provider):
    expected = fake(provider, PLAIN)
    with usagekit.intercept(now=NOW):
        got = client.ask("GET", address(provider), PLAIN)
    assert (got.status, got.body) == (401, expected.body)


def test_a_key_that_was_not_configured_is_refused(client):
    with usagekit.intercept(now=NOW, keys=["sk_mine"]):
        other = client.ask("GET", address("surnex"), {**PLAIN, "x-api-key": "sk_other"})
        mine = client.ask("GET", address("surnex"), {**PLAIN, "x-api-key": "sk_mine"})
    assert (other.status, mine.status) == (401, 200)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_fields_arrive(client, provider):
    expected = fake(provider, key(provider))
    with usagekit.intercept(now=NOW):
        got = client.ask("GET", address(provider), key(provider))
    fixed = {name: value for name, value in expected.headers if name != "x-request-id"}
    assert fixed.items() <= got.headers.items()
    assert got.headers["content-length"] == str(len(expected.body))
    assert got.headers["x-usagekit"] == "fake"
    assert got.headers["date"].endswith(" GMT")


@pytest.mark.parametrize(("provider", "status"), [("somya", 307), ("lyrcs", 308)])
def test_redirects_are_followed_by_the_client(client, provider, status):
    service = load(provider).service
    url = f"{service.origin}{service.path}/"
    with usagekit.intercept(now=NOW) as usage:
        stayed = client.ask("GET", url, key(provider), follow=False)
        got = client.ask("GET", url, key(provider))
    assert stayed.status == status
    assert (got.status, got.history) == (200, [status])
    assert [entry.record.status for entry in usage.requests] == [status, status, 200]


def test_head_has_the_fields_and_no_body(client):
    body = fake("lyrcs", key("lyrcs")).body
    with usagekit.intercept(now=NOW) as usage:
        got = client.ask("HEAD", address("lyrcs"), key("lyrcs"))
        after = client.ask("GET", address("lyrcs"), key("lyrcs"))
    assert (got.status, got.body) == (200, b"")
    assert got.headers["content-length"] == str(len(body))
    assert after.body == body
    assert [entry.record.method for entry in usage.requests] == ["HEAD", "GET"]


def test_an_unchanged_answer_is_304(client):
    with usagekit.intercept(now=NOW):
        first = client.ask("GET", address("supertone"), key("supertone"))
        again = client.ask(
            "GET", address("supertone"), {**key("supertone"), "if-none-match": first.headers["etag"]}
        )
    assert (again.status, again.body) == (304, b"")


def test_an_answer_is_read_in_pieces(client):
    body = fake("supertone", key("supertone")).body
    with usagekit.intercept(now=NOW):
        chunks = client.chunks(address("supertone"), key("supertone"), 1000)
    assert b"".join(chunks) == body
    assert len(chunks) >= len(body) / 1000


@pytest.mark.parametrize("gzip", ["gzip, deflate", "identity"])
def test_gzip_may_be_accepted(client, gzip):
    with usagekit.intercept(now=NOW):
        got = client.ask("GET", address("lyrcs"), {**key("lyrcs"), "accept-encoding": gzip})
    assert got.body == fake("lyrcs", key("lyrcs")).body


def body_of(kind, sent):
    def generated():
        for part in (b"one", b"two", b"x" * 200_000):
            sent.append(part)
            yield part

    return {"bytes": b"a=b", "generator": generated(), "file": io.BytesIO(b"c" * 300_000)}[kind]


@pytest.mark.parametrize("kind", ["bytes", "generator", "file"])
def test_bodies_are_taken(client, kind):
    sent = []
    headers = {**key("lyrcs"), "content-type": "application/octet-stream"}
    with usagekit.intercept(now=NOW) as usage:
        got = client.ask("POST", address("lyrcs"), headers, body_of(kind, sent))
        after = client.ask("GET", address("lyrcs"), key("lyrcs"))
    assert got.status == fake("lyrcs", headers, "POST").status == 405
    assert after.status == 200
    assert [entry.record.method for entry in usage.requests] == ["POST", "GET"]
    assert len(sent) == (3 if kind == "generator" else 0)


def slow(usage, seconds):
    handle = usage.app.handle
    usage.app.handle = lambda *args: replace(handle(*args), delay=seconds)


def test_an_answer_that_is_too_late_is_the_timeout_of_the_client(client):
    with usagekit.intercept(now=NOW) as usage:
        slow(usage, 30)
        begun = time.monotonic()
        with pytest.raises(client.timed_out) as raised:
            client.ask("GET", address("lyrcs"), key("lyrcs"), timeout=0.05)
        waited = time.monotonic() - begun
    assert 0.04 < waited < 5
    assert "time" in repr(raised.value).lower()


def test_an_answer_that_is_late_is_waited_for(client):
    with usagekit.intercept(now=NOW) as usage:
        slow(usage, 0.04)
        begun = time.monotonic()
        got = client.ask("GET", address("lyrcs"), key("lyrcs"), timeout=10)
    assert got.status == 200
    assert time.monotonic() - begun >= 0.035


ORIGINS = [
    pytest.param("https://api.somya.ai:443", id="explicit port"),
    pytest.param("https://API.Somya.AI", id="upper case"),
    pytest.param("https://api.somya.ai.", id="final dot"),
    pytest.param("http://api.somya.ai", id="http"),
    pytest.param("http://api.somya.ai:80", id="http with port"),
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_every_spelling_of_an_origin_is_meant(client, origin):
    with usagekit.intercept(now=NOW):
        got = client.ask("GET", f"{origin}/v1/usage?{QUERY['somya']}", key("somya"))
        turned = client.ask("GET", f"{origin}/v1/usage/", key("somya"), follow=False)
    assert (got.status, got.body) == (200, fake("somya", key("somya")).body)
    assert turned.headers["location"] == f"{origin.partition(':')[0]}://api.somya.ai/v1/usage"


@pytest.mark.parametrize(
    "url", ["https://api.somya.ai:8443/v1/usage", "http://api.somya.ai:443/", "https://somya.ai/"]
)
def test_another_port_or_name_is_another_host(client, url):
    with usagekit.intercept(allow_other_hosts=False) as usage, pytest.raises(client.refused):
        client.ask("GET", url, key("somya"))
    assert usage.requests == []


@pytest.mark.parametrize("origin", ["https://lyrcs.ai", "http://lyrcs.ai"])
def test_a_proxy_is_not_asked(client, origin, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client.close()
    with type(client)() as behind_proxy, usagekit.intercept(now=NOW):
        got = behind_proxy.ask("GET", f"{origin}/api/v1/usage", key("lyrcs"))
        again = behind_proxy.ask("GET", f"{origin}/api/v1/usage", key("lyrcs"))
    assert got.body == again.body == fake("lyrcs", key("lyrcs")).body
    client.__init__()


# -- other hosts ----------------------------------------------------------------------------------------


def test_other_hosts_are_reached(client, real):
    with usagekit.intercept() as usage:
        got = client.ask("GET", f"{real.url}/there")
    assert (got.body, real.asked, usage.requests) == (b"real", ["/there"], [])


def test_other_hosts_are_refused_when_asked(client, real):
    with usagekit.intercept(allow_other_hosts=False), pytest.raises(client.refused) as raised:
        client.ask("GET", f"{real.url}/there")
    assert "allow_other_hosts={'127.0.0.1'}" in str(raised.value).replace("\\", "")
    assert real.asked == []


def test_a_connection_from_before_is_refused_too(client, real):
    client.ask("GET", f"{real.url}/before")
    with usagekit.intercept(allow_other_hosts=False), pytest.raises(client.refused):
        client.ask("GET", f"{real.url}/inside")
    client.ask("GET", f"{real.url}/after")
    assert real.asked == ["/before", "/after"]


@pytest.mark.parametrize("allowed", [{"127.0.0.1"}, ["example.org.", "127.0.0.1"], True])
def test_named_hosts_are_allowed(client, real, allowed):
    with usagekit.intercept(allow_other_hosts=allowed):
        assert client.ask("GET", f"{real.url}/there").body == b"real"


def test_an_allowed_host_behind_a_refused_proxy_is_reached(client, real, monkeypatch):
    monkeypatch.setenv("http_proxy", real.url.replace("127.0.0.1", "localhost"))
    client.close()
    with type(client)() as behind_proxy, usagekit.intercept(allow_other_hosts={"example.org"}):
        direct = isinstance(behind_proxy, CLIENTS["http.client"])
        url = f"{real.url}/x" if direct else "http://example.org/x"
        if direct:
            with pytest.raises(behind_proxy.refused):
                behind_proxy.ask("GET", url)
        else:
            assert behind_proxy.ask("GET", url).body == b"real"
    client.__init__()


# -- before and after -----------------------------------------------------------------------------------

LYRCS = "http://lyrcs.ai/api/v1/usage"


def test_a_client_with_an_open_connection_is_intercepted_and_goes_back(client, at_lyrcs):
    before = client.ask("GET", LYRCS)
    with usagekit.intercept(now=NOW) as usage:
        inside = [client.ask("GET", LYRCS, key("lyrcs")) for _ in range(2)]
    after = client.ask("GET", LYRCS)
    assert (before.body, after.body) == (b"real", b"real")
    assert [got.body for got in inside] == [fake("lyrcs", key("lyrcs")).body] * 2
    assert (len(at_lyrcs.asked), len(usage.requests)) == (2, 2)
    # urllib.request closes each connection; all others find theirs again, untouched.
    assert len(at_lyrcs.peers) == (2 if isinstance(client, CLIENTS["urllib"]) else 1)


def test_a_client_first_used_inside_goes_to_the_network_afterwards(client, at_lyrcs):
    with usagekit.intercept(now=NOW) as usage:
        client.ask("GET", LYRCS, key("lyrcs"))
    assert client.ask("GET", LYRCS).body == b"real"
    with usagekit.intercept(now=NOW) as again:
        client.ask("GET", LYRCS, key("lyrcs"))
    assert (len(usage.requests), len(again.requests), len(at_lyrcs.asked)) == (1, 1, 1)


def test_many_requests_of_one_client(client):
    with usagekit.intercept(now=NOW) as usage:
        statuses = [client.ask("GET", address(name), key(name)).status for name in PROVIDERS * 20]
    assert statuses == [200] * 100
    assert len(usage.requests) == 100


# -- faults ---------------------------------------------------------------------------------------------


def disturbed(usage, kind, **how):
    usage.world.change("lyrcs", faults=(Fault(kind, **how),))


def test_a_connection_that_is_reset(client):
    with usagekit.intercept("lyrcs", now=NOW) as usage:
        disturbed(usage, "reset", times=client.attempts)
        with pytest.raises(client.reset) as raised:
            client.ask("GET", address("lyrcs"), key("lyrcs"))
        assert client.ask("GET", address("lyrcs"), key("lyrcs")).status == 200
    assert "reset" in repr(raised.value).lower()


def test_a_body_that_is_cut_off(client):
    with usagekit.intercept("lyrcs", now=NOW) as usage:
        disturbed(usage, "truncate", size=10, times=1)
        with pytest.raises(client.cut):
            client.ask("GET", address("lyrcs"), key("lyrcs"))
        assert client.ask("GET", address("lyrcs"), key("lyrcs")).status == 200


def test_a_body_that_drips(client):
    whole = fake("lyrcs", key("lyrcs")).body
    pieces = len(whole) // 100
    with usagekit.intercept("lyrcs", now=NOW) as usage:
        disturbed(usage, "drip", size=100, ms=10)
        begun = time.monotonic()
        got = client.ask("GET", address("lyrcs"), key("lyrcs"))
        assert time.monotonic() - begun >= 0.009 * pieces
        disturbed(usage, "drip", size=100, ms=30_000)
        with pytest.raises(client.dripped or client.timed_out):
            client.ask("GET", address("lyrcs"), key("lyrcs"), timeout=0.05)
    assert (got.body, pieces >= 2) == (whole, True)


def test_latency_and_other_refusals(client):
    with usagekit.intercept("lyrcs", now=NOW) as usage:
        disturbed(usage, "latency", ms=30_000)
        with pytest.raises(client.timed_out):
            client.ask("GET", address("lyrcs"), key("lyrcs"), timeout=0.05)
        disturbed(usage, "gateway-html", status=503)
        assert client.ask("GET", address("lyrcs"), key("lyrcs")).status == 503
        disturbed(usage, "rate-limit", limit=1, window=60)
        statuses = [client.ask("GET", address("lyrcs"), key("lyrcs")).status for _ in range(2)]
    assert statuses == [200, 429]
