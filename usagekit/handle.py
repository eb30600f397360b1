"""Handles of fake accounts: where they answer, what is in them, how they behave, what was asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from usage_mockserver.event_files import read_files
from usage_mockserver.faults import KINDS, Fault
from usage_mockserver.invalid import meant
from usage_mockserver.journal import Journal
from usage_mockserver.settings import read_fault, read_settings
from usage_mockserver.world import World
from usage_specs import PROVIDERS, load
from usagekit.adding import events_by_keyword, events_given
from usagekit.expecting import NoErrors
from usagekit.sent import Log, Requests
from usagekit.travel import AccountClock, Change

if TYPE_CHECKING:
    import httpx2


class Fake(NamedTuple):
    """What stands behind handles: the accounts, what was sent to them, and what is expected of that."""

    world: World
    log: Log
    pending: list[NoErrors]

    def verify(self) -> None:
        """Check everything expected; AssertionError names each answer that should not have come."""
        wrong = []
        for one in list(self.pending):
            try:
                one.verify()
            except AssertionError as error:
                wrong.append(str(error))
        if wrong:
            raise AssertionError("\n".join(wrong))


def fake(world: World, journal: Journal) -> Fake:
    """These accounts, asked through what writes this journal."""
    return Fake(world, Log(journal, world.providers), [])


class Real(NamedTuple):
    """A real service in place of a fake: its key, what bounds its clients, and what refuses to go on."""

    key: str
    guard: Callable[[str], None]
    refuse: Callable[[str], NoReturn]


class ProviderAccount:
    """One provider as a client sees it, and its account as a test sets it up.

    `url` replaces scheme and host of production: the documented path is appended, so that
    `account.url + account.path` is the endpoint. `key` is accepted there. What changes the account holds until
    it is changed again, until `reset`, or as a block (`with varg.fault(429):`) until its end.
    """

    def __init__(
        self,
        name: str,
        place: Callable[[], str],
        behind: Fake | Real,
        shared: Callable[[], httpx2.BaseTransport] | None = None,
    ) -> None:
        service = load(name).service
        credential = service.credentials[0]
        self.name: str = name
        self.path: str = service.path
        self.key: str = behind.key if isinstance(behind, Real) else service.demo_key
        self.headers: dict[str, str] = {credential.header: credential.value(self.key)}
        self._place = place
        self._behind = behind
        self._shared = shared
        self._client: httpx2.Client | None = None
        self._aclient: httpx2.AsyncClient | None = None
        self._closed = False

    # -- how it is reached ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """What stands in place of `https://host`, without a slash at the end."""
        return self._place()

    @property
    def client(self) -> httpx2.Client:
        """A client that presents the key; paths are relative to `url`, and it ignores proxies and .netrc."""
        if self._client is None:
            # Here and not above: whoever brings a client of their own does not pay for ours.
            from usagekit.clients import sync_client

            url = self.url
            shared = self._shared() if self._shared is not None else None
            self._client = sync_client(url, self.headers, self._guard, shared, tls=self._is_real)
        return self._client

    @property
    def aclient(self) -> httpx2.AsyncClient:
        """The same for asyncio and trio; there is no need to close it."""
        if self._aclient is None:
            from usagekit.clients import async_client

            self._aclient = async_client(self.url, self.headers, self._guard, tls=self._is_real)
        return self._aclient

    def close(self) -> None:
        """Give the connections back; neither client sends anything after that."""
        self._closed = True
        if self._client is not None:
            self._client.close()

    @property
    def _is_real(self) -> bool:
        return isinstance(self._behind, Real)

    def _guard(self, method: str) -> None:
        if self._closed:
            raise RuntimeError(f"this client of {self.name} belongs to a test or a block that has ended")
        if isinstance(self._behind, Real):
            self._behind.guard(method)

    def _fake(self, what: str) -> Fake:
        if isinstance(self._behind, Real):
            self._behind.refuse(f"{self.name} is the real service here, and {what} needs the fake")
        return self._behind

    # -- what is in the account -------------------------------------------------------------------------

    def add(self, *events: Any, copies: int | None = None, **fields: Any) -> list[Any]:
        """Add events on top of what is there, and return them: one by keywords, or those given.

        `supertone.add(minutes=3)` adds one now, `at="2026-03-01T12:00:00Z"` one then (a text, date or
        datetime, UTC), `copies=5` five equal ones; fields left out have defaults, and `kind="asr"` says which
        of several kinds it is. Events given are objects, mappings of fields, or iterables of them. All or
        none: a wrong field is a TypeError, a wrong value a ValueError. One later than the clock is not seen
        until the clock reaches it.
        """
        world = self._fake(".add()").world
        if events and (fields or copies is not None):
            raise TypeError("add() takes events, or the fields of one event and copies=, not both")
        if not events and not fields and copies is None:
            raise TypeError(f"add() was given no event; {self.name}.add(copies=1) adds one with all defaults")
        now = world.settings[self.name].clock.now()
        if events:
            found = events_given(self.name, events, now=now)
        else:
            found = events_by_keyword(self.name, fields, copies=copies, now=now)
        world.add(self.name, found)
        return found

    def add_from(self, path: str | Path) -> list[Any]:
        """Add the events of a JSON lines or CSV file, and return them.

        Nothing is added when a line is wrong: the ValueError names file, line and field.
        """
        world = self._fake(".add_from()").world
        found = read_files([(self.name, Path(path))], (self.name,)).get(self.name, [])
        world.add(self.name, found)
        return found

    def clear(self) -> None:
        """Leave no usage at all, neither what was there before nor what was added."""
        world = self._fake(".clear()").world
        world.change(self.name, scenario="empty")
        world.clear(self.name)

    # -- how it behaves ---------------------------------------------------------------------------------

    def scenario(self, name: str) -> Change:
        """Put another state beneath what was added: busy, sparse, empty or docs."""
        return self._set(".scenario()", scenario=name)

    def switch(self, name: str = "", value: str | None = None, /, **values: str | None) -> Change:
        """Take a choice that the vendor left open: `switch("name", "value")`, or `switch(name="value")` with
        underscores for dashes; None is the default again."""
        if name:
            values = {name: value, **values}
        elif not values:
            raise TypeError(
                'switch() takes a name and a value: switch("name", "value") or switch(name="value")'
            )
        chosen = {key.replace("_", "-"): choice for key, choice in values.items()}
        world = self._fake(".switch()").world
        before = world.settings[self.name]
        old = {key: before.switches.get(key) for key in chosen}
        new = read_settings(self.name, {"switches": chosen}, before)
        world.change(self.name, switches=new.switches)
        return Change(lambda: self._switch_back(world, old))

    def _switch_back(self, world: World, old: Mapping[str, str | None]) -> None:
        kept = {key: one for key, one in world.settings[self.name].switches.items() if key not in old}
        world.change(self.name, switches=kept | {key: one for key, one in old.items() if one is not None})

    def fault(self, kind: str | int | None, **fields: Any) -> Change:
        """Disturb the answers from now on, beside other faults; None ends all of them.

        A status (`fault(429, times=1)`) is given in the vendor's own words; the kinds are latency (`ms`,
        `jitter_ms`), status, rate-limit (`limit`, `window` in seconds), reset, truncate (`size` in bytes),
        invalid-json, drip (`size`, `ms`) and gateway-html (`status`). `times` and `probability` say how often.
        """
        world = self._fake(".fault()").world
        if kind is None:
            if fields:
                raise TypeError("fault(None) ends all faults and takes nothing else")
            return self._set(".fault()", faults=())
        one = _read_fault(self.name, kind, fields)
        world.change(self.name, faults=(*world.settings[self.name].faults, one))
        return Change(lambda: self._without(world, one))

    def _without(self, world: World, one: Fault) -> None:
        # By identity: two equal faults are two.
        left = tuple(fault for fault in world.settings[self.name].faults if fault is not one)
        world.change(self.name, faults=left)

    def mutant(self, name: str | None) -> Change:
        """Plant a defect of the catalogue (`usagekit mutants`), or None to take it out."""
        return self._set(".mutant()", mutant=name or "")

    def reset(self) -> None:
        """Go back to how the test got the account: settings, events, counters; forget what was sent."""
        behind = self._fake(".reset()")
        behind.world.reset(self.name)
        behind.log.forget(self.name)

    @property
    def clock(self) -> AccountClock:
        """The account's idea of now: `.now()`, `.travel_to("2026-03-01")`, `.advance(days=1)`, `.real()`."""
        return AccountClock(self._fake(".clock").world, (self.name,))

    def _set(self, what: str, **changes: Any) -> Change:
        world = self._fake(what).world
        before = {key: getattr(world.settings[self.name], key) for key in changes}
        world.change(self.name, **changes)
        return Change(lambda: world.change(self.name, **before))

    # -- what was asked ---------------------------------------------------------------------------------

    @property
    def requests(self) -> Requests:
        """What was sent to it, by `client` and `aclient` too."""
        return Requests(self._fake(".requests").log, self.name)

    def expect_no_errors(self, *, except_for: Iterable[int] = ()) -> NoErrors:
        """From now to the test's end, or as a block until its end, every 4xx and 5xx fails the test.

        `except_for` are statuses that may come.
        """
        behind = self._fake(".expect_no_errors()")
        return NoErrors(behind.log, self.name, except_for, behind.pending)

    def __repr__(self) -> str:
        return f"<{self.name}{', the real service' * self._is_real}>"


