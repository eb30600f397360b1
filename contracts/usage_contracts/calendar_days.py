"""The days where servers go wrong: month ends, year ends, leap days, the days on which clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

DAY = timedelta(days=1)


def month_start(day: date, back: int = 0) -> date:
    """The first day of the month this many months before the day's own."""
    year, month = divmod(day.year * 12 + day.month - 1 - back, 12)
    return date(year, month + 1, 1)


def leap_day(before: date) -> date:
    """The latest 29 February that lies before the day."""
    year = before.year
    while True:
        if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0:
            found = date(year, 2, 29)
            if found < before:
                return found
        year -= 1


def sunday(year: int, month: int, *, nth: int) -> date:
    """The nth Sunday of a month; -1 is the last one."""
    if nth > 0:
        first = date(year, month, 1)
        return first + DAY * ((6 - first.weekday()) % 7 + 7 * (nth - 1))
    after = date(year + month // 12, month % 12 + 1, 1) - DAY
    return after - DAY * ((after.weekday() + 1) % 7)


def clock_changes(before: date) -> Iterator[date]:
    """The latest days on which clocks changed in Europe and in America, newest first."""
    year = before.year
    for candidate in (
        sunday(year, 11, nth=1),
        sunday(year, 10, nth=-1),
        sunday(year, 3, nth=-1),
        sunday(year, 3, nth=2),
    ):
        yield candidate if candidate < before else _year_earlier(candidate)


def _year_earlier(day: date) -> date:
    nth = -1 if day.day > 21 else (day.day + 6) // 7
    return sunday(day.year - 1, day.month, nth=nth)
