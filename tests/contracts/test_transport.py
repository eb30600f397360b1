"""Nothing goes round the transport: cap, pace, methods, patience, bounds."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import httpx2
import pytest

from tests.contracts.in_process import run
from usage_contracts.target import Call
from usage_contracts.transport import BudgetSpent, HttpTarget, Limits, retry_after
from usage_specs import load

SERVICE = load("somya").service
KEY = "sk_a_key_of_the_test"


class Wire(httpx2.BaseTransport):
    """Keeps what is sent, answers as told."""

    def __init__(self, *responses: httpx2.Response) -> None:
        self.sent: list[httpx2.Request] = []
        self.responses = list(responses)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        return self.responses.pop(0) if self.responses else httpx2.Response(200, json={})


def target(wire: Wire, **limits: object) -> HttpTarget:
    bounds = Limits(sleep=lambda _: None, **limits)
    return HttpTarget(SERVICE, "http://127.0.0.1:1/prefix/", key=KEY, limits=bounds, transport=wire)


def test_the_documented_path_is_appended_to_origin_and_prefix():
    wire = Wire()

    target(wire).send(Call((("from", "2026-01-01"), ("x", "a b+c"))))

    assert str(wire.sent[0].url) == "http://127.0.0.1:1/prefix/v1/usage?from=2026-01-01&x=a%20b%2Bc"


def test_requests_say_who_asks():
    wire = Wire()

    target(wire).send(Call())

    assert wire.sent[0].headers["user-agent"].startswith("usagekit-contracts/")


def test_requests_are_those_of_the_printed_curl_line():
    wire = Wire(httpx2.Response(200, json={}, headers={"set-cookie": "session=1; Path=/"}))
    asked = target(wire)
    asked.send(Call())
    asked.send(Call(key="none"))

    assert [sent.headers["accept"] for sent in wire.sent] == ["*/*", "*/*"]
    assert "cookie" not in wire.sent[1].headers


@pytest.mark.parametrize(
    ("call", "headers"),
    [
        (Call(), {"x-api-key": KEY}),
        (Call(via=1), {"authorization": f"Bearer {KEY}"}),
        (Call(key="none"), {}),
        (Call(key="empty", via=1), {"authorization": "Bearer"}),
        (Call(key="scheme", via=1), {"authorization": "Basic dXNhZ2VraXQ6d3Jvbmc="}),
        (Call(key="longer"), {"x-api-key": KEY + "wrong"}),
        (Call(key="shorter"), {"x-api-key": KEY[:-1]}),
        (Call(key="wrong"), {"x-api-key": "sk_wrong_usagekit_0123456789"}),
    ],
)
def test_credentials_are_presented_one_at_a_time(call, headers):
    wire = Wire()

    target(wire).send(call)

    sent = {
        name: value for name, value in wire.sent[0].headers.items() if name in {"x-api-key", "authorization"}
    }
    assert sent == headers


def test_the_cap_is_never_passed():
    wire = Wire()
    asked = target(wire, requests=3)
    for _ in range(3):
        asked.send(Call())

    with pytest.raises(BudgetSpent):
        asked.send(Call())
    assert len(wire.sent) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_a_live_run_sends_nothing_but_get(method):
    wire = Wire()

    with pytest.raises(BudgetSpent):
        target(wire, live=True).send(Call(method=method))
    assert wire.sent == []


def test_requests_keep_their_distance():
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    limits = Limits(gap=6.0, clock=lambda: now[0], sleep=sleep)
    asked = HttpTarget(SERVICE, "http://127.0.0.1:1", key=KEY, limits=limits, transport=Wire())
    for _ in range(3):
        asked.send(Call())

    assert slept == [6.0, 6.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 1.0), ("0", 0.0), ("7", 7.0), ("soon", 1.0), ("²", 1.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header) == seconds


def test_waiting_has_an_end():
    limits = Limits(waits=10, sleep=lambda _: None)

    assert [limits.may_wait("6"), limits.may_wait("6"), limits.may_wait("4")] == [True, False, True]


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("/prefix/v1/usage/?from=x", True),
        ("http://127.0.0.1:1/prefix/v1/usage/", True),
        ("http://127.0.0.1:2/prefix/v1/usage/", False),
        ("https://127.0.0.1:1/prefix/v1/usage/", False),
        ("//elsewhere.invalid/prefix/v1/usage/", False),
        ("/login", False),
    ],
)
def test_only_a_slash_on_the_same_origin_is_followed(location, followed):
    wire = Wire(httpx2.Response(307, headers={"location": location}))

    answer = target(wire).send(Call((("from", "x"),)))

    assert (answer.status == 200, len(wire.sent)) == (followed, 2 if followed else 1)
    assert {request.url.host for request in wire.sent} == {"127.0.0.1"}


def test_a_live_run_follows_nothing():
    wire = Wire(httpx2.Response(307, headers={"location": "/prefix/v1/usage/"}))

    assert target(wire, live=True).send(Call()).status == 307
    assert len(wire.sent) == 1


def test_an_endless_body_is_cut(monkeypatch):
    monkeypatch.setattr("usage_contracts.transport.MAX_BODY", 1000)
    wire = Wire(httpx2.Response(200, content=b"x" * 5000))

    assert "larger than" in target(wire).send(Call()).trouble


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", id="header lines"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="interim answers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"x", id="a body"),
    ],
)
def test_an_answer_that_trickles_for_ever_is_cut_off(start, piece):
    enough = threading.Event()

    def trickle():
        with listening.accept()[0] as peer, suppress(OSError):
            peer.recv(65536)
            peer.sendall(start)
            while not enough.wait(0.01):
                peer.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=trickle)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with HttpTarget(SERVICE, url, key=KEY, limits=Limits(seconds=0.1)) as asked:
            answer = asked.send(Call())
        enough.set()
        thread.join()

    assert answer.trouble.startswith("the answer took over")
    assert answer.body == b""


def test_a_broken_content_encoding_is_trouble_and_no_crash():
    class Garbled(httpx2.BaseTransport):
        def handle_request(self, request):
            return httpx2.Response(
                200, headers={"content-encoding": "gzip"}, stream=httpx2.ByteStream(b"no gzip at all")
            )

    bounds = Limits()
    asked = HttpTarget(SERVICE, "http://127.0.0.1:1", key=KEY, limits=bounds, transport=Garbled())

    assert "content encoding" in asked.send(Call()).trouble


def test_the_key_is_in_no_repr():
    assert KEY not in repr(target(Wire())) + repr(Call())


def test_a_run_ends_at_its_cap_and_says_so():
    report = run("varg", limits=Limits(requests=20))

    assert report.requests == 20
    assert any("20 requests are used up" in note for note in report.notes)
