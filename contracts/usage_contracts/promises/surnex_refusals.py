"""How a Surnex server turns questions down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial

from usage_contracts import values
from usage_contracts.calendar_days import DAY
from usage_contracts.explore import explore
from usage_contracts.looks.surnex import (
    SIGNS,
    as_object,
    is_enveloped,
    midnight,
)
from usage_contracts.promises.surnex_windows import between, window
from usage_contracts.run import Run, start, unanswered
from usage_contracts.steps import turned_down, unfit
from usage_contracts.target import Call
from usage_contracts.verdict import Judgement, judge


def refusals(run: Run, day: date, *, drawn: bool = True) -> Iterator[Judgement]:
    """Ranges the wrong way round, empty values and what is no UUID or date are refused."""
    for days in (1, 3, 40) if drawn else (3,):
        call = window(day, day - DAY * (days + 1))
        yield from _refused(run, call, "range-order", "from")
        if drawn:
            yield from _refused(run, call.using(provider="dataforseo"), "range-order", "from")
    if drawn:
        noon = midnight(day) + timedelta(hours=12)
        yield from _refused(run, between(noon, noon - timedelta(hours=5)), "range-order", "from")
        yield from _refused(run, between(noon, noon - timedelta(seconds=1)), "range-order", "from")
    good = window(day - DAY * 3, day)
    for bad in values.NO_UUIDS if drawn else values.NO_UUIDS[:1]:
        yield from _refused(run, good.using(project_id=bad), "bad-project-refused", "project_id")
    if drawn:
        alone = Call((("project_id", values.NO_UUIDS[0]),))
        for call in (
            alone,
            alone.using(provider="dataforseo"),
            good.using(provider="dataforseo", project_id="1"),
        ):
            yield from _refused(run, call, "bad-project-refused", "project_id")
    for name in ("provider", "from", "to") if drawn else ("provider",):
        yield from _refused(run, good.using(**{name: ""}), "empty-parameter-refused", name)
    for name in ("from", "to") if drawn else ("from",):
        for bad in values.NO_DATES[:2] if drawn else values.NO_DATES[1:2]:
            yield from _refused(run, good.using(**{name: bad}), "bad-date-refused", name)
    if drawn:
        explore(
            run, values.no_uuids(), partial(_holds, run, good, "project_id", "bad-project-refused"), share=0.3
        )


def _holds(run: Run, good: Call, name: str, slug: str, bad: str) -> bool:
    told = list(_refused(run, good.using(**{name: bad}), slug, name))
    run.enter(told)
    return all(one.held for one in told)


def _refused(run: Run, call: Call, slug: str, name: str) -> Iterator[Judgement]:
    answer = run.ask(call)
    if unanswered(answer):
        return
    yield judge(
        f"surnex.{slug}",
        answer.refused,
        answer,
        observed=f"status {answer.status}: {start(answer)}",
        allowed="400",
    )
    if not answer.refused:
        return
    yield from turned_down(run, answer, SIGNS, refusal=unfit)
    if answer.status != 400:
        return
    yield judge(
        "surnex.validation-envelope",
        is_enveloped(answer),
        answer,
        observed=f"body {start(answer)}",
        allowed="error with code, message and request_id",
    )
    error = as_object(as_object(answer.json).get("error"))
    issues = as_object(error.get("details")).get("issues")
    named = [as_object(issue).get("path") for issue in issues] if isinstance(issues, list) else []
    yield judge(
        "surnex.validation-issues",
        error.get("code") == "VALIDATION_ERROR"
        and any(path and path[0] == name for path in named if isinstance(path, list)),
        answer,
        observed=f"code {error.get('code')!r}, issues at {named}",
        allowed=f"VALIDATION_ERROR with an issue at {name!r}",
    )
