"""Defects of a Somya server: those of its filters and counters, and all together."""

from __future__ import annotations

from usage_mockserver.mutants.common import WITH_BOUNDS, Row, catalogue, every
from usage_mockserver.mutants.edits import (
    edited,
    given,
    instead,
    json_reply,
    sent_with,
    text_reply,
    with_body,
)
from usage_mockserver.mutants.somya_edits import (
    COUNTERS,
    counted,
    credits_less,
    data,
    figures,
    over,
    plus,
    source_is,
    status_of,
    unknown_key,
    without,
)
from usage_mockserver.mutants.somya_parameters import PARAMETERS
from usage_mockserver.mutants.somya_refusals import SHAPES
from usage_mockserver.mutants.somya_windows import NOTHING, WINDOWS

SOURCES: tuple[Row, ...] = (
    (
        "source-echo-upper-case",
        "source-echo",
        "echo",
        "the source is echoed as WEB, API_KEY or ALL",
        data(lambda found, _: found.update(source=found["source"].upper())),
    ),
    (
        "source-echo-always-all",
        "source-echo",
        "echo",
        "the echoed source is always all",
        data(lambda found, _: found.update(source="all")),
    ),
    (
        "source-echo-with-a-hyphen",
        "source-echo",
        "echo",
        "api_key is echoed as api-key",
        data(lambda found, _: found.update(source=found["source"].replace("_", "-"))),
    ),
    (
        "default-source-web",
        "source-default-all",
        "filter",
        "without source the playground is counted",
        counted(lambda _, ask: figures(ask, {"source": "web"}), without("source")),
    ),
    (
        "default-source-api-key",
        "source-default-all",
        "filter",
        "without source the keys are counted",
        counted(lambda _, ask: figures(ask, {"source": "api_key"}), without("source")),
    ),
    (
        "default-source-echoed-as-web",
        "source-default-all",
        "echo",
        "without source web is echoed",
        data(lambda found, _: found.update(source="web"), without("source")),
    ),
    (
        "web-is-everything",
        "sources-within-all",
        "filter",
        "source=web counts the keys as well",
        counted(lambda _, ask: figures(ask, {"source": "all"}), source_is("web")),
    ),
    (
        "api-key-is-everything",
        "sources-within-all",
        "filter",
        "source=api_key counts the playground as well",
        counted(lambda _, ask: figures(ask, {"source": "all"}), source_is("api_key")),
    ),
    (
        "all-is-the-keys-alone",
        "sources-within-all",
        "filter",
        "source=all leaves the playground out",
        counted(lambda _, ask: figures(ask, {"source": "api_key"}), source_is("all")),
    ),
    (
        "all-forgets-recognition-of-web",
        "sources-within-all",
        "filter",
        "source=all counts no recognition of the playground",
        counted(
            lambda counts, ask: {
                **counts,
                **{name: figures(ask, {"source": "api_key"})[name] for name in COUNTERS[1::2]},
            },
            source_is("all"),
        ),
    ),
    (
        "web-forgets-from",
        "sources-within-all",
        "filter",
        "source=web ignores `from`",
        counted(
            lambda _, ask: figures(ask, {"from": "2000-01-01"}),
            lambda ask: over(1)(ask) and source_is("web")(ask),
        ),
    ),
    (
        "web-five-times-over-seven-days",
        "sources-within-all",
        "aggregation",
        "source=web counts five times in windows of more than seven days",
        counted(
            lambda counts, _: plus(counts, counts, 4), lambda ask: over(7)(ask) and source_is("web")(ask)
        ),
    ),
    (
        "unknown-key-id-ignored",
        "unknown-key-id-empty",
        "filter",
        "an api_key_id nobody has is ignored",
        counted(lambda _, ask: figures(ask, {"api_key_id": None}), unknown_key),
    ),
    (
        "unknown-key-id-means-all-keys",
        "unknown-key-id-empty",
        "filter",
        "an api_key_id nobody has selects every key",
        counted(lambda _, ask: figures(ask, {"api_key_id": None, "source": "api_key"}), unknown_key),
    ),
    (
        "unknown-key-id-ignored-for-api-key",
        "unknown-key-id-empty",
        "filter",
        "with source=api_key an api_key_id nobody has is ignored",
        counted(
            lambda _, ask: figures(ask, {"api_key_id": None}),
            lambda ask: source_is("api_key")(ask) and unknown_key(ask),
        ),
    ),
    (
        "unknown-key-id-server-error",
        "answered",
        "status",
        "an api_key_id nobody has gets 500",
        instead(lambda _: json_reply(500, {"detail": "Internal Server Error"}), unknown_key),
    ),
    (
        "key-id-server-error-with-web",
        "answered",
        "status",
        "api_key_id with source=web gets 500",
        instead(
            lambda _: text_reply(500, "Internal Server Error"),
            lambda ask: given("api_key_id")(ask) and source_is("web")(ask),
        ),
    ),
    (
        "wide-window-timeout",
        "answered",
        "status",
        "a window of more than sixty days gets 504",
        instead(lambda _: text_reply(504, "upstream request timeout"), over(60)),
    ),
)

