"""Defects of a Supertone server: those of its rows, and all together."""

from __future__ import annotations

from usage_mockserver.mutants.common import WITH_BOUNDS, Row, catalogue, every
from usage_mockserver.mutants.edits import edited, in_zone, longer_than, rare, remembering, window_is
from usage_mockserver.mutants.supertone_edits import (
    END,
    START,
    as_datetime,
    cached_by,
    counted_again,
    doubled_minutes,
    each,
    first_row_lost,
    in_halves,
    kept,
    merged_by,
    new_date,
    rows,
    running_totals,
    unpadded,
)
from usage_mockserver.mutants.supertone_memory import MEMORY
from usage_mockserver.mutants.supertone_refusals import REFUSED_ROWS
from usage_mockserver.mutants.supertone_windows import WINDOWS

SCHEMA: tuple[Row, ...] = (
    (
        "minutes-as-text-rarely",
        "schema",
        "rows",
        "one row in forty has its minutes as a text",
        each(lambda row: row.update(total_minutes_used=str(row["total_minutes_used"])), 40),
    ),
    (
        "minutes-missing-rarely",
        "schema",
        "rows",
        "one row in forty has no minutes",
        each(lambda row: row.pop("total_minutes_used"), 40),
    ),
    (
        "minutes-null-for-deleted-voices",
        "schema",
        "rows",
        "a voice without a name has null minutes",
        each(lambda row: "name" in row or row.update(total_minutes_used=None)),
    ),
    (
        "voice-id-missing-rarely",
        "schema",
        "rows",
        "one row in forty has no voice_id",
        each(lambda row: row.pop("voice_id"), 40),
    ),
    (
        "voice-id-is-a-number-rarely",
        "schema",
        "rows",
        "one voice_id in forty is a number",
        each(lambda row: row.update(voice_id=int(row["voice_id"], 36)), 40),
    ),
    (
        "date-missing-rarely",
        "schema",
        "rows",
        "one row in forty has no date",
        each(lambda row: row.pop("date"), 40),
    ),
    (
        "unknown-name-is-null",
        "schema",
        "rows",
        "the name of a deleted voice is null",
        each(lambda row: row.setdefault("name", None)),
    ),
    (
        "missing-thumbnail-is-false",
        "schema",
        "rows",
        "a voice without a thumbnail has false for it",
        each(lambda row: row.setdefault("thumbnail_url", False)),
    ),
    (
        "style-is-a-list",
        "schema",
        "schema",
        "style is a list of styles",
        each(lambda row: row.update(style=[row.get("style", "neutral")])),
    ),
    (
        "bare-list",
        "schema",
        "schema",
        "the rows stand without the object around them",
        edited(lambda data, _: data["usages"]),
    ),
    (
        "usages-by-date",
        "schema",
        "schema",
        "usages is an object of lists by date",
        edited(lambda data, _: {"usages": {row["date"]: [row] for row in data["usages"]}}),
    ),
    (
        "minutes-in-camel-case",
        "schema",
        "schema",
        "minutes are called totalMinutesUsed",
        each(lambda row: row.update(totalMinutesUsed=row.pop("total_minutes_used"))),
    ),
    (
        "minutes-not-a-number-rarely",
        "json",
        "rows",
        "one row in forty has NaN minutes",
        each(lambda row: row.update(total_minutes_used=float("nan")), 40),
    ),
)

DATES: tuple[Row, ...] = (
    ("dates-with-time", "date-format", "schema", "the date of a row has a time of day", each(as_datetime)),
    (
        "dates-with-time-rarely",
        "date-format",
        "rows",
        "the date of one row in forty has a time of day",
        each(as_datetime, 40),
    ),
    ("dates-day-first", "date-format", "schema", "dates are written 31.12.2025", each(new_date("%d.%m.%Y"))),
    (
        "dates-with-slashes",
        "date-format",
        "schema",
        "dates are written 2025/12/31",
        each(new_date("%Y/%m/%d")),
    ),
    ("dates-compact", "date-format", "schema", "dates are written 20251231", each(new_date("%Y%m%d"))),
    ("dates-unpadded", "date-format", "boundary", "dates have no leading zeros", each(unpadded)),
)

