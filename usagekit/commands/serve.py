"""`usagekit serve`: the fakes on a port, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import logging
import re
import shlex
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from usage_mockserver.admin import Admin
from usage_mockserver.app import App, create_app
from usage_mockserver.clock import Clock, read_instant
from usage_mockserver.journal import Journal
from usage_mockserver.providers import NAMES
from usage_mockserver.providers import load as load_provider
from usage_mockserver.scenarios import SCENARIOS
from usage_mockserver.server import Tls, bind, port_is_taken, run_forever, url_of
from usage_mockserver.sessions import Sessions
from usage_mockserver.world import Settings, World
from usage_specs import Service, load
from usagekit.cli import FailedStart, hint
from usagekit.commands.encrypted import address, certified, trusting
from usagekit.commands.providers import begun, known_provider, read_providers
from usagekit.commands.sharing import ALONE, MOST_WORKERS, answer, reach, sharing, state_address

if TYPE_CHECKING:
    from usage_mockserver.state.address import Address

WINDOWS = {
    "somya": "from={first}&to={last}",
    "supertone": "start_date={first}&end_date={last}",
    "varg": "from={first}&to={last}",
    "surnex": "from={first}&to={last}",
    "lyrcs": "",
}
"""How each provider is asked for a period, for the examples printed at the start."""

PRINTED = {
    "supertone": "start_date=2025-05-19&end_date=2025-05-28",
    "surnex": "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z",
}
"""The vendors' printed example requests, which the scenario `docs` answers with their printed examples."""

WEEK = timedelta(days=7)
HOST = re.compile(r"[^\s/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\]")
LEVELS = ("critical", "error", "warning", "info", "debug")


