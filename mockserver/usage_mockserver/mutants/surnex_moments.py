"""Defects of a Surnex server that show in open, odd and unfinished ranges, in odd questions, and afterwards."""

from __future__ import annotations

from typing import Any

from usage_mockserver.http import Reply, pairs
from usage_mockserver.instants import nearest_datetime
from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Changes,
    Memory,
    When,
    Wrap,
    given,
    instead,
    json_reply,
    parsed,
    remembering,
    with_headers,
    written,
)
from usage_mockserver.mutants.surnex_edits import (
    DAY,
    HOUR,
    NEVER,
    data,
    entries,
    figures_of,
    for_reversed,
    instant,
    instants,
    is_empty,
    lenient,
    midnight,
    over,
    scaled,
    window,
    zeroed,
)
from usage_mockserver.mutants.surnex_entries import bound, now_of, to_in_future

BROKEN = json_reply(500, {"message": "Internal Server Error"})


def _kept(ask: Ask) -> Changes | None:
    """With a `from`, what is older than ninety days is not found."""
    limit, begin, end = now_of(ask) - 90 * DAY, bound(ask, "from"), bound(ask, "to")
    if begin is None or begin >= limit:
        return None
    return NEVER if end is not None and end <= limit else {"from": instant(limit)}


def _lone(name: str, other: str, days: int) -> Wrap:
    """With one bound alone, the other is so many days away."""

    def read(ask: Ask) -> Changes | None:
        moment = bound(ask, name)
        return None if moment is None or other in ask.query else {other: instant(moment + days * DAY)}

    return figures_of(read)


def _last_thirty_days(ask: Ask) -> Changes | None:
    missing = not {"from", "to"} & set(ask.query)
    return {"from": instant(now_of(ask) - 30 * DAY)} if missing else None


def _until_midnight(ask: Ask) -> Changes | None:
    begin, last = bound(ask, "from"), midnight(now_of(ask))
    return NEVER if begin is not None and begin >= last else {"to": instant(last)}


def _in_december(ask: Ask) -> bool:
    both = instants(ask)
    return both is not None and {nearest_datetime(at).month for at in (both[0], both[1] - 1)} == {12}


def _unreadable(ask: Ask) -> bool:
    sent = [ask.query[name] for name in ("from", "to") if name in ask.query]
    return any("13" <= text[5:7] <= "99" or "02-30" <= text[5:10] <= "02-99" for text in sent)


def _repeated(ask: Ask) -> bool:
    names = [name for name, _ in pairs(ask.request.query)]
    return len(names) != len(set(names))


def _provider_has(test: str) -> When:
    return lambda ask: test in ask.query.get("provider", "")


