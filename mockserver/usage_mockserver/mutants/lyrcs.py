"""Defects of a Lyrcs server."""

from __future__ import annotations

from usage_mockserver.mutants.common import COMMON, OTHER_SCHEMES, Row, catalogue
from usage_mockserver.mutants.edits import (
    edited,
    has_unknown_parameter,
    instead,
    remembering,
)
from usage_mockserver.mutants.lyrcs_answers import NAMES, QUERIES, REFUSALS
from usage_mockserver.mutants.lyrcs_edits import (
    COUNTERS,
    camel,
    completed_up,
    fewer_hindi,
    first_language,
    halved,
    languages,
    numbered,
    quota,
    renamed,
    usage,
    waking_up,
    with_raw,
)

FIGURES: tuple[Row, ...] = (
    (
        "completed-above-total",
        "completed-within-total",
        "aggregation",
        "more jobs are completed than there were",
        usage(completed_up),
    ),
    (
        "total-without-completed",
        "completed-within-total",
        "aggregation",
        "total_jobs lacks those completed",
        usage(lambda found: found.update(total_jobs=found["total_jobs"] - found["completed_jobs"])),
    ),
    (
        "languages-without-the-largest",
        "languages-add-up",
        "aggregation",
        "the language with most jobs is not listed",
        languages(
            lambda counts: {name: count for name, count in counts.items() if name != first_language(counts)}
        ),
    ),
    (
        "three-languages-at-most",
        "languages-add-up",
        "aggregation",
        "only the first three languages are listed",
        languages(lambda counts: dict(list(counts.items())[:3])),
    ),
    (
        "largest-language-twice",
        "languages-add-up",
        "aggregation",
        "the language with most jobs counts twice",
        languages(lambda counts: {**counts, first_language(counts): 2 * max(counts.values())}),
    ),
    (
        "languages-with-a-sum",
        "languages-add-up",
        "aggregation",
        "the languages list their sum as well",
        languages(lambda counts: {**counts, "Total": sum(counts.values())}),
    ),
    (
        "language-without-name",
        "language-names",
        "rows",
        "the language with fewest jobs has an empty name",
        languages(lambda counts: renamed(counts, min(counts, key=counts.__getitem__), "")),
    ),
    (
        "largest-language-without-name",
        "language-names",
        "rows",
        "the language with most jobs has an empty name",
        languages(lambda counts: renamed(counts, first_language(counts), "")),
    ),
    (
        "jobs-fractional",
        "counts-whole",
        "aggregation",
        "completed_jobs has half a job",
        usage(lambda found: found.update(completed_jobs=found["completed_jobs"] - 0.5)),
    ),
    (
        "calls-negative",
        "counts-whole",
        "boundary",
        "api_calls is 16 bits long and signed",
        usage(lambda found: found.update(api_calls=found["api_calls"] % 2**15 - 2**15)),
    ),
    (
        "language-negative",
        "counts-whole",
        "rows",
        "the language with fewest jobs has -1",
        languages(lambda counts: {**counts, min(counts, key=counts.__getitem__): -1}),
    ),
    (
        "language-fractional",
        "counts-whole",
        "rows",
        "the language with most jobs has half a job less",
        languages(lambda counts: {**counts, first_language(counts): max(counts.values()) - 0.5}),
    ),
    (
        "duration-negative",
        "duration-not-negative",
        "aggregation",
        "the duration is below 0",
        usage(lambda found: found.update(total_duration_seconds=-found["total_duration_seconds"])),
    ),
    (
        "duration-minus-one",
        "duration-not-negative",
        "aggregation",
        "the duration is -1 for unknown",
        usage(lambda found: found.update(total_duration_seconds=-1)),
    ),
    (
        "duration-beyond-numbers",
        "duration-not-negative",
        "aggregation",
        "the duration is written 1e999",
        instead(with_raw("total_duration_seconds", "1e999")),
    ),
    (
        "duration-without-jobs",
        "no-jobs-no-duration",
        "relation",
        "there are no jobs, and a duration",
        usage(lambda found: found.update(total_jobs=0, completed_jobs=0, jobs_by_language={})),
    ),
    (
        "period-of-this-month",
        "period-all-time",
        "echo",
        "period is month",
        usage(lambda found: found.update(period="month")),
    ),
    (
        "period-with-a-hyphen",
        "period-all-time",
        "echo",
        "period is all-time",
        usage(lambda found: found.update(period="all-time")),
    ),
    (
        "period-by-query",
        "period-all-time",
        "echo",
        "with a query period is custom",
        usage(lambda found: found.update(period="custom"), has_unknown_parameter),
    ),
)

