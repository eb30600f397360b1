"""The fakes in HTTP/1.0, the way old servers speak it: no length, and the end of an answer ends the connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from usage_mockserver.app import App, create_app
from usage_mockserver.kept import wire
from usage_mockserver.world import World

PATIENCE = 5.0
POLL = 0.02


@contextmanager
def serve_1_0(world: World) -> Iterator[str]:
    """The URL under which a world answers while the block runs, on a free port of this machine."""
    app = create_app(world)
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(app)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": POLL}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(PATIENCE)


def _handler(app: App) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"
        # Whoever connects and says nothing must not keep the server from its end.
        timeout = PATIENCE

        def answer(self) -> None:
            """Answer whatever the method."""
            fields = {name.lower(): value for name, value in self.headers.items()}
            # Closing with unread bytes in the socket would reset the connection and could take the answer along.
            length = fields.get("content-length", "")
            self.rfile.read(int(length) if length.isdecimal() else 0)
            path, _, query = self.path.partition("?")
            reply = app.handle(self.command, fields.get("host", ""), path, query, fields)
            sent, body = wire(reply, self.command, ())
            self.send_response_only(reply.status)
            for name, value in sent:
                if name != b"content-length":
                    self.send_header(name.decode("ascii"), value.decode("latin-1"))
            # A client may have gone without waiting for its answer.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_HEAD = do_OPTIONS = answer  # noqa: N815
        do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