CREDITS: tuple[Row, ...] = (
    (
        "credits-by-source",
        "credits-independent",
        "filter",
        "source=web leaves a hundred credits fewer",
        credits_less(lambda _found, _: 100, source_is("web")),
    ),
    (
        "credits-by-window",
        "credits-independent",
        "relation",
        "what was counted is taken from the credits",
        credits_less(lambda found, _: found["requests"]["tts_count"]),
    ),
    (
        "credits-by-key-id",
        "credits-independent",
        "filter",
        "with an api_key_id no credits remain",
        credits_less(lambda _found, _: 10**9, given("api_key_id")),
    ),
    (
        "credits-of-the-past",
        "credits-independent",
        "relation",
        "for a past window five hundred credits fewer remain",
        credits_less(
            lambda _found, _: 500,
            lambda ask: ask.day("to") is not None and ask.query["to"] < ask.account.today.isoformat(),
        ),
    ),
)

HEADERS: tuple[Row, ...] = (
    (
        "bearer-refused",
        "key-either-header",
        "access",
        "a key in Authorization gets 401",
        instead(status_of(401), sent_with("authorization")),
    ),
    (
        "x-api-key-refused",
        "key-either-header",
        "access",
        "a key in X-API-Key gets 401",
        instead(lambda _: json_reply(401, {"detail": "Not authenticated"}), sent_with("x-api-key")),
    ),
    (
        "bearer-counts-keys-alone",
        "key-either-header",
        "filter",
        "with the key in Authorization the playground is left out of all",
        counted(
            lambda _, ask: figures(ask, {"source": "api_key"}),
            lambda ask: sent_with("authorization")(ask) and source_is("all")(ask),
        ),
    ),
    (
        "bearer-forgets-dates",
        "key-either-header",
        "filter",
        "with the key in Authorization the dates are not counted by",
        counted(lambda _, ask: figures(ask, {"from": None, "to": None}), sent_with("authorization")),
    ),
    (
        "bearer-without-recognition",
        "key-either-header",
        "rows",
        "with the key in Authorization recognition is not counted",
        counted(lambda counts, _: {**counts, **dict.fromkeys(COUNTERS[1::2], 0)}, sent_with("authorization")),
    ),
)

COUNTS: tuple[Row, ...] = (
    (
        "characters-16-bits",
        "counters-not-negative",
        "boundary",
        "beyond 32,767 characters go negative",
        counted(
            lambda counts, _: {
                **counts,
                "tts_characters_processed": (counts["tts_characters_processed"] + 2**15) % 2**16 - 2**15,
            }
        ),
    ),
    (
        "minus-one-for-nothing",
        "counters-not-negative",
        "boundary",
        "a counter of 0 is given as -1",
        counted(lambda counts, _: {name: value or -1 for name, value in counts.items()}),
    ),
    (
        "seconds-negative-for-web",
        "counters-not-negative",
        "filter",
        "source=web has negative seconds",
        counted(
            lambda counts, _: {**counts, "asr_seconds_processed": -counts["asr_seconds_processed"]},
            source_is("web"),
        ),
    ),
    (
        "speech-not-counted",
        "zero-count-zero-volume",
        "aggregation",
        "tts_count is always 0",
        counted(lambda counts, _: {**counts, "tts_count": 0}),
    ),
    (
        "recognition-of-web-not-counted",
        "zero-count-zero-volume",
        "filter",
        "source=web has no asr_count, but seconds",
        counted(lambda counts, _: {**counts, "asr_count": 0}, source_is("web")),
    ),
    (
        "nothing-has-a-second",
        "zero-count-zero-volume",
        "boundary",
        "without recognition there is a second",
        counted(
            lambda counts, _: counts if counts["asr_count"] else {**counts, "asr_seconds_processed": 1.0}
        ),
    ),
    (
        "success-false",
        "success-true",
        "body",
        "success is false in an answer",
        edited(lambda body, _: {**body, "success": False}),
    ),
    (
        "success-false-for-nothing",
        "success-true",
        "body",
        "success is false where nothing was used",
        edited(lambda body, _: {**body, "success": body["data"]["requests"] != NOTHING}),
    ),
    (
        "success-false-now-and-then",
        "success-true",
        "state",
        "every fourth answer has success false",
        every(4, lambda reply: with_body(reply, reply.body.replace(b'"success":true', b'"success":false'))),
    ),
)

SOMYA = catalogue(
    "somya",
    (*WITH_BOUNDS, *WINDOWS, *SOURCES, *CREDITS, *HEADERS, *COUNTS, *SHAPES, *PARAMETERS),
)
