"""How the defects of a Somya server are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from usage_mockserver.http import Reply, pairs
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Changes,
    Memory,
    When,
    Wrap,
    always,
    asking,
    edited,
    parsed,
    shifted,
    via,
    written,
)

Counts = dict[str, Any]
COUNTERS = ("tts_count", "asr_count", "tts_characters_processed", "asr_seconds_processed")
NOBODY = "00000000-0000-4000-8000-000000000000"


def bounds(first: date, last: date) -> dict[str, str | None]:
    """Both dates."""
    return {"from": first.isoformat(), "to": last.isoformat()}


def figures(ask: Ask, changes: Changes) -> Counts:
    """The request counters of another question."""
    found: Counts = ask.answer(changes)["data"]["requests"]
    return found


def plus(one: Counts, other: Counts, times: float = 1) -> Counts:
    """Counters added up."""
    summed = {name: one[name] + times * other[name] for name in COUNTERS}
    return whole(summed)


def whole(counts: Counts) -> Counts:
    """Whole counters, and seconds to the millisecond."""
    seconds = round(float(counts["asr_seconds_processed"]), 3)
    return {name: int(counts[name]) for name in COUNTERS[:3]} | {COUNTERS[3]: seconds}


def data(change: Callable[[Any, Ask], object], when: When = always) -> Wrap:
    """Other `data` in answers, changed in place."""

    def edit(body: Any, ask: Ask) -> None:
        change(body["data"], ask)

    return edited(edit, when)


def counted(change: Callable[[Counts, Ask], Counts], when: When = always) -> Wrap:
    """Other request counters in answers."""

    def edit(found: Any, ask: Ask) -> None:
        found["requests"] = change(found["requests"], ask)

    return data(edit, when)


def spanned(change: Callable[[Ask, date, date, Counts], Counts], when: When = always) -> Wrap:
    """The same; `change` also gets both days of the answered period, which must be in order."""

    def edit(found: Any, ask: Ask) -> None:
        first, last = (date.fromisoformat(found["period"][name]) for name in ("from", "to"))
        if first <= last:
            found["requests"] = change(ask, first, last, found["requests"])

    return data(edit, when)


def window(read: Callable[[date, date], tuple[date, date]], when: When = always) -> Wrap:
    """The counters are those of another window; a reversed one has none."""
    return spanned(lambda ask, first, last, _: figures(ask, bounds(*read(first, last))), when)


def twice(read: Callable[[date, date], tuple[date, date] | None]) -> Wrap:
    """The counters of a second window come on top."""

    def change(ask: Ask, first: date, last: date, counts: Counts) -> Counts:
        more = read(first, last)
        return counts if more is None else plus(counts, figures(ask, bounds(*more)))

    return spanned(change)


def over(days: int) -> When:
    """Both dates are given and more than so many days apart, both counted."""
    return lambda ask: ask.window is not None and (ask.window[1] - ask.window[0]).days >= days


def source_is(*names: str) -> When:
    """One of these sources is meant; "all" also when none is given."""
    return lambda ask: ask.query.get("source", "all") in names


def without(name: str) -> When:
    """The parameter was left out."""
    return lambda ask: name not in ask.query


def inverted(ask: Ask) -> bool:
    """`from` is after `to`."""
    return ask.window is not None and ask.window[0] > ask.window[1]


def unknown_key(ask: Ask) -> bool:
    """The key id has no requests of its own, as far as its shape and an empty answer tell."""
    if "api_key_id" not in ask.query:
        return False
    ever = bounds(date(2000, 1, 1), ask.account.today)
    return bool(figures(ask, {**ever, "source": None})["tts_count"] == 0)


def lenient(name: str, value: str | None, when: When = always) -> Wrap:
    """An invalid value of this parameter is read as another, or as none."""

    def change(ask: Ask) -> Changes | None:
        return {name: value} if name in ask.query and when(ask) and fails(ask, name) else None

    return asking(change, REFUSED)


def fails(ask: Ask, name: str) -> bool:
    """The request is refused because of this parameter."""
    return name in ask.query and ask.reply().status in REFUSED and not alone_good(ask, name)


def alone_good(ask: Ask, name: str) -> bool:
    """The parameter is valid by itself."""
    others = {other: None for other in ask.query if other != name}
    return ask.reply(others).status == 200


def about(name: str) -> When:
    """The request is refused because of this parameter, maybe among others."""
    return lambda ask: fails(ask, name)


def refused(change: Callable[[Any, Ask], Any], when: When = always) -> Wrap:
    """Another JSON in refusals of invalid parameters."""
    return edited(change, when, (422,))


def detail(change: Callable[[dict[str, Any]], object]) -> Wrap:
    """Every entry of `detail` is changed in place."""

    def edit(body: Any, _: Ask) -> None:
        for entry in body.get("detail", ()):
            change(entry)

    return refused(edit)


def status_of(status: int) -> Callable[[Reply], Reply]:
    """The same reply under another status."""
    return lambda reply: replace(reply, status=status)


def period(change: Callable[[Any, Ask], Changes], when: When = always) -> Wrap:
    """Another period in answers."""

    def edit(found: Any, ask: Ask) -> None:
        found["period"] = {**found["period"], **change(found["period"], ask)}

    return data(edit, when)


def moved_day(text: str, days: int) -> str:
    """The date so many days later."""
    return shifted(date.fromisoformat(text), days).isoformat()


def credits_less(amount: Callable[[Any, Ask], int], when: When = always) -> Wrap:
    """Fewer credits remain, by an amount that depends on the question."""

    def edit(found: Any, ask: Ask) -> None:
        left = found["credits"]["tts_remaining"]
        found["credits"]["tts_remaining"] = max(0, left - amount(found, ask))

    return data(edit, when)


def counted_again(ask: Ask, memory: Memory) -> Reply:
    """Each time a question is asked its characters grow by one."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    question = tuple(sorted(ask.query.items()))
    memory[question] = times = memory.get(question, 0) + 1
    body = parsed(reply)
    counts = body["data"]["requests"]
    if counts["tts_count"]:
        counts["tts_characters_processed"] += times
    return written(reply, body)


def cached_by_source(ask: Ask, memory: Memory) -> Reply:
    """Counters are remembered by source and `to` alone."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    body = parsed(reply)
    key = body["data"]["source"], ask.query.get("api_key_id"), body["data"]["period"]["to"]
    body["data"]["requests"] = memory.setdefault(key, body["data"]["requests"])
    return written(reply, body)


def after_source_forgotten() -> Wrap:
    """Parameters behind `source` in the query are not read."""

    def make(ask: Ask) -> Reply:
        names = [name for name, _ in pairs(ask.request.query)]
        reply = ask.reply()
        if reply.status != 200 or "source" not in names or names[-1] == "source":
            return reply
        behind = names[names.index("source") + 1 :]
        body = parsed(reply)
        body["data"]["requests"] = figures(ask, dict.fromkeys(behind))
        return written(reply, body)

    return via(make)
