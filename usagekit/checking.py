"""Contract runs from Python: one provider, one target, one report."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from usage_specs import Service, load
from usagekit.known import known_filters

if TYPE_CHECKING:
    from httpx2 import BaseTransport

    from usage_contracts.transport import Limits
    from usage_contracts.verdict import Report
    from usagekit.applications import Application
    from usagekit.fakes import Instant

LOCAL_REQUESTS = 600
SHORTEST_KEY = 8


class CheckError(ValueError):
    """A contract run that cannot begin: the text says what to change."""


class MissingKeyError(CheckError):
    """A contract run that cannot begin for want of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a contract run is done.

    `now` is the service's time (UTC), by default this machine's. `live` is None to decide by the host: beyond
    loopback a run is paced, capped and sends nothing but GET. `requests` and `per_minute` override the cap and
    the pace. `probe_auth` allows two requests without a good key on a live run. `known` are filter values that
    exist in the account, by parameter name. `told` hears of each request sent, and how many that makes.
    """

    seed: int = 1
    scenario: str = "busy"
    now: datetime | None = None
    examples: int = 8
    live: bool | None = None
    requests: int | None = None
    per_minute: int | None = None
    seconds: float = 10.0
    probe_auth: bool = False
    strict: bool = False
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    told: Callable[[int], None] | None = None


class Given(TypedDict, total=False):
    """The same by the names that they have on the command line; `now` may be a date or a text too."""

    seed: int
    scenario: str
    now: Instant | None
    examples: int
    live: bool | None
    max_requests: int | None
    per_minute: int | None
    timeout: float
    probe_auth: bool
    strict: bool
    known: Mapping[str, Sequence[str]]


RENAMED = {"max_requests": "requests", "timeout": "seconds"}
WHOLE, SWITCH = (int, "a whole number"), (bool, "True or False")
KINDS: Mapping[str, tuple[type, str]] = {
    "seed": WHOLE,
    "examples": WHOLE,
    "max_requests": WHOLE,
    "per_minute": WHOLE,
    "timeout": (float, "a number of seconds"),
    "live": SWITCH,
    "probe_auth": SWITCH,
    "strict": SWITCH,
}
MAY_BE_NONE = ("max_requests", "per_minute", "live")


def read_options(given: Given) -> Options:
    """The options with these names; CheckError says which name or value is none, and what was meant."""
    from usage_mockserver.invalid import meant
    from usage_mockserver.scenarios import SCENARIOS
    from usagekit.fakes import clock_at

    wrong = [name for name in given if name not in Given.__annotations__]
    if wrong:
        raise CheckError(f"there is no option {wrong[0]!r}; {meant(wrong[0], Given.__annotations__)}")
    for name, (kind, words) in KINDS.items():
        if name in given and not _is_a(kind, found := dict(given)[name], optional=name in MAY_BE_NONE):
            raise CheckError(f"{name} is {found!r}; it must be {words}")
    if given.get("scenario", "busy") not in SCENARIOS:
        raise CheckError(f"there is no scenario {given['scenario']!r}; {meant(given['scenario'], SCENARIOS)}")
    most = given.get("max_requests")
    if most is not None and most < 1:
        raise CheckError(f"max_requests is {most}; a run needs one request or more")
    named: dict[str, Any] = {RENAMED.get(name, name): value for name, value in given.items()}
    try:
        return Options(**{**named, "now": clock_at(given.get("now")).frozen})
    except (TypeError, ValueError) as error:
        raise CheckError(f"now: {error}") from None


def _is_a(kind: type, value: object, *, optional: bool) -> bool:
    if value is None:
        return optional
    # Python's True is an int, and its int is no float.
    return isinstance(value, bool) is (kind is bool) and isinstance(value, (int, kind))


def read_key(key: str) -> str:
    """The key, if it can travel in a header and be masked in reports; else CheckError."""
    if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable():
        raise CheckError(f"the key is no key: it needs {SHORTEST_KEY} or more printable ASCII characters")
    return key


def is_loopback(url: str) -> bool:
    """Whether this URL's host is this machine's loopback interface."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_url(url: str) -> str:
    """The origin and prefix to ask, or CheckError saying what is wrong with it."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CheckError(f"{url!r}: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise CheckError(f"{url!r} is no URL of a server; write http://127.0.0.1:8000 or https://host/prefix")
    if parts.username or parts.password:
        raise CheckError("the URL holds a user name or password; give the key by --key-env or --key-file")
    if parts.query or parts.fragment:
        raise CheckError(f"{url!r} has a query or fragment; the contract run writes the query itself")
    try:
        parts.port  # noqa: B018
    except ValueError as error:
        raise CheckError(f"{url!r}: {error}") from error
    return url.rstrip("/")


def limits_for(service: Service, *, live: bool, options: Options) -> Limits:
    """The bounds of a run: generous on loopback, the provider's published figures beyond it."""
    from usage_contracts.transport import Limits

    told = options.told or (lambda _: None)
    if not live:
        return Limits(requests=options.requests or LOCAL_REQUESTS, seconds=options.seconds, told=told)
    per_minute = options.per_minute or min(service.per_minute, 60)
    return Limits(
        requests=options.requests or service.live_cap,
        gap=60 / per_minute,
        seconds=max(options.seconds, 30.0),
        waits=120.0,
        live=True,
        told=told,
    )


