"""The wire under TLS: as over plain TCP, and whoever does not speak TLS is let go without a word or a trace."""

from __future__ import annotations

import gc
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from test_protocol import PATIENCE, QUICK, received, sent
from wire_cases import BAD, GOOD, STALLED, Case, get

from usage_mockserver.server import Running, Tls, serve
from usage_mockserver.world import World
from usagekit.tls import throw_away

pytest.importorskip("trustme", reason="TLS needs the extra [tls]")


@pytest.fixture(scope="module")
def tls() -> Iterator[Tls]:
    with throw_away() as made:
        yield made


@pytest.fixture(scope="module")
def server(tls: Tls) -> Iterator[Running]:
    with serve(World(["supertone"]), limits=QUICK, tls=tls) as running:
        yield running


@pytest.fixture(scope="module")
def trust(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.ca_file))


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing a peer does is worth a stack trace, or a line at all."""
    caplog.set_level(logging.INFO)
    yield
    assert [record.getMessage() for record in caplog.records] == []


def encrypted(running: Running, trust: ssl.SSLContext) -> closing[ssl.SSLSocket]:
    plain = socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)
    return closing(trust.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=True))


def talked(running: Running, trust: ssl.SSLContext, case: Case) -> tuple[list[int], bool]:
    """What came for the bytes of a case; a connection that the server means to keep is asked once more."""
    with encrypted(running, trust) as peer:
        sent(peer, case.raw)
        if case.closes:
            return received(peer)
        statuses, ended = received(peer, len(case.answers), head=case.raw.startswith(b"HEAD"))
        sent(peer, get(b"Host: supertoneapi.com\r\nConnection: close\r\n"))
        assert received(peer) == ([404], True), case.name
        return statuses, ended


def test_the_whole_corpus_is_answered_as_over_plain_tcp(server: Running, trust: ssl.SSLContext) -> None:
    # A head only counts as endless or late after a while, so all of them are talked to at once.
    cases = [*GOOD, *BAD, *STALLED]
    with ThreadPoolExecutor(24) as pool:
        results = list(pool.map(lambda case: talked(server, trust, case), cases))
    expected = {case.name: (list(case.answers), case.closes) for case in cases}
    assert dict(zip((case.name for case in cases), results, strict=True)) == expected


def test_http_1_1_is_agreed_on_and_old_versions_are_not(server: Running, tls: Tls) -> None:
    offering = ssl.create_default_context(cafile=str(tls.ca_file))
    offering.set_alpn_protocols(["h2", "http/1.1"])
    with encrypted(server, offering) as peer:
        assert peer.selected_alpn_protocol() == "http/1.1"
        assert peer.version() in ("TLSv1.2", "TLSv1.3")


def test_many_requests_travel_on_one_connection(server: Running, trust: ssl.SSLContext) -> None:
    with encrypted(server, trust) as peer:
        for _ in range(20):
            sent(peer, get())
            assert received(peer, 1) == ([200], False)
        sent(peer, get() * 200)
        assert received(peer, 200) == ([200] * 200, False)


def strangers() -> list[tuple[str, bytes]]:
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    first = hello.read()
    return [
        ("plain HTTP", get()),
        ("garbage", bytes(range(256)) * 8),
        ("a record of another version", b"\x16\x09\x09" + first[3:]),
        ("half a hello", first[: len(first) // 2]),
        ("a hello and no more", first),
        ("a hello and garbage", first + b"\x17\x03\x03\x00\x04junk"),
        ("silence", b""),
    ]


def open_descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted under /proc")
def test_who_does_not_speak_tls_is_let_go_and_nothing_stays(server: Running, trust: ssl.SSLContext) -> None:
    def knock(data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as peer:
            sent(peer, data)
            with suppress(ConnectionResetError):
                return b"".join(iter(lambda: peer.recv(65536), b""))
            return b""

    before = open_descriptors()
    with ThreadPoolExecutor(len(strangers())) as pool:
        answers = list(pool.map(knock, [data for _, data in strangers()] * 3))
    assert not any(b"HTTP/1.1" in answer for answer in answers)
    with encrypted(server, trust) as peer:
        sent(peer, get(b"Host: 127.0.0.1\r\nConnection: close\r\n"))
        assert received(peer) == ([200], True)
    deadline = time.monotonic() + PATIENCE
    while open_descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert open_descriptors() <= before


def test_the_end_does_not_wait_for_handshakes_and_leaves_no_socket(tls: Tls) -> None:
    peers = []
    before = open_descriptors()
    began = time.monotonic()
    with serve(World(["supertone"]), tls=tls) as running:
        for _, data in strangers()[3:]:
            peers.append(socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE))
            peers[-1].sendall(data)
        kept = socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)
        peers.append(running.ssl_context().wrap_socket(kept, server_hostname="localhost"))
        sent(peers[-1], get())
        assert received(peers[-1], 1) == ([200], False)
    for peer in peers:
        peer.close()
    assert time.monotonic() - began < PATIENCE / 2
    assert open_descriptors() <= before


def test_a_client_that_trusts_others_only_hangs_up(server: Running) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        encrypted(server, ssl.create_default_context())


def test_a_refusal_reaches_a_peer_that_is_still_sending(server: Running, trust: ssl.SSLContext) -> None:
    with encrypted(server, trust) as peer:
        sent(peer, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n\r\n")
        for _ in range(10):
            sent(peer, b"more" * 500)
            time.sleep(0.002)
        assert received(peer) == ([413], True)
