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
    for call in reversed_ranges(run, day) if drawn else [window(day, day - DAY * 4)]:
        yield from _refused(run, call, "range-order", "from")
    for name in run.known.get("project_id", ())[:1] if drawn else ():
        yield from _refused(run, window(day, day - DAY * 4, project_id=name), "range-order", "from")
    good = window(day - DAY * 3, day)
    for bad in values.NO_UUIDS if drawn else values.NO_UUIDS[:1]:
        yield from _refused(run, good.using(project_id=bad), "bad-project-refused", "project_id")
    if drawn:
        alone = Call((("project_id", values.NO_UUIDS[0]),))
        for call in (
            alone.using(provider="dataforseo"),
            good.using(provider="dataforseo", project_id="1"),
            good.using(project_id=""),
        ):
            yield from _refused(run, call, "bad-project-refused", "project_id")
    for name in ("provider", "from", "to") if drawn else ("provider",):
        yield from _refused(run, good.using(**{name: ""}), "empty-parameter-refused", name)
    for name in ("from", "to") if drawn else ("from",):
        for bad in values.NO_DATES[:2] if drawn and name == "from" else values.NO_DATES[1:2]:
            yield from _refused(run, good.using(**{name: bad}), "bad-date-refused", name)
    if drawn:
        explore(
            run, values.no_uuids(), partial(_holds, run, good, "project_id", "bad-project-refused"), share=0.3
        )


def reversed_ranges(run: Run, day: date) -> Iterator[Call]:
    """Ranges whose `from` is later than their `to`, by much and by little, filtered, and yet to come."""
    yield from (window(day, day - DAY * (back + 1)) for back in (1, 3, 40))
    yield window(day, day - DAY * 4, provider="dataforseo")
    yield window(run.today + DAY * 40, run.today + DAY * 9)
    noon = midnight(day) + timedelta(hours=12)
    yield from (between(noon, noon - back) for back in (timedelta(hours=5), timedelta(seconds=1)))


def oddities(run: Run, day: date) -> Iterator[Judgement]:
    """Whatever is asked, however odd, is answered or refused, and never by a server error.

    Each question holds as many oddities as one answer can tell of.
    """
    plain = window(day - DAY * 3, day)
    low, high = (midnight(at) for at in (day - DAY * 3, day))
    calls = (
        plain.using(provider="O'Brien\"\\; -- % 漢字 é 🙂 " + "x" * 300),
        Call((*plain.params, ("provider", "dataforseo"), ("provider", "dataforseo"))),
        plain.using(**{"from": values.NO_DATES[2]}),
        plain.using(to=f"{day.year}-02-30T00:00:00Z"),
        Call((("from", f"{low:%FT%T}.000000000Z"), ("to", f"{high:%FT%T}.0Z"))),
        Call((("from", "1900-01-01T00:00:00Z"), ("to", "2999-12-31T23:59:59Z"))),
        plain.using(provider="__proto__"),
        Call(plain.params, raw=f"{plain.query}&provider=%00%FF%C3"),
    )
    for call in calls[:2] if run.live else calls:
        answer = run.ask(call)
        if answer.judgeable:
            yield judge(
                "surnex.refusal-status",
                answer.status < 500,
                answer,
                observed=f"status {answer.status}: {start(answer)}",
                allowed="an answer, or 400 (no server error, however odd the question)",
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
        observed=f"{answer.headers.get('content-type')}: body {start(answer)}",
        allowed="JSON: error with code, message and request_id",
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
