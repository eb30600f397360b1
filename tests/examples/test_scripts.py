"""The examples in other languages against running fakes, over plain HTTP and over TLS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import usagekit
from tests.programs import EXAMPLES, NOW, environ, needed, run
from usage_mockserver.server import Running
from usage_specs import PROVIDERS
from usagekit.environment import variables


@contextmanager
def served(*, tls: bool) -> Iterator[tuple[Running, dict[str, str]]]:
    """Fakes, and the environment by which programs find them."""
    with usagekit.serve(now=NOW, tls=tls) as server:
        found: dict[str, str] = {}
        for name in PROVIDERS:
            found |= variables(name, f"{server.url}/{name}")
        yield server, environ(**found)


NODE = """\
somya: 4[0-9]+ characters spoken
supertone: [0-9.]+ minutes in [0-9]+ rows
varg: [0-9]+ jobs for [0-9.]+ USD
surnex: [0-9]+ calls for [0-9.]+ USD
lyrcs: [0-9]+ jobs since the account began
"""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_node_reads_all_five(tls: bool) -> None:
    node = needed("node")
    with served(tls=tls) as (server, env):
        trust = {"NODE_EXTRA_CA_CERTS": str(server.ca_file)} if tls else {}
        done = run([node, "usage.mjs", "2026-03-14"], EXAMPLES / "node", env | trust)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(NODE, done.stdout), done.stdout


def test_node_that_was_not_told_of_the_authority_says_so() -> None:
    node = needed("node")
    with served(tls=True) as (_, env):
        done = run([node, "usage.mjs", "2026-03-14"], EXAMPLES / "node", env)
    assert done.returncode == 1
    assert re.fullmatch(r"(\w+: failed, [A-Z_]*(SIGNATURE|CERT)[A-Z_]*\n){5}", done.stdout), done.stdout


def test_node_needs_no_package() -> None:
    assert "dependencies" not in json.loads((EXAMPLES / "node" / "package.json").read_text())


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_shell_script_adds_up_two_bills(tls: bool) -> None:
    needed("curl")
    with served(tls=tls) as (server, env):
        trust = {"CURL_CA_BUNDLE": str(server.ca_file)} if tls else {}
        done = run(["sh", "usage.sh", "2026-03-14"], EXAMPLES / "curl", env | trust)
        expected = [amount(server, "varg"), amount(server, "surnex")]
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "2026-03-01 to 2026-03-14"
    assert [float(line.split()[1]) for line in lines[1:]] == expected


def amount(server: Running, name: str) -> float:
    """What a provider's answer for the same days says, in dollars."""
    reply = server.app.handle(
        "GET",
        "localhost",
        f"/{name}/v1/usage",
        "from=2026-03-01&to=2026-03-14",
        {"authorization": f"Bearer {variables(name, '')[f'{name.upper()}_API_KEY']}"},
    )
    answer = json.loads(reply.body)
    dollars = answer["total_cents"] / 100 if name == "varg" else answer["totals"]["estimated_cost_usd"]
    return float(round(dollars, 2))


def test_a_refused_key_ends_the_shell_script() -> None:
    needed("curl")
    with served(tls=False) as (_, env):
        done = run(["sh", "usage.sh"], EXAMPLES / "curl", env | {"VARG_API_KEY": "wrong"})
    assert done.returncode != 0
    assert "401" in done.stderr


def test_no_key_travels_in_the_arguments() -> None:
    script = Path(EXAMPLES / "curl" / "usage.sh").read_text()
    assert not [
        line for line in script.splitlines() if "curl " in line and "API_KEY" in line and "$(" in line
    ]
