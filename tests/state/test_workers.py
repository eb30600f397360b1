"""`usagekit serve --workers`: several processes behind one port, as a user runs them, and what becomes of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.state.questions import questions
from tests.state.replicas import make_world
from usage_mockserver.app import create_app

PATIENCE = 30.0
NOW = "2026-03-18T15:00:00Z"
KEY = {"authorization": "Bearer varg_usagekit_demo"}
USAGE = "/varg/v1/usage?from=2026-03-08&to=2026-03-14"


class Served:
    """The running command, and the lines it printed at its start."""

    def __init__(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        self.process, self.lines = process, lines
        self.port = int(lines[0].rpartition(":")[2])

    def request(self, method: str, target: str, sent: Any = None, **fields: str) -> tuple[int, bytes]:
        """The answer on a connection of its own, which any of the workers may take."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        body = None if sent is None else json.dumps(sent).encode()
        headers = {**fields, **({} if body is None else {"content-type": "application/json"})}
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def workers(self) -> list[int]:
        return children(self.process.pid)

    def stopped(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def children(pid: int) -> list[int]:
    """The processes that this one has, by what Linux says of each."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def served(*args: str) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-m", "usagekit", "serve", "--port", "0", "--now", NOW, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A group of its own, as a terminal would give it.
        process_group=0,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().rstrip("\n")]
    while lines[-1] != "Ctrl-C stops it." and process.poll() is None:
        lines.append(process.stdout.readline().rstrip("\n"))
    workers = children(process.pid)
    try:
        yield Served(process, lines)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        until(lambda: not any(map(alive, workers)))


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@linux
def test_workers_answer_alike_are_replaced_and_end_together(tmp_path: Path) -> None:
    file = tmp_path / "port"
    with served("--workers", "2", "--port-file", str(file)) as server:
        assert sum(line.startswith("usagekit: 5 fake") for line in server.lines) == 1
        assert "Control plane: off, because each worker would keep changes to itself; --state" in "".join(
            server.lines
        )
        assert server.request("GET", "/__admin/health")[0] == 404
        until(file.exists)
        assert file.read_text() == f"{server.port}\n"

        app = create_app(make_world())
        for method, path, query, fields in questions(150):
            reply = app.handle(method, "localhost", path, query, {**fields, "host": "localhost"})
            target = f"{path}?{query}" if query else path
            assert server.request(method, target, None, **fields) == (reply.status, reply.body)

        first = server.workers
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        until(lambda: len(server.workers) == 2 and server.workers != first)
        assert server.request("GET", USAGE, **KEY)[0] == 200

        held = server.workers
        began = time.monotonic()
        status, out, err = server.stopped(signal.SIGINT)
        assert time.monotonic() - began < 4
        assert (status, out) == (0, "")
        assert err.count("\n") == 1
        assert "a worker ended by itself (signal 9)" in err
        assert not any(map(alive, held))
        assert not file.exists()


@linux
def test_workers_share_a_state_and_follow_their_parent_into_the_dark(redis) -> None:
    with served("--workers", "2", "--state", redis.url) as server:
        assert any(line.startswith("Control plane: http://") for line in server.lines)
        before = server.request("GET", USAGE, **KEY)
        for turn in range(10):
            event = {"kind": "varg.job", "at": f"2026-03-09T12:00:{turn:02}Z", "job_id": f"mine-{turn}"}
            assert server.request("POST", "/__admin/events", event)[0] == 201
            for _ in range(4):
                assert f"mine-{turn}".encode() in server.request("GET", USAGE, **KEY)[1]
        status, body = server.request("GET", "/__admin/journal?limit=1000")
        assert (status, len(json.loads(body)["entries"])) == (200, 41)
        assert server.request("POST", "/__admin/reset")[0] == 200
        assert server.request("GET", USAGE, **KEY) == before
        # Another machine, as far as this one can tell.
        with served("--state", redis.url) as other:
            other.request("PATCH", "/__admin/settings", {"scenario": "empty"})
            assert server.request("GET", USAGE, **KEY)[1] == b'{"usage":[],"total_cents":0}'
            assert other.stopped() == (0, "", "")
        workers = server.workers
        server.process.kill()
        until(lambda: not any(map(alive, workers)))


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        # It came in the very moment in which the socket closed.
        pass
    return False


@linux
def test_whoever_comes_while_workers_end_is_turned_away_and_not_left_waiting() -> None:
    with served("varg", "--workers", "2") as server, ThreadPoolExecutor(1) as pool:
        late = pool.submit(server.request, "GET", USAGE, None, prefer="wait=2", **KEY)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        # A parent that kept the socket would take connections until the last worker has ended.
        until(lambda: refuses(server.port) or late.done())
        assert not late.done()
        assert late.result()[0] == 200
        assert server.process.wait(PATIENCE) == 0


@linux
def test_a_signal_right_after_the_start_ends_all(redis) -> None:
    with served("varg", "--workers", "3") as server:
        workers = server.workers
        assert server.stopped() == (0, "", "")
        assert not any(map(alive, workers))


@linux
def test_ctrl_c_reaches_the_whole_group_and_still_answers_what_was_asked() -> None:
    with served("varg", "--workers", "2") as server, ThreadPoolExecutor(1) as pool:
        late = pool.submit(server.request, "GET", USAGE, None, prefer="wait=0.7", **KEY)
        time.sleep(0.3)
        os.killpg(server.process.pid, signal.SIGINT)
        assert late.result()[0] == 200
        assert server.process.communicate(timeout=PATIENCE) == ("", "")
        assert server.process.returncode == 0


@linux
def test_workers_that_never_live_end_the_start_with_a_sentence() -> None:
    code = (
        "import time\nfrom usage_mockserver.workers import WorkersError, run_workers\n"
        "def work(ready):\n    raise ValueError('no')\n"
        "try:\n    run_workers(2, work)\nexcept WorkersError as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (run.returncode, run.stdout) == (0, "5 workers ended by themselves within 30 s\n")


@linux
def test_a_worker_that_does_not_hear_is_ended_all_the_same(monkeypatch) -> None:
    code = (
        "import signal, time\nimport usage_mockserver.workers as workers\nworkers.PATIENCE = 0.2\n"
        "def work(ready):\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    ready()\n    time.sleep(60)\n"
        "workers.run_workers(2, work, on_ready=lambda: print('ready', flush=True))\nprint('over')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=PATIENCE) == ("over\n", None)


def test_more_workers_than_make_sense_are_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "usagekit", "serve", "--workers", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "0 is not in the range 1<=x<=64" in run.stderr


@linux
def test_workers_speak_tls() -> None:
    pytest.importorskip("trustme")
    import ssl
    from urllib.request import Request, urlopen

    with served("varg", "--workers", "2", "--tls") as server:
        unchecked = ssl._create_unverified_context()
        url = f"https://127.0.0.1:{server.port}{USAGE}"
        for _ in range(4):
            with urlopen(Request(url, headers=KEY), timeout=PATIENCE, context=unchecked) as answer:
                assert answer.status == 200
        assert server.stopped()[0] == 0
