"""Defects of a Somya server in its windows and periods."""

from __future__ import annotations

from datetime import date

from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    a_year_before,
    given,
    has_unknown_parameter,
    month_end,
    remembering,
    shifted,
)
from usage_mockserver.mutants.somya_edits import (
    COUNTERS,
    after_source_forgotten,
    bounds,
    cached_by_source,
    counted,
    counted_again,
    figures,
    inverted,
    moved_day,
    over,
    period,
    plus,
    spanned,
    twice,
    whole,
    window,
    without,
)

NOTHING = dict.fromkeys(COUNTERS, 0)

SUMS: tuple[Row, ...] = (
    (
        "day-before-leaked",
        "windows-add-up",
        "boundary",
        "the day before `from` is counted",
        window(lambda first, last: (shifted(first, -1), last)),
    ),
    (
        "day-after-leaked",
        "windows-add-up",
        "boundary",
        "the day after `to` is counted",
        window(lambda first, last: (first, shifted(last, 1))),
    ),
    (
        "both-ends-dropped",
        "windows-add-up",
        "boundary",
        "neither `from` nor `to` is counted",
        window(lambda first, last: (shifted(first, 1), shifted(last, -1))),
    ),
    (
        "last-day-dropped-over-seven-days",
        "windows-add-up",
        "boundary",
        "the day `to` is missing from windows of more than seven days",
        window(lambda first, last: (first, shifted(last, -1)), over(7)),
    ),
    (
        "month-end-counted-twice",
        "windows-add-up",
        "boundary",
        "a window that ends with a month counts its last day twice",
        twice(lambda _, last: (last, last) if month_end(last) else None),
    ),
    (
        "leap-day-counted-twice",
        "windows-add-up",
        "boundary",
        "a window that ends on a 29 February counts it twice",
        twice(lambda _, last: (last, last) if (last.month, last.day) == (2, 29) else None),
    ),
    (
        "month-start-counted-from-the-day-before",
        "windows-add-up",
        "boundary",
        "a window that begins with a month also counts the day before",
        twice(lambda first, _: (shifted(first, -1), shifted(first, -1)) if first.day == 1 else None),
    ),
    (
        "years-forgotten",
        "windows-add-up",
        "boundary",
        "in windows of more than seven days the same days of the year before are counted too",
        spanned(
            lambda ask, first, last, counts: plus(
                counts, figures(ask, bounds(a_year_before(first), a_year_before(last)))
            ),
            over(7),
        ),
    ),
    (
        "whole-months-over-seven-days",
        "windows-add-up",
        "boundary",
        "windows of more than seven days are widened back to the first of the month",
        window(lambda first, last: (first.replace(day=1), last), over(7)),
    ),
    (
        "speech-alone-over-thirty-days",
        "windows-add-up",
        "aggregation",
        "windows of more than thirty days leave out recognition",
        counted(lambda counts, _: {**counts, "asr_count": 0, "asr_seconds_processed": 0.0}, over(30)),
    ),
    (
        "counted-to-a-thousand",
        "windows-add-up",
        "aggregation",
        "no count goes beyond 1,000",
        counted(
            lambda counts, _: {
                **counts,
                "tts_count": min(counts["tts_count"], 1000),
                "asr_count": min(counts["asr_count"], 1000),
            }
        ),
    ),
    (
        "seconds-in-minutes-over-seven-days",
        "windows-add-up",
        "aggregation",
        "windows of more than seven days give minutes for seconds",
        counted(
            lambda counts, _: whole(
                {**counts, "asr_seconds_processed": counts["asr_seconds_processed"] / 60}
            ),
            over(7),
        ),
    ),
    (
        "cached-by-end",
        "windows-add-up",
        "state",
        "counters are remembered by source and `to` alone",
        remembering(cached_by_source),
    ),
    (
        "last-31-days-alone",
        "wider-never-less",
        "boundary",
        "of a longer window the last 31 days are counted",
        window(lambda first, last: (max(first, shifted(last, -30)), last)),
    ),
    (
        "average-day-over-sixty-days",
        "wider-never-less",
        "aggregation",
        "windows of more than sixty days give the average of a day",
        spanned(
            lambda _, first, last, counts: whole(
                {name: value / ((last - first).days + 1) for name, value in counts.items()}
            ),
            over(60),
        ),
    ),
    (
        "nothing-over-a-year",
        "wider-never-less",
        "boundary",
        "windows of more than a year are empty",
        counted(lambda _counts, _: NOTHING, over(367)),
    ),
    (
        "counters-grow-when-asked-again",
        "repeatable",
        "state",
        "characters grow by one each time the same question is asked",
        remembering(counted_again),
    ),
    (
        "unknown-parameter-empties",
        "unknown-parameter-ignored",
        "filter",
        "an undocumented parameter leaves nothing",
        counted(lambda _counts, _: NOTHING, has_unknown_parameter),
    ),
    (
        "unknown-parameter-ignores-dates",
        "unknown-parameter-ignored",
        "filter",
        "with an undocumented parameter everything ever used is counted",
        counted(
            lambda _, ask: figures(ask, bounds(date(2000, 1, 1), ask.account.today)), has_unknown_parameter
        ),
    ),
    (
        "parameters-behind-source-forgotten",
        "parameter-order",
        "relation",
        "what stands behind `source` in the query is not counted by",
        after_source_forgotten(),
    ),
    (
        "nothing-means-everything",
        "empty-past-zero",
        "boundary",
        "a window without requests gives those of the whole account",
        spanned(
            lambda ask, _first, last, counts: (
                counts
                if counts["tts_count"] or counts["asr_count"]
                else figures(ask, bounds(date(2000, 1, 1), max(last, ask.account.today)))
            )
        ),
    ),
    (
        "older-than-ten-years-means-everything",
        "empty-past-zero",
        "boundary",
        "a window before 2016 is not restricted by its end",
        window(lambda first, last: (first, date(2100, 1, 1)) if last < date(2016, 1, 1) else (first, last)),
    ),
    (
        "inverted-window-counted",
        "inverted-window-zero",
        "boundary",
        "an inverted window is counted the right way round and echoed as it was sent",
        counted(
            lambda counts, ask: figures(ask, bounds(*reversed(ask.window))) if ask.window else counts,
            inverted,
        ),
    ),
    (
        "inverted-window-is-its-start",
        "inverted-window-zero",
        "boundary",
        "of an inverted window the day `from` is counted",
        counted(
            lambda counts, ask: figures(ask, bounds(*ask.window[:1] * 2)) if ask.window else counts, inverted
        ),
    ),
    (
        "inverted-window-negative",
        "inverted-window-zero",
        "boundary",
        "an inverted window has the counters of the right one below 0",
        counted(
            lambda counts, ask: (
                plus(NOTHING, figures(ask, bounds(*reversed(ask.window))), -1) if ask.window else counts
            ),
            inverted,
        ),
    ),
)

