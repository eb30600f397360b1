"""Defects of a Surnex server in its ranges and their echo."""

from __future__ import annotations

from datetime import timedelta

from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    at_another_time,
    given,
    has_unknown_parameter,
    instead,
    json_reply,
    remembering,
    text_reply,
)
from usage_mockserver.mutants.surnex_edits import (
    DAY,
    HOUR,
    behind_provider,
    between,
    cached_by_range,
    counted_again,
    data,
    each,
    figures_of,
    for_reversed,
    idle,
    instant,
    midnight,
    month_start,
    no_calls,
    over,
    rolled,
    scaled,
    window,
    zeroed,
)
from usage_mockserver.mutants.surnex_entries import (
    by_less_than_a_day,
    day_late,
    in_future,
    in_one_year,
    long_past,
    now_of,
    second_early,
    to_in_future,
    two_hours_late,
)

EDGES: tuple[Row, ...] = (
    (
        "to-cut-to-midnight",
        "windows-add-up",
        "boundary",
        "the time of day of `to` is cut off",
        window(lambda begin, end: (begin, midnight(end))),
    ),
    (
        "from-cut-to-midnight",
        "windows-add-up",
        "boundary",
        "the time of day of `from` is cut off",
        window(lambda begin, end: (midnight(begin), end)),
    ),
    (
        "hours-rounded-up",
        "windows-add-up",
        "boundary",
        "`to` is rounded up to six hours",
        window(lambda begin, end: (begin, -(-end // (6 * HOUR)) * 6 * HOUR)),
    ),
    (
        "day-before-leaked",
        "windows-add-up",
        "boundary",
        "the day before `from` is counted",
        window(lambda begin, end: (begin - DAY, end)),
    ),
    (
        "last-day-dropped-over-seven-days",
        "windows-add-up",
        "boundary",
        "the last day is missing from ranges of more than seven days",
        window(lambda begin, end: (begin, end - DAY), over(7)),
    ),
    (
        "last-day-of-month-dropped",
        "windows-add-up",
        "boundary",
        "the last day is missing when `to` is the first instant of a month",
        window(lambda begin, end: (begin, end - DAY if month_start(end) else end)),
    ),
    (
        "day-before-month-leaked",
        "windows-add-up",
        "boundary",
        "the day before is counted when `from` is the first instant of a month",
        window(lambda begin, end: (begin - DAY if month_start(begin) else begin, end)),
    ),
    (
        "years-forgotten",
        "windows-add-up",
        "boundary",
        "a range across a year's end is counted from a year before",
        window(
            lambda begin, end: (begin - 365 * DAY if instant(begin)[:4] < instant(end)[:4] else begin, end)
        ),
    ),
    (
        "whole-months-over-seven-days",
        "windows-add-up",
        "boundary",
        "ranges of more than seven days begin with their month",
        window(lambda begin, end: (begin - (int(instant(begin)[8:10]) - 1) * DAY, end), over(7)),
    ),
    (
        "one-day-in-indian-time",
        "windows-add-up",
        "time",
        "ranges of at most a day are read five and a half hours early",
        window(
            lambda begin, end: (begin - 11 * HOUR // 2, end - 11 * HOUR // 2), lambda ask: not over(1)(ask)
        ),
    ),
    (
        "doubled-over-thirty-days",
        "windows-add-up",
        "aggregation",
        "ranges of more than thirty days count calls twice",
        each(scaled(2), over(30)),
    ),
    (
        "snapshots-ignore-range",
        "windows-add-up",
        "filter",
        "snapshots are those of all time",
        data(lambda found, ask: found.update(snapshots=rolled(ask, {"from": None, "to": None})["snapshots"])),
    ),
    (
        "snapshots-ignore-from",
        "windows-add-up",
        "filter",
        "snapshots are counted from the first one on",
        data(lambda found, ask: found.update(snapshots=rolled(ask, {"from": None})["snapshots"])),
    ),
    (
        "cached-by-range",
        "provider-filter",
        "state",
        "figures are remembered by the range alone, whatever the provider",
        remembering(cached_by_range),
    ),
    (
        "last-31-days-alone",
        "wider-never-less",
        "boundary",
        "of a longer range the last 31 days are counted",
        window(lambda begin, end: (max(begin, end - 31 * DAY), end)),
    ),
    (
        "average-day-over-sixty-days",
        "wider-never-less",
        "aggregation",
        "ranges of more than sixty days are those of their last day",
        window(lambda _, end: (end - DAY, end), over(60)),
    ),
    (
        "nothing-over-a-year",
        "wider-never-less",
        "boundary",
        "ranges of more than a year are empty",
        data(lambda found, _: zeroed(found), over(367)),
    ),
    (
        "calls-grow-when-asked-again",
        "repeatable",
        "state",
        "there is one call more each time a question is asked",
        remembering(counted_again),
    ),
    (
        "clock-three-days-fast",
        "nothing-later",
        "time",
        "the server's clock is three days fast",
        at_another_time(timedelta(days=3)),
    ),
    (
        "future-repeats-last-week",
        "nothing-later",
        "time",
        "a range that begins after now shows the week before now",
        figures_of(lambda ask: between(now_of(ask) - 7 * DAY, now_of(ask)), in_future),
    ),
    (
        "future-means-everything",
        "nothing-later",
        "boundary",
        "a range that begins after now is not restricted",
        figures_of(lambda _: {"from": None, "to": None}, in_future),
    ),
    (
        "long-past-means-everything",
        "empty-range-zero",
        "boundary",
        "a range before 2016 is not restricted",
        figures_of(lambda _: {"from": None, "to": None}, long_past),
    ),
    (
        "nothing-costs-a-base-fee",
        "empty-range-zero",
        "body",
        "a range without calls costs 0.01",
        each(lambda entry: idle(entry) and entry.update(estimated_cost_usd=0.01)),
    ),
    (
        "nothing-has-snapshots",
        "empty-range-zero",
        "body",
        "a range without calls has every snapshot of the account",
        data(
            lambda found, ask: found.update(snapshots=rolled(ask, {"from": None, "to": None})["snapshots"]),
            no_calls,
        ),
    ),
)

ORDER: tuple[Row, ...] = (
    (
        "reversed-range-swapped",
        "range-order",
        "boundary",
        "a reversed range is answered the right way round",
        for_reversed(lambda begin, end: (end, begin)),
    ),
    (
        "reversed-range-empty",
        "range-order",
        "boundary",
        "a reversed range is answered with nothing",
        for_reversed(lambda begin, _: (begin, begin)),
    ),
    (
        "reversed-range-with-provider",
        "range-order",
        "filter",
        "with a provider a reversed range is answered",
        for_reversed(lambda begin, end: (end, begin), given("provider")),
    ),
    (
        "reversed-within-a-day",
        "range-order",
        "boundary",
        "a range reversed by less than a day is answered",
        for_reversed(lambda begin, end: (end, begin), by_less_than_a_day),
    ),
    (
        "reversed-years-alone",
        "range-order",
        "boundary",
        "of a reversed range the years alone are compared",
        for_reversed(lambda begin, end: (end, begin), in_one_year),
    ),
)

ECHO: tuple[Row, ...] = (
    (
        "range-not-echoed",
        "range-echo",
        "echo",
        "range is null on both sides whatever was asked",
        data(lambda found, _: found.update(range={"from": None, "to": None})),
    ),
    (
        "range-echoed-as-dates",
        "range-echo",
        "echo",
        "the echoed range has no times of day",
        data(
            lambda found, _: found.update(range={name: at and at[:10] for name, at in found["range"].items()})
        ),
    ),
    (
        "range-echoed-swapped",
        "range-echo",
        "echo",
        "the echoed range has its bounds swapped",
        data(
            lambda found, _: found.update(range={"from": found["range"]["to"], "to": found["range"]["from"]})
        ),
    ),
    (
        "to-echoed-a-second-early",
        "range-echo",
        "echo",
        "the echoed `to` is the second before",
        data(second_early),
    ),
    (
        "to-echoed-a-day-late",
        "range-echo",
        "echo",
        "the echoed `to` of a range over seven days is a day later",
        data(day_late, over(7)),
    ),
    (
        "future-to-echoed-as-now",
        "range-echo",
        "echo",
        "a `to` after now is echoed as now",
        data(lambda found, ask: found["range"].update(to=instant(now_of(ask))), to_in_future),
    ),
    (
        "range-echoed-in-local-time",
        "range-echo",
        "time",
        "the echoed bounds are two hours later, still with Z",
        data(two_hours_late),
    ),
)

PARAMETERS: tuple[Row, ...] = (
    (
        "unknown-parameter-empties",
        "unknown-parameter-ignored",
        "filter",
        "an undocumented parameter leaves nothing",
        data(lambda found, _: zeroed(found), has_unknown_parameter),
    ),
    (
        "unknown-parameter-ignores-range",
        "unknown-parameter-ignored",
        "filter",
        "with an undocumented parameter the range is not counted by",
        figures_of(lambda _: {"from": None, "to": None}, has_unknown_parameter),
    ),
    (
        "parameters-behind-provider-forgotten",
        "parameter-order",
        "relation",
        "what stands behind provider in the query is not counted by",
        figures_of(behind_provider),
    ),
    (
        "wide-range-timeout",
        "answered",
        "status",
        "a range of more than sixty days gets 504",
        instead(lambda _: text_reply(504, "upstream request timeout"), over(60)),
    ),
    (
        "no-bounds-server-error",
        "answered",
        "status",
        "a request without bounds gets 500",
        instead(
            lambda _: json_reply(500, {"message": "Internal Server Error"}),
            lambda ask: not {"from", "to"} & set(ask.query),
        ),
    ),
    (
        "lone-from-refused",
        "answered",
        "status",
        "`from` without `to` gets 400",
        instead(
            lambda _: json_reply(
                400,
                {"error": {"code": "VALIDATION_ERROR", "message": "to is required", "request_id": "req_1"}},
            ),
            lambda ask: "from" in ask.query and "to" not in ask.query,
        ),
    ),
)

WINDOWS = (*EDGES, *ORDER, *ECHO, *PARAMETERS)