STATE: tuple[Row, ...] = (
    (
        "calls-count-down",
        "never-shrinks",
        "state",
        "api_calls falls with every answer",
        numbered(lambda found, answers: found.update(api_calls=found["api_calls"] - answers)),
    ),
    (
        "duration-falls",
        "never-shrinks",
        "state",
        "the duration falls by a minute with every answer",
        numbered(
            lambda found, answers: found.update(
                total_duration_seconds=found["total_duration_seconds"] - 60 * answers
            )
        ),
    ),
    (
        "halved-after-two-answers",
        "never-shrinks",
        "state",
        "from the third answer on everything is halved",
        numbered(halved),
    ),
    (
        "largest-language-falls",
        "never-shrinks",
        "state",
        "the largest language has a job fewer with every answer",
        numbered(fewer_hindi),
    ),
    (
        "organisation-per-answer",
        "org-constant",
        "state",
        "org_id changes with every answer",
        numbered(lambda found, answers: found.update(org_id=f"org_{answers:06x}")),
    ),
    (
        "organisation-by-query",
        "org-constant",
        "filter",
        "with a query org_id is another",
        usage(lambda found: found.update(org_id="org_default"), has_unknown_parameter),
    ),
    (
        "organisation-in-capitals-now-and-then",
        "org-constant",
        "state",
        "every third org_id is in capitals",
        numbered(lambda found, answers: answers % 3 or found.update(org_id=found["org_id"].upper())),
    ),
    (
        "query-empties",
        "unknown-parameter-ignored",
        "filter",
        "any query leaves nothing",
        usage(
            lambda found: found.update(dict.fromkeys(COUNTERS, 0), jobs_by_language={}), has_unknown_parameter
        ),
    ),
    (
        "query-filters-by-month",
        "unknown-parameter-ignored",
        "filter",
        "with a query a thirtieth is counted",
        usage(
            lambda found: found.update(
                {name: found[name] // 30 for name in COUNTERS},
                jobs_by_language={name: count // 30 for name, count in found["jobs_by_language"].items()},
            ),
            has_unknown_parameter,
        ),
    ),
)

SCHEMA: tuple[Row, ...] = (
    (
        "jobs-as-text",
        "schema",
        "schema",
        "total_jobs is a text",
        usage(lambda found: found.update(total_jobs=f"{found['total_jobs']:,}")),
    ),
    (
        "duration-as-clock",
        "schema",
        "schema",
        "the duration is written 13:42:00",
        usage(
            lambda found: found.update(
                total_duration_seconds=f"{found['total_duration_seconds'] // 3600}:00:00"
            )
        ),
    ),
    (
        "duration-null",
        "schema",
        "schema",
        "the duration is null",
        usage(lambda found: found.update(total_duration_seconds=None)),
    ),
    (
        "calls-left-out",
        "schema",
        "schema",
        "there is no api_calls",
        usage(lambda found: found.pop("api_calls")),
    ),
    (
        "languages-as-a-list",
        "schema",
        "schema",
        "languages are a list of pairs",
        usage(
            lambda found: found.update(
                jobs_by_language=[
                    {"language": name, "jobs": count} for name, count in found["jobs_by_language"].items()
                ]
            )
        ),
    ),
    (
        "language-count-as-text",
        "schema",
        "rows",
        "the count of the rarest language is a text",
        languages(lambda counts: {**counts, min(counts, key=counts.__getitem__): "1"}),
    ),
    (
        "organisation-null",
        "schema",
        "schema",
        "org_id is null",
        usage(lambda found: found.update(org_id=None)),
    ),
    (
        "usage-in-data",
        "schema",
        "schema",
        "the fields stand in `data`",
        edited(lambda found, _: {"data": found}),
    ),
    (
        "camel-case",
        "schema",
        "schema",
        "fields are in camel case",
        edited(lambda found, _: {camel(name): value for name, value in found.items()}),
    ),
    (
        "duration-not-a-number",
        "json",
        "body",
        "the duration is NaN",
        usage(lambda found: found.update(total_duration_seconds=float("nan"))),
    ),
    (
        "first-answer-server-error",
        "answered",
        "state",
        "the first answer is 500, as of a server that wakes up",
        remembering(waking_up),
    ),
)

QUOTAS: tuple[Row, ...] = (
    (
        "remaining-above-limit",
        "quota-headers",
        "access",
        "one request more remains than the limit",
        quota(lambda limit, _: str(int(limit) + 1)),
    ),
    (
        "remaining-negative",
        "quota-headers",
        "boundary",
        "minus one request remains",
        quota(lambda _limit, _left: "-1"),
    ),
    (
        "remaining-unlimited",
        "quota-headers",
        "body",
        "what remains is called unlimited",
        quota(lambda _limit, _left: "unlimited"),
    ),
    (
        "remaining-fractional",
        "quota-headers",
        "body",
        "half a request remains",
        quota(lambda _, left: f"{int(left) - 0.5}"),
    ),
    (
        "remaining-of-the-day-everywhere",
        "quota-headers",
        "boundary",
        "what remains of the minute is what remains of the day",
        quota(lambda _limit, _left: "999"),
    ),
)

LYRCS = catalogue(
    "lyrcs", (*COMMON, *OTHER_SCHEMES, *FIGURES, *STATE, *SCHEMA, *QUOTAS, *NAMES, *QUERIES, *REFUSALS)
)
