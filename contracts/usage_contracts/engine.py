"""One contract run from beginning to end: a promise, a target, a report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from usage_contracts.promises import PROMISES
from usage_contracts.run import Run, perform, start
from usage_contracts.target import Answer, Call, Target
from usage_contracts.transport import Limits, RunOver
from usage_contracts.verdict import Exit, Judgement, Outcome, Report, Verdict, judge
from usage_specs import Behaviour, load

ENOUGH = 2
"""A real service that stumbles this often over valid questions does not just restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a run is done.

    `now` is the service's time, by default this machine's; the same `seed` draws the same questions, `examples`
    of each property; `live` spares a real service; `probe_auth` allows it two requests without a good key;
    `strict` lets assumptions that differ end the run like breaches; `known` names values of filters that exist,
    such as the account's own project ids.
    """

    now: datetime | None = None
    seed: int = 1
    examples: int = 8
    live: bool = False
    probe_auth: bool = True
    strict: bool = False
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)


def check(target: Target, *, limits: Limits, profile: Profile | None = None) -> Report:
    """Run every check of the target's provider and give a verdict for each of its behaviours."""
    chosen = profile or Profile()
    spec = load(target.service.name)
    run = Run(
        spec=spec,
        target=target,
        promise=PROMISES[spec.service.name],
        limits=limits,
        now=chosen.now or datetime.now(UTC),
        seed=chosen.seed,
        examples=chosen.examples,
        live=chosen.live,
        probe_auth=chosen.probe_auth,
        known=chosen.known,
    )
    begun = time.perf_counter()
    stopped = _turned(run) or perform(run)
    if len(run.stumbles) >= (ENOUGH if chosen.live else 1):
        run.book.enter(_stumbled(run))
    if stopped:
        run.note(f"stopped early: {stopped}")
    return _report(run, strict=chosen.strict, seconds=time.perf_counter() - begun)


def _report(run: Run, *, strict: bool, seconds: float) -> Report:
    unknown = run.book.looks.keys() - run.spec.behaviours.keys()
    if unknown:
        raise AssertionError(f"judged, and not in the register: {sorted(unknown)}")
    verdicts = tuple(_verdict(run, behaviour) for behaviour in run.spec.behaviours.values())
    otherwise = _unbroken(run)
    counted = {Outcome.BROKEN, Outcome.DIFFERS} if strict else {Outcome.BROKEN}
    red = any(verdict.outcome in counted for verdict in verdicts)
    ended, reason = (Exit.BROKEN, "the document is broken") if red else otherwise
    return Report(
        provider=run.provider,
        origin=run.target.origin,
        seed=run.seed,
        verdicts=verdicts,
        ended=ended,
        reason=reason,
        strict=strict,
        otherwise=otherwise,
        requests=run.limits.sent,
        seconds=seconds,
        notes=tuple(run.notes),
        calls=tuple(answer.call for answer in run.log),
    )


EITHER = {"somya": "somya.key-either-header", "surnex": "surnex.either-credential"}


def _turned(run: Run) -> str:
    """Where the first way to present the key is refused and the second is not, the run goes on with that."""
    behaviour = EITHER.get(run.provider)
    if behaviour is None:
        return ""
    try:
        first = run.ask(Call())
        second = run.ask(Call(via=1)) if first.status in {401, 403} else first
    except RunOver as error:
        return str(error)
    if first.status in {401, 403} and second.ok:
        run.book.enter(
            judge(
                behaviour,
                False,
                (first, second),
                observed=f"status {first.status} to the key as {run.spec.service.credentials[0].header}",
                allowed="the key opens the account in either header",
            )
        )
        run.target.service = replace(
            run.target.service, credentials=tuple(reversed(run.target.service.credentials))
        )
        run.first.clear()
        run.latest.clear()
    return ""


def _stumbled(run: Run) -> Judgement:
    return judge(
        run.id("answered"),
        False,
        run.stumbles[:ENOUGH],
        observed=f"{len(run.stumbles)} valid questions got a 500 at first: {start(run.stumbles[0])}",
        allowed="200 to a valid request",
    )


def _verdict(run: Run, behaviour: Behaviour) -> Verdict:
    finding = run.book.findings.get(behaviour.id)
    looks = run.book.looks.get(behaviour.id, 0)
    if finding is not None:
        outcome = Outcome.BROKEN if behaviour.evidence.binding else Outcome.DIFFERS
        return Verdict(behaviour, outcome, looks, finding)
    if looks:
        return Verdict(behaviour, Outcome.HELD, looks)
    return Verdict(behaviour, Outcome.NOT_EXERCISED, reason=_unexercised(run, behaviour))


def _unexercised(run: Run, behaviour: Behaviour) -> str:
    if behaviour.unseen:
        return behaviour.unseen
    if not behaviour.evidence.binding:
        return "an assumption of our own that this run did not try"
    if not run.inhabited:
        return "no answer showed any usage"
    return "no answer of this run could have broken it"


def _unbroken(run: Run) -> tuple[Exit, str]:
    """How the run ends where nothing is broken."""
    answers = list(run.latest.values()) or run.log
    good = [answer for answer in answers if answer.call.key == "good"]
    troubled = [answer for answer in good if not answer.judgeable]
    if not good:
        return Exit.UNREACHED, "nothing was asked"
    if len(troubled) == len(good):
        return Exit.UNREACHED, f"no answer could be judged: {_trouble(troubled[-1])}"
    if not any(answer.ok for answer in good):
        return _no_figures(good)
    if len(troubled) * 2 > len(good):
        return (
            Exit.UNREACHED,
            f"{len(troubled)} of {len(good)} answers could not be judged: {_trouble(troubled[-1])}",
        )
    if not run.inhabited:
        return Exit.UNTESTED, "the account shows no usage, so hardly anything could break"
    return Exit.CLEAN, ""


def _no_figures(good: list[Answer]) -> tuple[Exit, str]:
    statuses = sorted({answer.status for answer in good})
    if set(statuses) <= {401, 402, 403}:
        return (
            Exit.UNTESTED,
            f"every answer was a {statuses[0]}: the key opens nothing, so nothing was tested",
        )
    if set(statuses) <= {301, 302, 303, 307, 308, 404, 410}:
        where = good[0].headers.get("location", "")
        told = f" (to {where.partition('?')[0]})" if where else ""
        wrong = ", or the URL lacks a prefix" if statuses == [404] else ""
        return (
            Exit.UNREACHED,
            f"the endpoint answers {statuses[0]}{told}: it has moved since the document was read{wrong}",
        )
    return Exit.UNTESTED, f"no 200 was ever seen, only {', '.join(map(str, statuses))}"


def _trouble(answer: Answer) -> str:
    if answer.trouble:
        return answer.trouble
    return f"status {answer.status}" + (" with a page for people" if answer.html else "")
