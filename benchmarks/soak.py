"""Memory after many requests."""

from __future__ import annotations

from benchmarks import load
from benchmarks.accounts import fake
from benchmarks.effort import Effort, Tell
from benchmarks.figures import Figures
from benchmarks.processes import Running, started
from benchmarks.questions import KINDS, REPEATED, answer, question
from usage_specs import PROVIDERS

FULL = 200_000


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """One server with all five fakes, asked in all ways in turn."""
    tell(f"{effort.soak:,} requests")
    with started(fake()) as server:
        for provider in PROVIDERS:
            asked = question(provider, REPEATED)
            assert asked is not None
            answer(server.port, f"/{provider}{asked.paths[0]}", asked.headers)
        before = server.memory()
        figures.add("memory at the start, all five asked once", before, "MB")
        total = 0
        while total < effort.soak:
            total += _in_all_ways(server)
        name = f"memory grown after {effort.soak:,} requests"
        bar = 10.0 if effort.soak >= FULL else None
        figures.add(name, server.memory() - before, "MB", bar=bar)


def _in_all_ways(server: Running) -> int:
    count = 0
    for provider in PROVIDERS:
        for kind in KINDS:
            asked = question(provider, kind)
            if asked is not None:
                there = asked._replace(paths=[f"/{provider}{path}" for path in asked.paths])
                count += load.ask(server.port, there, 0.2)
    return count