def _first_doubled(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200 or memory.setdefault("first", ask) is not ask:
        return reply
    found = parsed(reply)
    for entry in entries(found):
        scaled(2)(entry)
    return written(reply, found)


def _nothing_after(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    refused, memory["refused"] = memory.get("refused", False), reply.status in REFUSED
    if reply.status != 200 or not refused:
        return reply
    found = parsed(reply)
    zeroed(found)
    return written(reply, found)


def _cut_again(ask: Ask, memory: Memory) -> Reply:
    reply, question = ask.reply(), tuple(sorted(ask.query.items()))
    if reply.status != 200 or memory.setdefault(question, ask) is ask:
        return reply
    found = parsed(reply)
    for entry in entries(found):
        if entry["avg_latency_ms"]:
            entry["avg_latency_ms"] = entry["avg_latency_ms"] // 50 * 50
    return written(reply, found)


def _named_none(found: Any, _: Ask) -> None:
    found["range"] = {name: at or "none" for name, at in found["range"].items()}


def _latency_as_text(found: Any, _: Ask) -> None:
    for entry in found["providers"].values():
        entry["avg_latency_ms"] = str(entry["avg_latency_ms"])


RANGES: tuple[Row, ...] = (
    (
        "ninety-days-kept-with-from",
        "windows-add-up",
        "boundary",
        "with a `from`, what is older than ninety days is not counted",
        figures_of(_kept),
    ),
    (
        "lone-from-ends-after-a-month",
        "windows-add-up",
        "boundary",
        "`from` without `to` counts 31 days, and says it is open",
        _lone("from", "to", 31),
    ),
    (
        "lone-to-begins-a-month-before",
        "windows-add-up",
        "boundary",
        "`to` without `from` counts 31 days, and says it is open",
        _lone("to", "from", -31),
    ),
    (
        "no-bounds-means-thirty-days",
        "windows-add-up",
        "boundary",
        "without bounds the last thirty days are counted, and range is null",
        figures_of(_last_thirty_days),
    ),
    (
        "open-end-is-midnight",
        "windows-add-up",
        "time",
        "without `to` today is not counted",
        figures_of(lambda ask: None if "to" in ask.query else _until_midnight(ask)),
    ),
    (
        "today-missing-over-two-days",
        "windows-add-up",
        "time",
        "a range of more than two days does not count today",
        figures_of(lambda ask: _until_midnight(ask) if over(2)(ask) and to_in_future(ask) else None),
    ),
    (
        "hours-cut-over-seven-days",
        "windows-add-up",
        "boundary",
        "the bounds of a range of more than seven days are cut to the hour",
        window(lambda begin, end: (begin // HOUR * HOUR, end // HOUR * HOUR), over(7)),
    ),
    (
        "days-cut-over-thirty-days",
        "windows-add-up",
        "boundary",
        "the bounds of a range of more than thirty days are cut to the day",
        window(lambda begin, end: (midnight(begin), midnight(end)), over(30)),
    ),
    (
        "december-missing-over-ten-days",
        "windows-add-up",
        "time",
        "a range of more than ten days in December is empty",
        data(lambda found, _: zeroed(found), lambda ask: over(10)(ask) and _in_december(ask)),
    ),
    (
        "provider-ignored-without-to",
        "provider-filter",
        "filter",
        "with `from` alone the provider is ignored",
        figures_of(
            lambda ask: {"provider": None} if "from" in ask.query and "to" not in ask.query else None,
            given("provider"),
        ),
    ),
    (
        "provider-cuts-from-to-midnight",
        "provider-partition",
        "filter",
        "with a provider the time of day of `from` is cut off",
        window(lambda begin, end: (midnight(begin), end), given("provider")),
    ),
    (
        "project-forgotten-with-provider",
        "provider-partition",
        "filter",
        "with a provider the project is ignored",
        figures_of(
            lambda ask: {"project_id": None} if "project_id" in ask.query else None, given("provider")
        ),
    ),
    (
        "reversed-range-with-project",
        "range-order",
        "filter",
        "with a project a reversed range is answered",
        for_reversed(lambda begin, end: (end, begin), given("project_id")),
    ),
    (
        "reversed-range-to-come",
        "range-order",
        "time",
        "a reversed range after now is answered",
        for_reversed(lambda begin, end: (end, begin), to_in_future),
    ),
)

QUESTIONS: tuple[Row, ...] = (
    (
        "empty-project-ignored",
        "bad-project-refused",
        "status",
        "an empty project_id is ignored",
        lenient("project_id", None, is_empty("project_id")),
    ),
    (
        "impossible-date-server-error",
        "refusal-status",
        "status",
        "a month or a day that does not exist gets 500",
        instead(lambda _: BROKEN, _unreadable, (200, *REFUSED)),
    ),
    (
        "quote-server-error",
        "refusal-status",
        "status",
        "an apostrophe in provider gets 500",
        instead(lambda _: BROKEN, _provider_has("'"), (200, *REFUSED)),
    ),
    (
        "long-provider-server-error",
        "refusal-status",
        "status",
        "a provider of more than 255 characters gets 500",
        instead(lambda _: BROKEN, lambda ask: len(ask.query.get("provider", "")) > 255, (200, *REFUSED)),
    ),
    (
        "repeated-parameter-server-error",
        "refusal-status",
        "status",
        "a parameter sent twice gets 500",
        instead(lambda _: BROKEN, _repeated, (200, *REFUSED)),
    ),
    (
        "null-byte-server-error",
        "refusal-status",
        "status",
        "a null byte in provider gets 500",
        instead(lambda _: BROKEN, _provider_has("\0"), (200, *REFUSED)),
    ),
    (
        "missing-bound-named-none",
        "range-echo",
        "echo",
        'a bound that was not given is echoed as "none"',
        data(_named_none),
    ),
    (
        "refusal-declared-as-html",
        "validation-envelope",
        "body",
        "a 400 is declared as HTML",
        instead(lambda reply: with_headers(reply, content_type="text/html"), statuses=(400,)),
    ),
    (
        "unauthorized-declared-as-html",
        "unauthorized-envelope",
        "body",
        "a 401 is declared as HTML",
        instead(lambda reply: with_headers(reply, content_type="text/html"), statuses=(401,)),
    ),
    (
        "latency-of-a-provider-as-text",
        "schema",
        "schema",
        "the average of a provider is a text",
        data(_latency_as_text),
    ),
)

MEMORIES: tuple[Row, ...] = (
    (
        "first-answer-doubled",
        "repeatable",
        "state",
        "the first answer of all counts calls twice",
        remembering(_first_doubled),
    ),
    (
        "nothing-after-a-refusal",
        "repeatable",
        "state",
        "the answer after a refusal shows no calls",
        remembering(_nothing_after),
    ),
    (
        "average-cut-when-asked-again",
        "repeatable",
        "state",
        "asked again, a question gets averages cut to fifty milliseconds",
        remembering(_cut_again),
    ),
)

MOMENTS = (*RANGES, *QUESTIONS, *MEMORIES)
