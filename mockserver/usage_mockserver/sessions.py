"""Isolated worlds behind one server: a prefix or a header field selects one, `/__admin/` changes them."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from usage_mockserver.app import App, Receive, Scope, Send, problem
from usage_mockserver.invalid import InvalidError
from usage_mockserver.journal import Journal
from usage_mockserver.kept import KeptReplies, Spelled, wire
from usage_mockserver.state.operations import Operation, apply

if TYPE_CHECKING:
    from usage_mockserver.framing import Head

MARK = "/~"
FIELD = "x-usagekit-session"
ADMIN = "/__admin"
SESSIONS = 1000
# Of each session: enough for a test, and a thousand of them still fit into memory.
JOURNAL_BYTES, KEPT_BYTES = 256 * 1024, 128 * 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SELECTED = re.compile(rb"\r\nx-usagekit-session:[ \t]*([!-~]*)[ \t]*\r\n", re.IGNORECASE)
_ADMIN_WRITE = re.compile(rb"[A-Z]+ (?:/~[^/? ]*)?/__admin(?:/|[? ])")

T = TypeVar("T")
Control = Callable[["Sessions", str, str, Scope, Receive, Send], Awaitable[None]]
"""What answers under `/__admin`: sessions, name of the selected one, path behind `/__admin`, and ASGI's three."""


