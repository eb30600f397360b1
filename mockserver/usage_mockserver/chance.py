"""Seeded chance that gives the same draws on every machine, Python version and time zone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def spread(choices: Sequence[tuple[T, int]]) -> tuple[T, ...]:
    """Each choice as many times as its weight: `one_of` this draws what `weighted` draws, and faster."""
    return tuple(choice for choice, weight in choices for _ in range(weight))


class Chance:
    """A stream of draws fixed by the names it was made from.

    Only `Random.random()` is promised to stay the same between Python versions, so every draw is made of it.
    """

    def __init__(self, *names: object) -> None:
        text = "\x1f".join(str(name) for name in names)
        self._draw = Random(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")).random

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return int(self._draw() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._draw() * (high - low + 1))

    def one_of(self, choices: Sequence[T]) -> T:
        """One of the choices, each as likely."""
        return choices[int(self._draw() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        """One of the choices, by whole-number weights."""
        left = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        raise AssertionError("weights are positive")

    def hit(self, percent: int) -> bool:
        """True in this many cases of a hundred."""
        return int(self._draw() * 100) < percent

    def hex(self, digits: int) -> str:
        """This many lower-case hexadecimal digits."""
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(digits))

    def uuid4(self) -> str:
        """A version 4 UUID with the RFC 9562 variant, lower case."""
        tail = f"{self.one_of('89ab')}{self.hex(3)}"
        return f"{self.hex(8)}-{self.hex(4)}-4{self.hex(3)}-{tail}-{self.hex(12)}"
