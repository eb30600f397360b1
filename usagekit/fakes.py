"""The fakes from Python: as an ASGI application, or on a port of their own while a block runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from difflib import get_close_matches

from usage_mockserver import app, server
from usage_mockserver.clock import Clock, in_utc, read_instant
from usage_mockserver.providers import load
from usage_mockserver.scenarios import SCENARIOS
from usage_mockserver.world import Settings, World
from usage_specs import PROVIDERS

Instant = datetime | date | str


def create_app(
    *providers: str,
    seed: int = 1,
    now: Instant | None = None,
    scenario: str = "busy",
    keys: Iterable[str] = (),
) -> app.App:
    """The fakes as an ASGI application: all five, or those named; a single one answers without a prefix."""
    return app.create_app(make_world(*providers, seed=seed, now=now, scenario=scenario, keys=keys))


@contextmanager
def serve(
    *providers: str,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 1,
    now: Instant | None = None,
    scenario: str = "busy",
    keys: Iterable[str] = (),
    tls: bool = False,
) -> Iterator[server.Running]:
    """The fakes on a port (by default a free one) while the block runs; `url` answers when it begins.

    One provider answers under `url` itself, several under `url/<provider>`. With `tls` (needs the extra) also
    the vendors' own host names do; clients trust `ca_file`, or use `ssl_context()`.
    """
    world = make_world(*providers, seed=seed, now=now, scenario=scenario, keys=keys)
    for name in providers:
        # Before anybody's client begins to wait for it: Somya's FastAPI takes longer than some time limits.
        load(name)
    with ExitStack() as stack:
        certified = None
        if tls:
            from usagekit.tls import throw_away

            certified = stack.enter_context(throw_away([host]))
        yield stack.enter_context(server.serve(world, host=host, port=port, tls=certified))


def make_world(
    *providers: str,
    seed: int = 1,
    now: Instant | None = None,
    scenario: str = "busy",
    keys: Iterable[str] = (),
) -> World:
    """The accounts of these providers, all five when none is named; ValueError says what is not known.

    `now` stops the clock there (UTC); `keys` are the only keys accepted, none meaning any well-formed key.
    """
    _known("provider", providers, PROVIDERS)
    _known("scenario", [scenario], SCENARIOS)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed is a whole number, not {seed!r}")
    settings = Settings(seed=seed, scenario=scenario, clock=clock_at(now), keys=tuple(keys))
    return World(dict.fromkeys(providers or PROVIDERS), settings)


def clock_at(now: Instant | None) -> Clock:
    """The real clock, or one that stands at this instant; a date is its UTC midnight."""
    return Clock() if now is None else Clock(frozen=instant_of(now, "now"))


def instant_of(value: Instant, name: str) -> datetime:
    """The UTC instant meant; a naive one is read as UTC, and `name` stands in the complaint."""
    if isinstance(value, str):
        return read_instant(value)
    if not isinstance(value, date):
        raise TypeError(f"{name} is a datetime, a date or a text such as 2026-03-01, not {value!r}")
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return in_utc(value)


def _known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
            raise ValueError(f"unknown {kind} {name!r}; {hint}")
