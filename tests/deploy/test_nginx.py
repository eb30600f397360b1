"""The nginx configuration as it stands, in front of two replicas that share a Redis."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.programs import PATIENCE, ROOT, environ, serving
from usage_mockserver.framing import Limits

TOKEN = "token-of-a-test"
ADMIN = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
KEY = {"authorization": "Bearer varg_usagekit_demo"}
CONFIGURATION = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
# Debian installs servers where the path of a plain user does not lead.
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"])
PROGRAMS = {name: shutil.which(name, path=PATH) for name in ("nginx", "redis-server")}
MISSING = [name for name, place in PROGRAMS.items() if place is None]

pytestmark = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"{' and '.join(MISSING)} not installed here"
)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    """A program that listens on this port while the block runs."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def configured(folder: Path, port: int, replicas: list[str]) -> str:
    """The configuration with other addresses and another folder for temporary files, telling who answered."""
    servers = "\n".join(f"        server {urlsplit(url).netloc};" for url in replicas)
    text = CONFIGURATION
    for old, new in {
        "        server usagekit:8000;": servers,
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "/tmp/nginx": f"{folder}/nginx",
        "server_tokens off;": "server_tokens off; add_header x-served-by $upstream_addr always;",
    }.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, list[str]]]:
    """The port of nginx, and the addresses of the two replicas behind it."""
    assert not MISSING, "these are installed by .ci/run"
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        redis = free_port()
        command = [str(PROGRAMS["redis-server"]), "--port", str(redis), "--save", "", "--bind", "127.0.0.1"]
        stack.enter_context(running(command, redis, folder))
        env = environ(USAGEKIT_ADMIN_TOKEN=TOKEN, USAGEKIT_STATE=f"redis://127.0.0.1:{redis}/0")
        serve = ["usagekit", "serve", "--port", "0", "--now", "2026-03-15"]
        replicas = [stack.enter_context(serving(serve, folder, env)) for _ in range(2)]
        port = free_port()
        file = folder / "nginx.conf"
        file.write_text(configured(folder, port, replicas))
        command = [
            str(PROGRAMS["nginx"]),
            "-p",
            str(folder),
            "-c",
            str(file),
            "-e",
            "stderr",
            "-g",
            "daemon off;",
        ]
        stack.enter_context(running(command, port, folder))
        yield port, replicas


class Asking:
    """Requests through nginx on one connection, or to a replica itself."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.served_by: set[str] = set()

    def __call__(
        self, path: str, fields: dict[str, str] | None = None, method: str = "GET", body: object = None
    ) -> tuple[int, bytes]:
        sent = None if body is None else json.dumps(body)
        self.connection.request(method, path, body=sent, headers=fields or {})
        reply = self.connection.getresponse()
        self.served_by.add(reply.getheader("x-served-by", ""))
        return reply.status, reply.read()


@pytest.fixture
def ask(site: tuple[int, list[str]]) -> Iterator[Asking]:
    asking = Asking(site[0])
    yield asking
    asking("/__admin/reset", ADMIN, "POST")
    asking.connection.close()


WEEK = "/v1/usage?from=2026-03-08&to=2026-03-14"


def test_prefix_and_host_choose_the_vendor_as_without_nginx(ask: Asking, site: tuple[int, list[str]]) -> None:
    direct = Asking(urlsplit(site[1][0]).port or 0)
    by_prefix = ask(f"/varg{WEEK}", KEY)
    assert by_prefix == direct(f"/varg{WEEK}", KEY)
    assert by_prefix[0] == 200
    assert ask(WEEK, {**KEY, "host": "api.varg.ai"}) == by_prefix
    assert ask(WEEK, {**KEY, "host": "elsewhere.example"})[0] == 400
    direct.connection.close()


def test_a_change_through_one_replica_is_seen_through_every_other(
    ask: Asking, site: tuple[int, list[str]]
) -> None:
    assert ask("/__admin/settings", ADMIN, "PATCH", {"scenario": "empty"})[0] == 200
    answers = {ask(f"/varg{WEEK}", KEY) for _ in range(12)}
    assert answers == {(200, b'{"usage":[],"total_cents":0}')}
    assert ask.served_by == {urlsplit(url).netloc for url in site[1]}


def test_the_journal_knows_what_any_replica_answered(ask: Asking) -> None:
    for _ in range(10):
        ask(f"/varg{WEEK}", KEY)
    found = json.loads(ask("/__admin/journal/count?provider=varg", ADMIN)[1])
    assert found == {"count": 10}


def test_the_control_plane_keeps_its_rules(ask: Asking, site: tuple[int, list[str]]) -> None:
    assert ask("/__admin/health") == (200, b'{"status":"ok"}')
    assert ask("/__admin/providers")[0] == 401
    own = {**ADMIN, "origin": f"http://127.0.0.1:{site[0]}"}
    assert ask("/__admin/providers", own)[0] == 200
    assert ask("/__admin/providers", {**ADMIN, "origin": "http://elsewhere.example"})[0] == 403


def test_the_journal_streams_without_delay(ask: Asking, site: tuple[int, list[str]]) -> None:
    watcher = HTTPConnection("127.0.0.1", site[0], timeout=PATIENCE)
    watcher.request("GET", "/__admin/journal/stream", headers=ADMIN)
    reply = watcher.getresponse()
    assert (reply.status, reply.getheader("content-type", "").partition(";")[0]) == (200, "text/event-stream")
    ask(f"/varg{WEEK}", KEY)
    # The stream does not end, so what waited for its end would never come.
    lines = iter(reply.readline, b"")
    assert any(b'"/v1/usage"' in line for line in lines)
    watcher.close()


def test_nginx_gives_an_idle_connection_up_before_a_replica_does() -> None:
    found = re.search(r"^ *keepalive_timeout (\d+)s;", CONFIGURATION, re.MULTILINE)
    assert found is not None
    assert float(found[1]) < Limits().idle_seconds
