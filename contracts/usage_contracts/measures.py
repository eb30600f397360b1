"""Figures that add up: counts and amounts by name, compared with the tolerance floats need."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeAlias

Measure: TypeAlias = Mapping[Hashable, float]
Slack: TypeAlias = Callable[[Hashable], float]
"""What rounding may cost a figure of this name in one part."""

RELATIVE = 1e-6


def total(parts: Iterable[Measure]) -> dict[Hashable, float]:
    """The sum of measures, name by name."""
    found: dict[Hashable, float] = {}
    for part in parts:
        for name, value in part.items():
            found[name] = found.get(name, 0) + value
    return found


def same(left: float, right: float, slack: float = 0.0) -> bool:
    """Equal but for float rounding and the given slack."""
    return abs(left - right) <= max(RELATIVE * max(abs(left), abs(right)), slack, 1e-9)


def exact(_: Hashable) -> float:
    """No slack at all."""
    return 0.0


def differences(left: Measure, right: Measure, slack: Slack = exact, parts: int = 1) -> list[Hashable]:
    """The names whose figures differ, missing ones counting as zero; `parts` figures were rounded."""
    if left == right:
        return []
    names = dict.fromkeys([*left, *right])
    return [name for name in names if not same(left.get(name, 0), right.get(name, 0), slack(name) * parts)]


def excesses(part: Measure, whole: Measure, slack: Slack = exact, parts: int = 1) -> list[Hashable]:
    """The names of which the part shows more than the whole."""
    return [
        name
        for name, value in part.items()
        if value > whole.get(name, 0) and not same(value, whole.get(name, 0), slack(name) * parts)
    ]


def empty(measure: Measure) -> bool:
    """Whether nothing was used."""
    return not any(measure.values())


def told(name: Hashable) -> str:
    """A figure's name for people."""
    if isinstance(name, tuple):
        return " ".join(str(part) for part in name if part not in (None, ""))
    return str(name)


def shown(names: list[Hashable], left: Measure, right: Measure, most: int = 3) -> str:
    """The first few differing figures side by side."""
    some = [f"{told(name)}: {left.get(name, 0):g} and {right.get(name, 0):g}" for name in names[:most]]
    more = f" (+{len(names) - most} more)" if len(names) > most else ""
    return "; ".join(some) + more
