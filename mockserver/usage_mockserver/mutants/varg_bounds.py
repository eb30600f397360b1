"""Defects of a Varg server that show between a lone bound and both, at today, and in far windows alone."""

from __future__ import annotations

from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    Ask,
    When,
    covers_new_year,
    given,
    instead,
    json_reply,
    longer_than,
    shifted,
    window_is,
)
from usage_mockserver.mutants.varg_edits import Job, each, jobs, kept, lone, summed

REFUSAL = {"error": "ValidationError", "message": "to is out of range", "field": "to", "statusCode": 400}


def _lone_day_lost(name: str) -> Row:
    def edit(found: list[Job], ask: Ask) -> list[Job]:
        bound = str(ask.day(name))
        return [job for job in found if job["created_at"][:10] != bound]

    return (
        f"lone-{name}-without-its-day",
        "both-ends-included",
        "boundary",
        f"`{name}` alone leaves out the records of that day",
        jobs(edit, lone(name)),
    )


def _ends(least: int, most: int = 100_000) -> When:
    """`to` is given, and so many days after the server's today."""

    def holds(ask: Ask) -> bool:
        last = ask.day("to")
        return last is not None and least <= (last - ask.account.today).days <= most

    return holds


def _without_young(found: list[Job], ask: Ask) -> list[Job]:
    # A day of the seeded account may be idle, six on end are not.
    first = shifted(ask.account.today, -5).isoformat()
    return [job for job in found if job["created_at"][:10] < first]


BOUNDARIES: tuple[Row, ...] = (
    _lone_day_lost("from"),
    _lone_day_lost("to"),
    (
        "young-records-only-without-an-end",
        "both-ends-included",
        "boundary",
        "where `to` is given, the records of the last six days are missing",
        jobs(_without_young, given("to")),
    ),
    (
        "young-records-missing-up-to-today",
        "both-ends-included",
        "boundary",
        "where `to` is today, the records of the last six days are missing",
        jobs(_without_young, _ends(0, 0)),
    ),
    (
        "nothing-up-to-days-to-come",
        "nothing-left-out",
        "boundary",
        "a window that ends after today is empty",
        jobs(lambda _found, _ask: [], _ends(1)),
    ),
    (
        "nothing-across-new-year",
        "nothing-left-out",
        "boundary",
        "a window that begins in one year and ends in another is empty",
        jobs(lambda _found, _ask: [], window_is(covers_new_year)),
    ),
    (
        "nothing-from-years-ago",
        "nothing-left-out",
        "boundary",
        "a window that begins more than three years before its end is empty",
        jobs(lambda _found, _ask: [], longer_than(1096)),
    ),
    (
        "music-only-without-an-end",
        "nothing-left-out",
        "filter",
        "where both dates are given, music is left out",
        kept(lambda job, _first, _last: job["capability"] != "music"),
    ),
    (
        "today-refused",
        "answered",
        "status",
        "a window that ends today gets 400",
        instead(lambda _: json_reply(400, REFUSAL), _ends(0, 0)),
    ),
    (
        "leap-day-refused",
        "answered",
        "status",
        "29 February gets 400",
        instead(
            lambda _: json_reply(400, REFUSAL),
            window_is(lambda first, last: any((day.month, day.day) == (2, 29) for day in (first, last))),
        ),
    ),
    (
        "total-through-a-rounded-rate",
        "total-is-sum",
        "aggregation",
        "the total was converted there and back, and is half a millionth too high",
        summed(lambda data, _: data["total_cents"] * 1.0000005),
    ),
    (
        "cache-hits-forgotten-over-twenty-days",
        "windows-add-up",
        "rows",
        "windows of more than twenty days show every cache_hit as false",
        each(lambda job: job.update(cache_hit=False), when=longer_than(20)),
    ),
    (
        "seconds-lost-over-twenty-days",
        "windows-add-up",
        "time",
        "windows of more than twenty days tell created_at without its seconds",
        each(lambda job: job.update(created_at=job["created_at"][:17] + "00Z"), when=longer_than(20)),
    ),
    (
        "capability-of-a-model-elsewhere",
        "windows-add-up",
        "rows",
        "windows of one day take speech for music",
        each(
            lambda job: job["capability"] == "speech" and job.update(capability="music"),
            when=window_is(lambda first, last: first == last),
        ),
    ),
)
