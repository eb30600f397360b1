"""Defects of a Varg server in its totals and its refusals."""

from __future__ import annotations

from usage_mockserver.mutants.common import Row, shown_in_refusal
from usage_mockserver.mutants.edits import (
    REFUSED,
    covers_leap_day,
    given,
    instead,
    json_reply,
    longer_than,
    remembering,
    text_reply,
    window_is,
)
from usage_mockserver.mutants.varg_edits import (
    Job,
    between,
    bounds,
    lone,
    no_bounds,
    status_of,
    summed,
    total,
    total_of_before,
    without_records,
)


def day(job: Job) -> str:
    """The date a record was created."""
    return str(job["created_at"][:10])


TOTALS: tuple[Row, ...] = (
    (
        "total-one-record-short",
        "total-is-sum",
        "aggregation",
        "the total lacks the last record that cost",
        summed(lambda data, _: total([job for job in data["usage"] if job["cost_cents"]][:-1])),
    ),
    (
        "total-counts-cache-hits",
        "total-is-sum",
        "aggregation",
        "the total counts a cent per cache hit",
        summed(lambda data, _: data["total_cents"] + sum(job["cache_hit"] for job in data["usage"])),
    ),
    (
        "total-of-all-time",
        "total-is-sum",
        "aggregation",
        "the total is that of the whole account",
        summed(lambda _, ask: total(between(ask, None, None)), given("from")),
    ),
    (
        "total-of-a-hundred-records",
        "total-is-sum",
        "boundary",
        "the total stops at the hundredth record",
        summed(lambda data, _: total(data["usage"][:100])),
    ),
    (
        "total-in-whole-dollars",
        "total-is-sum",
        "aggregation",
        "the total is rounded to a hundred cents",
        summed(lambda data, _: (data["total_cents"] + 50) // 100 * 100),
    ),
    (
        "total-without-the-last-day",
        "total-is-sum",
        "boundary",
        "the total ends the day before `to`",
        summed(
            lambda data, ask: total([job for job in data["usage"] if day(job) < ask.query["to"]]), given("to")
        ),
    ),
    (
        "total-of-the-question-before",
        "total-is-sum",
        "state",
        "the total is that of the answer before",
        remembering(total_of_before),
    ),
    (
        "total-16-bits",
        "total-is-sum",
        "boundary",
        "the total starts again at 0 after 32,767",
        summed(lambda data, _: data["total_cents"] % 32_768),
    ),
    (
        "nothing-costs-a-cent",
        "empty-total-zero",
        "body",
        "without records the total is 1",
        without_records(lambda data, _: {**data, "total_cents": 1}),
    ),
    (
        "nothing-costs-the-whole-account",
        "empty-total-zero",
        "body",
        "without records the total is that of the whole account",
        without_records(lambda data, ask: {**data, "total_cents": total(between(ask, None, None))}),
    ),
)

REFUSALS: tuple[Row, ...] = (
    (
        "bad-date-bad-gateway",
        "refusal-status",
        "status",
        "a bad date gets 502",
        instead(lambda _: text_reply(502, "Bad Gateway"), statuses=REFUSED),
    ),
    (
        "bad-date-bare-500",
        "refusal-status",
        "status",
        "a bad date gets 500 without an error body",
        instead(lambda _: text_reply(500, "Internal Server Error"), statuses=REFUSED),
    ),
    (
        "bad-to-unavailable",
        "refusal-status",
        "status",
        "a bad `to` gets 503",
        instead(status_of(503), lambda ask: "to" in ask.query and ask.day("to") is None, REFUSED),
    ),
    (
        "bad-date-shown-usage",
        "refusal-holds-no-usage",
        "body",
        "the refusal of a bad date carries records",
        shown_in_refusal(bounds(None, None)),
    ),
    (
        "leap-day-server-error",
        "answered",
        "status",
        "a window with a 29 February gets 500",
        instead(lambda _: json_reply(500, {"error": "InternalError"}), window_is(covers_leap_day)),
    ),
    (
        "no-dates-refused",
        "answered",
        "status",
        "a request without dates gets 400",
        instead(
            lambda _: json_reply(400, {"error": "ValidationError", "message": "from is required"}), no_bounds
        ),
    ),
    (
        "lone-to-server-error",
        "answered",
        "status",
        "`to` without `from` gets 500",
        instead(
            lambda _: json_reply(500, {"error": "InternalError", "message": "from is undefined"}), lone("to")
        ),
    ),
    (
        "wide-window-timeout",
        "answered",
        "status",
        "a window of more than sixty days gets 504",
        instead(lambda _: text_reply(504, "upstream request timeout"), longer_than(60)),
    ),
    (
        "nothing-is-404",
        "answered",
        "status",
        "without records the answer is 404",
        instead(
            lambda _: json_reply(404, {"error": "NotFoundError", "message": "No usage"}),
            lambda ask: ask.answer()["usage"] == [],
        ),
    ),
)

ANSWERS = (*TOTALS, *REFUSALS)
