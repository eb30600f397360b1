"""The fakes behind one ASGI callable: which provider is meant, and its answer, kept while nothing changes."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from usage_mockserver.delivery import deliver
from usage_mockserver.framing import Head
from usage_mockserver.http import Reply, Request, decoded_path, json_bytes, pairs
from usage_mockserver.journal import Journal, Record, make_record
from usage_mockserver.kept import HEAD, Kept, KeptReplies, Spelled, wire
from usage_mockserver.world import World
from usage_specs import load

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOCAL_HOSTS = ("127.0.0.1", "[::1]", "localhost")
MAX_BODY = 1024 * 1024
MARKER = ("x-usagekit", "fake")

# What a provider gets to see of a request's fields, and therefore what a kept answer is kept for. A field not
# named here cannot change an answer; requests that differ in one named here are different questions.
SEEN = (
    "host",
    "authorization",
    "if-none-match",
    "cache-control",
    "accept",
    "accept-encoding",
    "content-type",
    "origin",
    "cookie",
    "prefer",
)

log = logging.getLogger("usagekit")
access = logging.getLogger("usagekit.access")


class Question(NamedTuple):
    """Everything of a request that an answer may depend on; equal questions at one state, equal answers.

    A plain tuple of the texts as they came, because it is made and hashed for every request: nothing is
    decoded, sorted or normalised, and two spellings of one question simply are two.
    """

    method: str
    host: str
    raw_path: str
    query: str
    scheme: str
    root: str
    fields: tuple[str | None, ...]


class App:
    """The given world over HTTP, by path prefix, by Host header and, with one provider, without either.

    Made by `create_app`. `handle` is the whole of it without a server; the ASGI side only translates.
    """

    def __init__(
        self,
        world: World,
        journal: Journal,
        *,
        allow_hosts: Sequence[str],
        marker: bool,
        access_log: bool,
        kept: KeptReplies | None = None,
    ) -> None:
        self.world = world
        self.journal = journal
        self._services = {name: load(name).service for name in world.providers}
        self._by_host = {service.host: name for name, service in self._services.items()}
        self._hosts = frozenset(host.lower() for host in (*LOCAL_HOSTS, *allow_hosts))
        self._extra = (MARKER,) if marker else ()
        self._access_log = access_log
        keys = {way.header for service in self._services.values() for way in service.credentials}
        self._seen = (*SEEN, *sorted(keys - set(SEEN)))
        self._seen_bytes = {name.encode(): name for name in self._seen}
        self._kept = KeptReplies() if kept is None else kept

    # -- without a server -------------------------------------------------------------------------------

    def handle(
        self,
        method: str,
        host: str,
        raw_path: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        scheme: str = "http",
    ) -> Reply:
        """The answer to one request, noted in the journal.

        `raw_path` is still percent-encoded, header names are lower case. The body that HEAD, 204 and 304 do
        not have is not cut off here; `kept.wire` does that.
        """
        fields = headers or {}
        asked = Question(method, host, raw_path, query, scheme, "", tuple(map(fields.get, self._seen)))
        return self._answer(asked).reply

    def beside(
        self, world: World, journal: Journal, kept: KeptReplies, made: Callable[..., App] | None = None
    ) -> App:
        """Another world behind an application that behaves like this one; `made` makes it, if not App."""
        other: App = (made or App)(
            world, journal, allow_hosts=(), marker=False, access_log=self._access_log, kept=kept
        )
        other._hosts, other._extra = self._hosts, self._extra
        return other

    def is_ours(self, host: str) -> bool:
        """Whether this Host field means the kit itself: not a vendor, and no name that we do not have."""
        return bare_host(host) in ("", *self._hosts)

    def forget(self) -> None:
        """Drop every kept answer."""
        self._kept.clear()

    def repeat(self, head: bytes) -> Spelled | None:
        """The answer to a head that was answered before, if it would be the same now, noted in the journal.

        The same bytes are the same question, so neither the request nor the answer is looked at again. For
        heads that came by http, not https.
        """
        kept = self._kept.by_head(head)
        if kept is None or not self._holds(kept):
            return None
        self._note(kept)
        return kept.spelled()

    def respond(self, head: Head, root: str = "") -> Spelled | None:
        """The answer to a plain head that came by http, in the form of `repeat`, and remembered for it.

        Nothing here waits, so our own server need not make a task, a scope and two messages of it. None when
        the answer may have to come late or broken.
        """
        if self.world.disturbed:
            return None
        fields, _ = self._read_fields(head.fields)
        if "prefer" in fields:
            return None
        raw_path, _, query = head.target.decode("latin-1").partition("?")
        seen = tuple(map(fields.get, self._seen))
        method = head.method.decode("ascii")
        kept = self._answer(Question(method, fields["host"], raw_path, query, "http", root, seen))
        self._kept.remember_head(head.raw, kept)
        return kept.spelled()

    # -- ASGI -------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3: http is answered, lifespan acknowledged, a WebSocket refused."""
        if scope["type"] != "http":
            await _not_http(scope["type"], receive, send)
            return
        fields, too_long = self._read_fields(scope["headers"])
        asked = Question(
            scope["method"],
            fields.get("host", ""),
            _raw_path(scope),
            scope.get("query_string", b"").decode("latin-1"),
            scope.get("scheme", "http"),
            scope.get("root_path", ""),
            tuple(map(fields.get, self._seen)),
        )
        kept = self._answer(asked, too_large() if too_long else None)
        extensions = scope.get("extensions")
        if extensions is not None and HEAD in extensions:
            self._kept.remember_head(extensions[HEAD], kept)
        if kept.reply.delay or kept.reply.transport is not None:
            await deliver(kept.reply, kept.fields, kept.body, receive, send)
            return
        # New lists and dicts each time: middleware around this may change them.
        await send({"type": "http.response.start", "status": kept.reply.status, "headers": list(kept.fields)})
        await send({"type": "http.response.body", "body": kept.body})

    def _read_fields(self, sent: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], bool]:
        fields: dict[str, str] = {}
        too_long = False
        for raw, value in sent:
            name = self._seen_bytes.get(raw)
            if name is not None:
                text = value.decode("latin-1")
                # Node joins a repeated field, except those that make no sense as a list.
                if name not in fields:
                    fields[name] = text
                elif name not in ("host", "authorization", "content-type"):
                    fields[name] += f", {text}"
            elif raw == b"content-length":
                too_long = not value.isdigit() or int(value[:16]) > MAX_BODY
        return fields, too_long

    # -- answers ----------------------------------------------------------------------------------------

    def _answer(self, asked: Question, refusal: Reply | None = None) -> Kept:
        kept = self._kept.get(asked) if refusal is None else self._made(asked, refusal)
        if kept is None or not self._holds(kept):
            kept = self._fresh(asked)
            if kept.reply.keep:
                self._kept.put(asked, kept)
        self._note(kept)
        return kept

    def _holds(self, kept: Kept) -> bool:
        return kept.stamp is None or kept.stamp == self._stamp(kept.record.provider)

    def _fresh(self, asked: Question) -> Kept:
        routed = self._route(asked.host, asked.raw_path, asked.root)
        if isinstance(routed, Reply):
            return self._made(asked, routed)
        name, base, path = routed
        # Taken before the answer: what changes meanwhile makes the answer stale, never fresh for too long.
        stamp = self._stamp(name)
        fields = {
            field: value for field, value in zip(self._seen, asked.fields, strict=True) if value is not None
        }
        fields["host"] = asked.host
        request = Request(asked.method, path, asked.query, fields, base, asked.scheme)
        return self._made(asked, self._ask(name, request), stamp, name, path)

    def _stamp(self, provider: str) -> tuple[Any, ...]:
        """Everything an answer depends on beside the request; equal stamps, equal answers."""
        settings = self.world.settings[provider]
        ledger = self.world.ledger(provider)
        return settings, ledger, getattr(ledger, "version", 0), ledger.tide(settings.clock.now())

    def _route(self, host: str, raw_path: str, root: str) -> tuple[str, str, str] | Reply:
        """The provider meant, what stands before its paths, and its path; or the kit's own answer."""
        bare = bare_host(host)
        path = raw_path.removeprefix(root) or "/"
        if bare in self._by_host:
            return self._by_host[bare], root, decoded_path(path)
        if bare and bare not in self._hosts:
            return foreign_host(bare)
        if path in ("/", "*"):
            return self._index(200)
        name, slash, rest = path[1:].partition("/")
        if name in self._services:
            return name, f"{root}/{name}", decoded_path(slash + rest) or "/"
        if len(self._services) == 1:
            return next(iter(self._services)), root, decoded_path(path)
        return self._index(404)

    def _ask(self, provider: str, request: Request) -> Reply:
        try:
            return self.world.answer(provider, request)
        # Whatever a provider did not foresee: the client gets a clean 500 instead of a dead connection. The
        # text of the exception stays out of the log, because it may repeat the query or a key.
        except Exception as error:  # noqa: BLE001
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
            log.error("%s: %s at %s", provider, type(error).__name__, where)
            return problem(500, "The fake failed on this request; its log says where.", keep=False)

    def _index(self, status: int) -> Reply:
        """What is served here; under status 404 also the sentence that says so."""
        single = len(self._services) == 1
        endpoints = [
            {
                "provider": name,
                "method": "GET",
                "path": service.path if single else f"/{name}{service.path}",
                "host": service.host,
            }
            for name, service in self._services.items()
        ]
        if status == 200:
            return Reply(200, JSON, json_bytes({"name": "usagekit", "endpoints": endpoints}))
        return problem(
            status, "Nothing is served under this path; the endpoints are listed.", endpoints=endpoints
        )

    # -- what is kept -----------------------------------------------------------------------------------

    def _made(
        self,
        asked: Question,
        reply: Reply,
        stamp: tuple[Any, ...] | None = None,
        provider: str = "",
        path: str | None = None,
    ) -> Kept:
        record = make_record(
            provider,
            asked.method,
            decoded_path(asked.raw_path) if path is None else path,
            pairs(asked.query),
            reply.status,
            behaviour=reply.behaviour,
            headers={name: value for name, value in zip(self._seen, asked.fields, strict=True) if value},
            configured=tuple([key for settings in self.world.settings.values() for key in settings.keys]),
            body=reply.body,
        )
        fields, body = wire(reply, asked.method, self._extra)
        return Kept(stamp, reply, record, fields, body)

    def _note(self, kept: Kept) -> None:
        self.journal.add(kept.record, kept.record_size)
        if self._access_log:
            self._log(kept.record)

    def _log(self, record: Record) -> None:
        access.info("%s %s %d", record.method, record.provider or "usagekit", record.status)


