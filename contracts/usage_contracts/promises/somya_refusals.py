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


def refusals(run: Run, day: date, *, drawn: bool = True) -> Iterator[Judgement]:
    """Values that fit no notation are refused, alone and among good ones."""
    good = window(day - DAY * 3, day, source="all")
    cases = [
        ("source", "source-invalid-refused", values.NO_SOURCES),
        ("api_key_id", "key-id-invalid-refused", values.NO_UUIDS),
    ]
    cases += [
        ("from", "date-invalid-refused", values.NO_DATES),
        ("to", "date-invalid-refused", values.NO_DATES[:3]),
    ]
    for name, slug, bads in cases:
        for bad in bads if drawn else bads[:1]:
            yield from _refused(run, good.using(**{name: bad}), slug, name)
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
    several = Call(
        (("source", "mobile"), ("api_key_id", "nobody"), ("from", "yesterday"), ("to", "tomorrow"))
    )
    yield from _refused(run, several, "date-invalid-refused", "")
    yield from _every_error(run, several)


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
    envelope = body.get("success") is False and isinstance(body.get("error"), dict)
    listed = isinstance(errors, list) and bool(errors) and all(_is_error(error) for error in errors)
    yield judge(
        "somya.refusal-body",
        listed or (envelope and "detail" not in body),
        answer,
        observed=f"body {start(answer)}",
        allowed='"detail" with loc, msg and type of each error, or the error envelope',
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
    return isinstance(error.get("msg"), str) and isinstance(error.get("type"), str)


def _every_error(run: Run, call: Call) -> Iterator[Judgement]:
    answer = run.ask(call)
    errors = answer.json.get("detail") if isinstance(answer.json, dict) else None
    if answer.status != 422 or not isinstance(errors, list):
        return
    named = [error["loc"][-1] for error in errors if _is_error(error) and error["loc"]]
    asked = [name for name, _ in call.params]
    yield judge("somya.errors-in-order", named == asked, answer, observed=f"loc {named}, not {asked}")
