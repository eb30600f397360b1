"""Which interception a request meets: the innermost one of its context, or the network."""

from __future__ import annotations

import errno
from contextvars import ContextVar
from threading import Thread, current_thread
from weakref import WeakKeyDictionary

from usage_specs import PROVIDERS, load
from usagekit.interception.handle import Interception

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
PRODUCTION = {load(name).service.host: name for name in PROVIDERS}

Chain = tuple[Interception, ...]

_chain: ContextVar[Chain] = ContextVar("usagekit_interceptions")
_born: WeakKeyDictionary[Thread, Chain] = WeakKeyDictionary()
_open: list[Interception] = []


class HostRefused(ConnectionRefusedError):
    """A host that must not be reached from here; the text says which, and how it may be."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.ECONNREFUSED, reason)
        self.reason = reason


def plain(host: str) -> str:
    """A host name the way it is compared: lower case, without the final dot and the brackets of IPv6."""
    return host.lower().removesuffix(".").strip("[]")


def answering(scheme: str, host: str, port: int | None) -> Interception | None:
    """The interception that answers for this origin, None where the network does.

    HostRefused when the interception around does not let this host be reached.
    """
    name = plain(host)
    at_home = scheme in PORTS and port in (None, PORTS[scheme])
    around = visible()
    for interception in reversed(around):
        if at_home and name in interception.hosts:
            return interception
        if interception.refuses(name):
            raise HostRefused(
                f"usagekit.intercept() lets no request out to {name!r} here; "
                f"if it may be reached, add it: intercept(allow_other_hosts={{{name!r}}})"
            )
    return _adopting(name) if at_home and not around else None


def visible() -> Chain:
    """The open interceptions that the caller belongs to, the innermost last."""
    chain = _chain.get(None)
    if chain is None:
        chain = _born.get(current_thread(), ())
    return tuple([interception for interception in chain if interception.is_open])


def enter(interception: Interception) -> None:
    """Open an interception for this context and what it starts."""
    interception.chain = (*visible(), interception)
    interception.is_open = True
    _open.append(interception)
    _chain.set(interception.chain)


def leave(interception: Interception) -> None:
    """Close an interception, also when another context opened it."""
    interception.is_open = False
    _open.remove(interception)
    _chain.set(visible())


def hand_down(thread: Thread) -> None:
    """Let a thread that is about to start see what its starter sees."""
    if around := visible():
        _born[thread] = around


def carrying(chain: Chain) -> _Carried:
    """A block whose code sees these interceptions, wherever it runs."""
    return _Carried(chain)


class _Carried:
    __slots__ = ("_chain", "_token")

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def __enter__(self) -> None:
        self._token = _chain.set(self._chain)

    def __exit__(self, *error: object) -> None:
        _chain.reset(self._token)


def _adopting(host: str) -> Interception | None:
    """The interception for a caller that belongs to none: there must be no doubt which one is meant."""
    candidates = [interception for interception in tuple(_open) if host in interception.hosts]
    if not candidates:
        return None
    last = candidates[-1]
    if all(interception in last.chain for interception in candidates):
        return last
    raise HostRefused(
        f"a request to {host!r} comes from a thread or task that was there before any of the {len(candidates)} "
        "open usagekit interceptions, and belongs to none; start it inside, or run it in the context of one: "
        "contextvars.copy_context().run(...)"
    )
