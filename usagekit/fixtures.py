"""What the pytest fixtures hand out: one server for the session, and accounts of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING

from usage_mockserver.app import create_app
from usage_mockserver.journal import Journal
from usage_mockserver.providers import load
from usage_mockserver.sessions import Sessions
from usage_mockserver.world import World
from usage_specs import PROVIDERS
from usagekit.environment import variables
from usagekit.fakes import Instant, make_world
from usagekit.handle import Accounts, Fake, ProviderAccount, fake

if TYPE_CHECKING:
    import httpx2

    from usagekit.interception import Intercepting
    from usagekit.live import LiveServices

# A test can send many more requests than a server needs to remember, and is over soon.
ENTRIES, BYTES = 100_000, 64 * 1024 * 1024


class UsageServer:
    """A server with all five fakes, shared by all tests; `url + "/varg"` is where Varg answers.

    It starts when its address is first asked for: who only intercepts needs none.
    """

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._sessions = Sessions(create_app(world))
        self._stack = stack
        self._lock = Lock()
        self._url = ""
        self._connections: httpx2.BaseTransport | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        with self._lock:
            if not self._url:
                # uvicorn and asyncio are a good part of what the first fixture would cost.
                from usage_mockserver.server import serve

                self._url = self._stack.enter_context(serve(self._sessions)).url
            return self._url

    @property
    def port(self) -> int:
        """The port of `url`."""
        return int(self.url.rpartition(":")[2])

    def accounts(
        self,
        *,
        seed: int = 1,
        now: Instant | None = None,
        scenario: str = "busy",
        live: LiveServices | None = None,
    ) -> UsageAccounts:
        """New accounts at all five providers that nobody else sees, until they are closed: use a `with` block.

        At its end what `expect_no_errors` was called for is checked, if all went well. Those that are `live`
        are the real services'. ValueError says which choice is wrong.
        """
        return UsageAccounts(self, make_world(seed=seed, now=now, scenario=scenario), live)

    def connections(self) -> httpx2.BaseTransport:
        """Connections to it for the clients of all tests: to make one takes as long as two requests."""
        with self._lock:
            if self._connections is None:
                from usagekit.clients import connections

                self._connections = connections()
                self._stack.callback(self._connections.close)
            return self._connections

    def admit(self, fakes: Fake) -> str:
        """Answer for these accounts from now on; the path before theirs."""
        return self._sessions.admit(create_app(fakes.world, journal=fakes.log.journal))

    def dismiss(self, prefix: str) -> None:
        """Answer for them no longer."""
        self._sessions.dismiss(prefix)


class UsageAccounts(Accounts):
    """The accounts of one test at all five providers; `url + "/supertone"` is `supertone.url`."""

    def __init__(self, server: UsageServer, world: World, live: LiveServices | None = None) -> None:
        super().__init__(PROVIDERS, self._handle, self._fakes)
        self._server, self._live = server, live
        self._fake = fake(world, Journal(ENTRIES, BYTES))
        self._prefix = ""
        self._closed = False
        self._lock = Lock()

    @property
    def url(self) -> str:
        """Where all of them answer, each behind its name."""
        with self._lock:
            if not self._prefix:
                if self._closed:
                    raise RuntimeError("these accounts belong to a test that has ended")
                self._prefix = self._server.admit(self._fake)
        return self._server.url + self._prefix

    def intercepting(self) -> Intercepting:
        """An interception, not yet open, that answers for these very accounts."""
        from usagekit.interception import Intercepting, Interception
        from usagekit.interception.scope import PRODUCTION

        hosts = frozenset([host for host, name in PRODUCTION.items() if name not in self._real])
        return Intercepting(lambda: Interception(self._fake.world, hosts, None, behind=self._fake))

    def environment(self) -> dict[str, str]:
        """Base URLs and keys by the names that `usagekit env` prints; real services without a key are left out."""
        found: dict[str, str] = {}
        for name in PROVIDERS:
            if self._live is None or name not in self._real or self._live.has_key(name):
                account = self.account(name)
                # Not the account's own `url`, which has FastAPI imported for whoever may never ask Somya.
                url = account.url if name in self._real else f"{self.url}/{name}"
                found |= variables(name, url, account.key)
        return found

    def verify(self) -> None:
        """Check what `expect_no_errors` was called for; AssertionError names what should not have come."""
        self._fake.verify()

    def close(self) -> None:
        """Close the clients, and answer no longer."""
        self.close_clients()
        with self._lock:
            was_closed, self._closed = self._closed, True
        if self._prefix and not was_closed:
            self._server.dismiss(self._prefix)

    def __enter__(self) -> UsageAccounts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # What the block raised says more than what it met.
            if error is None:
                self.verify()
        finally:
            self.close()

    @property
    def _real(self) -> frozenset[str]:
        return self._live.names if self._live is not None else frozenset()

    def _handle(self, name: str) -> ProviderAccount:
        if self._live is not None and name in self._real:
            return self._live.account(name)
        return ProviderAccount(name, lambda: self._address(name), self._fake, self._server.connections)

    def _address(self, name: str) -> str:
        # Before anybody's client begins to wait for it: Somya's FastAPI takes longer than some time limits.
        load(name)
        return f"{self.url}/{name}"

    def _fakes(self) -> Fake:
        if self._live is not None and self._real:
            names = ", ".join(name for name in PROVIDERS if name in self._real)
            are = "is the real service" if len(self._real) == 1 else "are the real services"
            self._live.refuse(f"this needs the fakes of all providers, and {names} {are} here")
        return self._fake


@contextmanager
def running_server(
    *, seed: int = 1, now: Instant | None = None, scenario: str = "busy"
) -> Iterator[UsageServer]:
    """A server on a free port of this machine while the block runs."""
    with ExitStack() as stack:
        yield UsageServer(make_world(seed=seed, now=now, scenario=scenario), stack)
