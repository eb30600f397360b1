"""From nothing to the first answer."""

from __future__ import annotations

import time

from benchmarks.accounts import fake
from benchmarks.effort import Effort, Tell, numbered
from benchmarks.figures import ALL, Figures
from benchmarks.processes import started
from benchmarks.questions import REPEATED, answer, question
from usage_specs import PROVIDERS


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """Each fake alone, and all five in one server, which is asked for Lyrcs."""
    once(Figures(), ALL)
    for _ in numbered(effort.rounds, tell, "start to the first answer"):
        for provider in (*PROVIDERS, ALL):
            once(figures, provider)


def once(figures: Figures, provider: str) -> None:
    """Start, ask, stop."""
    name = "lyrcs" if provider == ALL else provider
    asked = question(name, REPEATED)
    assert asked is not None
    with started(fake("" if provider == ALL else provider)) as server:
        answer(server.port, f"/{name}{asked.paths[0]}", asked.headers)
        wall = time.perf_counter() - server.born
        figures.add("start to the first answer, CPU", server.cpu(), "s", provider=provider, bar=0.6)
        figures.add("start to the first answer, wall", wall, "s", provider=provider)
        figures.add("memory after the first answer", server.memory(), "MB", provider=provider)
