"""What one answer of Supertone's voice usage must hold by itself."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import date
from typing import Any

from usage_contracts.dates import iso_date
from usage_contracts.measures import Measure
from usage_contracts.run import Run
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

SIGNS = ("usages",)


EXAMPLES = ((date(2025, 5, 19), date(2025, 5, 28)), (date(2024, 11, 1), date(2024, 11, 30)))


LONGEST = 30


TOLERATED: dict[str, frozenset[str]] = {}


NAMES = ("voice_id", "style", "language", "model")


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The rows of an answer, [] where there are none to read."""
    rows = answer.json.get("usages") if answer.ok else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def figures(answer: Answer) -> Measure | None:
    """Minutes, and the number of rows, per date and combination."""
    found: dict[Hashable, float] = {}
    for row in rows_of(answer):
        minutes, day = row.get("total_minutes_used"), iso_date(row.get("date"))
        if day is None or isinstance(minutes, bool) or not isinstance(minutes, int | float):
            return None
        key = (row["date"], *(str(row.get(name, "")) for name in NAMES))
        found["minutes", *key] = found.get(("minutes", *key), 0) + minutes
        found["rows", *key] = found.get(("rows", *key), 0) + 1
    return found


def inhabited(answer: Answer) -> bool:
    """Whether any row is shown."""
    return bool(rows_of(answer))


def settled(run: Run, call: Call) -> bool:
    """Whether the window ended two days ago or more."""
    end = iso_date(call.param("end_date"))
    return end is not None and end <= run.settled_day


def days_of(answer: Answer) -> set[date]:
    """The dates of an answer's rows."""
    found = (iso_date(row.get("date")) for row in rows_of(answer))
    return {day for day in found if day is not None}


def asked_dates(call: Call) -> tuple[date, date] | None:
    """The two dates a call asks for, None where it names none."""
    first, last = iso_date(call.param("start_date")), iso_date(call.param("end_date"))
    return None if first is None or last is None else (first, last)


def look(run: Run, answer: Answer) -> Iterator[Judgement]:
    """Judge one 200 answer by itself."""
    rows = rows_of(answer)
    if not rows:
        return
    days = [iso_date(row.get("date")) for row in rows]
    bad = [row.get("date") for row, day in zip(rows, days, strict=True) if day is None]
    yield judge(
        "supertone.date-format", not bad, answer, observed=f"date {bad[:1]}", allowed="a date YYYY-MM-DD"
    )
    yield from _look_at_days(run, answer, [day for day in days if day is not None])
    yield from _look_at_rows(answer, rows)


def _look_at_days(run: Run, answer: Answer, days: list[date]) -> Iterator[Judgement]:
    if not days:
        return
    asked = asked_dates(answer.call)
    if asked is not None and asked[0] <= asked[1]:
        outside = [day for day in days if not asked[0] <= day <= asked[1]]
        yield judge(
            "supertone.rows-in-window",
            not outside,
            answer,
            observed=f"{len(outside)} rows outside {asked[0]}..{asked[1]}, such as {outside[:1]}",
            allowed="rows dated within the asked period",
        )
    late = [day for day in days if day > run.horizon]
    yield judge(
        "supertone.utc-dates",
        not late,
        answer,
        observed=f"a row dated {late[:1]}, today is {run.today} in UTC",
        allowed="no row from the future",
    )
    span = (max(days) - min(days)).days
    if span > LONGEST:
        yield judge(
            "supertone.limit-30-days",
            False,
            answer,
            observed=f"rows from {min(days)} to {max(days)}, {span} days apart, in one answer",
            allowed="at most 30 days in one answer",
        )
        if asked is None:
            yield judge("supertone.both-dates-required", False, answer, observed=f"{span} days of rows")


def _look_at_rows(answer: Answer, rows: list[dict[str, Any]]) -> Iterator[Judgement]:
    keys = [tuple(str(row.get(name, "")) for name in ("date", *NAMES)) for row in rows]
    yield judge(
        "supertone.rows-unique",
        len(set(keys)) == len(keys),
        answer,
        observed=f"{len(keys) - len(set(keys))} rows repeat a date, voice, style, language and model",
        allowed="one row for each combination",
    )
    minutes = [row.get("total_minutes_used") for row in rows]
    numbers = [value for value in minutes if isinstance(value, int | float)]
    negative = [value for value in numbers if value < 0]
    yield judge(
        "supertone.minutes-not-negative",
        not negative,
        answer,
        observed=f"total_minutes_used {negative[:1]}",
        allowed="0 or more",
    )


def look_denied(run: Run, answer: Answer) -> Iterable[Judgement]:  # noqa: ARG001
    """The page shows no body for a refused key, so none is asked for."""
    return ()
