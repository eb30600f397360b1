"""The memory of one contract run: every answer once, every judgement, and what moved while we looked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from usage_contracts.conformance import complaints, json_complaint
from usage_contracts.measures import Measure, differences, shown
from usage_contracts.target import GATEWAY, MOVED, Answer, Call, Target
from usage_contracts.transport import Limits, RunOver
from usage_contracts.verdict import Judgement, judge
from usage_specs import Spec

TRIES = 3
HEAVY = 200_000
"""Bytes from which on an answer is not kept in parsed form: a run has to fit where it runs."""
HEAVY_KEPT = 3
PATIENCE = 4
"""So many answers that let nothing through, and no other, and a run ends: more could lock the account."""


class Promise(Protocol):
    """What must hold for one vendor: looks at answers, figures to compare, and the plan of a run."""

    @property
    def TOLERATED(self) -> Mapping[str, frozenset[str]]:  # noqa: N802
        """Words beyond the documented ones that break nothing, by field."""

    def look(self, run: Run, answer: Answer) -> Iterable[Judgement]:
        """Judge one 200 answer by itself."""

    def look_denied(self, run: Run, answer: Answer) -> Iterable[Judgement]:
        """Judge the body of an answer to a call without a good key."""

    def figures(self, answer: Answer) -> Measure | None:
        """The figures of one answer that add up, None when they cannot be read."""

    def settled(self, run: Run, call: Call) -> bool:
        """Whether nothing new can come into this call's answer: its window ended two days ago or more."""

    def plan(self, run: Run) -> Iterable[Callable[[Run], Iterable[Judgement]]]:
        """The steps of a run, most telling first."""

    def inhabited(self, answer: Answer) -> bool:
        """Whether this answer shows any usage at all."""


@dataclass(slots=True)
class Book:
    """Judgements by behaviour: how many looks, and the shortest counterexample."""

    looks: dict[str, int] = field(default_factory=dict)
    findings: dict[str, Judgement] = field(default_factory=dict)

    def enter(self, judgement: Judgement) -> None:
        """Count a look; keep the counterexample with the fewest calls and then the shortest queries."""
        name = judgement.behaviour
        self.looks[name] = self.looks.get(name, 0) + 1
        if judgement.held:
            return
        known = self.findings.get(name)
        if known is None or _length(judgement) < _length(known):
            self.findings[name] = judgement


def _length(judgement: Judgement) -> tuple[int, int]:
    return len(judgement.answers), sum(len(call.query) for call in judgement.calls)


