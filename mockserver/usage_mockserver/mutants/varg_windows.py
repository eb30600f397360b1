"""Defects of a Varg server in its windows."""

from __future__ import annotations

from datetime import timedelta

from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    a_year_before,
    at_another_time,
    has_unknown_parameter,
    longer_than,
    month_end,
    remembering,
    shifted,
    window_is,
)
from usage_mockserver.mutants.varg_edits import (
    Job,
    between,
    cached_by_from,
    charged_again,
    each,
    for_reversed,
    jobs,
    kept,
    leaked,
    local_days,
    lone,
    no_bounds,
    two_days_after,
    two_days_before,
    widened,
)


def day(job: Job) -> str:
    """The date a record was created."""
    return str(job["created_at"][:10])


EDGES: tuple[Row, ...] = (
    (
        "last-day-dropped",
        "both-ends-included",
        "boundary",
        "records of the day `to` are missing",
        kept(lambda job, _, last: day(job) < last.isoformat()),
    ),
    (
        "first-day-dropped",
        "both-ends-included",
        "boundary",
        "records of the day `from` are missing",
        kept(lambda job, first, _: day(job) > first.isoformat()),
    ),
    (
        "last-day-dropped-over-seven-days",
        "both-ends-included",
        "boundary",
        "records of the day `to` are missing from windows of more than seven days",
        kept(lambda job, _, last: day(job) < last.isoformat(), longer_than(7)),
    ),
    (
        "last-day-dropped-at-month-end",
        "both-ends-included",
        "boundary",
        "records of the day `to` are missing when it is the last of a month",
        kept(lambda job, _, last: day(job) < last.isoformat() or not month_end(last)),
    ),
    (
        "first-day-dropped-at-month-start",
        "both-ends-included",
        "boundary",
        "records of the day `from` are missing when it is the first of a month",
        kept(lambda job, first, _: day(job) > first.isoformat() or first.day > 1),
    ),
    (
        "single-day-empty",
        "both-ends-included",
        "boundary",
        "from = to finds nothing",
        kept(lambda _, first, last: first != last),
    ),
    (
        "two-days-before-leaked",
        "records-in-window",
        "boundary",
        "records of the two days before are shown",
        leaked(two_days_before),
    ),
    (
        "two-days-after-leaked",
        "records-in-window",
        "boundary",
        "records of the two days after are shown",
        leaked(two_days_after),
    ),
    (
        "month-filled-up",
        "records-in-window",
        "boundary",
        "the window is widened back to the first of a month",
        leaked(lambda first, last: (first.replace(day=1), last), window_is(lambda first, _: first.day > 2)),
    ),
    (
        "years-forgotten",
        "records-in-window",
        "boundary",
        "the same days of the year before are shown too",
        leaked(lambda first, last: (a_year_before(first), a_year_before(last))),
    ),
    (
        "older-records-always",
        "records-in-window",
        "rows",
        "records of a week a year before are always shown",
        leaked(lambda _, last: (shifted(last, -420), shifted(last, -413))),
    ),
    (
        "lone-from-ignored",
        "one-bound",
        "boundary",
        "`from` without `to` is ignored",
        widened("from", -10_000),
    ),
    ("lone-to-ignored", "one-bound", "boundary", "`to` without `from` is ignored", widened("to", 10_000)),
    (
        "lone-from-a-week-early",
        "one-bound",
        "boundary",
        "a lone `from` begins a week earlier",
        widened("from", -7),
    ),
    ("lone-to-a-week-late", "one-bound", "boundary", "a lone `to` ends a week later", widened("to", 7)),
    (
        "lone-to-means-from",
        "one-bound",
        "boundary",
        "`to` without `from` is taken for `from`",
        jobs(lambda _, ask: between(ask, ask.day("to"), None), lone("to")),
    ),
    (
        "reversed-window-swapped",
        "reversed-window-empty",
        "boundary",
        "a reversed window is answered the right way round",
        for_reversed(lambda first, last: (last, first)),
    ),
    (
        "reversed-window-is-open",
        "reversed-window-empty",
        "boundary",
        "of a reversed window only `from` counts",
        for_reversed(lambda first, _: (first, None)),
    ),
    (
        "reversed-by-a-day-shown",
        "reversed-window-empty",
        "boundary",
        "a window reversed by one day shows both days",
        for_reversed(lambda first, last: (last, first), near=1),
    ),
)

