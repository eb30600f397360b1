"""Defects of a Supertone server in what it refuses and in its parameters."""

from __future__ import annotations

from usage_mockserver.mutants.common import Row, shown_in_refusal
from usage_mockserver.mutants.edits import (
    REFUSED,
    has_unknown_parameter,
    instead,
    json_reply,
    text_reply,
)
from usage_mockserver.mutants.supertone_edits import (
    END,
    START,
    a_good_day,
    bad_dates,
    for_reversed,
    is_too_long,
    kept,
    lenient,
    malformed,
    open_ended,
    reversed_window,
    rows,
    status_of,
)

REFUSALS: tuple[Row, ...] = (
    (
        "missing-end-means-today",
        "both-dates-required",
        "boundary",
        "without end_date everything until today is shown",
        open_ended(0, END),
    ),
    (
        "missing-start-means-ever",
        "both-dates-required",
        "boundary",
        "without start_date the 400 days before end_date are shown",
        open_ended(400, START),
    ),
    (
        "missing-dates-mean-a-year",
        "both-dates-required",
        "boundary",
        "without any date the last 365 days are shown",
        open_ended(365, START, END),
    ),
    (
        "malformed-dates-ignored",
        "malformed-date-refused",
        "status",
        "letters as a date are read as a day",
        lenient(lambda ask: {START: a_good_day(ask), END: a_good_day(ask)}, START, END),
    ),
    (
        "malformed-end-ignored",
        "malformed-date-refused",
        "status",
        "letters as end_date mean start_date",
        lenient(lambda ask: {END: a_good_day(ask)}, END),
    ),
    (
        "malformed-start-ignored",
        "malformed-date-refused",
        "status",
        "letters as start_date mean end_date",
        lenient(lambda ask: {START: a_good_day(ask)}, START),
    ),
    (
        "malformed-dates-find-nothing",
        "malformed-date-refused",
        "status",
        "letters as a date get 200 and an empty list",
        instead(lambda _: json_reply(200, {"usages": []}), malformed, REFUSED),
    ),
    (
        "bad-dates-bad-gateway",
        "refusal-status",
        "status",
        "bad dates get 502",
        bad_dates(lambda _: text_reply(502, "Bad Gateway")),
    ),
    (
        "malformed-dates-unavailable",
        "refusal-status",
        "status",
        "letters as a date get 503",
        bad_dates(status_of(503), malformed),
    ),
    (
        "reversed-window-timeout",
        "refusal-status",
        "status",
        "a reversed window gets 504",
        bad_dates(status_of(504), reversed_window),
    ),
    (
        "long-window-timeout",
        "refusal-status",
        "status",
        "a window that is too long gets 504",
        bad_dates(status_of(504), is_too_long),
    ),
    (
        "reversed-window-swapped",
        "reversed-window-empty",
        "boundary",
        "a reversed window is answered the right way round",
        for_reversed(lambda first, last: (last, first)),
    ),
    (
        "reversed-window-is-its-start",
        "reversed-window-empty",
        "boundary",
        "a reversed window shows the rows of start_date",
        for_reversed(lambda first, _: (first, first)),
    ),
    (
        "reversed-by-a-day-shown",
        "reversed-window-empty",
        "boundary",
        "a window reversed by one day shows both days",
        for_reversed(lambda first, last: (last, first), near=1),
    ),
    (
        "bad-dates-shown-usage",
        "refusal-holds-no-usage",
        "body",
        "the refusal of bad dates carries the rows of some day in June",
        shown_in_refusal({START: "2025-06-02", END: "2025-06-27"}),
    ),
)

PARAMETERS: tuple[Row, ...] = (
    (
        "unknown-parameter-empties",
        "unknown-parameter-ignored",
        "filter",
        "an undocumented parameter leaves no rows",
        rows(lambda _found, _ask: [], has_unknown_parameter),
    ),
    (
        "unknown-parameter-is-a-limit",
        "unknown-parameter-ignored",
        "filter",
        "an undocumented parameter cuts the list to three rows",
        rows(lambda found, _: found[:3], has_unknown_parameter),
    ),
    (
        "end-first-loses-a-day",
        "parameter-order",
        "boundary",
        "with end_date before start_date in the query the last day is missing",
        kept(
            lambda row, _, last: row["date"] < last.isoformat(), lambda ask: next(iter(ask.query), "") == END
        ),
    ),
)

REFUSED_ROWS = (*REFUSALS, *PARAMETERS)
