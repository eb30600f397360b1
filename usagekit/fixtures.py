"""What the pytest fixtures hand out: one server for the session, and accounts of its own for each test."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from usage_mockserver.app import create_app
from usage_mockserver.server import Running, serve
from usage_mockserver.sessions import Sessions
from usage_mockserver.world import World
from usage_specs import load
from usagekit.fakes import Instant, make_world

if TYPE_CHECKING:
    import httpx2


class UsageServer:
    """A running server with all five fakes, shared by all tests; `url + "/varg"` is where Varg answers."""

    def __init__(self, running: Running, sessions: Sessions) -> None:
        self.url = running.url
        self.port = running.port
        self._sessions = sessions

    @contextmanager
    def accounts(
        self, *, seed: int = 1, now: Instant | None = None, scenario: str = "busy"
    ) -> Iterator[UsageAccounts]:
        """New accounts at all five providers that nobody else sees, closed when the block ends."""
        world = make_world(seed=seed, now=now, scenario=scenario)
        prefix = self._sessions.admit(create_app(world))
        try:
            with UsageAccounts(self.url + prefix, world) as accounts:
                yield accounts
        finally:
            self._sessions.dismiss(prefix)


class ProviderAccount:
    """One provider as a client sees it.

    `url` replaces scheme and host of production: the documented path is appended, so that
    `account.url + account.path` is the endpoint. `key` is accepted there.
    """

    def __init__(self, name: str, url: str) -> None:
        service = load(name).service
        credential = service.credentials[0]
        self.name = name
        self.url = url
        self.path = service.path
        self.key = service.demo_key
        self.headers = {credential.header: credential.value(service.demo_key)}
        self._client: httpx2.Client | None = None

    @property
    def client(self) -> httpx2.Client:
        """A client that presents the key; paths are relative to `url`, and it ignores proxies and .netrc."""
        if self._client is None:
            # Here and not above: whoever brings a client of their own does not pay for ours.
            import httpx2

            # Reading the machine's certificates takes longer than a whole test, and nothing here speaks TLS.
            trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._client = httpx2.Client(
                base_url=self.url, headers=self.headers, trust_env=False, verify=trusts_nobody
            )
        return self._client

    def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __repr__(self) -> str:
        return f"<{self.name} at {self.url}>"


class UsageAccounts:
    """The accounts of one test at all five providers; `url + "/supertone"` is `supertone.url`."""

    def __init__(self, url: str, world: World) -> None:
        self.url = url
        self.world = world
        self.somya = ProviderAccount("somya", f"{url}/somya")
        self.supertone = ProviderAccount("supertone", f"{url}/supertone")
        self.varg = ProviderAccount("varg", f"{url}/varg")
        self.surnex = ProviderAccount("surnex", f"{url}/surnex")
        self.lyrcs = ProviderAccount("lyrcs", f"{url}/lyrcs")

    def __iter__(self) -> Iterator[ProviderAccount]:
        return iter((self.somya, self.supertone, self.varg, self.surnex, self.lyrcs))

    def __enter__(self) -> UsageAccounts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for account in self:
            account.close()


@contextmanager
def running_server(
    *, seed: int = 1, now: Instant | None = None, scenario: str = "busy"
) -> Iterator[UsageServer]:
    """A server on a free port of this machine while the block runs."""
    sessions = Sessions(create_app(make_world(seed=seed, now=now, scenario=scenario)))
    with serve(sessions) as running:
        yield UsageServer(running, sessions)