def create_app(
    world: World,
    *,
    allow_hosts: Sequence[str] = (),
    marker: bool = True,
    journal: Journal | None = None,
    access_log: bool = False,
    kept: KeptReplies | None = None,
) -> App:
    """The fakes of this world as an ASGI application.

    `allow_hosts` are further host names it answers to, `marker` adds the field that tells a fake,
    `access_log` logs method, provider and status of each request, never its query, `kept` holds the answers.
    """
    book = Journal() if journal is None else journal
    return App(world, book, allow_hosts=allow_hosts, marker=marker, access_log=access_log, kept=kept)


JSON = (("content-type", "application/json"),)


def bare_host(host: str) -> str:
    """The name or address in a Host field, in lower case."""
    return (host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]).lower()


def problem(status: int, message: str, *, keep: bool = True, **more: object) -> Reply:
    """An error of the kit's own, in a shape that none of the vendors uses."""
    return Reply(status, JSON, json_bytes({"usagekit": {"message": message}, **more}), keep=keep)


def foreign_host(host: str) -> Reply:
    """The refusal of a host name that is not ours: a web page may have pointed it here (DNS rebinding)."""
    name = host[:255]
    return problem(400, f"This server does not answer for host {name!r}; start it with --allow-host {name}.")


def too_large() -> Reply:
    """The refusal of a body that no usage endpoint can want."""
    reply = problem(413, f"Bodies are limited to {MAX_BODY} bytes.")
    return Reply(413, (*reply.headers, ("connection", "close")), reply.body)


def _raw_path(scope: Scope) -> str:
    raw = scope.get("raw_path")
    # Optional in ASGI; without it an encoded slash cannot be told from a real one any more.
    return raw.partition(b"?")[0].decode("latin-1") if raw is not None else quote(scope["path"])


async def _not_http(kind: str, receive: Receive, send: Send) -> None:
    if kind == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
