"""Runs the fakes: in a thread for tests, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, cast

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from usage_mockserver.app import create_app
from usage_mockserver.framing import Limits
from usage_mockserver.protocol import StrictProtocol
from usage_mockserver.world import World

GRACE = 0.1
DRAIN = 3
JOIN = 5.0
BACKLOG = 2048
# What a process needs beside its connections: files, pipes, sockets of the event loop.
OTHER_FILES = 64
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104

logger = logging.getLogger("usagekit")


class Tls(NamedTuple):
    """Who the server proves to be, by its `context`, and the file with the certificate that clients must trust."""

    context: ssl.SSLContext
    ca_file: Path


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; OSError when the port is taken or the address not ours."""
    family, kind, proto, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, proto)
    try:
        # On Windows this option lets two servers share a port; elsewhere it only spares the wait at restart.
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Two sockets may be bound to one port until one of them listens.
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    """The address under which a client on this machine reaches the socket."""
    host, port = sock.getsockname()[:2]
    host = WILDCARDS.get(host, host)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn without its polls: it stops when told and when the last connection is done.

    `grace` is how long connections stay open after that for requests already on their way; `on_ready` is
    called once requests are taken and signals are heard.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        grace: float,
        on_ready: Callable[[], None],
        listening: Mapping[str, Any],
    ) -> None:
        super().__init__(config)
        self._listening = listening
        self._grace = grace
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()

    def stop(self) -> None:
        """Finish what is under way and end; from any thread, and from a signal handler."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections, and say so."""
        self._loop = loop = asyncio.get_running_loop()
        # Not uvicorn's own start: it has no say in how long a peer may take to agree on a key.
        connect = partial(
            cast("type[StrictProtocol]", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        self.servers = [
            await loop.create_server(connect, sock=sock, backlog=BACKLOG, **self._listening)
            for sock in sockets or []
        ]
        self.started = True
        self._on_ready()

    async def main_loop(self) -> None:
        """Wait for the end, and set the Date field every second."""
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self._wake.wait(), 1.0)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, tell the others to go, and cut off after the limit what does not end."""
        # One more look at who has knocked already: whoever still waits when the socket closes is reset.
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        await self._let_go()
        try:
            async with asyncio.timeout(None if self.force_exit else self.config.timeout_graceful_shutdown):
                while (self.server_state.connections or self.server_state.tasks) and not self.force_exit:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            logger.error("%d request(s) did not end in time and were cut off", len(self.server_state.tasks))
        # Their tasks are cancelled with the loop, right after this.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _let_go(self) -> None:
        # What an application sends without end it ends itself, when it is told.
        leave = getattr(self.config.loaded_app, "leave", None)
        if leave is not None:
            leave()
        connections = cast("set[StrictProtocol]", self.server_state.connections)
        for connection in list(connections):
            connection.leave()
        if connections and self._grace and not self.force_exit:
            await asyncio.sleep(self._grace)
        for connection in list(connections):
            connection.shutdown()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The first signal ends the server in order, the second at once; both are a success to the caller."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take a signal."""
        self.force_exit = self.should_exit
        self.stop()


def _server(
    app: Any, limits: Limits, grace: float, on_ready: Callable[[], None], tls: Tls | None = None
) -> Server:
    config = uvicorn.Config(
        app,
        # Constructed by uvicorn with its own arguments; the limits are ours to add.
        http=cast("type[asyncio.Protocol]", partial(StrictProtocol, limits=_affordable(limits))),
        interface="asgi3",
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
        backlog=BACKLOG,
    )
    return Server(config, grace, on_ready, {} if tls is None else _encrypted(tls, limits))


def _encrypted(tls: Tls, limits: Limits) -> dict[str, Any]:
    """What asyncio has to know of TLS: without its limits a silent peer would keep a connection for a minute."""
    return {
        "ssl": tls.context,
        "ssl_handshake_timeout": limits.head_seconds,
        "ssl_shutdown_timeout": limits.linger_seconds,
    }


def _affordable(limits: Limits) -> Limits:
    """Fewer connections where the system allows fewer: to run out of descriptors means to accept nobody."""
    if sys.platform == "win32":
        return limits
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return limits
    return replace(limits, connections=min(limits.connections, max(soft - OTHER_FILES, 1)))


class Running:
    """A server in a thread of its own, taking requests until `stop`; with TLS its clients need `ca_file`."""

    def __init__(self, app: Any, sock: socket.socket, limits: Limits, tls: Tls | None = None) -> None:
        self.app = app
        self.url = url_of(sock) if tls is None else url_of(sock, "https")
        self.ca_file: Path | None = None if tls is None else tls.ca_file
        self.port: int = sock.getsockname()[1]
        self._failure: BaseException | None = None
        ready = threading.Event()
        self._server = _server(app, limits, 0.0, ready.set, tls)
        name = f"usagekit-{self.port}"
        self._thread = threading.Thread(target=self._run, args=(sock, ready), name=name, daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise RuntimeError("the server did not start") from self._failure

    def _run(self, sock: socket.socket, ready: threading.Event) -> None:
        try:
            self._server.run(sockets=[sock])
        # Carried over to the thread that waits for the start, or that stops the server.
        except BaseException as error:  # noqa: BLE001
            self._failure = error
        finally:
            sock.close()
            ready.set()

    def ssl_context(self) -> ssl.SSLContext:
        """What a client needs to verify this server, and no other; ValueError when it speaks plain HTTP."""
        if self.ca_file is None:
            raise ValueError("this server speaks plain HTTP; serve(..., tls=True) makes one that speaks TLS")
        return ssl.create_default_context(cafile=str(self.ca_file))

    def stop(self) -> None:
        """End it: at once when idle, after at most five seconds when a request never ends."""
        self._server.stop()
        self._thread.join(JOIN)
        if self._thread.is_alive():
            logger.error("the server thread on port %d did not end and was left behind", self.port)
        elif self._failure is not None:
            raise RuntimeError("the server failed while it ran") from self._failure


@contextmanager
def serve(
    what: World | Any,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    tls: Tls | None = None,
    **options: Any,
) -> Iterator[Running]:
    """A world or an ASGI application answering on a free port while the block runs; ready when entered.

    `options` go to `create_app` when a world is given.
    """
    app = create_app(what, **options) if isinstance(what, World) else what
    running = Running(app, bind(host, port), limits or Limits(), tls)
    try:
        yield running
    finally:
        running.stop()


def run_forever(
    app: Any,
    sock: socket.socket,
    *,
    limits: Limits | None = None,
    on_ready: Callable[[], None] = lambda: None,
    tls: Tls | None = None,
) -> None:
    """Answer on this socket until SIGINT or SIGTERM, then return with everything answered that was asked."""
    _raise_file_limit()
    _server(app, limits or Limits(), GRACE, on_ready, tls).run(sockets=[sock])


def _raise_file_limit() -> None:
    """Use as many descriptors as we may; the customary 1,024 are too few for a load test."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = Limits().connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))


def port_is_taken(error: OSError) -> bool:
    """Whether a bind failed because somebody else listens there."""
    return error.errno == errno.EADDRINUSE
