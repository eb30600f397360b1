"""Defects of a Supertone server in its windows and its limit."""

from __future__ import annotations

from datetime import timedelta

from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    a_year_before,
    at_another_time,
    covers_leap_day,
    covers_new_year,
    instead,
    json_reply,
    longer_than,
    month_end,
    shifted,
    text_reply,
    window_is,
)
from usage_mockserver.mutants.supertone_edits import (
    MOST,
    START,
    forecast,
    kept,
    leaked,
    newest,
    nothing,
    refusing,
    rows,
    span,
    unlimited,
    within_a_month,
    years_ignored,
)

EDGES: tuple[Row, ...] = (
    (
        "last-day-dropped",
        "both-ends-included",
        "boundary",
        "rows of end_date are missing",
        kept(lambda row, _, last: row["date"] < last.isoformat()),
    ),
    (
        "first-day-dropped",
        "both-ends-included",
        "boundary",
        "rows of start_date are missing",
        kept(lambda row, first, _: row["date"] > first.isoformat()),
    ),
    (
        "last-day-dropped-over-seven-days",
        "both-ends-included",
        "boundary",
        "rows of end_date are missing from windows of more than seven days",
        kept(lambda row, _, last: row["date"] < last.isoformat(), longer_than(7)),
    ),
    (
        "last-day-dropped-at-month-end",
        "both-ends-included",
        "boundary",
        "rows of end_date are missing when it is the last day of a month",
        kept(lambda row, _, last: row["date"] < last.isoformat() or not month_end(last)),
    ),
    (
        "first-day-dropped-at-month-start",
        "both-ends-included",
        "boundary",
        "rows of start_date are missing when it is the first day of a month",
        kept(lambda row, first, _: row["date"] > first.isoformat() or first.day > 1),
    ),
    (
        "last-of-thirty-dates-dropped",
        "both-ends-included",
        "boundary",
        "rows of end_date are missing from windows of exactly thirty dates",
        kept(lambda row, first, last: row["date"] < last.isoformat() or span(first, last) != MOST),
    ),
    (
        "day-before-leaked",
        "rows-in-window",
        "boundary",
        "rows of the day before start_date are shown",
        leaked(lambda first, _: (shifted(first, -1), shifted(first, -1))),
    ),
    (
        "day-after-leaked",
        "rows-in-window",
        "boundary",
        "rows of the day after end_date are shown",
        leaked(lambda _, last: (shifted(last, 1), shifted(last, 1))),
    ),
    (
        "day-before-leaked-at-month-start",
        "rows-in-window",
        "boundary",
        "a window from the first of a month shows the last day of the month before",
        leaked(
            lambda first, _: (shifted(first, -1), shifted(first, -1)),
            window_is(lambda first, _: first.day == 1),
        ),
    ),
    (
        "weeks-filled-up",
        "rows-in-window",
        "boundary",
        "the window is widened back to a Monday",
        leaked(lambda first, _: (shifted(first, -first.weekday()), shifted(first, -1))),
    ),
    (
        "years-forgotten",
        "rows-in-window",
        "boundary",
        "the same days of the year before are shown too",
        leaked(lambda first, last: (a_year_before(first), a_year_before(last))),
    ),
    (
        "newest-rows-always",
        "rows-in-window",
        "rows",
        "the rows of the last two weeks are always shown",
        rows(newest),
    ),
)

