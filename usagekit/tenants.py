"""Several isolated worlds behind one server, each under a prefix of its own."""

from __future__ import annotations

from itertools import count

from usage_mockserver.app import App, Receive, Scope, Send

MARK = "/~"


class Tenants:
    """An ASGI application of applications: `/~7/...` is answered by the seventh guest, the rest by the host.

    A prefix is never given twice, so what still asks for a guest that left gets the host's 404 and not the
    figures of another guest.
    """

    def __init__(self, host: App) -> None:
        self.host = host
        self._guests: dict[str, App] = {}
        self._numbers = count(1)

    def admit(self, guest: App) -> str:
        """Answer for this application from now on; its prefix."""
        prefix = f"{MARK}{next(self._numbers)}"
        self._guests[prefix] = guest
        return prefix

    def dismiss(self, prefix: str) -> None:
        """Stop answering for the application under this prefix."""
        del self._guests[prefix]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3: hand over to the guest whose prefix the path begins with, mounted there."""
        path = scope.get("path", "")
        if path.startswith(MARK):
            end = path.find("/", len(MARK))
            prefix = path if end < 0 else path[:end]
            guest = self._guests.get(prefix)
            if guest is not None:
                await guest({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
                return
        await self.host(scope, receive, send)

    def repeat(self, head: bytes) -> tuple[bytes, bytes] | None:
        """What the application meant by this head answered to the same bytes before, if it still holds."""
        begin = head.find(b" ") + 1
        if not head.startswith(MARK.encode(), begin):
            return self.host.repeat(head)
        guest = self._guests.get(head[begin : head.find(b"/", begin + len(MARK))].decode("latin-1"))
        return guest.repeat(head) if guest is not None else None
