"""What a run found: judgements, findings, and one verdict per behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from usage_contracts.target import Answer, Call
from usage_specs import Behaviour


class Outcome(StrEnum):
    """What a run says of one behaviour."""

    HELD = "held"
    BROKEN = "broken"
    DIFFERS = "differs"
    ACCEPTED = "accepted"
    NOT_EXERCISED = "not exercised"


class Exit(StrEnum):
    """Why a run ends; `EXIT_STATUS` gives the process's exit status."""

    CLEAN = "clean"
    BROKEN = "broken"
    UNREACHED = "unreached"
    UNTESTED = "untested"


EXIT_STATUS = {Exit.CLEAN: 0, Exit.BROKEN: 1, Exit.UNREACHED: 3, Exit.UNTESTED: 4}


@dataclass(frozen=True, slots=True)
class Judgement:
    """One look at one behaviour: whether it held in these answers, what was seen, what would be right."""

    behaviour: str
    held: bool
    answers: tuple[Answer, ...]
    observed: str = ""
    allowed: str = ""

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that show it, in the order they were made."""
        return tuple(answer.call for answer in self.answers)


def judge(
    behaviour: str, held: bool, answers: Answer | Sequence[Answer], *, observed: str = "", allowed: str = ""
) -> Judgement:
    """A judgement; `observed` and `allowed` matter where it did not hold."""
    told = (answers,) if isinstance(answers, Answer) else tuple(answers)
    return Judgement(behaviour, held, told, observed, allowed)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one behaviour: how often it was looked at, and the shortest counterexample if any."""

    behaviour: Behaviour
    outcome: Outcome
    looks: int = 0
    finding: Judgement | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All verdicts of one run against one target.

    `strict` says that assumptions which differ count like breaches, `otherwise` how the run would have ended
    without any breach: what remains when a baseline accepts them all.
    """

    provider: str
    origin: str
    seed: int
    verdicts: tuple[Verdict, ...]
    ended: Exit
    reason: str = ""
    requests: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    calls: tuple[Call, ...] = field(default=(), repr=False)
    strict: bool = False
    otherwise: tuple[Exit, str] = (Exit.CLEAN, "")

    @property
    def exit_status(self) -> int:
        """0 clean, 1 broken, 3 not reached or judged, 4 nothing really tested."""
        return EXIT_STATUS[self.ended]

    @property
    def failing(self) -> tuple[Verdict, ...]:
        """The verdicts that make this run fail."""
        return self.of(Outcome.BROKEN) + (self.of(Outcome.DIFFERS) if self.strict else ())

    def of(self, outcome: Outcome) -> tuple[Verdict, ...]:
        """The verdicts with this outcome."""
        return tuple(verdict for verdict in self.verdicts if verdict.outcome is outcome)
