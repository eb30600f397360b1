"""Credits of a Somya server: the account's, whatever is asked about."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import pairwise

from usage_contracts.looks.somya import inhabited, part_of
from usage_contracts.run import Run
from usage_contracts.target import Answer
from usage_contracts.verdict import Judgement, judge

DOUBTS = 4
"""So many kinds of questions whose credits differed are asked again; on a real service, one."""


def credits_alike(run: Run) -> Iterator[Judgement]:
    """What remained is the same in all answers that followed each other, or has fallen meanwhile."""
    answers = [answer for answer in run.log if answer.ok and answer.call.key == "good"]
    doubts: dict[Hashable, tuple[Answer, Answer]] = {}
    for one, two in pairwise(answers):
        if part_of(one, "credits") == part_of(two, "credits"):
            yield judge("somya.credits-independent", True, (one, two))
        elif one.call != two.call:
            doubts.setdefault((_kind(one), _kind(two)), (one, two))
    for one, two in list(doubts.values())[: 1 if run.live else DOUBTS]:
        yield from _confirmed(run, one, two)


def _kind(answer: Answer) -> Hashable:
    call = answer.call
    asked = (call.param("source"), call.param("api_key_id") is None, call.param("from") is None)
    return (*asked, call.via, inhabited(answer))


def _confirmed(run: Run, one: Answer, two: Answer) -> Iterator[Judgement]:
    # Credits fall while others work, so the two must differ between two equal readings.
    for _ in range(2):
        before, other, after = run.again(one.call), run.again(two.call), run.again(one.call)
        if not (before.ok and other.ok and after.ok):
            return
        if part_of(before, "credits") == part_of(after, "credits"):
            yield judge(
                "somya.credits-independent",
                part_of(before, "credits") == part_of(other, "credits"),
                (before, other),
                observed=f"credits {part_of(before, 'credits')}, and {part_of(other, 'credits')} asked otherwise",
                allowed="the account's credits, whatever is asked about",
            )
            return
