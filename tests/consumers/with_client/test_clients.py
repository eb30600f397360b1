import os
import socket
import sys
from importlib.util import find_spec

import clients
import pytest

CHOSEN = os.environ["CLIENT"]
# httpx2 comes with usagekit; aiohttp and the others must be neither needed nor imported.
LIBRARIES = {"urllib3", "requests", "httpx", "aiohttp"}
BROUGHT = {"requests": {"requests", "urllib3"}}.get(CHOSEN, {CHOSEN})


@pytest.fixture
def ask(usage_intercept, usage_env, monkeypatch):
    def nobody(*args, **kwargs):
        raise AssertionError("a test reached for the network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, nobody)
    return getattr(clients, f"with_{CHOSEN}")


def test_only_this_client_is_installed():
    assert {name for name in LIBRARIES if find_spec(name)} == BROUGHT & LIBRARIES


def test_the_production_address_is_answered_from_this_account(ask, varg):
    varg.clear()
    assert ask() == (200, b'{"usage":[],"total_cents":0}')
    varg.add(at="2026-03-01", cost_cents=17)
    status, body = ask()
    assert status == 200
    assert body.endswith(b'"total_cents":17}')
    assert len(varg.requests) == 2


def test_a_fault_is_felt(ask, varg):
    with varg.fault(429, times=1):
        try:
            status = ask()[0]
        except OSError as error:
            status = error.code
    assert status == 429
    assert ask()[0] == 200


def test_no_other_client_was_imported():
    assert set(sys.modules) & LIBRARIES <= BROUGHT
