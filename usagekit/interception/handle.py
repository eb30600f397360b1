"""What a block with an interception holds in its hand: the accounts, and what was asked of them."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from email.utils import formatdate
from functools import cache
from typing import NamedTuple

from usage_mockserver.app import MARKER, App, create_app, problem
from usage_mockserver.framing import Limits, Refused, read_head
from usage_mockserver.http import Reply, Transport
from usage_mockserver.journal import Journal
from usage_mockserver.kept import PHRASES, Fields, KeptReplies, wire
from usage_mockserver.world import World
from usage_specs import load
from usagekit.handle import Accounts, Fake, ProviderAccount, fake

# Nobody can wear out a process with requests of its own.
LIMITS = Limits(head=1 << 24, fields=10_000, target=1 << 24, body=10**14)
ALONE = ("host", "authorization", "content-type")
WHOLE = Transport()
PIECE = 64 * 1024


class Answer(NamedTuple):
    """What the client gets, `delay` seconds after it asked, disturbed as `transport` says."""

    status: int
    fields: Fields
    body: bytes
    delay: float
    transport: Transport

    @property
    def reason(self) -> bytes:
        """The phrase that goes with the status."""
        return PHRASES.get(self.status, "").encode("ascii")

    @property
    def plain(self) -> bool:
        """Whether everything arrives, in one piece."""
        return self.transport == WHOLE

    @property
    def end(self) -> int:
        """How many bytes of the body arrive."""
        cut = self.transport.cut
        return len(self.body) if cut is None else min(cut, len(self.body))

    def parts(self) -> Iterator[tuple[float, bytes]]:
        """What travels on a connection, each part with the seconds that pass before it.

        Then comes the end of the connection, or a ConnectionResetError is raised instead of everything.
        """
        yield self.delay, b""
        if self.transport.reset:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        lines = b"".join([b"%b: %b\r\n" % field for field in self.fields])
        yield 0.0, b"HTTP/1.1 %d %b\r\n%b\r\n" % (self.status, self.reason, lines)
        yield from self.body_parts()

    def body_parts(self) -> Iterator[tuple[float, bytes]]:
        """What arrives of the body, each part with the seconds that pass before it."""
        step, end = self.transport.step or PIECE, self.end
        for begin in range(0, end, step):
            yield self.transport.pause if begin else 0.0, self.body[begin : min(begin + step, end)]


class Interception(Accounts):
    """One open interception: `world` holds the accounts, `app` answers for them.

    `hosts` are the production hosts it answers for, `allowed` the other hosts that may be reached (None means
    all of them), `chain` the interceptions around it and then itself. `behind` are accounts that somebody
    else looks after as well. Its handles (`.supertone`) have the production addresses, and `requests` is what
    was intercepted.
    """

    def __init__(
        self,
        world: World,
        hosts: frozenset[str],
        allowed: frozenset[str] | None,
        *,
        behind: Fake | None = None,
    ) -> None:
        fakes = behind or fake(world, Journal())
        names = [name for name in world.providers if load(name).service.host in hosts]
        super().__init__(names, lambda name: _handle(name, fakes), lambda: fakes)
        self.app: App = create_app(world, journal=fakes.log.journal, kept=_answers(world.providers))
        self.hosts: frozenset[str] = hosts
        self.allowed: frozenset[str] | None = allowed
        self.chain: tuple[Interception, ...] = (self,)
        self.is_open: bool = False
        self._own = fakes if behind is None else None

    def finish(self, *, well: bool) -> None:
        """Close the clients of the handles and, if all went well, check what `expect_no_errors` was for."""
        self.close_clients()
        if well and self._own is not None:
            self._own.verify()

    def refuses(self, host: str) -> bool:
        """Whether a host that nobody answers for must not be reached either."""
        return self.allowed is not None and host not in self.allowed

    def ask(
        self, method: str, scheme: str, host: str, target: str, fields: Iterable[tuple[bytes, bytes]]
    ) -> Answer:
        """The answer to one request, noted in `requests`."""
        path, _, query = target.partition("?")
        headers = _joined(fields)
        return _answer(self.app.handle(method, host, path, query, headers, scheme), method)

    def ask_raw(self, raw: bytes, scheme: str, host: str) -> Answer:
        """The answer to the request with this head, or what our server says to a head it cannot read."""
        try:
            head = read_head(raw, LIMITS)
        except Refused as refused:
            return _answer(problem(refused.status, refused.reason), "GET")
        return self.ask(head.method.decode("ascii"), scheme, host, head.target.decode("ascii"), head.fields)

    def __repr__(self) -> str:
        state = "open" if self.is_open else "closed"
        return f"<interception of {', '.join(sorted(self.hosts))}, {state}>"


def _handle(name: str, fakes: Fake) -> ProviderAccount:
    origin = load(name).service.origin
    return ProviderAccount(name, lambda: origin, fakes)


@cache
def _answers(_providers: tuple[str, ...]) -> KeptReplies:
    """What was answered before: a kept answer is given again only in the very same state of an account."""
    return KeptReplies()


def _answer(reply: Reply, method: str) -> Answer:
    fields, body = wire(reply, method, (("date", formatdate(usegmt=True)), MARKER))
    return Answer(reply.status, fields, body, reply.delay, reply.transport or WHOLE)


def _joined(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Fields by lower-case name; repeated ones make a list, except those that make no sense as one."""
    found: dict[str, str] = {}
    for raw, value in fields:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        if name not in found:
            found[name] = text
        elif name not in ALONE:
            found[name] += f", {text}"
    return found
