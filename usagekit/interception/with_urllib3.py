"""urllib3, and with it requests: its connections are those of `http.client`, but connect in their own way."""

from __future__ import annotations

from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING

from usagekit.interception.scope import HostRefused
from usagekit.interception.seam import Function, Seam
from usagekit.interception.with_http_client import joined, really

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection


def connect(original: Function, _module: ModuleType) -> Function:
    """HTTPConnection.connect, which connects to nothing where the host is intercepted."""

    @wraps(original)
    def connected(self: HTTPConnection) -> None:
        if not _joined(self):
            really(original, self)

    return connected


def _joined(connection: HTTPConnection) -> bool:
    # A proxy that is not tunnelled through: only the request will tell for which host.
    if getattr(connection, "proxy", None) and not getattr(connection, "_tunnel_host", None):
        return False
    try:
        taken = joined(connection)
    except HostRefused as refused:
        from urllib3.exceptions import NewConnectionError

        raise NewConnectionError(connection, refused.reason) from refused
    if taken:
        # There is no certificate to doubt, and urllib3 would warn of an unverified one.
        connection.is_verified = True
    return taken


SEAMS = (
    Seam("HTTPConnection", "connect", connect),
    Seam("HTTPSConnection", "connect", connect),
)
