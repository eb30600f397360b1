"""http.client, and with it urllib.request and everything else that is built on it.

A request is judged when it is begun, because a connection may be older than the interception, and again when
a connection is made first. Between the two lies what only the request knows: behind a proxy the host is in its
target.
"""

from __future__ import annotations

from functools import wraps
from http.client import HTTPConnection
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from usagekit.interception.scope import HostRefused, answering, plain
from usagekit.interception.seam import Function, Seam
from usagekit.interception.wire import Wire

# Kept on the connection itself: it is about the request that is being sent, and goes with the connection.
JUDGED = "_usagekit_judged"
PASSED = object()


def putrequest(original: Function, _module: ModuleType) -> Function:
    """HTTPConnection.putrequest, which also decides where the request goes."""

    @wraps(original)
    def begun(self: HTTPConnection, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        scheme, host, port = origin(self, url)
        judged: object = PASSED
        try:
            interception = answering(scheme, host, port)
        except HostRefused as refused:
            # Raised when it connects, where every user of this class expects such an error.
            interception, judged = None, refused
        begin = original(self, method, url, *args, **kwargs)
        if interception is not None:
            self.sock = Wire(self, interception, scheme, plain(host))
            return begin
        if self.sock is not None and (judged is not PASSED or isinstance(self.sock, Wire)):
            self.sock.close()
            self.sock = None
        if self.sock is None:
            vars(self)[JUDGED] = judged
        return begin

    return begun


def connect(original: Function, _module: ModuleType) -> Function:
    """HTTPConnection.connect, which connects to nothing where the host is intercepted."""

    @wraps(original)
    def connected(self: HTTPConnection) -> None:
        if not joined(self):
            really(original, self)

    return connected


def joined(connection: HTTPConnection) -> bool:
    """Whether the connection got a wire instead of a socket; HostRefused when it must not have either."""
    judged = vars(connection).pop(JUDGED, None)
    if isinstance(judged, HostRefused):
        raise judged
    if judged is PASSED:
        return False
    scheme, host, port = origin(connection, "")
    interception = answering(scheme, host, port)
    if interception is not None:
        connection.sock = Wire(connection, interception, scheme, plain(host))
    return interception is not None


def really(original: Function, connection: HTTPConnection) -> None:
    """Connect, which an HTTPSConnection does through the method of its base: once was asked, that is enough."""
    vars(connection)[JUDGED] = PASSED
    try:
        original(connection)
    finally:
        vars(connection).pop(JUDGED, None)


def origin(connection: HTTPConnection, url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port that a request is meant for, whatever it is connected to."""
    if url[:8].lower().startswith(("http://", "https://")):
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or "", parts.port
    scheme = "https" if connection.default_port == 443 else "http"
    tunnel: str | None = getattr(connection, "_tunnel_host", None)
    if tunnel:
        return scheme, tunnel, getattr(connection, "_tunnel_port", None)
    return scheme, connection.host, connection.port


SEAMS = (
    Seam("HTTPConnection", "putrequest", putrequest),
    Seam("HTTPConnection", "connect", connect),
    Seam("HTTPSConnection", "connect", connect),
)
