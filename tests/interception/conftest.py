"""A server on loopback, and a machine on which lyrcs.ai seems to be that server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.interception.clients import CLIENTS, Session


class Real(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.peers.add(self.client_address)
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"real")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Real)
        self.asked: list[str] = []
        self.peers: set[object] = set()
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def real() -> Iterator[Server]:
    server = Server()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def at_lyrcs(real: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """`http://lyrcs.ai` leads to the server on loopback, so that a client can be connected to it."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host, *args, **kwargs):
        return look_up("127.0.0.1" if host in ("lyrcs.ai", b"lyrcs.ai") else host, *args, **kwargs)

    def connected(self, address):
        return connect(self, ("127.0.0.1", real.server_port) if address[1] == 80 else address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connected)
    return real


@pytest.fixture(autouse=True)
def nothing_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in these tests fails here, and does not ask a real service."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        assert name in (None, "127.0.0.1", "localhost"), f"{name} was looked up"
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Iterator[Session]:
    with CLIENTS[request.param]() as session:
        yield session