LIMIT: tuple[Row, ...] = (
    (
        "no-limit",
        "limit-30-days",
        "boundary",
        "a window of any length is answered",
        unlimited(lambda _first, _last: True),
    ),
    (
        "limit-thirty-two-dates",
        "limit-30-days",
        "boundary",
        "32 dates are answered",
        unlimited(lambda first, last: span(first, last) <= 31),
    ),
    (
        "limit-thirty-three-dates",
        "limit-30-days",
        "boundary",
        "33 dates are answered",
        unlimited(lambda first, last: span(first, last) <= 32),
    ),
    (
        "limit-one-month",
        "limit-30-days",
        "boundary",
        "a window may reach the same day of the next month, which is 32 dates after a long one",
        unlimited(within_a_month),
    ),
    (
        "limit-years-ignored",
        "limit-30-days",
        "boundary",
        "the limit compares day and month alone",
        unlimited(years_ignored),
    ),
    (
        "limit-not-over-new-year",
        "limit-30-days",
        "boundary",
        "a window that crosses a year's end may have any length",
        unlimited(covers_new_year),
    ),
    (
        "limit-not-from-month-start",
        "limit-30-days",
        "boundary",
        "a window from the first of a month may have any length",
        unlimited(lambda first, _: first.day == 1),
    ),
    (
        "limit-twenty-nine-dates",
        "thirty-dates",
        "boundary",
        "30 dates are refused",
        refusing(lambda first, last: span(first, last) >= MOST),
    ),
    (
        "limit-twenty-eight-dates",
        "thirty-dates",
        "boundary",
        "29 and 30 dates are refused",
        refusing(lambda first, last: span(first, last) >= MOST - 1),
    ),
    (
        "thirty-dates-in-one-month",
        "thirty-dates",
        "boundary",
        "30 dates are refused across a month's end",
        refusing(lambda first, last: span(first, last) == MOST and first.month != last.month),
    ),
    (
        "thirty-dates-not-over-leap-day",
        "thirty-dates",
        "boundary",
        "30 dates with a leap day are refused",
        refusing(lambda first, last: span(first, last) == MOST and covers_leap_day(first, last)),
    ),
    (
        "thirty-dates-not-over-new-year",
        "thirty-dates",
        "boundary",
        "30 dates are refused across a year's end",
        refusing(lambda first, last: span(first, last) == MOST and covers_new_year(first, last)),
    ),
    (
        "leap-day-server-error",
        "answered",
        "status",
        "a window with a 29 February gets 500",
        instead(lambda _: json_reply(500, {"message": "Failed to get usages"}), window_is(covers_leap_day)),
    ),
    (
        "new-year-server-error",
        "answered",
        "status",
        "a window across a year's end gets 500",
        instead(lambda _: json_reply(500, {"message": "Failed to get usages"}), window_is(covers_new_year)),
    ),
    (
        "wide-window-timeout",
        "answered",
        "status",
        "a window of more than 21 days gets 504",
        instead(lambda _: text_reply(504, "upstream request timeout"), longer_than(21)),
    ),
)

NOTHING: tuple[Row, ...] = (
    (
        "nothing-is-null",
        "empty-array",
        "body",
        "without rows usages is null",
        instead(lambda _: json_reply(200, {"usages": None}), nothing),
    ),
    (
        "nothing-is-an-object",
        "empty-array",
        "body",
        "without rows usages is {}",
        instead(lambda _: json_reply(200, {"usages": {}}), nothing),
    ),
    (
        "nothing-is-left-out",
        "empty-array",
        "body",
        "without rows there is no usages",
        instead(lambda _: json_reply(200, {}), nothing),
    ),
    (
        "nothing-is-404",
        "empty-array",
        "status",
        "without rows the answer is 404",
        instead(lambda _: json_reply(404, {"message": "No usage found"}), nothing),
    ),
    (
        "nothing-is-204",
        "empty-array",
        "status",
        "without rows the answer is 204",
        instead(lambda _: json_reply(204, {}), nothing),
    ),
    (
        "nothing-is-a-row",
        "empty-array",
        "rows",
        "without rows one of 0 minutes is shown",
        rows(
            lambda found, ask: (
                found or [{"date": ask.query[START], "voice_id": "none", "total_minutes_used": 0}]
            )
        ),
    ),
    (
        "nothing-is-the-newest",
        "empty-array",
        "rows",
        "without rows those of the last two weeks are shown",
        rows(lambda found, ask: found or newest(found, ask)),
    ),
)

TIME: tuple[Row, ...] = (
    (
        "clock-three-days-fast",
        "utc-dates",
        "time",
        "the server's clock is three days fast",
        at_another_time(timedelta(days=3)),
    ),
    ("forecast-shown", "utc-dates", "time", "days to come show the usage of a week before", rows(forecast)),
)

WINDOWS = (*EDGES, *LIMIT, *NOTHING, *TIME)
