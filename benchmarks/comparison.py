"""What got slower since a baseline, by more than the noise of the two runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from math import comb
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.figures import Figure, Figures
from benchmarks.machine import Machine, differences, same

VERSION = 1
FEWEST = 0.1
"""Changes of a median that are smaller than this share are not told of, however sure they are."""
SURE = 0.05
UNSURE = 0.5
"""The share that counts where there were too few rounds to be sure of anything smaller."""
NOISE = (
    "Noise: a figure has changed when all rounds of one run lie beyond all rounds of the other and the medians "
    "differ by more than 10 %. Of two runs with five rounds of the same code, one figure in 126 would do the "
    "first by chance. With fewer than four rounds in each, the medians must differ by more than 50 %."
)


class BadBaseline(Exception):
    """A file that is no run of this bench; the text says which and why."""


class Run(NamedTuple):
    """One run of the bench: where, with what, what it found."""

    machine: Machine
    effort: Mapping[str, Any]
    figures: Figures


class Change(NamedTuple):
    """A figure that is not what it was; `times` is how many times more it is now."""

    before: Figure
    now: Figure
    times: float

    @property
    def worse(self) -> bool:
        """Whether it changed in the direction that nobody wants."""
        return (self.times > 1) is not (self.now.unit == "1/s")


def changes(before: Run, now: Run) -> Iterator[Change]:
    """The figures that differ by more than the noise; from another machine only ratios and counts."""
    at_home = same(before.machine, now.machine)
    for figure in now.figures:
        old = before.figures.get(figure.name, figure.provider)
        if old is None or old.unit != figure.unit or not (at_home or figure.unit in ("ratio", "")):
            continue
        if changed(old.samples, figure.samples) and old.median > 0:
            yield Change(old, figure, figure.median / old.median)


def changed(before: list[float], now: list[float]) -> bool:
    """Whether two sets of samples differ by more than the noise, as NOISE says."""
    low, high = sorted((before, now), key=median)
    if max(low) >= min(high):
        return False
    by_chance = 2 / comb(len(low) + len(high), len(low))
    share = FEWEST if by_chance <= SURE else UNSURE
    return median(high) - median(low) > share * abs(median(low))


def report(before: Run, now: Run) -> list[str]:
    """The comparison in sentences."""
    found = sorted(changes(before, now), key=lambda change: -max(change.times, 1 / max(change.times, 1e-9)))
    lines = [f"not the same as then: {text}" for text in differences(before.machine, now.machine)]
    if not same(before.machine, now.machine):
        lines.append("another machine: only ratios and counts are compared")
    for word, wanted in (("slower", True), ("faster", False)):
        lines += [f"{word}: {told(change)}" for change in found if change.worse is wanted]
    worse = sum(change.worse for change in found)
    return [
        *lines,
        f"{worse} worse and {len(found) - worse} better than the baseline, by more than the noise",
    ]


def told(change: Change) -> str:
    """A change as one line."""
    old, new = change.before, change.now
    unit = f" {new.unit}" if new.unit else ""
    spans = [f"{f.median:.3g} ({min(f.samples):.3g}..{max(f.samples):.3g})" for f in (old, new)]
    return f"{new.name} ({new.provider}): {spans[0]} -> {spans[1]}{unit}, {change.times:.2f} times"


# -- files ----------------------------------------------------------------------------------------------


def write(path: Path, run: Run) -> None:
    """Save a run, whole or not at all."""
    plain = {
        "version": VERSION,
        "machine": run.machine,
        "effort": run.effort,
        "noise": NOISE,
        "figures": run.figures.as_json(),
    }
    save(path, json.dumps(plain, indent=1) + "\n")


def read(path: Path) -> Run:
    """A saved run; BadBaseline when it is none."""
    try:
        plain = json.loads(path.read_text("utf-8"))
        if plain["version"] != VERSION:
            raise BadBaseline(f"{path.name} is of version {plain['version']}, and this bench reads {VERSION}")
        return Run(plain["machine"], plain["effort"], Figures.read(plain["figures"]))
    except OSError as error:
        raise BadBaseline(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadBaseline(f"{path.name} is no run of this bench: {error!r}") from None


def save(path: Path, text: str) -> None:
    """Put a text into a file in one step, so that nobody ever finds half of it."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
