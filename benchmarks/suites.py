"""What other people's test suites pay: for a fixture in each test, for its first use, for the plugin alone."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from statistics import fmean, median

from benchmarks.effort import Effort, Tell, numbered
from benchmarks.figures import Figures
from benchmarks.processes import Spent, spent

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
# Ours alone: what the others of an environment cost is theirs.
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
OURS = ("-p", "pytest_usagekit")
OTHERS = ("hypothesispytest", "schemathesis", "xdist", "xdist.looponfail", "anyio", "asyncio", "time_machine")
FIRST = 5
"""Tests of each kind that are left out, because the first ones warm everything up."""

# Frozen, because a collection of everything goes through all that pytest keeps of a suite, and so falls, longer
# than a hundred tests, on whichever kind of test it happens to come in.
CONFTEST = """
import gc, json, os, time
import pytest

spent = {}

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    begun = time.process_time()
    result = yield
    spent.setdefault(item.name.partition("__")[0], []).append(time.process_time() - begun)
    return result

def pytest_collection_finish():
    gc.collect()
    gc.freeze()

def pytest_sessionfinish():
    with open(os.environ["SPENT"], "w") as file:
        json.dump(spent, file)
"""
HEAD = """
import httpx2

CLIENT = httpx2.Client(trust_env=False)
QUERY = "/v1/voice-usage?start_date=2026-03-08&end_date=2026-03-14"
KEY = {"x-sup-api-key": "usagekit_demo_supertone"}
BODY = b'{"usages":[]}'
MOCK = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=BODY)))
URL = "https://supertoneapi.com" + QUERY
"""
# Each is followed by an empty test, which takes what a server does after its answer.
TESTS = """
def test_empty__NUMBER(): pass
def test_after_empty__NUMBER(): pass
def test_mock__NUMBER(): assert MOCK.get(URL, headers=KEY).status_code == 200
def test_after_mock__NUMBER(): pass
def test_intercepted__NUMBER(usage_intercept): assert CLIENT.get(URL, headers=KEY).status_code == 200
def test_after_intercepted__NUMBER(): pass
def test_live__NUMBER(supertone): assert CLIENT.get(supertone.url + QUERY, headers=KEY).status_code == 200
def test_after_live__NUMBER(): pass
def test_client__NUMBER(supertone): assert supertone.client.get(QUERY).status_code == 200
def test_after_client__NUMBER(): pass
"""
# Forked off a process that has imported pytest and nothing else: whole starts differ from each other by ten
# times what a plugin costs.
STARTS = """
import gc, json, os, sys
import pytest

def start(*words):
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(pytest.main([*words]))
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != pytest.ExitCode.NO_TESTS_COLLECTED:
        sys.exit(f"pytest {words} ended with status {status}")
    return 1000 * (used.ru_utime + used.ru_stime)

gc.freeze()
pairs, *words = sys.argv[1:]
blocked = [*words, "-p", "no:pytest_usagekit"]
print(json.dumps([start(*words) - start(*blocked) for _ in range(int(pairs))]))
"""
NAMES = {
    "mock": ("a test with a mock transport and no fixture, for comparison", None),
    "intercepted": ("a test with usage_intercept", 1.0),
    "live": ("a test with supertone and a client of the suite", 2.5),
    "client": ("a test with supertone.client", 2.5),
}


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """Tests with one fixture and one request, between the same tests without."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
        suite = HEAD + "".join(TESTS.replace("NUMBER", str(n)) for n in range(effort.tests + FIRST))
        (folder / "test_suite.py").write_text(suite, encoding="utf-8")
        for _ in numbered(effort.rounds, tell, f"{effort.tests} tests of each kind"):
            file = folder / "spent.json"
            spent([*PYTEST, *OURS], cwd=folder, variables={**ALONE, "SPENT": str(file)})
            _add(figures, json.loads(file.read_text("utf-8")))
        for _ in numbered(effort.rounds, tell, "first use of a fixture"):
            _first_use(figures, folder)


def _add(figures: Figures, seconds: dict[str, list[float]]) -> None:
    def pair(kind: str) -> float:
        return 1000 * sum(fmean(seconds[f"test_{part}{kind}"][FIRST:]) for part in ("", "after_"))

    for kind, (name, bar) in NAMES.items():
        figures.add(f"{name}, CPU over an empty test", pair(kind) - pair("empty"), "ms", bar=bar)


def _first_use(figures: Figures, folder: Path) -> None:
    (folder / "first").mkdir(exist_ok=True)
    without = _first(folder / "first", "")
    for fixture in ("supertone", "usage_intercept"):
        took = _first(folder / "first", fixture)
        name = f"first use of {fixture}"
        figures.add(f"{name}, CPU", took.cpu - without.cpu, "s", bar=0.5)
        figures.add(f"{name}, wall", took.wall - without.wall, "s", bar=0.5)


def _first(folder: Path, fixture: str) -> Spent:
    (folder / "test_first.py").write_text(f"def test_it({fixture}): pass\n", encoding="utf-8")
    # Not the conftest above it: this is one test as it is.
    return spent([*PYTEST, *OURS, "--rootdir", str(folder), "--noconftest"], cwd=folder, variables=ALONE)


def plugin(figures: Figures, effort: Effort, tell: Tell) -> None:
    """A pytest start in an empty folder, with our plugin and with it blocked."""
    blocked = [word for name in OTHERS for word in ("-p", f"no:{name}")]
    words = ["-q", "-p", "no:cacheprovider", "--collect-only", *blocked]
    command = [sys.executable, "-c", STARTS, str(effort.pairs), *words]
    with tempfile.TemporaryDirectory() as name:
        for _ in numbered(effort.rounds, tell, f"the plugin alone, {effort.pairs} pairs of starts"):
            took = median(json.loads(spent(command, cwd=Path(name)).out))
            figures.add("an installed plugin that is not used, CPU of a start", took, "ms", bar=5.0)
