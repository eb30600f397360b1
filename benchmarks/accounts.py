"""Accounts with many events: adding them, and the first questions about them."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

from benchmarks.effort import Effort, Tell
from benchmarks.figures import Figures
from benchmarks.processes import Failed, Running, started, usagekit
from benchmarks.questions import HISTORY, MONTH, NOW, answer, key, window
from usage_mockserver.event_plain import plain_event
from usage_mockserver.scenarios import seeded_days
from usage_specs import PROVIDERS

MILLION = 1_000_000
SPREAD = HISTORY
"""Days back over which added events are spread evenly: a million are a thousand a day."""
LINES = 5_000
NEW_WINDOWS = 10
# The account as it is seeded lends its events, in which every field occurs in the way it does there.
LENDING = 30


def fake(provider: str = "", *, journal: bool = True) -> list[str]:
    """The command line of one fake, or of all five, on a free port, with a clock that stands."""
    words = [provider] if provider else []
    return usagekit(
        "serve", *words, "--port", "0", "--now", NOW.isoformat(), *([] if journal else ["--no-journal"])
    )


@contextmanager
def filled(provider: str, size: int, figures: Figures, *, journal: bool = True) -> Iterator[Running]:
    """A running fake with so many added events; what adding them took is measured."""
    with started(fake(provider, journal=journal)) as server:
        if size:
            _fill(server, provider, size, figures)
            _first_questions(server, provider, size, figures)
        yield server


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """The largest account of each provider, filled and asked for the first time."""
    size = effort.sizes[-1]
    for provider in PROVIDERS:
        tell(f"adding {size:,} events to {provider}")
        with filled(provider, size, figures):
            pass


def added(size: int) -> str:
    """The name of an account of this size."""
    return f"{size:,} added events" if size else "default account"


def _fill(server: Running, provider: str, size: int, figures: Figures) -> None:
    before = server.cpu()
    wall = _sent(server, provider, size)
    bars = {"wall": 15.0, "memory": 400.0} if size == MILLION else {}
    what = f"adding {size:,} events in one stream"
    figures.add(f"{what}, wall", wall, "s", provider=provider, bar=bars.get("wall"))
    figures.add(f"{what}, CPU", server.cpu() - before, "s", provider=provider)
    figures.add(f"{what}, peak memory", server.peak(), "MB", provider=provider)
    figures.add(
        f"memory with {added(size)}", server.memory(), "MB", provider=provider, bar=bars.get("memory")
    )


def _first_questions(server: Running, provider: str, size: int, figures: Figures) -> None:
    bar = 50.0 if size == MILLION else None
    what = f"new {MONTH}-day window, {added(size)}"
    for number in range(NEW_WINDOWS):
        path = window(provider, NOW - timedelta(days=1 + 11 * number), MONTH)
        begun = time.perf_counter()
        status, _ = answer(server.port, path, key(provider))
        taken = (time.perf_counter() - begun) * 1000
        if status != 200:
            raise Failed(f"{provider} answered {status} to {path}")
        # The very first one finds nothing prepared; it is told apart, and held to the same bar.
        name = f"first {what}" if not number else f"each further {what}"
        figures.add(name, taken, "ms", provider=provider, bar=bar)


def _sent(server: Running, provider: str, size: int) -> float:
    """Seconds until the server has taken a stream of so many events."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    headers = {"content-type": "application/jsonl", "transfer-encoding": "chunked"}
    begun = time.perf_counter()
    connection.request(
        "POST", f"/__admin/events/{provider}", stream(provider, size), headers, encode_chunked=True
    )
    with connection.getresponse() as reply:
        told = reply.read()
    wall = time.perf_counter() - begun
    connection.close()
    if json.loads(told).get("added") != size:
        raise Failed(f"{size:,} events for {provider} were not added: {told[:500]!r}")
    return wall


def stream(provider: str, size: int) -> Iterator[bytes]:
    """So many events as JSON lines, spread evenly over the history, in chunks."""
    halves = [_halves(provider, event) for event in lent(provider)]
    first = datetime.combine(NOW - timedelta(days=SPREAD), clock(0), UTC)
    gap = timedelta(days=SPREAD) / size
    for begin in range(0, size, LINES):
        lines = []
        for number in range(begin, min(begin + LINES, size)):
            before, after = halves[number % len(halves)]
            lines.append(f"{before}{(first + number * gap).isoformat(timespec='seconds')}{after}\n")
        yield "".join(lines).encode()


def _halves(provider: str, event: Any) -> tuple[str, str]:
    text = json.dumps(plain_event(provider, event), ensure_ascii=False, separators=(",", ":"))
    before, at, after = text.partition(event.at.isoformat().replace("+00:00", "Z"))
    assert at, text
    return before, after


def lent(provider: str) -> list[Any]:
    """Some weeks of the seeded account's events."""
    seeded = seeded_days(provider, 1, "busy")
    return [event for back in range(1, LENDING) for event in seeded(NOW - timedelta(days=back))]
