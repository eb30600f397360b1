"""Steps of a plan that every provider shares: keys, harmless parameters, refusals, repeated questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from usage_contracts.measures import differences, shown
from usage_contracts.run import Run, start
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

KEYS = ("wrong", "longer", "shorter", "case")
DENIED = frozenset({401, 403})
HOW = {"none": "no key", "empty": "an empty key", "scheme": "a user and a password of nobody"}


def holds_usage(value: Any, signs: Sequence[str], depth: int = 4) -> bool:
    """Whether a body shows one of the names under which usage is told, with anything in it."""
    if depth == 0:
        return False
    if isinstance(value, dict):
        if any(value.get(sign) not in (None, {}, []) for sign in signs):
            return True
        return any(holds_usage(item, signs, depth - 1) for item in value.values())
    return False


def no_usage(run: Run, answer: Answer, signs: Sequence[str]) -> Judgement:
    """A refusal shows no figures."""
    return judge(
        run.id("refusal-holds-no-usage"),
        not holds_usage(answer.json, signs),
        answer,
        observed=f"status {answer.status} with usage in it: {start(answer)}",
        allowed="an error body without usage figures",
    )


def access(
    run: Run,
    calls: Sequence[Call],
    signs: Sequence[str],
    *,
    bad: Sequence[Call] = (),
    key_first: bool = True,
) -> Iterator[Judgement]:
    """Every valid question, and some invalid ones, without a key and with keys that are none.

    `key_first` says that the vendor's framework judges the key before the parameters.
    """
    credentials = range(len(run.spec.service.credentials))
    for place, call in enumerate([*calls, *bad]):
        lenient = call in bad and not key_first
        yield from _denied(run, Call(call.params, "none"), signs, lenient=lenient)
        for via in credentials:
            schemes = ("scheme",) if run.spec.service.credentials[via].scheme else ()
            keys = ("empty", *KEYS, *schemes) if place == 0 else KEYS[:1]
            for key in keys:
                yield from _denied(run, Call(call.params, key, via), signs, lenient=lenient)


def probe(run: Run, call: Call, signs: Sequence[str]) -> Iterator[Judgement]:
    """The two questions about keys that a paying service may be asked: none, and a wrong one."""
    yield from _denied(run, Call(call.params, "none"), signs, lenient=False)
    yield from _denied(run, Call(call.params, "wrong"), signs, lenient=False)


def _denied(run: Run, call: Call, signs: Sequence[str], *, lenient: bool) -> Iterator[Judgement]:
    slug = "key-required" if call.key in {"none", "empty"} else "wrong-key-refused"
    answer = run.ask(call)
    if not answer.judgeable:
        return
    # Where the parameters are bad too, which of the two refusals comes first is left open.
    fine = answer.status in DENIED or (lenient and 400 <= answer.status < 500)
    how = HOW.get(call.key, f"a key that is none ({call.key})")
    yield judge(
        run.id(slug),
        fine,
        answer,
        observed=f"{how} got status {answer.status}: {start(answer)}",
        allowed="401 (403 is tolerated)",
    )
    if answer.status >= 400:
        yield no_usage(run, answer, signs)
    yield from run.promise.look_denied(run, answer)


def harmless(run: Run, calls: Sequence[Call], *, order: bool = True) -> Iterator[Judgement]:
    """The order of parameters and an unknown one change nothing."""
    for call in calls:
        extra = Call((*call.params, ("usagekit_unknown", "1")), call.key, call.via)
        yield from same_figures(run, "unknown-parameter-ignored", call, extra, tolerated={400, 422})
        if order and len(call.params) > 1:
            turned = Call(tuple(reversed(call.params)), call.key, call.via)
            yield from same_figures(run, "parameter-order", call, turned)


def same_figures(
    run: Run, slug: str, one: Call, other: Call, *, tolerated: Iterable[int] = ()
) -> Iterator[Judgement]:
    """Two ways to put one question get the same figures."""
    first, second = run.ask(one), run.ask(other)
    if not first.ok or not second.judgeable or second.status in {402, 403, *tolerated}:
        return
    if second.status != 200:
        yield judge(
            run.id(slug),
            False,
            (first, second),
            observed=f"200, and status {second.status} to the same question put otherwise: {start(second)}",
            allowed="the same answer",
        )
        return

    def complaint(answers: Sequence[Answer]) -> str:
        left, right = map(run.figures, answers)
        wrong = differences(left, right)
        return f"figures differ: {shown(wrong, left, right)}" if wrong else ""

    run.relation(run.id(slug), (one, other), complaint, allowed="the same figures")


def twice(run: Run, calls: Sequence[Call]) -> Iterator[Judgement]:
    """Questions asked before are asked again, in another order, with others in between."""
    for call in [*calls, *reversed(calls)]:
        if run.ask(call).ok:
            yield from still_answered(run, call)


def still_answered(run: Run, call: Call) -> Iterator[Judgement]:
    """A question that was answered before is asked again now."""
    answer = run.again(call)
    if answer.judgeable and answer.status not in {200, 402, 403}:
        yield judge(
            run.id("repeatable"),
            False,
            (run.ask(call), answer),
            observed=f"200 at first, status {answer.status} later: {start(answer)}",
            allowed="the same answer to the same question",
        )


def refused(
    run: Run,
    call: Call,
    slug: str,
    signs: Sequence[str],
    *,
    refusal: Callable[[Answer], str],
    allowed: str,
) -> Iterator[Judgement]:
    """A bad question is turned down, in a way the document allows (`refusal` complains otherwise)."""
    answer = run.ask(call)
    if not answer.judgeable or answer.status in {402, 403}:
        return
    yield judge(
        run.id(slug),
        answer.refused,
        answer,
        observed=f"status {answer.status}: {start(answer)}",
        allowed=allowed,
    )
    if answer.refused:
        yield from turned_down(run, answer, signs, refusal=refusal)


def turned_down(
    run: Run, answer: Answer, signs: Sequence[str], *, refusal: Callable[[Answer], str]
) -> Iterator[Judgement]:
    """How a question was refused: a status the document allows, and no figures in the body."""
    complaint = refusal(answer)
    yield judge(
        run.id("refusal-status"),
        not complaint,
        answer,
        observed=f"{complaint}: {start(answer)}",
        allowed="400 or 422 for a question that is wrong",
    )
    yield no_usage(run, answer, signs)


def unfit(answer: Answer) -> str:
    """What is wrong with the status of a refusal, "" for 400 and 422."""
    return "" if answer.status in {400, 422} else f"status {answer.status}"
