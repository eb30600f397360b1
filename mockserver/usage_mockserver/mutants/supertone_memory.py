"""Defects of a Supertone server in what it keeps between questions, and in what it says of today."""

from __future__ import annotations

from usage_mockserver.http import Reply
from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Memory,
    instead,
    json_reply,
    longer_than,
    remembering,
    shifted,
    via,
    window_is,
    written,
)
from usage_mockserver.mutants.supertone_edits import (
    Uses,
    doubled_minutes,
    each,
    kept,
    nothing,
    reversed_window,
    rows,
    status_of,
    tomorrow,
    too_long,
)

ARCHIVED = 180
"""Days after which usage is kept in another place."""


def _ends_today(ask: Ask) -> bool:
    window = ask.window
    return window is not None and window[0] < window[1] == ask.account.today


def _today_twice(found: Uses, ask: Ask) -> Uses:
    for row in found:
        doubled_minutes(row, 1 + (row["date"] == ask.account.today.isoformat()))
    return found


def _without_yesterday(found: Uses, ask: Ask) -> Uses:
    yesterday = shifted(ask.account.today, -1).isoformat()
    return [row for row in found if row["date"] != yesterday]


def _newer_side(found: Uses, ask: Ask) -> Uses:
    """A window across the archive's edge misses what lies behind it."""
    window, edge = ask.window, shifted(ask.account.today, -ARCHIVED)
    if window is None or not window[0] < edge <= window[1]:
        return found
    return [row for row in found if row["date"] >= edge.isoformat()]


def _no_key_for_nothing(ask: Ask) -> Reply:
    reply = ask.reply()
    return ask.keyed().reply() if reply.status == 401 and nothing(ask.keyed()) else reply


def _first_is_empty(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200 or memory.get("answered"):
        return reply
    memory["answered"] = True
    return written(reply, {"usages": []})


def _empty_until_asked_again(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200 or ask.request.query in memory:
        return reply
    memory[ask.request.query] = True
    return written(reply, {"usages": []})


def _last_answer_for_reversed(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status == 200:
        memory["last"] = reply
    wrong: bool = reply.status in (200, *REFUSED) and reversed_window(ask)
    last: Reply = memory.get("last", reply)
    return last if wrong else reply


def _names_by_turns(ask: Ask, memory: Memory) -> Reply:
    """Every other answer has names in capitals."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    found = ask.answer()["usages"]
    capitals = [{**row, "name": row["name"].upper()} if "name" in row else row for row in found]
    return written(reply, {"usages": capitals}) if memory["answers"] % 2 else reply


KEPT: tuple[Row, ...] = (
    (
        "first-answer-empty",
        "repeatable",
        "state",
        "the very first answer has no rows",
        remembering(_first_is_empty),
    ),
    (
        "empty-until-asked-again",
        "repeatable",
        "state",
        "the first answer to any question has no rows",
        remembering(_empty_until_asked_again),
    ),
    (
        "reversed-window-gets-the-last-answer",
        "reversed-window-empty",
        "state",
        "a reversed window gets the answer to the question before",
        remembering(_last_answer_for_reversed),
    ),
    (
        "names-by-turns",
        "windows-add-up",
        "state",
        "every other answer has the names in capitals",
        remembering(_names_by_turns),
    ),
    (
        "nothing-used-needs-no-key",
        "wrong-key-refused",
        "access",
        "a period without use is answered whatever the key",
        via(_no_key_for_nothing),
    ),
)

PRESENT: tuple[Row, ...] = (
    (
        "today-refused",
        "answered",
        "boundary",
        "a window of several days that ends today gets 400",
        instead(lambda _: too_long(), _ends_today),
    ),
    (
        "today-counted-twice",
        "windows-add-up",
        "boundary",
        "in windows of several days that end today, today has twice its minutes",
        rows(_today_twice, _ends_today),
    ),
    (
        "yesterday-missing-today",
        "windows-add-up",
        "boundary",
        "a window of several days that ends today misses yesterday",
        rows(_without_yesterday, _ends_today),
    ),
    (
        "tomorrow-shown",
        "utc-dates",
        "time",
        "the usage of today is dated tomorrow as well",
        rows(tomorrow),
    ),
)

RANGES: tuple[Row, ...] = (
    (
        "last-day-dropped-on-a-31st",
        "both-ends-included",
        "boundary",
        "in windows of several days rows of end_date are missing when it is a 31st",
        kept(lambda row, first, last: first == last or last.day < 31 or row["date"] < last.isoformat()),
    ),
    (
        "december-counted-twice",
        "windows-add-up",
        "boundary",
        "windows of more than seven days have twice the minutes of December",
        each(
            lambda row: doubled_minutes(row, 1 + (row["date"][5:7] == "12")),
            when=longer_than(7),
        ),
    ),
    (
        "archive-left-out",
        "windows-add-up",
        "boundary",
        "a window across the day half a year ago shows only what came after it",
        rows(_newer_side),
    ),
    (
        "names-in-capitals-over-fourteen-days",
        "windows-add-up",
        "rows",
        "windows of more than fourteen days have the names in capitals",
        each(lambda row: "name" in row and row.update(name=row["name"].upper()), when=longer_than(14)),
    ),
    (
        "january-to-february-server-error",
        "answered",
        "status",
        "a window from January to February gets 500",
        instead(
            lambda _: json_reply(500, {"message": "Failed to get usages"}),
            window_is(lambda first, last: (first.month, last.month) == (1, 2)),
        ),
    ),
    (
        "nothing-long-ago-is-404",
        "empty-array",
        "status",
        "a period before the year 2005 gets 404",
        instead(
            lambda _: json_reply(404, {"message": "No usage found"}),
            window_is(lambda _first, last: last.year < 2005),
        ),
    ),
    (
        "long-window-shows-nothing",
        "limit-30-days",
        "body",
        "a window that is too long gets 200 and an empty list",
        instead(
            lambda _: json_reply(200, {"usages": []}), window_is(lambda first, last: first < last), REFUSED
        ),
    ),
    (
        "long-window-blames-the-key",
        "refusal-status",
        "status",
        "a window that is too long gets 401",
        instead(status_of(401), window_is(lambda first, last: first < last), REFUSED),
    ),
)

MEMORY = (*KEPT, *PRESENT, *RANGES)
