"""Contract runs: what `usagekit check` of one provider takes against a server in another process."""

from __future__ import annotations

import json

from benchmarks.accounts import fake
from benchmarks.effort import Effort, Tell, numbered
from benchmarks.figures import Figures
from benchmarks.processes import Running, spent, started, usagekit
from benchmarks.questions import NOW
from usage_specs import PROVIDERS


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """Each provider in turn, its imports and its start included."""
    with started(fake()) as server:
        for _ in numbered(effort.rounds, tell, "contract runs"):
            for provider in PROVIDERS:
                once(figures, server, provider)


def once(figures: Figures, server: Running, provider: str) -> None:
    """One run, which must find nothing."""
    where = ["--url", f"http://127.0.0.1:{server.port}/{provider}"]
    took = spent(usagekit("check", provider, *where, "--now", NOW.isoformat(), "--format", "json"))
    (report,) = json.loads(took.out)["reports"]
    figures.add("contract run, wall", took.wall, "s", provider=provider, bar=6.0)
    figures.add("contract run, CPU", took.cpu, "s", provider=provider, bar=4.0)
    figures.add("contract run, requests", report["requests"], "", provider=provider)


def prove(figures: Figures, _effort: Effort, tell: Tell) -> None:
    """Every planted defect and every legal server, on all cores."""
    tell("the proof, which takes minutes")
    took = spent(usagekit("prove"))
    figures.add("proof of all providers, wall", took.wall, "s", bar=480.0)
    figures.add("proof of all providers, CPU", took.cpu, "s")