@dataclass(slots=True)
class Run:
    """One run against one target; `now` is the service's time (UTC), `examples` how many Hypothesis draws.

    `known` are values of filters that whoever runs this knows to exist, by parameter name.
    """

    spec: Spec
    target: Target
    promise: Promise
    limits: Limits
    now: datetime
    seed: int = 1
    examples: int = 8
    live: bool = False
    probe_auth: bool = True
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    first: dict[Call, Answer] = field(default_factory=dict)
    latest: dict[Call, Answer] = field(default_factory=dict)
    log: list[Answer] = field(default_factory=list)
    growth: dict[Call, int] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    exploring: bool = False
    stumbles: list[Answer] = field(default_factory=list)
    inhabited: bool = False
    remembered: dict[int, Measure | None] = field(default_factory=dict, repr=False)
    heavy: OrderedDict[int, Measure] = field(default_factory=OrderedDict, repr=False)
    shut: int | None = 0

    @property
    def provider(self) -> str:
        """The provider's name, the first part of every behaviour id."""
        return self.spec.service.name

    @property
    def today(self) -> date:
        """The service's UTC date."""
        return self.now.date()

    @property
    def horizon(self) -> date:
        """The last date that may have figures: today, or tomorrow where clocks a little off could have it."""
        return (self.now + timedelta(minutes=15)).date()

    @property
    def settled_day(self) -> date:
        """The last day whose figures no longer move: two days ago in UTC."""
        return self.today - timedelta(days=2)

    def id(self, slug: str) -> str:
        """The full id of a behaviour that every provider has."""
        return f"{self.provider}.{slug}"

    def enter(self, judgements: Iterable[Judgement]) -> None:
        """Write these into the book."""
        for judgement in judgements:
            self.book.enter(judgement)

    def broken(self, behaviour: str) -> bool:
        """Whether this behaviour has a counterexample already, so that more requests would tell nothing."""
        return behaviour in self.book.findings

    def ask(self, call: Call) -> Answer:
        """The first answer to this call, remembered for the run."""
        return self.first[call] if call in self.first else self.again(call)

    def again(self, call: Call) -> Answer:
        """A new answer to this call; every check sees it."""
        answer = self._patiently(call)
        self._count_shut_doors(answer)
        before = self.latest.get(call)
        if answer.judgeable or call not in self.first:
            self.first.setdefault(call, answer)
            if not self.first[call].judgeable:
                self.first[call] = answer
            self.latest[call] = answer
        if answer.status == 200 and call.key == "good" and (answer.ok or not (self.live and answer.html)):
            self.enter(self._as_documented(answer))
        if answer.ok and call.key == "good":
            self.inhabited = self.inhabited or self.promise.inhabited(answer)
            self.enter(self.promise.look(self, answer))
            if len(answer.body) >= HEAVY:
                answer.forget_parsed()
            if before is not None and self.readable(before) and self.readable(answer):
                self._compare(before, answer)
        return answer

    def _count_shut_doors(self, answer: Answer) -> None:
        if self.shut is None or answer.call.key != "good":
            return
        if not unanswered(answer) and answer.status not in MOVED:
            self.shut = None
            return
        self.shut += 1
        if self.shut == PATIENCE:
            self.latest.setdefault(answer.call, answer)
            raise RunOver("the target lets nothing through")

    def valid(self, call: Call, *, lenient: bool = False) -> Answer | None:
        """The answer to a call that any server of this document answers 200; None when it does not.

        A 429, a network error or an account without rights or credits is nobody's breach. `lenient` is for
        windows so long or so old that a server may turn them down.
        """
        answer = self.ask(call)
        if unanswered(answer) or (lenient and answer.status in {400, 422}):
            return None
        if answer.status in MOVED and not any(known.status == 200 for known in self.first.values()):
            # An endpoint that is nowhere has moved; that is drift, told at the end, and no breach.
            return None
        good = answer.status == 200
        self.enter(
            [
                judge(
                    self.id("answered"),
                    good,
                    answer,
                    observed=f"status {answer.status}: {start(answer)}",
                    allowed="200 to a valid request",
                )
            ]
        )
        return answer if answer.ok else None

    def figures(self, answer: Answer) -> Measure:
        """The figures of an answer that has some, none otherwise; read once, but for huge answers."""
        return self._read(answer) or {}

    def readable(self, answer: Answer) -> bool:
        """Whether all figures of this answer can be read, so that sums and comparisons mean something."""
        return answer.ok and self._read(answer) is not None

    def _read(self, answer: Answer) -> Measure | None:
        # An answer without usage has figures too, none: they are told from figures that cannot be read.
        found = self.remembered.get(id(answer), self.heavy.get(id(answer)))
        if found is None and id(answer) not in self.remembered:
            found = self.promise.figures(answer) if answer.ok else None
            if found is None or len(answer.body) < HEAVY:
                self.remembered[id(answer)] = found
            else:
                self.heavy[id(answer)] = found
                if len(self.heavy) > HEAVY_KEPT:
                    self.heavy.popitem(last=False)
                answer.forget_parsed()
        return found

    def _as_documented(self, answer: Answer) -> Iterator[Judgement]:
        complaint = json_complaint(answer)
        yield judge(
            self.id("json"), not complaint, answer, observed=complaint, allowed="JSON, declared as such"
        )
        if not answer.parsed[1]:
            wrong = complaints(self.provider, answer, self.promise.TOLERATED)
            yield judge(
                self.id("schema"),
                not wrong,
                answer,
                observed="; ".join(wrong),
                allowed="the documented schema",
            )

    def _patiently(self, call: Call) -> Answer:
        # A quota, a busy gateway or one lost connection says nothing about the contract.
        answer = self._send(call)
        for _ in range(TRIES - 1):
            if answer.status == 500 and call.key == "good" and call not in self.latest:
                second = self._send(call)
                if second.status == 500:
                    return second
                if second.status == 200:
                    self.stumbles.append(answer)
                answer = second
            elif not answer.passing or not self._waited(answer):
                break
            else:
                answer = self._send(call)
        return self._confirmed(answer) if answer.status in GATEWAY else answer

    def _waited(self, answer: Answer) -> bool:
        if answer.status in {429, 503} and (self.live or "retry-after" in answer.headers):
            return self.limits.may_wait(answer.headers.get("retry-after"))
        self.limits.sleep(1.0 if self.live else 0.02)
        return True

    def _confirmed(self, answer: Answer) -> Answer:
        """Whether it is this question that a gateway's status comes from: others are answered meanwhile.

        On a real service nothing is concluded from it; more requests would not be worth the answer.
        """
        control = next((call for call, known in self.latest.items() if known.ok and call.key == "good"), None)
        if self.live or control is None or control == answer.call:
            return answer
        if self._send(control).ok and self._send(answer.call).status == answer.status:
            return replace(answer, confirmed=True)
        return answer

    def _send(self, call: Call) -> Answer:
        answer = self.target.send(call)
        self.log.append(answer)
        return answer

    def _compare(self, before: Answer, after: Answer) -> None:
        """What was asked before about a closed window must not have changed."""
        call = after.call
        if not self.promise.settled(self, call):
            return
        old, new = self.figures(before), self.figures(after)
        changed = differences(old, new)
        shrunk = [name for name in changed if new.get(name, 0) < old.get(name, 0)]
        self.growth[call] = self.growth.get(call, 0) + 1 if changed else 0
        # Late events may still arrive once or twice; figures that fall, or grow at every look, are no events.
        held = not shrunk and self.growth[call] < TRIES
        self.enter(
            [
                judge(
                    self.id("repeatable"),
                    held,
                    self._sequence(before, after),
                    observed=f"first and later answer differ: {shown(shrunk or changed, old, new)}",
                    allowed="the same figures for the same window in the past",
                )
            ]
        )

    def _sequence(self, before: Answer, after: Answer) -> list[Answer]:
        # An answer that depends on the question before it is reproduced only together with that question.
        place = next((n for n in range(len(self.log) - 1, -1, -1) if self.log[n] is after), 0)
        between = self.log[place - 1] if place else before
        return [before, after] if between.call == after.call else [before, between, after]

    def relation(
        self,
        behaviour: str,
        calls: Sequence[Call],
        complaint: Callable[[Sequence[Answer]], str | None],
        *,
        allowed: str,
    ) -> bool:
        """Judge something between several answers, and only between stable readings of them.

        `complaint` says what is wrong in a set of answers, "" when nothing is, None when they could not show
        it. Where it complains, everything is read again until two rounds agree; what keeps moving is left
        unjudged. Returns False only when it is known to be broken.
        """
        if self.broken(behaviour) and not self.exploring:
            return False
        answers = [self.ask(call) for call in calls]
        if not all(map(self.readable, answers)):
            return True
        first = complaint(answers)
        if not first:
            self.enter([judge(behaviour, True, answers)] if first is not None else [])
            return True
        for _ in range(TRIES):
            fresh = [self.again(call) for call in calls]
            if not all(map(self.readable, fresh)):
                return True
            told = complaint(fresh)
            if not told:
                return True
            if self._alike(answers, fresh):
                self.enter([judge(behaviour, False, fresh, observed=told, allowed=allowed)])
                return False
            answers = fresh
        return True

    def _alike(self, left: Sequence[Answer], right: Sequence[Answer]) -> bool:
        pairs = zip(left, right, strict=True)
        return not any(differences(self.figures(one), self.figures(other)) for one, other in pairs)

    def note(self, text: str) -> None:
        """Something worth a line in the report that breaks nothing."""
        self.notes.setdefault(text)


def start(answer: Answer, most: int = 120) -> str:
    """The beginning of an answer's body, for a report."""
    text = answer.body[: most * 4].decode("utf-8", "replace").strip()
    return text[:most] + ("…" if len(text) > most else "")


def unanswered(answer: Answer) -> bool:
    """Whether this answer says nothing about the contract: no service, no rights, or no credits."""
    return not answer.judgeable or answer.status in {401, 402, 403}


def perform(run: Run) -> str:
    """Carry out the promise's plan; returns why it ended early, "" when it did not."""
    try:
        for step in run.promise.plan(run):
            run.enter(step(run))
    except RunOver as error:
        return str(error)
    return ""
