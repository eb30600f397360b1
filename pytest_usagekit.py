"""The pytest plugin: `def test_cost(supertone): ...` gets a fake Supertone with an account of its own.

Nothing but pytest is imported here until a fixture is used.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from usagekit.fakes import Instant
    from usagekit.fixtures import ProviderAccount, UsageAccounts, UsageServer

MARKER = (
    "usage(seed=, now=, scenario=): the fake accounts of this test; what is not given stays as configured"
)
CHOICES = ("seed", "now", "scenario")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command line options, all of them prefixed."""
    group = parser.getgroup("usage", "fake usage endpoints (usagekit)")
    group.addoption("--usage-seed", type=int, default=1, metavar="N", help="seed of the fake accounts (1)")
    group.addoption(
        "--usage-now",
        type=_instant,
        default=None,
        metavar="INSTANT",
        help="where the clock of the fake accounts stands, such as 2026-03-01 or 2026-03-01T12:30:00Z",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture(scope="session")
def usage_seed(request: pytest.FixtureRequest) -> int:
    """Seed of the fake accounts; override it, or use --usage-seed."""
    return int(request.config.getoption("--usage-seed"))


@pytest.fixture(scope="session")
def usage_now(request: pytest.FixtureRequest) -> Instant | None:
    """Where the accounts' clock stands, None for the real time; override it, or use --usage-now."""
    given: Instant | None = request.config.getoption("--usage-now")
    return given


@pytest.fixture(scope="session")
def usage_scenario() -> str:
    """State of the fake accounts: busy, sparse, empty or docs; override it."""
    return "busy"


@pytest.fixture(scope="session")
def usage_server(usage_seed: int, usage_now: Instant | None, usage_scenario: str) -> Iterator[UsageServer]:
    """One server with all five fakes for the whole session; its `url` is shared by all tests."""
    from usagekit.fixtures import running_server

    with running_server(seed=usage_seed, now=usage_now, scenario=usage_scenario) as server:
        yield server


@pytest.fixture
def usage(
    request: pytest.FixtureRequest,
    usage_server: UsageServer,
    usage_seed: int,
    usage_now: Instant | None,
    usage_scenario: str,
) -> Iterator[UsageAccounts]:
    """New accounts at all five providers, seen by this test alone: `usage.supertone` and so on."""
    chosen = {"seed": usage_seed, "now": usage_now, "scenario": usage_scenario, **_marked(request.node)}
    with usage_server.accounts(**chosen) as accounts:
        yield accounts


@pytest.fixture
def somya(usage: UsageAccounts) -> ProviderAccount:
    """A Somya account of this test: `.url`, `.key`, `.client`."""
    return usage.somya


@pytest.fixture
def supertone(usage: UsageAccounts) -> ProviderAccount:
    """A Supertone account of this test: `.url`, `.key`, `.client`."""
    return usage.supertone


@pytest.fixture
def varg(usage: UsageAccounts) -> ProviderAccount:
    """A Varg account of this test: `.url`, `.key`, `.client`."""
    return usage.varg


@pytest.fixture
def surnex(usage: UsageAccounts) -> ProviderAccount:
    """A Surnex account of this test: `.url`, `.key`, `.client`."""
    return usage.surnex


@pytest.fixture
def lyrcs(usage: UsageAccounts) -> ProviderAccount:
    """A Lyrcs account of this test: `.url`, `.key`, `.client`."""
    return usage.lyrcs


def _marked(node: pytest.Item) -> dict[str, Any]:
    """What the markers of a test choose, the closest one first; a wrong marker fails its test."""
    chosen: dict[str, Any] = {}
    for mark in node.iter_markers("usage"):
        unknown = [name for name in mark.kwargs if name not in CHOICES]
        if mark.args or unknown:
            wrong = f"{unknown[0]!r}" if unknown else f"the positional {mark.args[0]!r}"
            pytest.fail(f"@pytest.mark.usage takes seed=, now= and scenario=, not {wrong}", pytrace=False)
        chosen = {**mark.kwargs, **chosen}
    try:
        if chosen:
            from usagekit.fakes import make_world

            make_world(**chosen)
    except (ValueError, TypeError) as error:
        pytest.fail(f"@pytest.mark.usage: {error}", pytrace=False)
    return chosen


def _instant(text: str) -> Any:
    """An instant from the command line; argparse turns its complaint into a usage error."""
    from argparse import ArgumentTypeError

    from usage_mockserver.clock import read_instant

    try:
        return read_instant(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
