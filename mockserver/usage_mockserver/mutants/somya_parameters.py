"""Defects of a Somya server in parameters that are left out, combined, extreme or odd."""

from __future__ import annotations

import re
from datetime import date

from usage_mockserver.http import Reply, pairs
from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Changes,
    Memory,
    When,
    asking,
    given,
    instead,
    json_reply,
    parsed,
    remembering,
    sent_with,
    shifted,
    text_reply,
    written,
)
from usage_mockserver.mutants.somya_edits import (
    COUNTERS,
    bounds,
    counted,
    data,
    detail,
    figures,
    source_is,
    spanned,
    window,
    without,
)

NOTHING = dict.fromkeys(COUNTERS, 0)
EVER = date(2000, 1, 1)
BEYOND = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])-(29|30|31)")


def undated(ask: Ask) -> bool:
    """Neither date was given."""
    return not {"from", "to"} & set(ask.query)


def lone(name: str, other: str) -> When:
    """This bound was given without the other."""
    return lambda ask: name in ask.query and other not in ask.query


def _trimmed(ask: Ask) -> Changes | None:
    source = ask.query.get("source", "")
    return {"source": source.strip()} if source != source.strip() else None


def _rolled(ask: Ask) -> Changes | None:
    found: dict[str, str | None] = {}
    for name in ("from", "to"):
        match = BEYOND.fullmatch(ask.query.get(name, ""))
        if match and ask.day(name) is None:
            year, month, day = map(int, match.groups())
            found[name] = shifted(date(year, month, 28), day - 28).isoformat()
    return found or None


