"""Hypothesis beyond the plan: it draws cases, and what it finds is shrunk to the shortest that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from usage_contracts.run import Run
from usage_contracts.transport import RunOver

T = TypeVar("T")


class _Broken(Exception):
    """Tells Hypothesis that a case breaks a behaviour, so that it looks for a smaller one."""


def explore(run: Run, cases: SearchStrategy[T], holds: Callable[[T], bool], *, share: float = 1.0) -> None:
    """Try drawn cases; `holds` asks, judges and returns False where something is broken.

    The same seed draws the same cases. `share` is the part of the run's examples spent here.
    """
    if run.examples <= 0:
        return
    over: list[RunOver] = []

    def case(drawn: T) -> None:
        # Hypothesis would take the end of a run for a failing case and shrink it with requests we do not have.
        try:
            held = bool(over) or holds(drawn)
        except RunOver as error:
            over.append(error)
            return
        if not held:
            raise _Broken

    few = settings(_QUIET, max_examples=max(1, int(run.examples * share)))
    run.exploring = True
    try:
        few(seed(run.seed)(given(cases)(case)))()
    except (_Broken, Flaky):
        # A server whose answers depend on what was asked before cannot be shrunk; the finding stands.
        return
    finally:
        run.exploring = False
    if over:
        raise over[0]


_QUIET = settings(
    database=None,
    deadline=None,
    derandomize=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
