"""Defects of a Somya server in the shape of its answers and in what it refuses."""

from __future__ import annotations

import re

from usage_mockserver.mutants.common import Row, shown_in_refusal
from usage_mockserver.mutants.edits import (
    REFUSED,
    edited,
    instead,
    rare,
    text_reply,
)
from usage_mockserver.mutants.somya_edits import (
    about,
    counted,
    data,
    detail,
    lenient,
    refused,
    source_is,
    status_of,
)

IMPOSSIBLE = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")

SCHEMA: tuple[Row, ...] = (
    (
        "counter-as-text-rarely",
        "schema",
        "rows",
        "one tts_count in four is a text",
        counted(
            lambda counts, _: {**counts, "tts_count": str(counts["tts_count"])} if rare(counts, 4) else counts
        ),
    ),
    (
        "counter-fractional",
        "schema",
        "schema",
        "characters have half a character",
        counted(
            lambda counts, _: {**counts, "tts_characters_processed": counts["tts_characters_processed"] + 0.5}
        ),
    ),
    (
        "zero-is-null",
        "schema",
        "boundary",
        "a counter of 0 is null",
        counted(lambda counts, _: {name: value or None for name, value in counts.items()}),
    ),
    (
        "zero-is-left-out",
        "schema",
        "boundary",
        "a counter of 0 is left out",
        counted(lambda counts, _: {name: value for name, value in counts.items() if value}),
    ),
    (
        "credits-left-out-for-web",
        "schema",
        "filter",
        "source=web has no credits",
        data(lambda found, _: found.pop("credits"), source_is("web")),
    ),
    (
        "period-with-time",
        "schema",
        "schema",
        "the period has times of day",
        data(
            lambda found, _: found.update(
                period={name: f"{day}T00:00:00" for name, day in found["period"].items()}
            )
        ),
    ),
    (
        "requests-by-kind",
        "schema",
        "schema",
        "requests are grouped by tts and asr",
        counted(
            lambda counts, _: {"tts": {"count": counts["tts_count"]}, "asr": {"count": counts["asr_count"]}}
        ),
    ),
    (
        "data-unwrapped",
        "schema",
        "schema",
        "the fields stand without `data` around them",
        edited(lambda body, _: body["data"]),
    ),
    (
        "seconds-not-a-number-for-nothing",
        "json",
        "boundary",
        "without recognition seconds are NaN",
        counted(
            lambda counts, _: (
                counts if counts["asr_count"] else {**counts, "asr_seconds_processed": float("nan")}
            )
        ),
    ),
)

ACCEPTED: tuple[Row, ...] = (
    (
        "bad-source-means-all",
        "source-invalid-refused",
        "status",
        "another source is read as all",
        lenient("source", "all"),
    ),
    (
        "bad-source-means-web",
        "source-invalid-refused",
        "status",
        "another source is read as web",
        lenient("source", "web"),
    ),
    (
        "source-in-any-case",
        "source-invalid-refused",
        "status",
        "WEB, Api_Key and ALL are sources",
        lenient("source", "all", lambda ask: ask.query["source"].lower() in ("web", "api_key", "all")),
    ),
    (
        "source-by-its-beginning",
        "source-invalid-refused",
        "status",
        "what begins with a source is one",
        lenient("source", "web", lambda ask: ask.query["source"].startswith(("web", "api_key", "all"))),
    ),
    (
        "bad-key-id-ignored",
        "key-id-invalid-refused",
        "status",
        "an api_key_id that is no UUID is ignored",
        lenient("api_key_id", None),
    ),
    (
        "bad-key-id-finds-nothing",
        "key-id-invalid-refused",
        "status",
        "an api_key_id that is no UUID finds nothing",
        lenient("api_key_id", "00000000-0000-4000-8000-000000000000"),
    ),
    (
        "bad-dates-ignored",
        "date-invalid-refused",
        "status",
        "a `from` that is no date is ignored",
        lenient("from", None),
    ),
    (
        "bad-to-means-today",
        "date-invalid-refused",
        "status",
        "a `to` that is no date is ignored",
        lenient("to", None),
    ),
    (
        "impossible-from-accepted",
        "date-invalid-refused",
        "boundary",
        "a `from` that no calendar has is read as a day nearby",
        lenient("from", "2025-03-01", lambda ask: IMPOSSIBLE.fullmatch(ask.query["from"]) is not None),
    ),
)

REFUSALS: tuple[Row, ...] = (
    (
        "bad-source-server-error",
        "refusal-status",
        "status",
        "another source gets 500",
        instead(status_of(500), about("source"), REFUSED),
    ),
    (
        "bad-key-id-server-error",
        "refusal-status",
        "status",
        "an api_key_id that is no UUID gets 500",
        instead(status_of(500), about("api_key_id"), REFUSED),
    ),
    (
        "bad-date-bad-gateway",
        "refusal-status",
        "status",
        "a bad date gets 502",
        instead(
            lambda _: text_reply(502, "Bad Gateway"),
            lambda ask: about("from")(ask) or about("to")(ask),
            REFUSED,
        ),
    ),
    (
        "bad-parameter-not-found",
        "refusal-status",
        "status",
        "an invalid parameter gets 404",
        instead(status_of(404), statuses=REFUSED),
    ),
    (
        "bad-parameter-status-200",
        "refusal-status",
        "status",
        "the errors of an invalid parameter come under 200",
        instead(status_of(200), statuses=REFUSED),
    ),
    (
        "detail-as-text",
        "refusal-body",
        "body",
        "detail is one text",
        refused(lambda body, _: {"detail": body["detail"][0]["msg"]}),
    ),
    (
        "detail-of-texts",
        "refusal-body",
        "body",
        "detail is a list of texts",
        refused(lambda body, _: {"detail": [entry["msg"] for entry in body["detail"]]}),
    ),
    (
        "detail-without-loc",
        "refusal-body",
        "body",
        "the errors have no loc",
        detail(lambda entry: entry.pop("loc")),
    ),
    (
        "detail-without-type",
        "refusal-body",
        "body",
        "the errors have no type",
        detail(lambda entry: entry.pop("type")),
    ),
    (
        "detail-loc-as-text",
        "refusal-body",
        "body",
        "loc is one text",
        detail(lambda entry: entry.update(loc=".".join(entry["loc"]))),
    ),
    (
        "errors-in-a-bare-list",
        "refusal-body",
        "body",
        "the errors stand without `detail` around them",
        refused(lambda body, _: body["detail"]),
    ),
    (
        "detail-names-nothing",
        "refusal-names-parameter",
        "body",
        "loc is the query, without a name",
        detail(lambda entry: entry.update(loc=["query"])),
    ),
    (
        "detail-names-the-wrong-one",
        "refusal-names-parameter",
        "body",
        "loc names limit whatever is invalid",
        detail(lambda entry: entry.update(loc=["query", "limit"])),
    ),
    (
        "detail-names-the-body",
        "refusal-names-parameter",
        "body",
        "loc is the body",
        detail(lambda entry: entry.update(loc=["body"])),
    ),
    (
        "bad-parameter-shown-usage",
        "refusal-holds-no-usage",
        "body",
        "the refusal of a bad parameter carries usage",
        shown_in_refusal(dict.fromkeys(("source", "api_key_id", "from", "to"))),
    ),
)

SHAPES = (*SCHEMA, *ACCEPTED, *REFUSALS)
