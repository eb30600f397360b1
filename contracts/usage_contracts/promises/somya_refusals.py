"""How a Somya server turns questions down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

from usage_contracts import values
from usage_contracts.calendar_days import DAY
from usage_contracts.explore import explore
from usage_contracts.looks.somya import (
    SIGNS,
)
from usage_contracts.promises.somya_windows import window
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import (
    refused,
    unfit,
)
from usage_contracts.target import Call
from usage_contracts.verdict import Judgement, judge

NO_DAYS = ("2025-02-29", "2025-04-31")
"""Days that no calendar has: `format: date` means a day that there is."""

ODD = (
    Call((("source", "n\u00e4\u6f22\x00"),)),
    Call((("source", "x" * 1500),)),
    Call(raw="source=%ff"),
)
"""Bytes that break down servers which look at them too late."""


def refusals(run: Run, day: date, *, drawn: bool = True) -> Iterator[Judgement]:
    """Values that fit no notation are refused, alone and among good ones."""
    good = window(day - DAY * 3, day, source="all")
    cases = [
        ("source", "source-invalid-refused", values.NO_SOURCES),
        ("api_key_id", "key-id-invalid-refused", values.NO_UUIDS),
    ]
    cases += [
        ("from", "date-invalid-refused", (*NO_DAYS, values.NO_DATES[0], *values.NO_DATES[2:4])),
        ("to", "date-invalid-refused", (*values.NO_DATES[4:], values.NO_DATES[2])),
    ]
    keyed = _with_key(run, good)
    for name, slug, bads in cases:
        # A real service is asked one of each, another with every seed.
        for number, bad in enumerate(bads if drawn else (bads[run.seed % len(bads)],)):
            yield from _refused(run, (keyed if number % 2 else good).using(**{name: bad}), slug, name)
        if drawn:
            yield from _refused(run, Call(((name, bads[0]),)), slug, name)
            yield from _refused(run, Call(((name, ""),)), "empty-value-refused", name)
    if not drawn:
        return
    for name, slug, strategy in (
        ("source", "source-invalid-refused", values.no_sources()),
        ("api_key_id", "key-id-invalid-refused", values.no_uuids()),
        ("from", "date-invalid-refused", values.no_dates()),
        ("to", "date-invalid-refused", values.no_dates()),
    ):
        explore(run, strategy, partial(_holds, run, good, name, slug), share=0.2)
    yield from _odd(run)
    several = Call(
        (("source", "mobile"), ("api_key_id", "nobody"), ("from", "yesterday"), ("to", "tomorrow"))
    )
    yield from _refused(run, several, "date-invalid-refused", "")
    yield from _every_error(run, several)


def _with_key(run: Run, good: Call) -> Call:
    """The same question about a known key, where there is one that the service knows too."""
    keyed = [good.using(source="api_key", api_key_id=name) for name in run.known.get("api_key_id", ())[:1]]
    return keyed[0] if keyed and not run.live and run.ask(keyed[0]).ok else good


def _odd(run: Run) -> Iterator[Judgement]:
    """What no list of sources holds is turned down whatever its bytes; a parameter may come twice."""
    for call in ODD:
        answer = run.ask(call)
        if unanswered(answer):
            continue
        yield judge(
            "somya.refusal-status",
            400 <= answer.status < 500,
            answer,
            observed=f"status {answer.status}: {start(answer)}",
            allowed="422 (400 is tolerated), and never a server error",
        )
    both = run.ask(Call((("source", "web"), ("source", "web"))))
    if not unanswered(both):
        yield judge(
            "somya.answered",
            both.status < 500,
            both,
            observed=f"status {both.status}: {start(both)}",
            allowed="no server error to a repeated parameter",
        )


def _holds(run: Run, good: Call, name: str, slug: str, bad: str) -> bool:
    told = list(_refused(run, good.using(**{name: bad}), slug, name))
    run.enter(told)
    return all(one.held for one in told)


def _refused(run: Run, call: Call, slug: str, name: str) -> Iterator[Judgement]:
    yield from refused(
        run,
        call,
        slug,
        SIGNS,
        refusal=unfit,
        allowed="422 (400 is tolerated) to a value of another form",
    )
    answer = run.ask(call)
    if unanswered(answer) or answer.status != 422:
        return
    body = answer.json if isinstance(answer.json, dict) else {}
    errors = body.get("detail")
    # The documented schema asks for no `detail`, so any object without one fits it.
    other = isinstance(answer.json, dict) and "detail" not in body and body.get("success") is not True
    listed = isinstance(errors, list) and bool(errors) and all(_is_error(error) for error in errors)
    yield judge(
        "somya.refusal-body",
        listed or other,
        answer,
        observed=f"body {start(answer)}",
        allowed='"detail" with loc, msg and type of each error, or an error without it',
    )
    if listed and name and isinstance(errors, list):
        named = [part for error in errors for part in error["loc"]]
        yield judge(
            "somya.refusal-names-parameter",
            name in named,
            answer,
            observed=f"loc {named}",
            allowed=f"an error located at {name!r}",
        )


def _is_error(error: Any) -> bool:
    if not isinstance(error, dict) or not isinstance(error.get("loc"), list):
        return False
    if not all(isinstance(part, str | int) for part in error["loc"]):
        return False
    fields = (error.get("msg"), str), (error.get("type"), str), (error.get("ctx", {}), dict)
    return all(isinstance(value, kind) for value, kind in fields)


def _every_error(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    errors = answer.json.get("detail") if isinstance(answer.json, dict) else None
    if answer.status != 422 or not isinstance(errors, list):
        return
    named = [error["loc"][-1] for error in errors if _is_error(error) and error["loc"]]
    asked = [name for name, _ in call.params]
    yield judge("somya.errors-in-order", named == asked, answer, observed=f"loc {named}, not {asked}")