def _instant(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:  # noqa: ARG001
    try:
        return None if value is None else read_instant(value)
    except ValueError as error:
        raise click.UsageError(f"--now: {error}") from None


def _scenario(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    if value not in SCENARIOS:
        raise click.UsageError(f"there is no scenario {value!r}; {hint(value, SCENARIOS)}")
    return value


def _hosts(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001
    for name in value:
        if not HOST.fullmatch(name):
            raise click.UsageError(f"--allow-host is {name!r}; write a host alone, such as usage.test")
    return value


@click.command(short_help="Answer the usage endpoints locally.")
@click.argument("providers", nargs=-1, callback=read_providers, shell_complete=begun, metavar="[PROVIDER]...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one."
)
@click.option("--seed", default=1, show_default=True, type=int, help="Another seed, other figures.")
@click.option(
    "--now", callback=_instant, metavar="INSTANT", help="Stop the clock here, e.g. 2026-03-01T12:00:00Z."
)
@click.option(
    "--scenario", default="busy", show_default=True, callback=_scenario, help=f"{', '.join(SCENARIOS)}."
)
@click.option("--switch", multiple=True, metavar="PROVIDER.NAME=VALUE", help="Take another reading.")
@click.option("--mutant", metavar="[PROVIDER.]NAME", help="Plant this defect; usagekit mutants lists them.")
@click.option("--manner", multiple=True, metavar="[PROVIDER.]NAME", help="Answer in this other legal way.")
@click.option("--key", multiple=True, metavar="PROVIDER=KEY", help="Accept this key and no other.")
@click.option(
    "--allow-host",
    multiple=True,
    callback=_hosts,
    metavar="NAME",
    help="Also answer under this host name.",
)
@click.option(
    "--allow-remote", is_flag=True, help="Let other machines in: needed for a --host beyond loopback."
)
@click.option(
    "--events", "files", multiple=True, metavar="[PROVIDER=]FILE", help="Add the events in this JSONL or CSV."
)
@click.option("--admin/--no-admin", default=True, help="Have a control plane under /__admin/ (it does).")
@click.option(
    "--admin-token",
    envvar=["USAGEKIT_SERVE_ADMIN_TOKEN", "USAGEKIT_ADMIN_TOKEN"],
    metavar="TOKEN",
    help="What the control plane asks for; needed beyond loopback. Better set as USAGEKIT_ADMIN_TOKEN.",
)
@click.option(
    "--journal/--no-journal", default=True, help="Note what is asked, for the control plane (it does)."
)
@click.option(
    "--access-log/--no-access-log", default=False, help="Log method, provider and status of requests."
)
@click.option(
    "--log-level", default="info", show_default=True, type=click.Choice(LEVELS), help="How much to log."
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, MOST_WORKERS),
    help="Processes that answer on the one port; give a --state to change things while they run.",
)
@click.option(
    "--state",
    envvar=["USAGEKIT_SERVE_STATE", "USAGEKIT_STATE"],
    metavar="URL",
    help="Share what is changed with other workers and replicas in this Redis: redis://HOST:PORT/0.",
)
@click.option("--tls", is_flag=True, help="Speak TLS, also as the vendors' hosts; needs usagekit[tls].")
@click.option(
    "--tls-ca",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the certificate to trust here instead of into a temporary folder; removed at the end.",
)
@click.option(
    "--port-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the port here when ready."
)
def command(
    *,
    providers: tuple[str, ...],
    host: str,
    port: int,
    allow_host: tuple[str, ...],
    allow_remote: bool,
    files: tuple[str, ...],
    admin: bool,
    admin_token: str | None,
    journal: bool,
    access_log: bool,
    log_level: str,
    workers: int,
    state: str | None,
    tls: bool,
    tls_ca: Path | None,
    port_file: Path | None,
    **account: Any,
) -> None:
    """Answer the usage endpoints of the PROVIDERs, or of all five, locally.

    Every endpoint is printed with a request to try. Ctrl-C stops the server.
    """
    shared = state_address(state, workers)
    world = make_world(providers, **account)
    load_events(world, files)
    _log(log_level)
    own = () if _wildcard(host) else (_bracketed(host),)
    book = Journal() if journal else Journal(entries=0)
    fakes = create_app(world, allow_hosts=(*allow_host, *own), journal=book, access_log=access_log)
    origin = reach(world, shared)
    with ExitStack() as stack:
        sock = stack.enter_context(closing(listen(host, port, allow_remote=allow_remote)))
        certificate = stack.enter_context(certified(tls, tls_ca, (*allow_host, *own)))
        url = url_of(sock, "https" if certificate else "http")
        app, control = controlled(fakes, sock, url, admin_token) if admin else (fakes, "")
        if workers > 1 and shared is None and app is not fakes:
            app, control = fakes, ALONE
        _answer(app, fakes, sock, certificate, shared, origin, workers, (url, control), port_file)


def _answer(
    app: App | Sessions,
    fakes: App,
    sock: socket.socket,
    certificate: Tls | None,
    shared: Address | None,
    origin: Mapping[str, Any],
    workers: int,
    told: tuple[str, str],
    port_file: Path | None,
) -> None:
    with ExitStack() as stack:

        def ready() -> None:
            click.echo(greeting(fakes.world, *told, certificate and certificate.ca_file))
            if port_file is not None:
                stack.enter_context(_port_in(port_file, sock.getsockname()[1]))

        def work(on_ready: Callable[[], None]) -> None:
            with sharing(app, fakes, shared, origin) as answering:
                run_forever(answering, sock, on_ready=on_ready, tls=certificate)

        answer(workers, sock, work, ready)


def _log(level: str) -> None:
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # What uvicorn tells at this level is how it starts and stops.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, logging.getLogger().level))


def controlled(app: App, sock: socket.socket, url: str, token: str | None) -> tuple[App | Sessions, str]:
    """The application with its control plane, and where that is; off where others could reach it freely."""
    if not token and not ipaddress.ip_address(sock.getsockname()[0]).is_loopback:
        return app, "off, because other machines can reach it; set USAGEKIT_ADMIN_TOKEN"
    return Sessions(app, control=Admin(token or None)), f"{url}/__admin/"


def make_world(
    providers: Sequence[str],
    *,
    seed: int,
    now: datetime | None,
    scenario: str,
    switch: Iterable[str] = (),
    mutant: str | None = None,
    manner: Iterable[str] = (),
    key: Iterable[str] = (),
) -> World:
    """The accounts that the options describe; a UsageError names what is not known."""
    clock = Clock() if now is None else Clock().travel_to(now)
    world = World(providers, Settings(seed=seed, scenario=scenario, clock=clock))
    switches, keys = _switches(world, switch), _keys(world, key)
    mutants, manners = _named(world, "mutant", filter(None, [mutant])), _named(world, "manner", manner)
    try:
        for name in world.providers:
            world.change(
                name,
                switches=switches.get(name, {}),
                keys=tuple(keys.get(name, ())),
                mutant="".join(mutants.get(name, ())),
                manners=tuple(manners.get(name, ())),
            )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    world.settle()
    return world


def _switches(world: World, given: Iterable[str]) -> dict[str, dict[str, str]]:
    chosen: dict[str, dict[str, str]] = {}
    for text in given:
        left, equals, value = text.partition("=")
        name, dot, switch = left.partition(".")
        if not (equals and dot):
            raise click.UsageError(f"--switch takes PROVIDER.NAME=VALUE, not {text!r}")
        chosen.setdefault(_served(name, world), {})[switch] = value
    return chosen


def _keys(world: World, given: Iterable[str]) -> dict[str, list[str]]:
    accepted: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (equals and value):
            raise click.UsageError("--key takes PROVIDER=KEY")
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise click.UsageError(f"--key {name}: only printable ASCII can travel as a key")
        accepted.setdefault(_served(name, world), []).append(value)
    return accepted


def _named(world: World, option: str, given: Iterable[str]) -> dict[str, list[str]]:
    """Names by provider; the provider may be left out where only one is served."""
    chosen: dict[str, list[str]] = {}
    for text in given:
        head, _, tail = text.partition(".")
        provider, name = (head, tail) if head in NAMES else (world.providers[0], text)
        if head not in NAMES and len(world.providers) > 1:
            raise click.UsageError(f"--{option} takes PROVIDER.NAME where several are served, not {text!r}")
        chosen.setdefault(_served(provider, world), []).append(name)
    return chosen


def load_events(world: World, files: Iterable[str]) -> None:
    """Add the events in these files, all or none; a UsageError says where one is wrong."""
    if not files:
        return
    from usage_mockserver.event_files import EventFileError, read_files

    chosen: list[tuple[str | None, Path]] = []
    for text in files:
        left, equals, right = text.partition("=")
        named = bool(equals) and left in NAMES
        chosen.append((_served(left, world), Path(right)) if named else (None, Path(text)))
    try:
        found = read_files(chosen, world.providers)
    except EventFileError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"--events {error.filename}: {error.strerror}") from None
    for name, events in found.items():
        world.add(name, events)
    world.settle()


def _served(name: str, world: World) -> str:
    if known_provider(name) not in world.providers:
        raise click.UsageError(f"{name} is not among the providers served: {', '.join(world.providers)}")
    return name


def listen(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    """A listening socket; other machines reach it only when that is allowed."""
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        local = all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)
        if not local and not allow_remote:
            raise click.UsageError(
                f"--host {host} lets other machines in; add --allow-remote if that is meant"
            )
        return bind(host, port)
    except OSError as error:
        if port_is_taken(error):
            raise FailedStart(f"port {port} on {host} is taken; choose another with --port, or 0") from None
        raise FailedStart(f"cannot listen on {host} port {port}: {error.strerror or error}") from None


def _wildcard(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")  # noqa: S104


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def greeting(world: World, url: str, control: str = "", ca_file: Path | None = None) -> str:
    """What is served where, each endpoint with a request that a shell can run as it stands.

    With TLS, whose certificate is in `ca_file`, these are requests to the vendor's own host name.
    """
    many = "s" if len(world.providers) > 1 else ""
    lines = [f"usagekit: {len(world.providers)} fake usage endpoint{many} on {url}", ""]
    for name in world.providers:
        service = load(name).service
        bases = [(f"{url}/{name}", "")] + [(url, "")] * (len(world.providers) == 1)
        if ca_file is not None:
            bases = [address(service, url, ca_file)]
        lines += [f"{service.title} (instead of {service.origin})"]
        lines += [f"  {curl(world, service, base, options)}" for base, options in bases] + [""]
    if ca_file is not None:
        lines += trusting(ca_file)
    if control:
        lines += [f"Control plane: {control}", ""]
    return "\n".join([*lines, "Ctrl-C stops it."])


def curl(world: World, service: Service, base: str, options: str = "") -> str:
    """A request to try, with the demo key, or with the key's usual variable where only certain keys open."""
    first, last = _period(world, service.name)
    asked = PRINTED if world.settings[service.name].scenario == "docs" else {}
    query = asked.get(service.name) or WINDOWS[service.name].format(first=first, last=last)
    target = f"{base}{service.path}?{query}" if query else f"{base}{service.path}"
    way = service.credentials[0]
    if world.settings[service.name].keys:
        field = f'"{way.header}: {way.value("$" + service.variable)}"'
    else:
        field = shlex.quote(f"{way.header}: {way.value(service.demo_key)}")
    return f"curl {options + ' ' if options else ''}{shlex.quote(target)} -H {field}"


def _period(world: World, name: str) -> tuple[date, date]:
    settings = world.settings[name]
    if settings.scenario == "docs" and (printed := [event.at.date() for event in load_provider(name).DOCS]):
        return min(printed), max(printed)
    # The last seven days that are complete in UTC.
    last = max(settings.clock.now().date(), date.min + WEEK) - timedelta(days=1)
    return last - timedelta(days=6), last


@contextmanager
def _port_in(path: Path, port: int) -> Iterator[None]:
    from usage_contracts.files import write_whole

    try:
        write_whole(path, f"{port}\n", private=False)
    except OSError as error:
        raise FailedStart(f"--port-file {path} cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        # A pipe or a terminal that was named is not ours to take away.
        if path.is_file():
            path.unlink(missing_ok=True)
