"""HTTP clients for a provider's handle: they present the key, and ignore proxies and .netrc."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import cache

import httpx2

SECONDS = 30.0
"""A time limit that a busy machine does not come near."""

Guard = Callable[[str], None]
"""Called with the method before each request; raises where it must not be sent."""


def connections(*, tls: bool = False) -> httpx2.BaseTransport:
    """Connections for clients; without `tls` they trust no certificate."""
    return httpx2.HTTPTransport(verify=_trust(tls=tls), trust_env=False)


def sync_client(
    url: str, headers: dict[str, str], guard: Guard, shared: httpx2.BaseTransport | None, *, tls: bool = False
) -> httpx2.Client:
    """A client whose paths are relative to `url`, over connections that are shared with others or its own."""
    transport = _Guarded(shared or connections(tls=tls), guard, own=shared is None)
    return httpx2.Client(
        base_url=_base(url), headers=headers, trust_env=False, transport=transport, timeout=SECONDS
    )


def async_client(url: str, headers: dict[str, str], guard: Guard, *, tls: bool = False) -> httpx2.AsyncClient:
    """The same for asyncio and trio, in any event loop, one after the other as well.

    It keeps no connection, so that nothing of it is left to be closed when its loop has ended.
    """
    limits = httpx2.Limits(max_keepalive_connections=0)
    transport = httpx2.AsyncHTTPTransport(verify=_trust(tls=tls), trust_env=False, limits=limits)
    return httpx2.AsyncClient(
        base_url=_base(url),
        headers=headers,
        trust_env=False,
        transport=_AsyncGuarded(transport, guard),
        timeout=SECONDS,
    )


def _base(url: str) -> str:
    # Where it is missing the client puts it in, parsing it all again, more than a third of what a client costs.
    return f"{url}/"


def _trust(*, tls: bool) -> ssl.SSLContext | bool:
    return True if tls else _trusting_nobody()


@cache
def _trusting_nobody() -> ssl.SSLContext:
    # Reading the machine's certificates takes longer than a whole test, and neither plain HTTP nor what is
    # answered in this process needs any; even an empty context costs as much as a request, hence one for all.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Guarded(httpx2.BaseTransport):
    def __init__(self, inner: httpx2.BaseTransport, guard: Guard, *, own: bool) -> None:
        self._inner, self._guard, self._own = inner, guard, own

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._guard(request.method)
        return self._inner.handle_request(request)

    def close(self) -> None:
        if self._own:
            self._inner.close()


class _AsyncGuarded(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport, guard: Guard) -> None:
        self._inner, self._guard = inner, guard

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._guard(request.method)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
