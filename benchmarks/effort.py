"""How much is measured: rounds, seconds, sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str], None]
"""Says on which part of the work the bench is."""


@dataclass(frozen=True)
class Effort:
    """`seconds` is one load of one server; `sizes` are added events, 0 the account as it is seeded."""

    rounds: int = 5
    seconds: float = 0.25
    sizes: tuple[int, ...] = (0, 100_000, 1_000_000)
    soak: int = 200_000
    tests: int = 200
    pairs: int = 30
    calls: int = 60


WHOLE = Effort()
QUICK = Effort(rounds=1, seconds=0.1, sizes=(0, 20_000), soak=10_000, tests=40, pairs=5, calls=10)


def numbered(rounds: int, tell: Tell, what: str) -> list[int]:
    """The numbers of the rounds, for a loop that tells where it is."""
    tell(f"{what}, {rounds} round{'s' if rounds > 1 else ''}")
    return list(range(1, rounds + 1))
