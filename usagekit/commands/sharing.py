"""What `usagekit serve --workers` and `--state` add: several processes, and one state for all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from usage_mockserver.app import App
from usage_mockserver.invalid import InvalidError
from usage_mockserver.sessions import Sessions
from usage_mockserver.world import World
from usagekit.cli import FailedStart

if TYPE_CHECKING:
    import socket

    from usage_mockserver.state.address import Address
    from usage_mockserver.state.store import Store

MOST_WORKERS = 64
ALONE = "off, because each worker would keep changes to itself; --state redis://HOST:PORT/0 shares them"
"""What is said of the control plane where workers have no state in common."""


def state_address(text: str | None, workers: int) -> Address | None:
    """Where the options put the state, None for the memory of this process; UsageError when they are wrong."""
    if workers > 1 and sys.platform == "win32":
        raise click.UsageError("--workers needs fork, which Windows does not have; start several servers")
    if not text:
        return None
    from usage_mockserver.state.address import read_address

    try:
        return read_address(text)
    except InvalidError as error:
        raise click.UsageError(f"--state: {error.message}") from None


def reach(world: World, address: Address | None) -> Mapping[str, Any]:
    """How this server begins, once it is sure that the state can be had there and belongs to one like it."""
    if address is None:
        return {}
    if find_spec("redis") is None:
        raise FailedStart("--state needs Redis' client: pip install 'usagekit[redis]'")
    from usage_mockserver.state.operations import StateError
    from usage_mockserver.state.packing import describe

    origin = describe(world)
    with _store(address, origin) as store:
        try:
            store.check()
        except StateError as error:
            raise FailedStart(f"--state {address.shown}: {error.message}") from None
    return origin


@contextmanager
def _store(address: Address, origin: Mapping[str, Any]) -> Iterator[Store]:
    from usage_mockserver.state.link import Link
    from usage_mockserver.state.store import Store

    store = Store(Link(address), address.prefix, origin)
    try:
        yield store
    finally:
        store.end()


@contextmanager
def sharing(
    app: App | Sessions, fakes: App, address: Address | None, origin: Mapping[str, Any]
) -> Iterator[App | Sessions]:
    """The application as it is, or with its state at this address; to be entered in the process that answers."""
    if address is None:
        yield app
        return
    from usage_mockserver.state.shared_sessions import SharedSessions

    control = app.control if isinstance(app, Sessions) else None
    with _store(address, origin) as store:
        yield SharedSessions(fakes, store, control=control, journal_entries=fakes.journal.most)


def answer(
    workers: int,
    sock: socket.socket,
    work: Callable[[Callable[[], None]], None],
    on_ready: Callable[[], None],
) -> None:
    """Do the work on this socket here, or in so many processes; one sentence when they do not stay alive."""
    if workers == 1:
        work(on_ready)
        return
    from usage_mockserver.workers import WorkersError, run_workers

    try:
        # Left open here, it would take connections that no worker is there to answer any more.
        run_workers(workers, work, on_ready=on_ready, on_end=sock.close)
    except WorkersError as error:
        raise FailedStart(f"{error}; the log says why") from None