TIME: tuple[Row, ...] = (
    (
        "days-of-india",
        "records-in-window",
        "time",
        "a bound is a day in India",
        local_days(5.5),
    ),
    (
        "days-of-california",
        "records-in-window",
        "time",
        "a bound is a day in San Francisco",
        local_days(-8),
    ),
    (
        "clock-three-days-fast",
        "not-in-future",
        "time",
        "the server's clock is three days fast",
        at_another_time(timedelta(days=3)),
    ),
    (
        "created-a-year-ahead-rarely",
        "not-in-future",
        "rows",
        "without dates one record in forty was created in a year to come",
        each(lambda job: job.update(created_at="2100" + job["created_at"][4:]), 40, no_bounds),
    ),
)

SUMS: tuple[Row, ...] = (
    (
        "cut-off-at-a-hundred",
        "nothing-left-out",
        "aggregation",
        "records after the hundredth are left out",
        jobs(lambda found, _: found[:100]),
    ),
    (
        "cut-off-at-a-thousand",
        "nothing-left-out",
        "aggregation",
        "what follows the thousandth is left out",
        jobs(lambda found, _: found[:1000]),
    ),
    (
        "cut-off-at-64-oldest",
        "nothing-left-out",
        "aggregation",
        "only the oldest 64 records are shown",
        jobs(lambda found, _: found[-64:]),
    ),
    (
        "ninety-days-at-most",
        "nothing-left-out",
        "boundary",
        "what is more than ninety days before `to` is left out",
        kept(lambda job, _, last: day(job) >= shifted(last, -89).isoformat()),
    ),
    (
        "music-only-in-short-windows",
        "windows-add-up",
        "rows",
        "windows of more than seven days leave out music",
        kept(lambda job, _first, _last: job["capability"] != "music", longer_than(7)),
    ),
    (
        "free-jobs-only-in-short-windows",
        "windows-add-up",
        "rows",
        "windows of more than fourteen days leave out what cost nothing",
        kept(lambda job, _first, _last: job["cost_cents"] > 0, longer_than(14)),
    ),
    (
        "costs-doubled-over-thirty-days",
        "windows-add-up",
        "aggregation",
        "windows of more than thirty days count every cost twice",
        each(lambda job: job.update(cost_cents=2 * job["cost_cents"]), when=longer_than(30)),
    ),
    (
        "costs-rounded-over-seven-days",
        "windows-add-up",
        "aggregation",
        "windows of more than seven days round costs to tens",
        each(lambda job: job.update(cost_cents=(job["cost_cents"] + 5) // 10 * 10), when=longer_than(7)),
    ),
    (
        "models-grouped-over-thirty-days",
        "windows-add-up",
        "aggregation",
        "windows of more than thirty days show the last record of each model alone",
        jobs(lambda found, _: list({job["model"]: job for job in found}.values()), longer_than(30)),
    ),
    (
        "cached-by-from",
        "windows-add-up",
        "state",
        "answers are remembered by `from` alone",
        remembering(cached_by_from),
    ),
    (
        "costs-grow-when-asked-again",
        "repeatable",
        "state",
        "a record costs more each time it is looked at",
        remembering(charged_again),
    ),
)

PARAMETERS: tuple[Row, ...] = (
    (
        "unknown-parameter-empties",
        "unknown-parameter-ignored",
        "filter",
        "an undocumented parameter leaves no records",
        jobs(lambda _found, _ask: [], has_unknown_parameter),
    ),
    (
        "unknown-parameter-ignores-dates",
        "unknown-parameter-ignored",
        "filter",
        "with an undocumented parameter the dates are ignored",
        jobs(lambda _, ask: between(ask, None, None), has_unknown_parameter),
    ),
    (
        "to-first-loses-a-day",
        "parameter-order",
        "boundary",
        "with `to` before `from` in the query the last day is missing",
        kept(lambda job, _, last: day(job) < last.isoformat(), lambda ask: next(iter(ask.query), "") == "to"),
    ),
)

WINDOWS = (*EDGES, *TIME, *SUMS, *PARAMETERS)
