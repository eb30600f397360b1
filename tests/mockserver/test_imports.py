"""What a started server has loaded: nothing that its answers do not need."""

import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from usage_specs import load

# The names of all modules are printed when the server has ended, so that those loaded for an answer count too.
SERVER = """
import atexit, sys
atexit.register(lambda: print("loaded:", *sorted(sys.modules)))
from usagekit.cli import main
main(["serve", *sys.argv[1:], "--port", "0", "--now", "2026-03-15"])
"""
PLAIN = ("supertone", "varg", "surnex", "lyrcs")
WEEK = {
    "supertone": "start_date=2026-03-08&end_date=2026-03-14",
    "lyrcs": "",
}
OURS = {"usagekit", "usage_specs", "usage_mockserver"}
NEEDED = {"click", "httptools", "uvicorn", "uvloop", "yaml"}
# What the installation itself loads at every start of Python, whoever runs.
INSTALLED = {"sitecustomize", "usercustomize", "distutils-precedence", "cython_runtime"}
NEVER = {
    *("hypothesis", "schemathesis", "jsonschema_rs", "jinja2", "pytest", "usage_contracts"),
    *("rich", "httpx", "httpx2", "requests", "urllib3", "aiohttp", "redis", "trustme"),
    *("usagekit.checking", "usagekit.proving", "usagekit.interception", "usagekit.fixtures"),
    *("usage_mockserver.mutants", "usage_mockserver.manners"),
}


@contextmanager
def server(*words):
    """A server on a free port; what it has loaded is in the list once it has ended."""
    loaded = []
    command = [sys.executable, "-c", SERVER, *words]
    # Tools that watch the tests begin in every process that is told so in the environment.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "PYTEST", "USAGEKIT_"))
    }
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process.stdout.readline().split()[-1], loaded
        finally:
            process.terminate()
        loaded += process.stdout.read().rpartition("loaded: ")[2].split()


def ask(url, provider):
    service = load(provider).service
    way = service.credentials[0]
    query = WEEK.get(provider, "from=2026-03-08&to=2026-03-14")
    request = Request(
        f"{url}/{provider}{service.path}?{query}", headers={way.header: way.value(service.demo_key)}
    )
    with urlopen(request, timeout=30) as reply:
        assert reply.status == 200


def outsiders(loaded):
    """The packages that are neither Python's own nor ours."""
    tops = {name.partition(".")[0] for name in loaded}
    return {top for top in tops - sys.stdlib_module_names - OURS - INSTALLED if not top.startswith("_")}


@pytest.fixture(scope="module")
def all_served():
    with server() as (url, loaded):
        for provider in PLAIN:
            ask(url, provider)
    return loaded


def test_four_fakes_answer_without_any_framework(all_served):
    assert {f"usage_mockserver.providers.{name}" for name in PLAIN} <= set(all_served)
    assert outsiders(all_served) <= NEEDED


def test_a_server_loads_nothing_that_belongs_to_other_commands(all_served):
    assert NEVER.isdisjoint(all_served)


def test_a_provider_is_loaded_when_it_is_first_asked():
    with server("varg", "somya") as (url, loaded):
        ask(url, "somya")
    assert "fastapi" in loaded
    assert "usage_mockserver.providers.varg" not in loaded
    assert NEVER.isdisjoint(loaded)