def _nothing_after_refusals(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status in REFUSED:
        memory["refused"] = True
    elif reply.status == 200 and memory.pop("refused", False):
        body = parsed(reply)
        body["data"]["requests"] = NOTHING
        return written(reply, body)
    return reply


def _cold(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200 or memory.setdefault("warm", False):
        return reply
    memory["warm"] = True
    body = parsed(reply)
    body["data"]["requests"] = NOTHING
    return written(reply, body)


def _wandering(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200 or not undated(ask):
        return reply
    memory["asked"] = times = memory.get("asked", 0) + 1
    today = ask.account.today
    return ask.reply(bounds(shifted(today, -28 - times), today))


def _repeated(ask: Ask) -> bool:
    names = [name for name, _ in pairs(ask.request.query)]
    return len(set(names)) < len(names)


def _odd(ask: Ask) -> bool:
    return any(not value.isascii() or "\x00" in value for value in ask.query.values())


def _leap(ask: Ask) -> bool:
    return ask.query.get("from", "").endswith("-02-29") and ask.day("from") is not None


REFUSAL = json_reply(
    422, {"detail": [{"type": "value_error", "loc": ["query", "from"], "msg": "Value error"}]}
)
BROKEN = text_reply(500, "Internal Server Error")

LEFT_OUT: tuple[Row, ...] = (
    (
        "default-period-counts-everything",
        "period-counted",
        "aggregation",
        "without dates everything ever used is counted, and this month told",
        counted(lambda _, ask: figures(ask, bounds(EVER, ask.account.today)), undated),
    ),
    (
        "default-period-counts-nothing",
        "period-counted",
        "aggregation",
        "without dates nothing is counted",
        counted(lambda _counts, _: NOTHING, undated),
    ),
    (
        "lone-to-counts-everything",
        "period-counted",
        "boundary",
        "a `to` without `from` counts everything before it, and its month is told",
        spanned(lambda ask, _first, last, _: figures(ask, bounds(EVER, last)), lone("to", "from")),
    ),
    (
        "lone-from-is-one-day",
        "period-counted",
        "boundary",
        "a `from` without `to` counts that day alone",
        spanned(lambda ask, first, _last, _: figures(ask, bounds(first, first)), lone("from", "to")),
    ),
    (
        "lone-from-forgets-source",
        "period-counted",
        "filter",
        "a `from` without `to` counts all sources",
        counted(
            lambda _, ask: figures(ask, {"source": None}),
            lambda ask: lone("from", "to")(ask) and source_is("web", "api_key")(ask),
        ),
    ),
    (
        "first-answer-empty",
        "period-counted",
        "state",
        "the first answer counts nothing",
        remembering(_cold),
    ),
    (
        "source-forgotten-without-dates",
        "sources-within-all",
        "filter",
        "without dates `source` is not counted by",
        counted(lambda _, ask: figures(ask, {"source": None}), undated),
    ),
    (
        "default-period-wanders",
        "repeatable",
        "state",
        "without dates the period begins a day earlier with every answer",
        remembering(_wandering),
    ),
    (
        "lone-from-beyond-today-counted-back",
        "period-ordered",
        "boundary",
        "a `from` after today gets today for a `to`, and the days between them are counted",
        data(
            lambda found, ask: found.update(
                period=bounds(shifted(ask.account.today, 20), ask.account.today),
                requests=figures(ask, bounds(shifted(ask.account.today, -20), ask.account.today)),
            ),
            lambda ask: lone("from", "to")(ask) and ask.query["from"] > ask.account.today.isoformat(),
        ),
    ),
)

COMBINED: tuple[Row, ...] = (
    (
        "first-day-dropped",
        "windows-add-up",
        "boundary",
        "the day `from` is missing from windows of several days",
        window(lambda first, last: (shifted(first, 1) if first < last else first, last)),
    ),
    (
        "web-counted-to-five-hundred",
        "windows-add-up",
        "filter",
        "with source=web no count goes beyond 500",
        counted(
            lambda counts, _: {name: min(value, 500) for name, value in counts.items()}, source_is("web")
        ),
    ),
    (
        "key-id-counted-to-a-hundred",
        "windows-add-up",
        "filter",
        "with an api_key_id no count goes beyond 100",
        counted(
            lambda counts, _: {**counts, **{name: min(counts[name], 100) for name in COUNTERS[:2]}},
            given("api_key_id"),
        ),
    ),
    (
        "key-id-needs-source",
        "answered",
        "status",
        "an api_key_id without source gets 422",
        instead(lambda _: REFUSAL, lambda ask: given("api_key_id")(ask) and without("source")(ask)),
    ),
    (
        "key-id-refused-with-dates-alone",
        "answered",
        "status",
        "an api_key_id with dates and without source gets 422",
        instead(
            lambda _: REFUSAL,
            lambda ask: given("api_key_id")(ask) and without("source")(ask) and not undated(ask),
        ),
    ),
    (
        "credits-swapped-for-bearer",
        "credits-independent",
        "access",
        "with the key in Authorization both credits are exchanged and one is taken off",
        data(
            lambda found, _: found.update(
                credits={
                    "tts_remaining": found["credits"]["asr_remaining"] + 1,
                    "asr_remaining": found["credits"]["tts_remaining"],
                }
            ),
            sent_with("authorization"),
        ),
    ),
    (
        "nothing-after-a-refusal",
        "repeatable",
        "state",
        "the answer after a refusal counts nothing",
        remembering(_nothing_after_refusals),
    ),
)

EXTREME: tuple[Row, ...] = (
    (
        "last-year-server-error",
        "answered",
        "boundary",
        "a `to` of 9999-12-31 gets 500",
        instead(lambda _: BROKEN, lambda ask: ask.query.get("to") == "9999-12-31"),
    ),
    (
        "first-year-server-error",
        "answered",
        "boundary",
        "a `from` before 1900 gets 500",
        instead(lambda _: BROKEN, lambda ask: ask.query.get("from", "2000") < "1900"),
    ),
    (
        "leap-day-refused",
        "answered",
        "boundary",
        "a `from` on a 29 February gets 422",
        instead(lambda _: REFUSAL, _leap),
    ),
    (
        "repeated-parameter-server-error",
        "answered",
        "status",
        "a repeated parameter gets 500",
        instead(lambda _: BROKEN, _repeated),
    ),
    (
        "odd-characters-server-error",
        "refusal-status",
        "status",
        "a value with letters beyond ASCII or a NUL gets 500",
        instead(lambda _: BROKEN, _odd, REFUSED),
    ),
    (
        "long-value-server-error",
        "refusal-status",
        "status",
        "a value of more than a thousand characters gets 500",
        instead(
            lambda _: BROKEN, lambda ask: any(len(value) > 1000 for value in ask.query.values()), REFUSED
        ),
    ),
    (
        "source-trimmed",
        "source-invalid-refused",
        "status",
        "space around a source is taken off",
        asking(_trimmed, REFUSED),
    ),
    (
        "days-roll-over",
        "date-invalid-refused",
        "boundary",
        "a 29 February of any year and a 31 April are read as the days after",
        asking(_rolled, REFUSED),
    ),
    (
        "detail-ctx-as-text",
        "refusal-body",
        "body",
        "the errors have a text for ctx",
        detail(lambda entry: entry.update(ctx="pattern")),
    ),
)

PARAMETERS = (*LEFT_OUT, *COMBINED, *EXTREME)
