"""What uses Surnex: calls to upstream data providers, and visibility snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final

from usage_mockserver import zod
from usage_mockserver.chance import Chance, spread
from usage_mockserver.checked import (
    check_amount,
    check_choice,
    check_instant,
    check_text,
    is_amount,
    is_whole,
)
from usage_mockserver.ledger import day_instants, day_volume

PROJECTS = (
    "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "a3bb189e-8bf9-4c8a-9bd3-3f5a1c2e7d10",
    "c56a4180-65aa-42ec-a945-5fd21dec0538",
    "e02fd0e4-00fd-4c3a-8d1f-1b0b5d1f3a77",
)
"""Ids of the account's projects, the same for every seed so that tests can name them; the last is unused."""

STATES = ("queued", "running", "complete", "partial", "failed")
CALLS_PER_DAY, SNAPSHOTS_PER_DAY = 32, 3

# upstream provider, operation, fastest answer and spread in milliseconds, price in micro-dollars
OPERATIONS: Final[tuple[tuple[str, str, int, int, int], ...]] = spread(
    (
        (("dataforseo", "llm_mentions_aggregated_metrics_live", 110, 260, 20_100), 20),
        (("dataforseo", "llm_mentions_top_domains_live", 120, 300, 15_000), 13),
        (("dataforseo", "llm_mentions_search_live", 140, 380, 10_300), 12),
        (("dataforseo", "serp_google_organic_live", 900, 2600, 1_537), 13),
        (("serpapi", "serp_google_organic_live", 700, 2200, 7_500), 10),
        (("serpapi", "serp_bing_organic_live", 650, 2400, 7_500), 5),
        (("openai", "llm_response_live", 1200, 9000, 4_125), 11),
        (("perplexity", "llm_response_live", 1500, 7000, 6_050), 10),
    )
)
OUTCOMES = spread(((200, 92), (202, 3), (404, 2), (429, 3), (400, 1), (500, 1), (502, 1), (503, 1)))
OWNERS = spread(((PROJECTS[0], 45), (PROJECTS[1], 25), (PROJECTS[2], 10), (None, 20)))
SNAPSHOT_STATES = spread(tuple(zip(STATES, (2, 3, 80, 9, 6), strict=True)))
UPSTREAMS = ("dataforseo", "openai", "perplexity", "serpapi")


@dataclass(frozen=True, slots=True)
class Call:
    """One call to an upstream provider, with status 2xx, 4xx or 5xx; its cost counts to a micro-dollar."""

    at: datetime
    provider: str = "dataforseo"
    operation: str = "llm_mentions_search_live"
    status: int = 200
    latency_ms: int = 190
    cost_usd: float = 0.01
    project_id: str | None = None
    VARIED: ClassVar = {"latency_ms": is_whole, "cost_usd": is_amount}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_text("provider", self.provider)
        check_text("operation", self.operation)
        check_amount("status", self.status, whole=True)
        if self.status // 100 not in (2, 4, 5):
            raise ValueError(f"status is {self.status}; only 2xx, 4xx and 5xx are counted")
        check_amount("latency_ms", self.latency_ms, whole=True)
        check_amount("cost_usd", self.cost_usd)
        _check_project(self.project_id)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One visibility snapshot in the state it has now."""

    at: datetime
    status: str = "complete"
    project_id: str | None = None

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_choice("status", self.status, STATES)
        _check_project(self.project_id)


def _check_project(project_id: Any) -> None:
    if project_id is None or project_id in PROJECTS:
        return
    check_text("project_id", project_id)
    if not zod.is_uuid(project_id, "4") or project_id != project_id.lower():
        raise ValueError(f"project_id is {project_id!r}; it must be a lower-case version 4 UUID, or None")


def _printed_example() -> tuple[Call | Snapshot, ...]:
    """Twelve calls and four snapshots whose rollup for January 2026 is the printed one."""
    first = datetime(2026, 1, 5, 9, tzinfo=UTC)
    operations = [
        row[1] for row, count in zip(dict.fromkeys(OPERATIONS), (5, 4, 3), strict=False) for _ in range(count)
    ]
    # Twelve latencies: sum 2286, so 190.5 on average; the nearest rank of the 95th percentile is the last.
    latencies = (120, 131, 144, 152, 160, 171, 183, 190, 205, 240, 270, 320)
    # Eleven answered calls cost 0.19 together, the refused one nothing.
    costs = (0.02, 0.02, 0.02, 0.02, 0.02, 0.015, 0.015, 0.015, 0.015, 0.015, 0.015, 0.0)
    calls = [
        Call(
            first + timedelta(days=2 * n, minutes=17 * n),
            "dataforseo",
            operations[n],
            404 if n == 11 else 200,
            latencies[n * 5 % 12],
            costs[n],
            PROJECTS[n % 2],
        )
        for n in range(12)
    ]
    states = ("complete", "complete", "partial", "complete")
    days = [first + timedelta(days=6 * n, hours=3) for n in range(4)]
    return (*calls, *(Snapshot(at, state, PROJECTS[0]) for at, state in zip(days, states, strict=True)))


DOCS = _printed_example()


def seeded(chance: Chance, day: date) -> list[Call | Snapshot]:
    """The calls and snapshots of one day of the busy account, drawn from `chance` alone."""
    events: list[Call | Snapshot] = []
    for at in day_instants(chance, day, day_volume(chance, day, CALLS_PER_DAY)):
        provider, operation, fastest, spread_ms, micros = chance.one_of(OPERATIONS)
        status = chance.one_of(OUTCOMES)
        # Mostly quick, with a long tail; a call that fails upstream was waited for.
        latency = fastest + min(chance.below(spread_ms), chance.below(spread_ms))
        if status >= 500 or chance.hit(3):
            latency *= 4
        cost = 0 if status >= 400 else micros + chance.below(micros // 4)
        owner = chance.one_of(OWNERS)
        events.append(Call(at, provider, operation, status, latency, cost / 1_000_000, owner))
    events.extend(
        Snapshot(at, chance.one_of(SNAPSHOT_STATES), chance.one_of(OWNERS))
        for at in day_instants(chance, day, day_volume(chance, day, SNAPSHOTS_PER_DAY))
    )
    return events
