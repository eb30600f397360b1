"""Requests as fast as they come: CPU for each, beside that of a bare uvicorn in the same moment."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks import load
from benchmarks.accounts import added, filled
from benchmarks.effort import Effort, Tell, numbered
from benchmarks.figures import Figures
from benchmarks.processes import Failed, Running, started
from benchmarks.questions import BAD, FURTHER, KINDS, REFUSED, REPEATED, UNSEEN, Question, answer, question
from usage_specs import PROVIDERS

BARS = {REPEATED: 1.25, REFUSED: 2.0, BAD: 2.0}
UNSEEN_BARS = {"somya": 8.0}
"""Somya's validation is FastAPI's own; the others are held to UNSEEN_BAR."""
UNSEEN_BAR = 3.0
JOURNALS = {True: "journal on", False: "journal off"}
Account = tuple[int, bool]


class Pace(NamedTuple):
    """Requests per second, and CPU microseconds of the server for each."""

    rate: float
    micros: float


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """Every provider, kind of question, size of account, with the journal and without."""
    for provider in PROVIDERS:
        with ExitStack() as stack:
            fakes: dict[Account, Running] = {}
            for size in effort.sizes:
                for journal in JOURNALS:
                    tell(f"{provider}: {added(size)}, {JOURNALS[journal]}")
                    fakes[size, journal] = stack.enter_context(
                        filled(provider, size, figures, journal=journal)
                    )
            bare = stack.enter_context(yardstick(provider, fakes))
            one_round(Figures(), provider, fakes, bare, effort.seconds / 5)
            for _ in numbered(effort.rounds, tell, f"{provider}: requests"):
                one_round(figures, provider, fakes, bare, effort.seconds)


def one_round(
    figures: Figures, provider: str, fakes: Mapping[Account, Running], bare: Running, seconds: float
) -> None:
    """Each case once, the yardstick before the two that are held against it."""
    for size in dict.fromkeys(size for size, _ in fakes):
        for kind in kinds(size):
            asked = question(provider, kind)
            if asked is None:
                continue
            same = Question([_path(kind, size)], {}, 200)
            unit = paced(bare, same, seconds)
            figures.add(f"bare uvicorn, {kind}, {added(size)}: CPU", unit.micros, "us", provider=provider)
            figures.add(f"bare uvicorn, {kind}, {added(size)}: rate", unit.rate, "1/s", provider=provider)
            bar = bar_of(provider, kind, size)
            for journal, told in JOURNALS.items():
                pace = paced(fakes[size, journal], asked, seconds)
                name = f"{kind}, {added(size)}, {told}"
                figures.add(name, pace.micros / unit.micros, "ratio", provider=provider, bar=bar)
                figures.add(f"{name}: CPU", pace.micros, "us", provider=provider)
                figures.add(f"{name}: rate", pace.rate, "1/s", provider=provider)


def kinds(size: int) -> tuple[str, ...]:
    """How an account of this size is asked."""
    return KINDS if size else (*KINDS, *FURTHER)


def bar_of(provider: str, kind: str, size: int) -> float | None:
    """What CPU against bare uvicorn may be; windows of larger accounts have a bar in milliseconds instead."""
    if kind != UNSEEN:
        return BARS.get(kind)
    return None if size else UNSEEN_BARS.get(provider, UNSEEN_BAR)


def paced(server: Running, asked: Question, seconds: float) -> Pace:
    """One load."""
    cpu, begun = server.cpu(), time.perf_counter()
    count = load.ask(server.port, asked, seconds)
    return Pace(count / (time.perf_counter() - begun), (server.cpu() - cpu) / count * 1e6)


@contextmanager
def yardstick(provider: str, fakes: Mapping[Account, Running]) -> Iterator[Running]:
    """A bare uvicorn that has the body of each kind's first answer ready."""
    bodies = {}
    for (size, _), server in fakes.items():
        for kind in kinds(size):
            asked = question(provider, kind)
            if asked is not None:
                status, body = answer(server.port, asked.paths[0], asked.headers)
                if status != asked.status:
                    raise Failed(f"{provider} answered {status} to {asked.paths[0]}, not {asked.status}")
                bodies[_path(kind, size)] = body.decode()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bodies.json"
        file.write_text(json.dumps(bodies), encoding="utf-8")
        with started([sys.executable, str(Path(__file__).with_name("bare.py")), str(file)]) as server:
            yield server


def _path(kind: str, size: int) -> str:
    return f"/{kind.replace(' ', '-')}/{size}"
