"""Where Surnex' ranges begin and end: nowhere, today, within an hour, in a month of 31 days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from usage_contracts.calendar_days import DAY, month_start
from usage_contracts.looks.surnex import as_object, cents, instant_of, midnight
from usage_contracts.measures import differences, empty, shown, total
from usage_contracts.promises.surnex_windows import between, instant_text, windows
from usage_contracts.run import Run
from usage_contracts.target import Answer, Call
from usage_contracts.windows import LONG, OLD, compare, used

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
ODD = timedelta(hours=13, minutes=17, seconds=41)
"""A time of day at which nobody's timetable runs: a bound there tells nothing of whether it is included."""


def answered(run: Run, call: Call) -> Answer | None:
    """The answer to a range, None where the server has a right not to give any: long and old ones."""
    begin, end = instant_of(call.param("from")), instant_of(call.param("to"))
    last = end or run.now
    long = begin is not None and last - begin >= DAY * LONG
    return run.valid(call, lenient=long or (run.now - last).days > OLD or (last - run.now).days > 1)


def sums(run: Run, whole: Call, parts: Sequence[Call], fresh: tuple[Call, Call] | None = None) -> None:
    """The whole shows what its parts show together.

    `fresh` are one of these questions and another that must be answered alike: where it is not, figures move
    while old answers are kept for a while, and nothing is judged.
    """
    calls = [whole, *parts]
    if any(answered(run, call) is None for call in calls):
        return

    def complaint(answers: Sequence[Answer]) -> str | None:
        if not all(map(open_where_missing, answers)):
            return None
        found, *pieces = map(run.figures, answers)
        added = total(pieces)
        if empty(added) and empty(found):
            return None
        wrong = differences(found, added, cents, len(calls))
        if wrong and fresh is not None and _moved(run, answers[calls.index(fresh[0])], fresh[1]):
            return None
        return f"the whole and its parts: {shown(wrong, found, added)}" if wrong else ""

    run.relation("surnex.windows-add-up", calls, complaint, allowed="a range shows the sum of its parts")


def _moved(run: Run, answer: Answer, other: Call) -> bool:
    return bool(differences(run.figures(run.again(other)), run.figures(answer)))


def open_where_missing(answer: Answer) -> bool:
    """Whether a bound that was not given is no bound; a server may have put its own there."""
    told = as_object(answer.json.get("range"))
    return all(told.get(name) is None for name in ("from", "to") if answer.call.param(name) is None)


def since(instant: datetime) -> Call:
    """The question without an end."""
    return Call((("from", instant_text(instant)),))


def until(instant: datetime) -> Call:
    """The question without a beginning."""
    return Call((("to", instant_text(instant)),))


def open_ends(run: Run, day: date) -> Sequence[Call]:
    """Every parameter may be left out, and what has no bounds adds up too; returns questions with one bound."""
    cut, old = (midnight(day - DAY * back) + ODD for back in (3, 400))
    run.valid(Call())
    for at in (cut, old):
        sums(run, Call(), [until(at), since(at)], fresh=(since(at), since(at + SECOND)))
    ahead = between(cut, midnight(run.today + DAY * 2) + ODD)
    sums(run, since(cut), [ahead], fresh=(since(cut), since(cut + SECOND)))
    return since(cut), until(cut)


def far_back(run: Run, day: date) -> None:
    """Long ranges and open ones that are over add up, cut at an odd time."""
    old, recent, cut = (midnight(day - DAY * back) + ODD for back in (400, 20, 1))
    long = between(old, cut)
    sums(run, long, [between(old, recent), between(recent, cut)])
    sums(run, until(cut), [until(old), long])
    sums(run, between(recent, midnight(day)), [between(recent, cut), between(cut, midnight(day))])


def today(run: Run) -> None:
    """The days that are not over are counted like others, in long ranges and in short ones."""
    midnights = [midnight(run.today - DAY * back) + SECOND for back in (40, 1, 0)]
    noon = midnights[-1] + (run.now - midnights[-1]) / 2
    if run.now - midnights[-1] > HOUR:
        midnights.append(noon.replace(minute=17, second=41))
    end = midnight(run.today + DAY) + SECOND * 2
    bounds = [*midnights, end]
    whole = between(bounds[0], end)
    parts = [between(low, high) for low, high in pairwise(bounds)]
    sums(run, whole, parts, fresh=(whole, between(bounds[0], end + SECOND)))


def busy_hour(run: Run, day: date) -> datetime | None:
    """A range ends at the second it was asked to end at, however long it is; returns the end of a busy hour."""
    low, size = midnight(day), 24
    while size > 1:
        half = size // 2
        found = answered(run, between(low, low + HOUR * half))
        if found is None:
            return None
        if not run.figures(found).get("calls"):
            low += HOUR * half
            size -= half
        else:
            size = half
    begin, end = low + SECOND, low + HOUR - SECOND
    far = midnight(day - DAY * 40)
    sums(run, between(far, end), [between(far, begin), between(begin, end)])
    return end


def long_month(run: Run, day: date) -> None:
    """A month of 31 days shows what its weeks show: the last December, or the last such month."""
    ended = run.settled_day + DAY
    last = date(day.year if date(day.year + 1, 1, 1) <= ended else day.year - 1, 12, 1)
    if not any(used(run, windows(), last, last + DAY * days) for days in (30, 6)):
        firsts = (month_start(ended, back) for back in (1, 2))
        last = next(first for first in firsts if month_start(first + DAY * 31) - first == DAY * 31)
    compare(run, windows(), [*(last + DAY * 7 * week for week in range(5)), last + DAY * 31], [(0, 5)])


def halves(run: Run, turn: date) -> None:
    """The last day of a month, cut at an odd time."""
    low, high = midnight(turn - DAY), midnight(turn)
    sums(run, between(low, high), [between(low, low + ODD), between(low + ODD, high)])
