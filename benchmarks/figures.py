"""Figures: what was measured, round by round, and the bar that each is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

ALL = "all"
"""The provider of a figure that belongs to none, or to all five at once."""


@dataclass
class Figure:
    """The samples of one measurement, one for each round.

    `unit` is ratio, us, ms, s, MB, 1/s or "" (a count); more is worse, except of 1/s. The median is what is
    held against `bar`.
    """

    name: str
    provider: str
    unit: str
    bar: float | None = None
    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The sample in the middle."""
        return median(self.samples)

    @property
    def missed(self) -> bool:
        """Whether the bar is not kept; a figure without one misses nothing."""
        return self.bar is not None and self.median > self.bar

    @property
    def verdict(self) -> str:
        """The word that stands beside the bar."""
        return "" if self.bar is None else "MISSED" if self.missed else "met"

    def as_json(self) -> dict[str, Any]:
        """Plain values; median, min and max are there for whoever reads the file."""
        return {
            "name": self.name,
            "provider": self.provider,
            "unit": self.unit,
            "bar": self.bar,
            "median": self.median,
            "min": min(self.samples),
            "max": max(self.samples),
            "samples": self.samples,
        }


class Figures:
    """Figures by name and provider, in the order in which they were first measured."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Figure] = {}

    def add(
        self, name: str, value: float, unit: str, *, provider: str = ALL, bar: float | None = None
    ) -> None:
        """Take one more sample."""
        figure = self._found.setdefault((name, provider), Figure(name, provider, unit, bar))
        figure.samples.append(value)

    def get(self, name: str, provider: str = ALL) -> Figure | None:
        """One figure, None when it was not measured."""
        return self._found.get((name, provider))

    def named(self, name: str) -> dict[str, Figure]:
        """The figures of this name by provider."""
        return {figure.provider: figure for figure in self if figure.name == name}

    def __iter__(self) -> Iterator[Figure]:
        return iter(self._found.values())

    def as_json(self) -> list[dict[str, Any]]:
        """Every figure as plain values."""
        return [figure.as_json() for figure in self]

    @classmethod
    def read(cls, saved: list[Mapping[str, Any]]) -> Figures:
        """What `as_json` wrote; KeyError or TypeError when it is something else."""
        figures = cls()
        for one in saved:
            figure = Figure(one["name"], one["provider"], one["unit"], one["bar"], list(one["samples"]))
            figures._found[figure.name, figure.provider] = figure
        return figures
