"""Faults are felt through an interception exactly as through a socket, by each client in its own way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import usagekit
from usage_mockserver.faults import Fault
from usage_mockserver.server import serve
from usagekit.fakes import make_world

NOW = "2026-03-15T12:00:00Z"
ORIGIN, PATH = "https://lyrcs.ai", "/api/v1/usage"
KEY = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo", "accept": "application/json"}
LONG, SHORT = 20.0, 0.1
# Not longer: the server holds on to such a request until it is answered, and waits for it at its end.
LATE = 500


@pytest.fixture(scope="module")
def live() -> Iterator[tuple[str, object]]:
    """The same fake behind a socket, and its world."""
    world = make_world("lyrcs", now=NOW)
    with serve(world) as running:
        yield running.url, world


def kinds(error):
    """The type of an error and of the errors it was made of: what the code around a client can see."""
    found = []
    while isinstance(error, BaseException) and len(found) < 5:
        found.append(type(error).__name__)
        inside = [value for value in error.args if isinstance(value, BaseException)]
        error = getattr(error, "reason", None) or (inside[0] if inside else None)
    return found


def outcome(client, url, timeout):
    try:
        got = client.ask("GET", url, KEY, timeout=timeout)
    except Exception as error:  # noqa: BLE001
        return kinds(error)
    chosen = ("content-type", "content-length", "retry-after", "x-ratelimit-remaining")
    return got.status, got.body, {name: got.headers.get(name) for name in chosen}


CASES = {
    "late": (Fault("latency", ms=LATE), SHORT, 1),
    "late by some": (Fault("latency", ms=5, jitter_ms=20), LONG, 2),
    "late by too much": (Fault("latency", ms=LATE, jitter_ms=LATE), SHORT, 1),
    "reset": (Fault("reset"), LONG, 2),
    "reset once": (Fault("reset", times=1), LONG, 2),
    "reset now and then": (Fault("reset", probability=0.5), LONG, 6),
    "truncated": (Fault("truncate", size=10), LONG, 2),
    "truncated to nothing": (Fault("truncate", size=0), LONG, 1),
    "truncated once": (Fault("truncate", size=100, times=1), LONG, 2),
    "drips": (Fault("drip", size=60, ms=3), LONG, 1),
    "drips too slowly": (Fault("drip", size=200, ms=LATE), SHORT, 1),
    "no JSON": (Fault("invalid-json"), LONG, 1),
    "a gateway's page": (Fault("gateway-html", status=502), LONG, 1),
    "the vendor's own error": (Fault("status", status=500), LONG, 1),
    "refused now and then": (Fault("status", status=429, probability=0.5), LONG, 6),
    "counted": (Fault("rate-limit", limit=2, window=60), LONG, 4),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_the_same_as_through_a_socket(client, live, name):
    fault, timeout, times = CASES[name]
    url, world = live
    world.change("lyrcs", faults=(fault,))
    through_a_socket = [outcome(client, url + PATH, timeout) for _ in range(times)]
    with usagekit.intercept("lyrcs", now=NOW) as usage:
        usage.world.change("lyrcs", faults=(fault,))
        in_process = [outcome(client, ORIGIN + PATH, timeout) for _ in range(times)]
        usage.world.change("lyrcs", faults=())
        healed = outcome(client, ORIGIN + PATH, LONG)
    world.change("lyrcs", faults=())
    assert in_process == through_a_socket
    assert healed == outcome(client, url + PATH, LONG)
    assert healed[0] == 200
