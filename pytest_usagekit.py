"""The pytest plugin: `def test_cost(supertone): ...` gets a fake Supertone with an account of its own.

Nothing but pytest is imported here until a fixture is used.
"""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from usagekit.fakes import Instant
    from usagekit.fixtures import UsageAccounts, UsageServer
    from usagekit.handle import ProviderAccount
    from usagekit.interception import Interception
    from usagekit.live import LiveServices

MARKER = (
    "usage(seed=, now=, scenario=): the fake accounts of this test; what is not given stays as configured"
)
CONTRACT_MARKER = (
    "usage_contract(provider=, behaviour=, evidence=): "
    "an item of usagekit.pytest.contract_tests, to choose by -m"
)
CHOICES = {
    "seed": ("N", "seed of the fake accounts (1)"),
    "now": (
        "INSTANT",
        "where their clock stands, such as 2026-03-01 or 2026-03-01T12:30:00Z (the real time)",
    ),
    "scenario": ("NAME", "their state: busy, sparse, empty or docs (busy)"),
}
ACCOUNTS: pytest.StashKey[UsageAccounts] = pytest.StashKey()
ITEM: pytest.StashKey[pytest.Item] = pytest.StashKey()
# The fixtures find options and test here and not through `request`: pytest makes a new one for every fixture
# that takes it, in every test, also where the value is long known, and six of them took a third of a whole test.
RUNS: list[pytest.Config] = []
"""The runs of this process, the inner one last: whoever tests a plugin runs one inside another."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the command line options and ini keys, all of them prefixed."""
    group = parser.getgroup("usage", "fake usage endpoints (usagekit)")
    for name, (metavar, text) in CHOICES.items():
        group.addoption(f"--usage-{name}", metavar=metavar, help=text)
        parser.addini(f"usage_{name}", text)
    group.addoption(
        "--usage-live",
        action="store_true",
        help="ask the real services, with the keys of the environment; what needs the fakes is skipped",
    )
    group.addoption(
        "--usage-live-for",
        action="append",
        default=[],
        metavar="PROVIDER[=URL]",
        help="only this provider is real (repeatable), or what answers in its place at this URL",
    )
    group.addoption(
        "--usage-live-requests",
        metavar="N",
        help="so many requests at most go to each real service from .client and .aclient (40; Lyrcs 12)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and refuse options that make no sense."""
    config.addinivalue_line("markers", MARKER)
    config.addinivalue_line("markers", CONTRACT_MARKER)
    for name in CHOICES:
        _chosen(config, name)
    _live_requests(config)
    _origins(config)
    RUNS.append(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Forget the run, which may have been refused before it began."""
    RUNS[:] = [run for run in RUNS if run is not config]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note for which test fixtures are made from now on."""
    item.config.stash[ITEM] = item


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a test fail by what it expected of the answers, once it has passed otherwise."""
    __tracebackhide__ = True
    try:
        result = yield
    except Exception:
        if ACCOUNTS in item.stash and (told := _unexpected(item.stash[ACCOUNTS])):
            item.add_report_section("call", "usage", told)
        raise
    if ACCOUNTS in item.stash and (told := _unexpected(item.stash[ACCOUNTS])):
        pytest.fail(told, pytrace=False)
    return result


@pytest.fixture(scope="session")
def usage_seed() -> int:
    """Seed of the fake accounts; override it, or use --usage-seed."""
    found: int = _chosen(RUNS[-1], "seed")
    return found


@pytest.fixture(scope="session")
def usage_now() -> Instant | None:
    """Where the accounts' clock stands, None for the real time; override it, or use --usage-now."""
    found: Instant | None = _chosen(RUNS[-1], "now")
    return found


@pytest.fixture(scope="session")
def usage_scenario() -> str:
    """State of the fake accounts: busy, sparse, empty or docs; override it, or use --usage-scenario."""
    found: str = _chosen(RUNS[-1], "scenario")
    return found


@pytest.fixture(scope="session")
def usage_server(usage_seed: int, usage_now: Instant | None, usage_scenario: str) -> Iterator[UsageServer]:
    """One server with all five fakes for the whole session; its `url` is shared by all tests.

    A fixture of a wider scope than one test gets its data by `with usage_server.accounts() as usage: yield usage`.
    """
    from contextlib import ExitStack

    from usagekit.fixtures import running_server

    with ExitStack() as stack:
        with _told("usage_seed, usage_now or usage_scenario"):
            server = stack.enter_context(
                running_server(seed=usage_seed, now=usage_now, scenario=usage_scenario)
            )
        yield server


@pytest.fixture(scope="session")
def usage_live() -> LiveServices | None:
    """The services that --usage-live makes real, None when all are fakes."""
    config = RUNS[-1]
    if not config.getoption("--usage-live") and not config.getoption("--usage-live-for"):
        return None
    import os

    from usagekit.live import LiveServices

    return LiveServices(
        _origins(config),
        keys=dict(os.environ),
        refuse=pytest.skip,
        most=_live_requests(config),
        workers=getattr(config, "workerinput", {}).get("workercount", 1),
    )


@pytest.fixture
def usage(
    usage_server: UsageServer,
    usage_seed: int,
    usage_now: Instant | None,
    usage_scenario: str,
    usage_live: LiveServices | None,
) -> Iterator[UsageAccounts]:
    """New accounts at all five providers, seen by this test alone: `usage.supertone` and so on."""
    item = RUNS[-1].stash[ITEM]
    marked = _marked(item)
    if marked and usage_live is not None:
        pytest.skip("the test chooses its account by @pytest.mark.usage, which needs the fakes")
    chosen: dict[str, Any] = {"seed": usage_seed, "now": usage_now, "scenario": usage_scenario, **marked}
    with _told("@pytest.mark.usage" if marked else "usage_seed, usage_now or usage_scenario"):
        accounts = usage_server.accounts(**chosen, live=usage_live)
    item.stash[ACCOUNTS] = accounts
    try:
        yield accounts
        # What other fixtures asked at their end.
        if told := _unexpected(accounts):
            pytest.fail(told, pytrace=False)
    finally:
        accounts.close()
        del item.stash[ACCOUNTS]


@pytest.fixture
def somya(usage: UsageAccounts) -> ProviderAccount:
    """A Somya account of this test: `.url`, `.key`, `.client`, `.add(...)`, `.fault(...)`, `.requests`."""
    return _account(usage, "somya")


@pytest.fixture
def supertone(usage: UsageAccounts) -> ProviderAccount:
    """A Supertone account of this test: `.url`, `.key`, `.client`, `.add(...)`, `.fault(...)`, `.requests`."""
    return _account(usage, "supertone")


@pytest.fixture
def varg(usage: UsageAccounts) -> ProviderAccount:
    """A Varg account of this test: `.url`, `.key`, `.client`, `.add(...)`, `.fault(...)`, `.requests`."""
    return _account(usage, "varg")


@pytest.fixture
def surnex(usage: UsageAccounts) -> ProviderAccount:
    """A Surnex account of this test: `.url`, `.key`, `.client`, `.add(...)`, `.fault(...)`, `.requests`."""
    return _account(usage, "surnex")


@pytest.fixture
def lyrcs(usage: UsageAccounts) -> ProviderAccount:
    """A Lyrcs account of this test: `.url`, `.key`, `.client`, `.add(...)`, `.fault(...)`, `.requests`."""
    return _account(usage, "lyrcs")


@pytest.fixture
def usage_intercept(usage: UsageAccounts) -> Iterator[Interception]:
    """The production addresses, answered in this process by the accounts of this test."""
    with _of(usage, "intercepting")() as interception:
        yield interception


@pytest.fixture
def usage_env(usage: UsageAccounts, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Base URLs and keys of this test's accounts in the environment, by the names of `usagekit env`."""
    found: dict[str, str] = _of(usage, "environment")()
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


class _told:  # noqa: N801
    """A block in which a wrong choice fails the test in one sentence."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ValueError, TypeError)):
            # Raised here and not by pytest.fail(), beside which the same sentence would be told once more.
            raise pytest.fail.Exception(f"{self._where}: {error}", pytrace=False) from None


def _of(usage: UsageAccounts, name: str) -> Any:
    """What the accounts have under this name; a project's own `usage`, which is something else, is told of."""
    try:
        return getattr(usage, name)
    except AttributeError:
        pytest.fail(
            f"usagekit's fixtures build on its fixture 'usage', and this project has another one of that name, "
            f"which gave {usage!r:.80}; call that one otherwise, or let it return the 'usage' that it overrides",
            pytrace=False,
        )


def _account(usage: UsageAccounts, name: str) -> ProviderAccount:
    found: ProviderAccount = _of(usage, name)
    return found


def _unexpected(accounts: UsageAccounts) -> str:
    """What came although it was not expected, empty when all is well."""
    try:
        accounts.verify()
    except AssertionError as error:
        return str(error)
    return ""


def _marked(node: pytest.Item) -> dict[str, Any]:
    """What the markers of a test choose, the closest one first; a wrong marker fails its test."""
    chosen: dict[str, Any] = {}
    for mark in node.iter_markers("usage"):
        unknown = [name for name in mark.kwargs if name not in CHOICES]
        if mark.args or unknown:
            wrong = f"{unknown[0]!r}" if unknown else f"the positional {mark.args[0]!r}"
            pytest.fail(f"@pytest.mark.usage takes seed=, now= and scenario=, not {wrong}", pytrace=False)
        chosen = {**mark.kwargs, **chosen}
    return chosen


def _chosen(config: pytest.Config, name: str) -> Any:
    """What flag or ini key chooses, the flag first; pytest's UsageError says what is wrong with it."""
    flag = config.getoption(f"--usage-{name}")
    text = flag if flag is not None else config.getini(f"usage_{name}")
    if not text:
        return {"seed": 1, "now": None, "scenario": "busy"}[name]
    try:
        if name == "seed":
            return _whole(text)
        if name == "now":
            from usage_mockserver.clock import read_instant

            return read_instant(text)
        from usage_mockserver.invalid import check_name
        from usage_mockserver.scenarios import SCENARIOS

        return check_name("scenario", text, SCENARIOS, "")
    except ValueError as error:
        where = f"--usage-{name}" if flag is not None else f"usage_{name} in {config.inipath}"
        raise pytest.UsageError(f"{where}: {error}") from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def _origins(config: pytest.Config) -> dict[str, str]:
    everything, named = config.getoption("--usage-live"), config.getoption("--usage-live-for")
    if not everything and not named:
        return {}
    from usagekit.live import read_origins

    try:
        return read_origins(everything, named)
    except ValueError as error:
        raise pytest.UsageError(f"--usage-live-for: {error}") from None


def _live_requests(config: pytest.Config) -> int | None:
    text = config.getoption("--usage-live-requests")
    try:
        return None if text is None else _whole(text)
    except ValueError as error:
        raise pytest.UsageError(f"--usage-live-requests: {error}") from None
