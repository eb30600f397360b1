"""Defects of a Varg server: those of its records and error bodies, and all together."""

from __future__ import annotations

from usage_mockserver.mutants.common import WITH_BOUNDS, Row, catalogue
from usage_mockserver.mutants.edits import edited, instead, json_reply, rare, text_reply
from usage_mockserver.mutants.varg_answers import ANSWERS
from usage_mockserver.mutants.varg_bounds import BOUNDARIES
from usage_mockserver.mutants.varg_edits import (
    clock_of,
    each,
    jobs,
    rarely,
    repeated,
    without_records,
)
from usage_mockserver.mutants.varg_windows import WINDOWS

SCHEMA: tuple[Row, ...] = (
    (
        "cost-as-text-rarely",
        "schema",
        "rows",
        "one record in forty has its cost as a text",
        rarely(lambda job: job.update(cost_cents=str(job["cost_cents"]))),
    ),
    (
        "cost-null-for-cache-hits",
        "schema",
        "rows",
        "a cache hit costs null",
        rarely(lambda job: job["cache_hit"] and job.update(cost_cents=None), 1),
    ),
    (
        "cache-hit-as-text",
        "schema",
        "schema",
        'cache_hit is "true" or "false"',
        each(lambda job: job.update(cache_hit=str(job["cache_hit"]).lower())),
    ),
    (
        "cache-hit-as-number-rarely",
        "schema",
        "rows",
        "one cache_hit in forty is 0 or 1",
        rarely(lambda job: job.update(cache_hit=int(job["cache_hit"]))),
    ),
    (
        "job-id-as-number-rarely",
        "schema",
        "rows",
        "one job_id in forty is a number",
        rarely(lambda job: job.update(job_id=int(job["job_id"][4:], 36))),
    ),
    (
        "model-null-rarely",
        "schema",
        "rows",
        "one model in forty is null",
        rarely(lambda job: job.update(model=None)),
    ),
    (
        "capability-null-for-transcription",
        "schema",
        "rows",
        "a transcription has null for its capability",
        rarely(lambda job: job["capability"] == "transcription" and job.update(capability=None), 1),
    ),
    (
        "capability-a-list",
        "schema",
        "schema",
        "capability is a list",
        each(lambda job: job.update(capability=[job["capability"]])),
    ),
    (
        "total-as-text",
        "schema",
        "schema",
        "total_cents is a text",
        edited(lambda data, _: {**data, "total_cents": str(data["total_cents"])}),
    ),
    (
        "cost-not-a-number-rarely",
        "json",
        "rows",
        "one record in forty costs NaN",
        rarely(lambda job: job.update(cost_cents=float("nan"))),
    ),
)

PRESENT: tuple[Row, ...] = (
    (
        "total-left-out",
        "total-and-usage-present",
        "schema",
        "there is no total_cents",
        edited(lambda data, _: {"usage": data["usage"]}),
    ),
    (
        "usage-in-data",
        "total-and-usage-present",
        "schema",
        "the records are called data",
        edited(lambda data, _: {"data": data["usage"], "total_cents": data["total_cents"]}),
    ),
    (
        "total-in-camel-case",
        "total-and-usage-present",
        "schema",
        "the total is called totalCents",
        edited(lambda data, _: {"usage": data["usage"], "totalCents": data["total_cents"]}),
    ),
    (
        "bare-list",
        "total-and-usage-present",
        "schema",
        "the records stand without total and object",
        edited(lambda data, _: data["usage"]),
    ),
    (
        "nothing-is-empty-object",
        "total-and-usage-present",
        "body",
        "without records the body is {}",
        without_records(lambda _data, _ask: {}),
    ),
    (
        "nothing-is-null",
        "total-and-usage-present",
        "body",
        "without records usage is null",
        without_records(lambda data, _: {**data, "usage": None}),
    ),
    (
        "nothing-has-no-total",
        "total-and-usage-present",
        "body",
        "without records there is no total",
        without_records(lambda _data, _ask: {"usage": []}),
    ),
    (
        "cost-missing-rarely",
        "records-alike",
        "rows",
        "one record in forty has no cost",
        each(lambda job: job.pop("cost_cents"), 40),
    ),
    (
        "model-missing-rarely",
        "records-alike",
        "rows",
        "one record in forty has no model",
        rarely(lambda job: job.pop("model")),
    ),
    (
        "job-id-missing-for-cache-hits",
        "records-alike",
        "rows",
        "a cache hit has no job_id",
        each(lambda job: job["cache_hit"] and job.pop("job_id")),
    ),
    (
        "created-at-missing-rarely",
        "records-alike",
        "rows",
        "one record in forty has no created_at",
        rarely(lambda job: job.pop("created_at")),
    ),
    (
        "capability-missing-for-music",
        "records-alike",
        "rows",
        "music has no capability",
        each(lambda job: job["capability"] == "music" and job.pop("capability")),
    ),
)