AMOUNTS: tuple[Row, ...] = (
    (
        "negative-minutes-rarely",
        "minutes-not-negative",
        "rows",
        "one row in forty has its minutes negative",
        each(lambda row: row.update(total_minutes_used=-row["total_minutes_used"]), 40),
    ),
    (
        "minus-one-for-deleted-voices",
        "minutes-not-negative",
        "rows",
        "a voice without a name has -1 minutes",
        each(lambda row: "name" in row or row.update(total_minutes_used=-1)),
    ),
    (
        "minutes-of-the-first-negative",
        "minutes-not-negative",
        "boundary",
        "on the first of a month a correction of -0.5 minutes is listed",
        each(lambda row: row["date"].endswith("-01") and row.update(total_minutes_used=-0.5)),
    ),
    (
        "row-repeated-rarely",
        "rows-unique",
        "rows",
        "one row in forty stands twice",
        rows(lambda found, _: [copy for row in found for copy in [row] * (2 if rare(row) else 1)]),
    ),
    (
        "page-edge-repeated",
        "rows-unique",
        "boundary",
        "the fiftieth row stands twice in longer lists",
        rows(lambda found, _: [*found[:50], *found[49:]] if len(found) > 50 else found),
    ),
    (
        "rows-in-halves",
        "rows-unique",
        "aggregation",
        "rows of more than two minutes are split in two",
        rows(in_halves),
    ),
    (
        "rows-of-models-alike",
        "rows-unique",
        "aggregation",
        "every model is called sona_speech_1, in rows of its own",
        each(lambda row: row.update(model="sona_speech_1")),
    ),
)

SUMS: tuple[Row, ...] = (
    (
        "cut-off-at-a-hundred-rows",
        "windows-add-up",
        "aggregation",
        "rows after the hundredth are left out",
        rows(lambda found, _: found[:100]),
    ),
    (
        "cut-off-at-fifty-newest",
        "windows-add-up",
        "aggregation",
        "only the newest fifty rows are shown",
        rows(lambda found, _: found[-50:]),
    ),
    (
        "styles-merged-over-seven-days",
        "windows-add-up",
        "aggregation",
        "windows of more than seven days have one row per date and voice",
        rows(merged_by("date", "voice_id"), longer_than(7)),
    ),
    (
        "dates-merged-over-fourteen-days",
        "windows-add-up",
        "aggregation",
        "windows of more than fourteen days have one row per voice",
        rows(merged_by("voice_id"), longer_than(14)),
    ),
    (
        "minutes-rounded-over-seven-days",
        "windows-add-up",
        "aggregation",
        "windows of more than seven days round to tenths of a minute",
        each(
            lambda row: row.update(total_minutes_used=round(row["total_minutes_used"], 1)),
            when=longer_than(7),
        ),
    ),
    (
        "deleted-voices-only-in-short-windows",
        "windows-add-up",
        "rows",
        "windows of more than seven days leave out voices without a name",
        kept(lambda row, _first, _last: "name" in row, longer_than(7)),
    ),
    (
        "one-language-lost-over-fourteen-days",
        "windows-add-up",
        "rows",
        "windows of more than fourteen days leave out Japanese",
        kept(lambda row, _first, _last: row.get("language") != "ja", longer_than(14)),
    ),
    (
        "one-day-in-seconds",
        "windows-add-up",
        "aggregation",
        "a window of one day counts seconds",
        each(
            lambda row: row.update(total_minutes_used=round(60 * row["total_minutes_used"], 6)),
            when=window_is(lambda first, last: first == last),
        ),
    ),
    (
        "one-day-in-korean-time",
        "windows-add-up",
        "time",
        "a window of one day runs by the clock of Seoul",
        in_zone(9, window_is(lambda first, last: first == last)),
    ),
    (
        "month-start-counted-twice",
        "windows-add-up",
        "boundary",
        "the first of a month has twice its minutes inside a longer window",
        each(
            lambda row: doubled_minutes(row, 1 + row["date"].endswith("-01")),
            when=window_is(lambda first, last: first.day > 1 and first < last),
        ),
    ),
    (
        "running-totals",
        "windows-add-up",
        "aggregation",
        "minutes are summed up over the window",
        rows(running_totals),
    ),
    (
        "cached-by-start",
        "windows-add-up",
        "state",
        "answers are remembered by start_date alone",
        cached_by(START),
    ),
    ("cached-by-end", "windows-add-up", "state", "answers are remembered by end_date alone", cached_by(END)),
    (
        "counted-again",
        "repeatable",
        "state",
        "minutes grow each time the same question is asked",
        remembering(counted_again),
    ),
    (
        "first-row-lost-now-and-then",
        "repeatable",
        "state",
        "every third answer lacks its first row",
        every(3, first_row_lost),
    ),
)

SUPERTONE = catalogue(
    "supertone", (*WITH_BOUNDS, *WINDOWS, *REFUSED_ROWS, *SCHEMA, *DATES, *AMOUNTS, *SUMS, *MEMORY)
)
