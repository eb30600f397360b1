"""How the defects of a Supertone server are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from usage_mockserver.http import Reply
from usage_mockserver.mutants.edits import (
    REFUSED,
    Ask,
    Memory,
    When,
    Wrap,
    always,
    asking,
    edited,
    instead,
    json_reply,
    parsed,
    rare,
    remembering,
    shifted,
    via,
    window_is,
    written,
)

Use = dict[str, Any]
Uses = list[Use]
START, END = "start_date", "end_date"
MOST = 29
"""Days between the bounds of the longest window that every server must answer."""


# -- rows -----------------------------------------------------------------------------------------------


def dates(first: date, last: date) -> dict[str, str | None]:
    """Both parameters."""
    return {START: first.isoformat(), END: last.isoformat()}


def between(ask: Ask, first: date, last: date) -> Uses:
    """The rows of any window, however long, put together from windows that are answered."""
    first = max(first, date.fromordinal(ask.account.ledger.first))
    last = min(last, shifted(ask.account.today, 60))
    found: Uses = []
    while first <= last:
        found += ask.answer(dates(first, min(shifted(first, MOST), last)))["usages"]
        first = shifted(first, MOST + 1)
    return found


def rows(edit: Callable[[Uses, Ask], Uses], when: When = always) -> Wrap:
    """Other rows in answers."""

    def change(data: Any, ask: Ask) -> None:
        data["usages"] = edit(data["usages"], ask)

    return edited(change, when)


def kept(test: Callable[[Use, date, date], bool], when: When = always) -> Wrap:
    """Only the rows that pass the test are shown; it gets the row and both asked days."""

    def edit(found: Uses, ask: Ask) -> Uses:
        window = ask.window
        return found if window is None else [row for row in found if test(row, *window)]

    return rows(edit, when)


def leaked(more: Callable[[date, date], tuple[date, date]], when: When = always) -> Wrap:
    """The rows of a second window are shown as well."""

    def edit(found: Uses, ask: Ask) -> Uses:
        window = ask.window
        return found if window is None else [*between(ask, *more(*window)), *found]

    return rows(edit, when)


def each(change: Callable[[Use], object], one_in: int = 1, when: When = always) -> Wrap:
    """One row in so many is changed in place."""

    def edit(found: Uses, _: Ask) -> Uses:
        for row in found:
            if rare(row, one_in):
                change(row)
        return found

    return rows(edit, when)


def doubled_minutes(row: Use, times: int = 2) -> None:
    """So many times the minutes."""
    row["total_minutes_used"] = round(times * row["total_minutes_used"], 8)


def merged_by(*names: str) -> Callable[[Uses, Ask], Uses]:
    """Rows that agree in these fields become one."""

    def edit(found: Uses, _: Ask) -> Uses:
        groups: dict[tuple[Any, ...], Use] = {}
        for row in found:
            group = groups.setdefault(
                tuple(row.get(name) for name in names), {**row, "total_minutes_used": 0}
            )
            group["total_minutes_used"] = round(group["total_minutes_used"] + row["total_minutes_used"], 8)
        return list(groups.values())

    return edit


def running_totals(found: Uses, _: Ask) -> Uses:
    """Each row with the minutes of its voice since the first day of the window."""
    sums: dict[str, float] = {}
    for row in found:
        sums[row["voice_id"]] = sums.get(row["voice_id"], 0) + row["total_minutes_used"]
        row["total_minutes_used"] = round(sums[row["voice_id"]], 8)
    return found


def in_halves(found: Uses, _: Ask) -> Uses:
    """Long rows split in two of the same voice, style, language and model."""
    halves = [{**row, "total_minutes_used": row["total_minutes_used"] / 2} for row in found]
    return [part for half in halves for part in ((half, half) if half["total_minutes_used"] > 1 else (half,))]


# -- windows --------------------------------------------------------------------------------------------


def unlimited(accepts: Callable[[date, date], bool]) -> Wrap:
    """Windows that are too long, but pass the test, get every row of theirs."""

    def make(ask: Ask) -> Reply:
        reply, window = ask.reply(), ask.window
        if reply.status not in REFUSED or window is None or not (window[0] < window[1] and accepts(*window)):
            return reply
        return written(ask.reply(dates(window[1], window[1])), {"usages": between(ask, *window)})

    return via(make)


def span(first: date, last: date) -> int:
    """Days between the bounds."""
    return (last - first).days


def within_a_month(first: date, last: date) -> bool:
    """Not later than the same day of the next month."""
    month = shifted(first.replace(day=1), 31)
    return (last.year, last.month, last.day) <= (month.year, month.month, first.day)


def years_ignored(first: date, last: date) -> bool:
    """At most 30 days when only day and month are compared."""
    return 0 <= last.timetuple().tm_yday - first.timetuple().tm_yday <= MOST


def too_long() -> Reply:
    """The refusal of a long window."""
    message = "Maximum inquiry period is 30 days."
    return json_reply(
        400, {"status": "error", "message": {"statusCode": 400, "message": message, "error": "Bad Request"}}
    )


def refusing(test: Callable[[date, date], bool]) -> Wrap:
    """Answerable windows that pass the test are refused."""
    return instead(lambda _: too_long(), window_is(test))


def is_too_long(ask: Ask) -> bool:
    """More than 30 days lie between the bounds."""
    window = ask.window
    return window is not None and span(*window) > MOST + 1


def not_dates(ask: Ask, *names: str) -> bool:
    """One of these parameters holds letters that no date has."""
    return any(len(set(ask.query.get(name, "")) & set("abcdefghijklmnopqrsuvxyz")) > 1 for name in names)


def malformed(ask: Ask) -> bool:
    """One of the dates is plainly none."""
    return not_dates(ask, START, END)


def lenient(read: Callable[[Ask], dict[str, str | None]], *names: str) -> Wrap:
    """Malformed values of these parameters are read as something."""
    return asking(lambda ask: read(ask) if not_dates(ask, *names) else None, REFUSED)


def a_good_day(ask: Ask) -> str:
    """One of the two dates if it is one, else a day of last month."""
    day = ask.day(START) or ask.day(END) or shifted(ask.account.today, -20)
    return day.isoformat()


def missing(*names: str) -> When:
    """At least one of these parameters is missing."""
    return lambda ask: any(name not in ask.query for name in names)


def open_ended(back: int, *names: str) -> Wrap:
    """A missing date leaves that side open, `back` days at most."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        if reply.status not in REFUSED or not missing(*names)(ask):
            return reply
        last = ask.day(END) or ask.account.today
        first = ask.day(START) or shifted(last, -back)
        return written(ask.reply(dates(last, last)), {"usages": between(ask, first, last)})

    return via(make)


