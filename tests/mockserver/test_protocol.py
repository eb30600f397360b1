"""The wire: each raw request is answered as the table says; no hang, no 5xx, no stack trace in the log."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_cases import BAD, GOOD, STALLED, Case, get

from usage_mockserver.framing import Chunks, Limits, Refused, read_head
from usage_mockserver.server import Running, serve
from usage_mockserver.world import World

KEY = "canary-4711-key"
QUICK = Limits(head_seconds=0.4, request_seconds=0.6, idle_seconds=0.4, linger_seconds=0.3)
PATIENCE = 8.0
"""Seconds a test waits for what should take milliseconds; only a hang reaches it."""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(World(["supertone"])) as running:
        yield running


@pytest.fixture(scope="module")
def quick() -> Iterator[Running]:
    with serve(World(["supertone"]), limits=QUICK) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test here may leave a stack trace or a key in the log."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert KEY not in caplog.text
    assert "Traceback" not in caplog.text


def connected(running: Running) -> closing[socket.socket]:
    peer = socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)
    return closing(peer)


def sent(peer: socket.socket, data: bytes) -> None:
    # The server may stop listening in the middle of what it refuses.
    with suppress(BrokenPipeError, ConnectionResetError):
        peer.sendall(data)


def received(
    peer: socket.socket, answers: int | None = None, *, head: bool = False, interim: bool = True
) -> tuple[list[int], bool]:
    """Statuses of the answers that came, until so many or the end; and whether the end was seen."""
    data, statuses = b"", []
    while answers is None or len(statuses) < answers:
        while (answer := one_answer(data, head=head)) is None:
            try:
                more = peer.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                assert not data, f"the answer is cut off: {data[:200]!r}"
                return statuses, True
            data += more
        status, size = answer
        if interim or status >= 200:
            statuses.append(status)
        data = data[size:]
    assert not data, f"more came than was asked for: {data[:200]!r}"
    return statuses, False


def one_answer(data: bytes, *, head: bool) -> tuple[int, int] | None:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = data[:end].decode("latin-1").split("\r\n")
    assert lines[0].startswith("HTTP/1.1 "), lines[0]
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    status = int(lines[0].split(" ")[1])
    size = end + 4 + (0 if head or status == 100 else int(fields["content-length"]))
    return (status, size) if len(data) >= size else None


def named(cases: list[Case]) -> pytest.MarkDecorator:
    assert len({case.name for case in cases}) == len(cases)
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def test_the_corpus_is_large_enough() -> None:
    assert len(GOOD) + len(BAD) + len(STALLED) >= 111


@named(GOOD)
def test_good_request_is_taken_whole(server: Running, case: Case) -> None:
    head = case.raw.startswith(b"HEAD")
    with connected(server) as peer:
        sent(peer, case.raw)
        assert received(peer, len(case.answers), head=head) == (list(case.answers), False)
        if not case.closes:
            sent(peer, get(b"Host: 127.0.0.1\r\nConnection: close\r\n"))
            assert received(peer) == ([200], True)
        else:
            assert received(peer) == ([], True)


# Long cases differ from short ones only in length.
@named([case for case in GOOD if len(case.raw) <= 400])
def test_good_request_in_single_bytes_is_the_same_request(server: Running, case: Case) -> None:
    head = case.raw.startswith(b"HEAD")
    with connected(server) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(case.raw)):
            sent(peer, case.raw[at : at + 1])
        # Whether "100 Continue" is due depends on which bytes the server read at once.
        final = [status for status in case.answers if status >= 200]
        assert received(peer, len(final), head=head, interim=False) == (final, False)


@named(BAD)
def test_bad_request_is_refused_and_nothing_behind_it_is_read(server: Running, case: Case) -> None:
    server.app.journal.clear()
    surplus = get(target=b"/surplus")
    with connected(server) as peer:
        sent(peer, case.raw + surplus)
        assert received(peer) == (list(case.answers), True)
    assert server.app.journal.count(path="/surplus") == 0


@named(BAD)
def test_bad_request_in_two_parts_is_refused_alike(server: Running, case: Case) -> None:
    middle = len(case.raw) // 2
    with connected(server) as peer:
        sent(peer, case.raw[:middle])
        time.sleep(0.005)
        sent(peer, case.raw[middle:])
        assert received(peer) == (list(case.answers), True)


@named([case for case in BAD if case.answers == (400,) and b"\r\n\r\n" in case.raw])
def test_framing_alone_refuses_what_is_bad(case: Case) -> None:
    head, blank, rest = case.raw.partition(b"\r\n\r\n")
    with pytest.raises(Refused):  # noqa: PT012
        found = read_head(head + blank, Limits())
        assert found.length is None
        Chunks(Limits()).take(bytearray(rest))


def test_request_after_a_refusal_is_not_read(server: Running) -> None:
    server.app.journal.clear()
    with connected(server) as peer:
        sent(peer, get(b""))
        assert received(peer) == ([400], True)
        sent(peer, get(target=b"/surplus"))
        with suppress(ConnectionResetError):
            assert peer.recv(1) == b""
    assert server.app.journal.count() == 0


def test_stalled_peers_are_cut_off(quick: Running) -> None:
    def stall(case: Case) -> tuple[list[int], bool]:
        with connected(quick) as peer:
            sent(peer, case.raw)
            return received(peer)

    with ThreadPoolExecutor(len(STALLED)) as pool:
        results = list(pool.map(stall, STALLED))
    expected = {case.name: (list(case.answers), True) for case in STALLED}
    assert dict(zip(expected, results, strict=True)) == expected


@pytest.mark.parametrize(
    "raw", [get(), get(b"X: " + b"v" * 200), get(b"Host: 127.0.0.1\r\nContent-Length: 99\r\n")]
)
def test_a_dripping_peer_gains_no_time(quick: Running, raw: bytes) -> None:
    with connected(quick) as peer:
        peer.settimeout(0.01)
        began, answer = time.monotonic(), b""
        for at in range(10_000):
            sent(peer, raw[at : at + 1] if at < min(len(raw) - 1, 20) else b"v")
            try:
                answer = peer.recv(4096)
            except TimeoutError:
                continue
            break
        assert answer.startswith((b"HTTP/1.1 408", b"HTTP/1.1 4"))
        assert time.monotonic() - began < PATIENCE


def test_empty_lines_one_by_one_gain_no_time(server: Running) -> None:
    with connected(server) as peer:
        for part in (b"\r\n", get(), b"\r\n", get(), b"\r", b"\n"):
            sent(peer, part)
            time.sleep(0.01)
        assert received(peer, 2) == ([200, 200], False)
        sent(peer, b"\r\n")
        assert received(peer) == ([400], True)


def test_five_hundred_half_open_connections_hurt_nobody(server: Running) -> None:
    peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(500)]
    try:
        for peer in peers:
            peer.sendall(b"GET / HTTP/1.1\r\nHo")
        with connected(server) as peer:
            peer.sendall(get())
            assert received(peer, 1) == ([200], False)
    finally:
        for peer in peers:
            peer.close()


def test_an_endless_head_is_cut_at_its_limit(server: Running) -> None:
    with connected(server) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sent(peer, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        count = 0
        try:
            while count < 64 * 2**20:
                count += peer.send(b"X-Endless: " + b"v" * 50_000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        # The system's own socket buffers take some megabytes before the sender notices.
        assert count < 16 * 2**20


def test_too_many_connections_are_turned_away_and_room_is_made_again() -> None:
    with serve(World(["supertone"]), limits=replace(Limits(), connections=5)) as running:
        peers = [socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) for _ in range(5)]
        for peer in peers:
            peer.sendall(get())
            assert received(peer, 1) == ([200], False)
        with connected(running) as late:
            sent(late, get())
            assert received(late) == ([], True)
        peers.pop().close()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with connected(running) as late:
                sent(late, get(b"Host: 127.0.0.1\r\nConnection: close\r\n"))
                if received(late)[0] == [200]:
                    break
        else:
            pytest.fail("the place of a peer that left was never given to another")
        for peer in peers:
            peer.close()


def test_a_peer_that_never_reads_stops_being_read(quick: Running) -> None:
    with connected(quick) as peer:
        peer.settimeout(0.5)
        total, much = 0, get() * 1000
        with suppress(TimeoutError, ConnectionResetError, BrokenPipeError):
            while total < 256 * 2**20:
                total += peer.send(much)
        assert total < 64 * 2**20


def test_a_half_closed_peer_gets_every_answer(server: Running) -> None:
    with connected(server) as peer:
        sent(peer, get() * 3 + b"GET / HT")
        peer.shutdown(socket.SHUT_WR)
        assert received(peer) == ([200, 200, 200], True)


def test_a_peer_that_sends_much_at_once_and_hangs_up_gets_every_answer(server: Running) -> None:
    count = 500
    with connected(server) as peer, ThreadPoolExecutor(1) as pool:
        answers = pool.submit(received, peer)
        for number in range(count):
            sent(peer, get(target=b"/?n=%d" % number))
        peer.shutdown(socket.SHUT_WR)
        assert answers.result(PATIENCE) == ([200] * count, True)


def test_repeated_heads_are_answered_and_noted_each_time(server: Running) -> None:
    server.app.journal.clear()
    with connected(server) as peer:
        for _ in range(5):
            sent(peer, get())
            assert received(peer, 1) == ([200], False)
    assert server.app.journal.count(path="/") == 5


def test_a_refusal_says_one_sentence_in_json(server: Running) -> None:
    with connected(server) as peer:
        sent(peer, get(b""))
        answer = b"".join(iter(lambda: peer.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert body == b'{"usagekit": {"message": "A request has exactly one Host field."}}'


def test_a_key_in_a_broken_request_stays_out_of_the_log(server: Running) -> None:
    with connected(server) as peer:
        sent(peer, get(b"x-sup-api-key: " + KEY.encode() + b"\r\n", target=b"/?api_key=" + KEY.encode()))
        assert received(peer) == ([400], True)


TOKEN = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    TOKEN, VALUE, st.lists(st.tuples(TOKEN, VALUE), max_size=8), st.binary(max_size=6), st.integers(0, 200)
)
def test_whatever_is_let_through_h11_reads_alike(
    method: str, target: str, fields: list[tuple[str, str]], noise: bytes, at: int
) -> None:
    lines = [f"{method} /{target} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in fields)]
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode()
    raw = raw[: at % len(raw)] + noise + raw[at % len(raw) :]
    end = raw.find(b"\r\n\r\n") + 4
    try:
        head = read_head(raw[:end], Limits())
    except Refused:
        return
    witness = h11.Connection(h11.SERVER)
    witness.receive_data(raw[:end])
    event = witness.next_event()
    assert isinstance(event, h11.Request)
    assert (head.method, head.target) == (event.method, event.target)
    assert head.fields == list(event.headers)
    lengths = [value for name, value in event.headers if name == b"content-length"]
    assert head.length in (None, int(lengths[0]) if lengths else 0)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*GOOD, *BAD]), st.data())
def test_mangled_requests_are_answered_or_refused(server: Running, case: Case, data: st.DataObject) -> None:
    raw = bytearray(case.raw[:2000])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with connected(server) as peer:
        sent(peer, bytes(raw))
        peer.shutdown(socket.SHUT_WR)
        answers = b""
        with suppress(ConnectionResetError):
            while more := peer.recv(65536):
                answers += more
    assert b"HTTP/1.1 5" not in answers
