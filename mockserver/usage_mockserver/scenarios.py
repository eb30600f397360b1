"""Named states of the fake account, as functions from a day to its events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from usage_mockserver.chance import Chance
from usage_mockserver.ledger import Ledger, Seeded
from usage_mockserver.providers import load

SCENARIOS = {
    "busy": "an account in daily use since 2020: many voices, models, keys, projects; some days without any",
    "sparse": "about one event a week",
    "empty": "an account that has never used the service",
    "docs": "the vendor's printed example, exactly",
}


@lru_cache(maxsize=64)
def seeded_ledger(provider: str, seed: int, scenario: str) -> Ledger:
    """The ledger of a scenario, shared by every account that has the same seed; it never changes."""
    return Ledger(seeded_days(provider, seed, scenario), views=load(provider).VIEWS)


def seeded_days(provider: str, seed: int, scenario: str) -> Seeded:
    """The events of any day in a scenario, in no order, made anew each time."""
    module = load(provider)

    def busy(day: date) -> Sequence[Any]:
        return module.seeded(Chance(provider, seed, day.isoformat()), day)

    def sparse(day: date) -> Sequence[Any]:
        chance = Chance("sparse", provider, seed, day.isoformat())
        events = busy(day) if chance.below(7) == 0 else ()
        return events[:1] if chance.hit(70) else events[-1:]

    def docs(day: date) -> Sequence[Any]:
        return [event for event in module.DOCS if event.at.date() == day]

    def empty(day: date) -> Sequence[Any]:  # noqa: ARG001
        return ()

    return {"busy": busy, "sparse": sparse, "docs": docs, "empty": empty}[scenario]
