"""Running the fakes: ready when entered, gone when left, nothing lost, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import pytest

from usage_mockserver import server as module
from usage_mockserver.server import bind, port_is_taken, serve, url_of
from usage_mockserver.world import World

WORLD = World(["supertone"])
PATIENCE = 10.0
GET = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def constant(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Any other ASGI application."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def test_server_is_ready_when_entered_and_gone_when_left() -> None:
    with serve(WORLD) as running:
        assert running.url == f"http://127.0.0.1:{running.port}"
        assert urlopen(running.url).status == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port))


def test_first_answer_already_has_a_date_and_no_server_field() -> None:
    with serve(WORLD) as running:
        fields = urlopen(running.url).headers
    assert fields["date"].endswith("GMT")
    assert fields["server"] is None


def test_any_asgi_application_is_served() -> None:
    with serve(constant) as running:
        assert urlopen(f"{running.url}/any?thing=1").read() == b"ok"


def test_two_servers_run_at_once() -> None:
    with serve(WORLD) as one, serve(WORLD) as two:
        assert one.port != two.port
        assert urlopen(one.url).status == urlopen(two.url).status == 200


def test_server_starts_inside_a_running_loop() -> None:
    async def inside() -> int:
        with serve(WORLD) as running:
            return (await asyncio.to_thread(urlopen, running.url)).status

    assert asyncio.run(inside()) == 200


def test_ipv6_address_is_written_in_brackets() -> None:
    try:
        sock = bind("::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with closing(sock):
        assert url_of(sock) == f"http://[::1]:{sock.getsockname()[1]}"


def test_wildcard_address_is_reached_over_loopback() -> None:
    with closing(bind("0.0.0.0", 0)) as sock:
        assert url_of(sock).startswith("http://127.0.0.1:")


def test_taken_port_is_an_error_at_once() -> None:
    with closing(bind("127.0.0.1", 0)) as sock, pytest.raises(OSError, match="in use") as caught:
        bind("127.0.0.1", sock.getsockname()[1])
    assert port_is_taken(caught.value)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_fifty_rounds_leave_no_thread_and_no_descriptor() -> None:
    def round_trip() -> float:
        began = time.perf_counter()
        with serve(WORLD) as running, urlopen(running.url) as answer:
            assert answer.status == 200
        return time.perf_counter() - began

    round_trip()
    threads, files = threading.active_count(), descriptors()
    times = [round_trip() for _ in range(50)]
    assert threading.active_count() == threads
    assert descriptors() == files
    # 60 ms is the goal, 5 to 10 ms what a quiet machine needs; the rest is for a busy one.
    assert median(times) < 0.5


def test_kept_connections_do_not_hold_up_the_end() -> None:
    with serve(constant) as running:
        peer = socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)
        peer.sendall(GET)
        assert peer.recv(4096).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
    with closing(peer):
        assert time.monotonic() - began < 2
        assert b"".join(iter(lambda: peer.recv(4096), b"")) in (b"", b"ok")


def test_answer_under_way_is_finished_before_the_end() -> None:
    entered = threading.Event()

    async def slow(scope: dict[str, Any], receive: Any, send: Any) -> None:
        entered.set()
        await asyncio.sleep(0.3)
        await constant(scope, receive, send)

    with ThreadPoolExecutor(1) as pool, serve(slow) as running:
        asked = pool.submit(lambda: urlopen(running.url).read())
        assert entered.wait(PATIENCE)
    assert asked.result(PATIENCE) == b"ok"


def test_answer_that_never_comes_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN", 0.3)
    entered = threading.Event()

    async def never(scope: dict[str, Any], receive: Any, send: Any) -> None:
        entered.set()
        await asyncio.sleep(3600)

    threads = threading.active_count()
    with socket.socket() as peer:
        with serve(never) as running:
            peer.connect(("127.0.0.1", running.port))
            peer.sendall(GET)
            assert entered.wait(PATIENCE)
            began = time.monotonic()
        assert time.monotonic() - began < 5
    assert threading.active_count() == threads


def test_error_while_starting_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: Any, sockets: Any = None) -> None:
        raise OSError("no loop today")

    monkeypatch.setattr(module.Server, "startup", broken)
    with pytest.raises(RuntimeError, match="did not start") as caught, serve(WORLD):
        pass
    assert "no loop today" in str(caught.value.__cause__)


FOREGROUND = """
import asyncio, os
from usage_mockserver import server
from usage_mockserver.server import bind, run_forever

async def app(scope, receive, send):
    await asyncio.sleep(float(scope["path"].strip("/") or 0))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

server.GRACE = float(os.environ["GRACE"])
sock = bind("127.0.0.1", 0)
print(sock.getsockname()[1], flush=True)
run_forever(app, sock)
print("ended", flush=True)
"""


@pytest.fixture
def foreground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "GRACE": getattr(request, "param", "0.1")},
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    asked(port)
    yield process, port
    if process.poll() is None:
        process.kill()
    process.communicate()


def asked(port: int, path: str = "/", *, patience: float = PATIENCE) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: peer.recv(4096), b""))


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_an_idle_server_in_order(
    foreground: tuple[subprocess.Popen[str], int], number: int
) -> None:
    process, port = foreground
    with socket.create_connection(("127.0.0.1", port)) as kept:
        kept.sendall(GET)
        assert kept.recv(4096).startswith(b"HTTP/1.1 200")
        process.send_signal(number)
        assert ended(process) == (0, "ended\n", "")


def test_signal_lets_requests_under_way_finish(foreground: tuple[subprocess.Popen[str], int]) -> None:
    process, port = foreground
    with ThreadPoolExecutor(20) as pool:
        under_way = [pool.submit(asked, port, "/0.6") for _ in range(20)]
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        answers = [one.result(PATIENCE) for one in under_way]
    assert [answer.endswith(b"\r\n\r\nok") for answer in answers] == [True] * 20
    assert ended(process)[0] == 0


@pytest.mark.parametrize("foreground", ["3"], indirect=True)
def test_request_already_on_its_way_is_answered_and_the_peer_told(
    foreground: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = foreground
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
        peer.sendall(GET)
        while not peer.recv(4096).endswith(b"ok"):
            pass
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        peer.sendall(GET)
        answer = b"".join(iter(lambda: peer.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer
    assert ended(process)[0] == 0


def test_busy_clients_lose_nothing_at_the_end(foreground: tuple[subprocess.Popen[str], int]) -> None:
    process, port = foreground
    told = threading.Event()

    def client() -> int:
        answered = 0
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
            while True:
                peer.sendall(GET)
                answer = b""
                while not answer.endswith(b"\r\n\r\nok"):
                    more = peer.recv(4096)
                    assert more, f"closed after {answered} answers, told to stop: {told.is_set()}"
                    answer += more
                answered += 1
                if b"connection: close" in answer:
                    return answered

    with ThreadPoolExecutor(20) as pool:
        clients = [pool.submit(client) for _ in range(20)]
        time.sleep(0.3)
        told.set()
        process.send_signal(signal.SIGTERM)
        assert all(one.result(PATIENCE) > 0 for one in clients)
    assert ended(process)[0] == 0


def test_second_signal_ends_at_once(foreground: tuple[subprocess.Popen[str], int]) -> None:
    process, port = foreground
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(b"GET /3600 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = ended(process)[0]
    assert code == 0
    assert time.monotonic() - began < 2


def test_request_that_never_ends_is_cut_off_after_the_limit(
    foreground: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = foreground
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(b"GET /3600 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        code, _, err = ended(process)
    assert code == 0
    assert "Traceback" not in err
    assert "did not end in time" in err