class Sessions:
    """An ASGI application of applications, each with a world, settings, events and a journal of its own.

    `/~NAME/...` or the field `X-Usagekit-Session: NAME` selects a session, the prefix before the field, and
    neither the `host`. Sessions are made through the control plane (`open`), so that a web page cannot make
    any; the one not used for longest makes room. Guests that `admit` brings stay until they are dismissed.
    """

    def __init__(self, host: App, *, control: Control | None = None, most: int = SESSIONS) -> None:
        self.host = host
        self.control = control
        self._most = most
        self._guests: dict[str, App] = {}
        self._named: OrderedDict[str, App] = OrderedDict()
        self._numbers = count(1)
        self._lock = Lock()
        self.leaving = False
        self.watchers = 0

    # -- who there is -----------------------------------------------------------------------------------

    def admit(self, guest: App) -> str:
        """Answer for this application from now on; its prefix, which is never given twice."""
        name = self._unused()
        self._guests[name] = guest
        return f"{MARK}{name}"

    def dismiss(self, prefix: str) -> None:
        """Stop answering for the application under this prefix."""
        del self._guests[prefix.removeprefix(MARK)]

    def open(self, name: str = "") -> tuple[str, App]:
        """The session of this name, made if there is none, as the host was begun; one without a name is new."""
        if name and not NAME.fullmatch(name):
            message = f"{name[:100]!r} is no name of a session; letters, digits, '.', '_' and '-' make one"
            raise InvalidError(message, "name")
        found = self.find(name) if name else None
        if found is not None:
            return name, found
        journal = Journal(self.host.journal.most, JOURNAL_BYTES)
        app = self.host.beside(self.host.world.fork(), journal, KeptReplies(KEPT_BYTES))
        with self._lock:
            name = name or self._unused()
            return name, self._keep(name, app)

    def _keep(self, name: str, app: App) -> App:
        app = self._named.setdefault(name, app)
        if len(self._named) > self._most:
            self._named.popitem(last=False)
        return app

    def close(self, name: str) -> bool:
        """Forget this session; False when there is none."""
        with self._lock:
            return self._named.pop(name, None) is not None

    def find(self, name: str) -> App | None:
        """The application of a session, the host for "", None when there is none."""
        if not name:
            return self.host
        guest = self._guests.get(name)
        if guest is None and name in self._named:
            with self._lock:
                guest = self._named.get(name)
                if guest is not None:
                    self._named.move_to_end(name)
        return guest

    @property
    def names(self) -> list[str]:
        """The sessions that were opened, the one not used for longest first."""
        with self._lock:
            return list(self._named)

    @property
    def most(self) -> int:
        """How many sessions are kept."""
        return self._most

    def perform(self, name: str, run: Callable[[], T]) -> T:  # noqa: ARG002
        """Run a control call against the present state of this session; with a shared state, perhaps again."""
        return run()

    def commit(self, app: App, *operations: Operation) -> None:
        """Do all of these to a session, or nothing."""
        apply(app, operations)

    @property
    def shared(self) -> str:
        """What becomes of the state that replicas share: "shared", or "lost" for now; "" when it is not."""
        return ""

    def leave(self) -> None:
        """End what would never end by itself: the server goes."""
        self.leaving = True

    def _unused(self) -> str:
        return next(name for number in self._numbers if (name := str(number)) not in self._named)

    # -- requests ---------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3: the control plane, a session, or the host."""
        if scope["type"] != "http":
            await self.host(scope, receive, send)
            return
        fields = _selecting(scope)
        name, prefix, path = _split(scope["path"], fields[FIELD])
        meant = path == ADMIN or path.startswith(f"{ADMIN}/")
        if meant and self.control is not None and self.host.is_ours(fields["host"]):
            await self.control(self, name, path.removeprefix(ADMIN), scope, receive, send)
            return
        guest = self.find(name)
        if guest is not None:
            root = scope.get("root_path", "") + prefix
            await guest({**scope, "root_path": root} if prefix else scope, receive, send)
        else:
            await self._unknown(name, scope, send)

    async def _unknown(self, name: str, scope: Scope, send: Send) -> None:
        way = f"POST {ADMIN}/sessions makes one" if self.control else "what it belonged to has ended"
        reply = problem(404, f"There is no session {name[:100]!r}; {way}.", keep=False)
        fields, body = wire(reply, scope["method"])
        await send({"type": "http.response.start", "status": reply.status, "headers": list(fields)})
        await send({"type": "http.response.body", "body": body})

    def repeat(self, head: bytes) -> Spelled | None:
        """What the application meant by this head answered to the same bytes before, if it still holds."""
        begin = head.find(b" ") + 1
        if head.startswith(b"/~", begin):
            guest = self.find(head[begin + 2 : head.find(b"/", begin + 2)].decode("latin-1"))
            return guest.repeat(head) if guest is not None else None
        # The host never hears of a head that selects a session, so what it remembers selects none.
        answer = self.host.repeat(head)
        if answer is None and (self._named or self._guests):
            selected = _SELECTED.search(head)
            guest = self.find(selected[1].decode("latin-1")) if selected is not None else None
            return guest.repeat(head) if guest is not None and guest is not self.host else None
        return answer

    def respond(self, head: Head) -> Spelled | None:
        """The answer to a plain head, None where it has to go the long way."""
        target = head.target
        # In all bytes of the head, since that takes less time than to go through its fields.
        if target.startswith((b"/__admin", b"/~")) or b"x-usagekit-session" in head.raw.lower():
            return self._respond_selected(head)
        return self.host.respond(head)

    def _respond_selected(self, head: Head) -> Spelled | None:
        selected = ",".join(
            value.decode("latin-1") for name, value in head.fields if name == b"x-usagekit-session"
        )
        target = head.target.partition(b"?")[0].decode("latin-1")
        name, prefix, path = _split(target, selected)
        guest = self.find(name)
        if guest is None or path == ADMIN or path.startswith(f"{ADMIN}/"):
            return None
        return guest.respond(head, prefix)

    def streams(self, head: bytes) -> bool:
        """Whether the body of this request is taken as it arrives, however long it is."""
        return self.control is not None and _ADMIN_WRITE.match(head) is not None


def _selecting(scope: Scope) -> Mapping[str, str]:
    """The fields that say who is meant; a session named twice is a name that nobody has."""
    found = {"host": "", FIELD: ""}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        if name in found:
            found[name] = ",".join(filter(None, (found[name], value.decode("latin-1"))))
    return found


def _split(path: str, selected: str) -> tuple[str, str, str]:
    """The name of the selected session, the prefix that selects it, and the path behind that."""
    if not path.startswith(MARK):
        return selected, "", path
    name, slash, rest = path[len(MARK) :].partition("/")
    return name or "~", f"{MARK}{name}", slash + rest
