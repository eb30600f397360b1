"""Runs pytest over small projects, as another project would."""

from __future__ import annotations

from collections.abc import Callable

import httpcore2  # noqa: F401
import httpx2  # noqa: F401
import pytest

import usage_mockserver.server  # noqa: F401
import usagekit.clients
import usagekit.live
import usagekit.testing  # noqa: F401
from usage_mockserver import providers

# A run inside this process forgets the modules that it loaded; loaded again, their classes are other classes.
for one in providers.NAMES:
    providers.load(one)

Run = Callable[..., pytest.RunResult]

# What every plugin run is spared: other plugins of this environment, which the promise does not depend on.
OTHERS = ("no:schemathesis", "no:hypothesispytest", "no:anyio", "no:asyncio", "no:cacheprovider")


@pytest.fixture
def others_off() -> list[str]:
    """The options that switch those plugins off."""
    return [word for plugin in OTHERS for word in ("-p", plugin)]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run a project of one test file, warnings as errors; returns what pytest says."""

    def run_file(
        source: str, *args: str, conftest: str = "", ini: str = "", plugins: tuple[str, ...] = ()
    ) -> pytest.RunResult:
        pytester.makepyfile(test_it=source)
        if conftest:
            pytester.makeconftest(conftest)
        if ini:
            pytester.makeini(f"[pytest]\n{ini}")
        off = [word for plugin in OTHERS if plugin not in plugins for word in ("-p", plugin)]
        return pytester.runpytest_inprocess("-q", "--strict-markers", "-W", "error", *off, *args)

    return run_file