COSTS: tuple[Row, ...] = (
    (
        "costs-signed-as-debits",
        "cost-not-negative",
        "rows",
        "every cost and the total are negative",
        each(lambda job: job.update(cost_cents=-job["cost_cents"])),
    ),
    (
        "minus-one-for-own-keys",
        "cost-not-negative",
        "rows",
        "a job on the account's own provider keys costs -1",
        each(lambda job: job["cost_cents"] or job["cache_hit"] or job.update(cost_cents=-1)),
    ),
    (
        "negative-cost-of-music",
        "cost-not-negative",
        "rows",
        "music costs less than nothing",
        each(lambda job: job["capability"] == "music" and job.update(cost_cents=-job["cost_cents"])),
    ),
    (
        "cache-hits-charged",
        "cache-hit-free",
        "rows",
        "a cache hit costs 25 cents",
        each(lambda job: job["cache_hit"] and job.update(cost_cents=25)),
    ),
    (
        "cache-hits-charged-rarely",
        "cache-hit-free",
        "rows",
        "one cache hit in ten costs a cent",
        each(lambda job: job["cache_hit"] and job.update(cost_cents=1), 10),
    ),
    (
        "cache-hits-of-speech-charged",
        "cache-hit-free",
        "rows",
        "a cache hit of speech costs 2 cents",
        each(lambda job: job["cache_hit"] and job["capability"] == "speech" and job.update(cost_cents=2)),
    ),
    (
        "record-repeated-rarely",
        "no-duplicates",
        "rows",
        "one record in forty stands twice",
        jobs(lambda found, _: repeated(found, rare)),
    ),
    (
        "page-edge-repeated",
        "no-duplicates",
        "boundary",
        "the fiftieth record stands twice in longer lists",
        jobs(lambda found, _: [*found[:50], *found[49:]] if len(found) > 50 else found),
    ),
    (
        "oldest-record-repeated",
        "no-duplicates",
        "boundary",
        "the oldest record stands twice in lists of two and more",
        jobs(lambda found, _: [*found, *found[-1:]] if len(found) > 1 else found),
    ),
)

CLOCKS: tuple[Row, ...] = (
    (
        "created-at-without-offset",
        "created-at-utc",
        "time",
        "created_at does not say its zone",
        each(clock_of(lambda at: at[:-1])),
    ),
    (
        "created-at-date-only-rarely",
        "created-at-utc",
        "rows",
        "one created_at in forty is a date",
        each(clock_of(lambda at: at[:10]), 40),
    ),
    (
        "created-at-with-a-space",
        "created-at-utc",
        "schema",
        "created_at has a space and UTC instead of T and Z",
        each(clock_of(lambda at: f"{at[:10]} {at[11:-1]} UTC")),
    ),
    (
        "created-at-american",
        "created-at-utc",
        "schema",
        "created_at is written 02/13/2026 10:00:00",
        each(clock_of(lambda at: f"{at[5:7]}/{at[8:10]}/{at[:4]} {at[11:-1]}")),
    ),
    (
        "created-at-unpadded-hours",
        "created-at-utc",
        "rows",
        "hours before ten have one digit",
        each(clock_of(lambda at: at.replace("T0", "T"))),
    ),
)

ERRORS: tuple[Row, ...] = (
    (
        "auth-error-without-message",
        "auth-error-body",
        "body",
        "the 401 has no message",
        edited(lambda data, _: data.pop("message") and data, statuses=(401,)),
    ),
    (
        "auth-error-without-error",
        "auth-error-body",
        "body",
        "the 401 has no error",
        edited(lambda data, _: data.pop("error") and data, statuses=(401,)),
    ),
    (
        "auth-error-nested",
        "auth-error-body",
        "body",
        "the 401 has the shape of another version of the API",
        edited(
            lambda data, _: {"error": {"code": "unauthorized", "message": data["message"]}}, statuses=(401,)
        ),
    ),
    (
        "auth-error-message-null",
        "auth-error-body",
        "body",
        "the message of the 401 is null",
        edited(lambda data, _: {**data, "message": None}, statuses=(401,)),
    ),
    (
        "auth-error-as-text",
        "auth-error-body",
        "body",
        "the 401 is plain text",
        instead(lambda _: text_reply(401, "Unauthorized"), statuses=(401,)),
    ),
    (
        "missing-key-error-empty",
        "auth-error-body",
        "body",
        "the 401 of a missing key is {}",
        instead(lambda _: json_reply(401, {}), lambda ask: not ask.keys, (401,)),
    ),
)

VARG = catalogue(
    "varg", (*WITH_BOUNDS, *WINDOWS, *BOUNDARIES, *ANSWERS, *SCHEMA, *PRESENT, *COSTS, *CLOCKS, *ERRORS)
)
