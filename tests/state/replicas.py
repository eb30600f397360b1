"""Servers of one account in this process, asked through ASGI: with the state in Redis, or in memory."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from usage_mockserver.admin import Admin
from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.framing import Limits, read_head
from usage_mockserver.providers import NAMES
from usage_mockserver.sessions import Sessions
from usage_mockserver.state.address import read_address
from usage_mockserver.state.link import Link
from usage_mockserver.state.packing import describe
from usage_mockserver.state.shared_sessions import SharedSessions
from usage_mockserver.state.store import Store
from usage_mockserver.world import Settings, World

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
ASKED = {
    "somya": ("/somya/v1/usage?from=2026-03-08&to=2026-03-14", "x-api-key: sk_usagekit_demo_somya"),
    "supertone": (
        "/supertone/v1/voice-usage?start_date=2026-03-08&end_date=2026-03-14",
        "x-sup-api-key: usagekit_demo_supertone",
    ),
    "varg": ("/varg/v1/usage?from=2026-03-08&to=2026-03-14", "authorization: Bearer varg_usagekit_demo"),
    "surnex": (
        "/surnex/v1/usage?from=2026-03-08&to=2026-03-14",
        "authorization: Bearer sk_usagekit_demo_surnex",
    ),
    "lyrcs": ("/lyrcs/api/v1/usage", "authorization: Bearer lyrcs_sk_live_usagekit_demo"),
}
"""A question to each provider, with its key."""


class Answer(NamedTuple):
    status: int
    body: bytes
    fields: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def make_world(**options: Any) -> World:
    return World(NAMES, Settings(**{"clock": Clock(frozen=NOW), **options}))


class Memory:
    """A server that keeps its state to itself."""

    def __init__(self, **options: Any) -> None:
        self.sessions = self._made(make_world(**options))
        self._loop = asyncio.new_event_loop()

    def _made(self, world: World) -> Sessions:
        return Sessions(create_app(world), control=Admin())

    def close(self) -> None:
        self.sessions.leave()
        self._loop.close()

    def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        kind: str = "application/json",
        **fields: str,
    ) -> Answer:
        """The answer to a request that goes through ASGI."""
        path, _, query = target.partition("?")
        headers = {"host": "localhost", **{name.replace("_", "-"): value for name, value in fields.items()}}
        if body is not None:
            headers["content-type"] = kind
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b""}

        async def send(message: Any) -> None:
            sent.append(message)

        self._loop.run_until_complete(self.sessions(scope, receive, send))
        got = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:]), got)

    def control(self, method: str, path: str, sent: Any = None, *, session: str = "") -> Answer:
        """The answer of the control plane."""
        prefix = f"/~{session}" if session else ""
        body = None if sent is None else json.dumps(sent).encode()
        return self.request(method, f"{prefix}/__admin/{path}", body)

    def ask(self, provider: str, *, session: str = "") -> Answer:
        """The account's answer to the question in `ASKED`, through ASGI."""
        target, field = ASKED[provider]
        name, _, value = field.partition(": ")
        prefix = f"/~{session}" if session else ""
        return self.request("GET", prefix + target, **{name: value})

    def ask_shortly(self, provider: str, *, session: str = "") -> bytes | None:
        """The same by the short ways of our own server; None where it would take the long one."""
        target, field = ASKED[provider]
        prefix = f"/~{session}" if session else ""
        raw = f"GET {prefix}{target} HTTP/1.1\r\nhost: localhost\r\n{field}\r\n\r\n".encode()
        found = self.sessions.repeat(raw) or self.sessions.respond(read_head(raw, Limits()))
        return None if found is None else b"".join(found)

    def served(self, provider: str, *, session: str = "") -> tuple[int, bytes]:
        """Status and body as our own server would give them: the short way, else the long one."""
        found = self.ask_shortly(provider, session=session)
        if found is None:
            return self.ask(provider, session=session)[:2]
        head, _, body = found.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), body

    def ask_all(self, *, session: str = "") -> dict[str, tuple[int, bytes]]:
        """The answers of all five."""
        return {name: self.ask(name, session=session)[:2] for name in ASKED}


class Replica(Memory):
    """A server with its state in Redis."""

    def close(self) -> None:
        super().close()
        self.store.end()

    def __init__(self, url: str, *, journal_entries: int = 1000, **options: Any) -> None:
        self._address = read_address(url)
        self._journal_entries = journal_entries
        super().__init__(**options)

    def _made(self, world: World) -> Sessions:
        self.link = Link(self._address, timeout=0.5)
        self.store = Store(self.link, self._address.prefix, describe(world))
        fakes = create_app(world)
        return SharedSessions(fakes, self.store, control=Admin(), journal_entries=self._journal_entries)