def check(
    provider: str,
    *,
    url: str | None = None,
    app: Application | str | None = None,
    key: str | None = None,
    interface: str = "auto",
    options: Options | None = None,
) -> Report:
    """Hold one provider's document against a server and report a verdict per behaviour.

    Without `url` and `app` a fake is started for the run. `url` replaces the vendor's scheme, host and prefix;
    the documented path is appended. `app` is an ASGI or WSGI application, or the `package.module:name` of one,
    which is asked in this process and without a socket, as if `url` led to it; `interface` says which of both
    it is where that cannot be seen. `key` defaults to the fakes' demo key on loopback and for an `app`.
    SpecError for an unknown provider, CheckError for a target that cannot be asked.
    """
    chosen = options or Options()
    service = load(provider).service
    if app is not None:
        return _run_application(service, app, interface, url=url, key=key, options=chosen)
    if url is None:
        chosen = replace(chosen, known=chosen.known or known_filters(provider))
        with _own_fake(provider, chosen) as own:
            return _run(service, own, service.demo_key, live=False, options=chosen)
    origin = read_url(url)
    live = chosen.live if chosen.live is not None else not is_loopback(origin)
    if key is None:
        if live:
            raise MissingKeyError(f"a key is needed beyond loopback: set {service.variable} or give the key")
        key = service.demo_key
    return _run(service, origin, key, live=live, options=chosen)


@lru_cache(maxsize=1)
def leave_no_files() -> TemporaryDirectory[str] | None:
    """Keep Hypothesis from writing into the working directory."""
    # Hypothesis keeps notes in the working directory; a contract run is no reason to litter somebody's project.
    # Where a test session uses Hypothesis itself, its folder is that session's own business.
    if "hypothesis" in sys.modules:
        return None
    from hypothesis.configuration import set_hypothesis_home_dir

    folder = TemporaryDirectory(prefix="usagekit-")
    # Left to the interpreter's end it would be cleared with a warning, which some make an error.
    atexit.register(folder.cleanup)
    set_hypothesis_home_dir(folder.name)
    return folder


def _run_application(
    service: Service,
    app: Application | str,
    interface: str,
    *,
    url: str | None,
    key: str | None,
    options: Options,
) -> Report:
    from usagekit.applications import ORIGIN, imported, interface_of, transport_for

    origin = read_url(url or ORIGIN)
    try:
        found = imported(app) if isinstance(app, str) else app
        spoken = interface_of(found, interface)
    except ValueError as error:
        raise CheckError(str(error)) from None
    transport = transport_for(found, spoken, seconds=options.seconds)
    live = bool(options.live)
    report = _run(service, origin, key or service.demo_key, live=live, options=options, transport=transport)
    note = f"the {spoken.upper()} application was asked in this process; to repeat requests, serve it at {origin}"
    return replace(report, notes=(note, *report.notes))


def _run(
    service: Service,
    url: str,
    key: str,
    *,
    live: bool,
    options: Options,
    transport: BaseTransport | None = None,
) -> Report:
    leave_no_files()
    from usage_contracts.engine import Profile
    from usage_contracts.engine import check as run_check
    from usage_contracts.transport import HttpTarget

    limits = limits_for(service, live=live, options=options)
    with HttpTarget(service, url, key=key, limits=limits, transport=transport) as target:
        profile = Profile(
            now=options.now,
            seed=options.seed,
            examples=options.examples,
            live=live,
            probe_auth=options.probe_auth,
            strict=options.strict,
            known=options.known,
        )
        return run_check(target, limits=limits, profile=profile)


@contextmanager
def _own_fake(provider: str, options: Options) -> Iterator[str]:
    from usage_mockserver.clock import Clock
    from usage_mockserver.server import serve
    from usage_mockserver.world import Settings, World

    settings = Settings(seed=options.seed, scenario=options.scenario, keys=(load(provider).service.demo_key,))
    if options.now is not None:
        settings = replace(settings, clock=Clock().travel_to(options.now))
    with serve(World([provider], settings)) as running:
        yield running.url


def planned(provider: str, origin: str, options: Options) -> tuple[list[str], int]:
    """The requests that a live run may send, as curl lines, and their cap; nothing is sent anywhere.

    The plan is tried on a fake in this process, since later windows depend on what earlier ones showed.
    """
    leave_no_files()
    from usage_contracts.curl import curl
    from usage_contracts.engine import Profile
    from usage_contracts.engine import check as run_check
    from usage_contracts.transport import HttpTarget
    from usage_mockserver.app import create_app
    from usage_mockserver.clock import Clock
    from usage_mockserver.world import Settings, World
    from usagekit.in_process import InProcess

    service = load(provider).service
    limits = limits_for(service, live=True, options=options)
    cap = limits.requests
    limits = replace(limits, gap=0.0)
    clock = Clock() if options.now is None else Clock().travel_to(options.now)
    app = create_app(World([provider], Settings(clock=clock)))
    with HttpTarget(
        service, "http://127.0.0.1", key=service.demo_key, limits=limits, transport=InProcess(app)
    ) as target:
        profile = Profile(
            now=options.now,
            seed=options.seed,
            live=True,
            probe_auth=options.probe_auth,
            known=options.known,
        )
        report = run_check(target, limits=limits, profile=profile)
    return [curl(service, origin, call) for call in report.calls], cap