class Accounts:
    """The accounts of several providers, each under its name; made with what makes one handle."""

    def __init__(
        self, names: Iterable[str], make: Callable[[str], ProviderAccount], behind: Callable[[], Fake]
    ) -> None:
        self._names, self._make, self._behind = tuple(names), make, behind
        self._handles: dict[str, ProviderAccount] = {}

    def account(self, name: str) -> ProviderAccount:
        """The account at this provider; LookupError says which there are."""
        found = self._handles.get(name)
        if found is None:
            if name not in self._names:
                raise LookupError(f"there is no account at {name!r} here; {meant(name, self._names)}")
            found = self._handles.setdefault(name, self._make(name))
        return found

    @property
    def somya(self) -> ProviderAccount:
        """The account at Somya."""
        return self.account("somya")

    @property
    def supertone(self) -> ProviderAccount:
        """The account at Supertone."""
        return self.account("supertone")

    @property
    def varg(self) -> ProviderAccount:
        """The account at Varg."""
        return self.account("varg")

    @property
    def surnex(self) -> ProviderAccount:
        """The account at Surnex."""
        return self.account("surnex")

    @property
    def lyrcs(self) -> ProviderAccount:
        """The account at Lyrcs."""
        return self.account("lyrcs")

    def __iter__(self) -> Iterator[ProviderAccount]:
        return iter([self.account(name) for name in PROVIDERS if name in self._names])

    @property
    def world(self) -> World:
        """The fakes' state itself, for what the handles have no word for."""
        return self._behind().world

    @property
    def clock(self) -> AccountClock:
        """The clock of all of them at once."""
        world = self.world
        return AccountClock(world, world.providers)

    @property
    def requests(self) -> Requests:
        """What was sent to all of them, also to addresses that belong to none."""
        return Requests(self._behind().log)

    def expect_no_errors(self, *, except_for: Iterable[int] = ()) -> NoErrors:
        """From now to the test's end, or as a block until its end, every 4xx and 5xx fails the test."""
        behind = self._behind()
        return NoErrors(behind.log, None, except_for, behind.pending)

    def reset(self) -> None:
        """Go back to how the test got the accounts, and forget what was sent."""
        behind = self._behind()
        behind.world.reset()
        behind.log.forget()

    def close_clients(self) -> None:
        """Close the clients of every account."""
        for handle in self._handles.values():
            handle.close()


def _read_fault(provider: str, kind: str | int, fields: Mapping[str, Any]) -> Fault:
    """The fault meant; a field that its kind does not have is a TypeError, anything else wrong a ValueError."""
    if isinstance(kind, int) and not isinstance(kind, bool):
        if "status" in fields:
            raise TypeError(f"fault({kind}) is the status itself; leave status= out")
        fields = {"status": kind, **fields}
        kind = "status"
    name = str(kind).replace("_", "-")
    if name.isdecimal():
        raise ValueError(f"there is no fault {kind!r}; a status is a number: fault({name})")
    if name in KINDS:
        known = (*KINDS[name], "times", "probability") if name != "rate-limit" else KINDS[name]
        for field in fields:
            if field not in known:
                raise TypeError(f"fault {name!r} has no {field!r}; {meant(field, known)}")
    return read_fault(provider, {"kind": name, **fields})