PERIODS: tuple[Row, ...] = (
    (
        "from-echoed-as-month-start",
        "period-echo",
        "echo",
        "period.from is the first of its month",
        period(lambda found, _: {"from": found["from"][:8] + "01"}, given("from")),
    ),
    (
        "to-echoed-a-day-late",
        "period-echo",
        "echo",
        "period.to is the day after",
        period(lambda found, _: {"to": moved_day(found["to"], 1)}, given("to")),
    ),
    (
        "from-echoed-a-day-late",
        "period-echo",
        "echo",
        "period.from of a long window is the day after",
        period(lambda found, _: {"from": moved_day(found["from"], 1)}, over(7)),
    ),
    (
        "period-of-31-days-echoed",
        "period-echo",
        "echo",
        "the period of a longer window has 31 days",
        period(lambda found, _: {"from": moved_day(found["to"], -30)}, over(32)),
    ),
    (
        "period-of-this-month-echoed",
        "period-echo",
        "echo",
        "the period is always this month",
        period(lambda _, ask: bounds(ask.account.today.replace(day=1), ask.account.today)),
    ),
    (
        "year-of-the-end-echoed",
        "period-echo",
        "boundary",
        "period.from has the year of period.to",
        period(lambda found, _: {"from": found["to"][:4] + found["from"][4:]}),
    ),
    (
        "lone-to-before-its-from",
        "period-ordered",
        "boundary",
        "a `to` without `from` gets the first of this month, however early it is",
        period(
            lambda _, ask: {"from": ask.account.today.replace(day=1).isoformat()},
            lambda ask: without("from")(ask) and "to" in ask.query,
        ),
    ),
    (
        "default-period-null",
        "default-period",
        "echo",
        "without dates the period is two nulls",
        period(lambda _found, _: {"from": None, "to": None}, lambda ask: not {"from", "to"} & set(ask.query)),
    ),
    (
        "default-period-of-next-month",
        "default-period",
        "boundary",
        "without dates the period ends thirty days from now",
        period(
            lambda _, ask: {"to": shifted(ask.account.today, 30).isoformat()},
            lambda ask: not {"from", "to"} & set(ask.query),
        ),
    ),
    (
        "default-period-backwards",
        "default-period",
        "boundary",
        "without dates the period begins tomorrow and ends a month ago",
        period(
            lambda _, ask: bounds(shifted(ask.account.today, 1), shifted(ask.account.today, -30)),
            lambda ask: not {"from", "to"} & set(ask.query),
        ),
    ),
    (
        "default-period-for-ever",
        "default-period",
        "boundary",
        "without dates the period ends in 9999",
        period(lambda _found, _: {"to": "9999-12-31"}, lambda ask: not {"from", "to"} & set(ask.query)),
    ),
)

WINDOWS = (*SUMS, *PERIODS)