def reversed_window(ask: Ask) -> bool:
    """The start lies after the end."""
    window = ask.window
    return window is not None and window[0] > window[1]


def for_reversed(read: Callable[[date, date], tuple[date, date]], near: int = 10_000) -> Wrap:
    """A reversed window is answered as if another had been asked for, where its bounds are that near."""

    def change(ask: Ask) -> dict[str, str | None] | None:
        window = ask.window
        if window is None or not 0 < (window[0] - window[1]).days <= near:
            return None
        return dates(*read(*window))

    return asking(change, (200, *REFUSED))


def bad_dates(make: Callable[[Reply], Reply], when: When = always) -> Wrap:
    """Another refusal of bad dates."""
    return instead(make, when, REFUSED)


def nothing(ask: Ask) -> bool:
    """The honest answer has no rows."""
    return bool(ask.answer() == {"usages": []})


# -- time and memory ------------------------------------------------------------------------------------


def newest(found: Uses, ask: Ask) -> Uses:
    """The rows, and those of the two weeks before this one."""
    today = ask.account.today
    late = between(ask, shifted(today, -21), shifted(today, -7))
    return [*found, *(row for row in late if row not in found)]


def forecast(found: Uses, ask: Ask) -> Uses:
    """The rows, and for asked days to come the minutes of as many weeks before as it takes."""
    window, today = ask.window, ask.account.today
    if window is None or window[1] <= today:
        return found
    days = [shifted(today, ahead) for ahead in range(1, 8)]
    for day in (day for day in days if window[0] <= day <= window[1]):
        rows_then = between(ask, shifted(day, -7), shifted(day, -7))
        found = [*found, *({**row, "date": day.isoformat()} for row in rows_then)]
    return found


def tomorrow(found: Uses, ask: Ask) -> Uses:
    """The rows, and for the day to come those of today."""
    today, window = ask.account.today, ask.window
    ahead = shifted(today, 1)
    if window is None or not window[0] <= ahead <= window[1]:
        return found
    return [*found, *({**row, "date": ahead.isoformat()} for row in between(ask, today, today))]


def cached_by(name: str) -> Wrap:
    """Answers are remembered by one of the two dates alone."""

    def make(ask: Ask, memory: Memory) -> Reply:
        reply = ask.reply()
        return memory.setdefault(ask.query[name], reply) if reply.status == 200 else reply

    return remembering(make)


def counted_again(ask: Ask, memory: Memory) -> Reply:
    """Each time a question is asked its minutes are added once more."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    question = tuple(sorted(ask.query.items()))
    memory[question] = times = memory.get(question, 0) + 1
    data = parsed(reply)
    for row in data["usages"]:
        row["total_minutes_used"] = round(times * row["total_minutes_used"], 8)
    return written(reply, data)


def first_row_lost(reply: Reply) -> Reply:
    """The reply without its first row."""
    data = parsed(reply)
    return written(reply, {"usages": data["usages"][1:]})


def as_datetime(row: Use) -> None:
    """The date with a time of day."""
    row["date"] += "T00:00:00.000Z"


def new_date(form: str) -> Callable[[Use], object]:
    """The date in another form of strftime."""
    return lambda row: row.update(date=date.fromisoformat(row["date"]).strftime(form))


def unpadded(row: Use) -> None:
    """Month and day without leading zeros."""
    row["date"] = "-".join(part.lstrip("0") for part in row["date"].split("-"))


def status_of(status: int) -> Callable[[Reply], Reply]:
    """The same reply under another status."""
    return lambda reply: replace(reply, status=status)
