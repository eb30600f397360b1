"""Defects of a Surnex server in the shape of its answers and in what it refuses."""

from __future__ import annotations

from usage_mockserver.mutants.common import Row, shown_in_refusal
from usage_mockserver.mutants.edits import REFUSED, edited, given, instead, json_reply, rare, text_reply
from usage_mockserver.mutants.surnex_edits import (
    about,
    data,
    each,
    error,
    idle,
    is_empty,
    issues,
    lenient,
    refused,
    reversed_range,
    status_of,
)

SCHEMA: tuple[Row, ...] = (
    (
        "calls-as-text-rarely",
        "schema",
        "rows",
        "one entry in four has its calls as a text",
        each(lambda entry: rare(entry, 4) and entry.update(calls_total=str(entry["calls_total"]))),
    ),
    (
        "calls-fractional",
        "schema",
        "schema",
        "there is half a call more",
        each(lambda entry: entry.update(calls_total=entry["calls_total"] + 0.5)),
    ),
    (
        "class-without-calls-left-out",
        "schema",
        "boundary",
        "a status class of 0 is left out",
        each(
            lambda entry: entry.update(
                http_status_counts={
                    name: count for name, count in entry["http_status_counts"].items() if count
                }
            )
        ),
    ),
    (
        "classes-as-numbers",
        "schema",
        "schema",
        "status classes are called 200, 400 and 500",
        each(
            lambda entry: entry.update(
                http_status_counts={
                    name[0] + "00": count for name, count in entry["http_status_counts"].items()
                }
            )
        ),
    ),
    (
        "latency-minus-one-without-calls",
        "schema",
        "boundary",
        "without calls latencies are -1",
        each(lambda entry: idle(entry) and entry.update(avg_latency_ms=-1, p95_latency_ms=-1)),
    ),
    (
        "cost-as-text",
        "schema",
        "schema",
        "the cost is a text with a dollar sign",
        each(lambda entry: entry.update(estimated_cost_usd=f"${entry['estimated_cost_usd']}")),
    ),
    (
        "cost-null-without-calls",
        "schema",
        "boundary",
        "without calls the cost is null",
        each(lambda entry: idle(entry) and entry.update(estimated_cost_usd=None)),
    ),
    (
        "snapshot-state-renamed",
        "schema",
        "schema",
        "complete snapshots are called completed",
        data(
            lambda found, _: found["snapshots"]["snapshots_by_status"].update(
                completed=found["snapshots"]["snapshots_by_status"].pop("complete")
            )
        ),
    ),
    (
        "range-left-out-without-bounds",
        "schema",
        "boundary",
        "without bounds there is no range",
        data(lambda found, ask: {"from", "to"} & set(ask.query) or found.pop("range")),
    ),
    (
        "range-half-left-out",
        "schema",
        "boundary",
        "a missing bound is missing from range",
        data(lambda found, _: found.update(range={name: at for name, at in found["range"].items() if at})),
    ),
    (
        "account-id-not-a-uuid",
        "schema",
        "schema",
        "account_id begins with acct_",
        data(lambda found, _: found.update(account_id="acct_" + found["account_id"][:8])),
    ),
    (
        "providers-as-a-list",
        "schema",
        "schema",
        "providers is a list",
        data(lambda found, _: found.update(providers=list(found["providers"].values()))),
    ),
    (
        "snapshots-left-out-with-provider",
        "schema",
        "filter",
        "with a provider there are no snapshots",
        data(lambda found, _: found.pop("snapshots"), given("provider")),
    ),
    (
        "provider-null-without-filter",
        "schema",
        "schema",
        "without the parameter provider is null",
        data(lambda found, ask: "provider" in ask.query or found.update(provider=None)),
    ),
    (
        "latency-not-a-number-without-calls",
        "json",
        "boundary",
        "without calls the average is NaN",
        each(lambda entry: idle(entry) and entry.update(avg_latency_ms=float("nan"))),
    ),
)

ACCEPTED: tuple[Row, ...] = (
    (
        "bad-bounds-ignored",
        "bad-date-refused",
        "status",
        "a `from` that is no date is ignored",
        lenient("from", None),
    ),
    (
        "bad-to-means-now",
        "bad-date-refused",
        "status",
        "a `to` that is no date is ignored",
        lenient("to", None),
    ),
    (
        "bad-from-means-1970",
        "bad-date-refused",
        "status",
        "a `from` that is no date is 1970",
        lenient("from", "1970-01-01T00:00:00Z"),
    ),
    (
        "bad-project-ignored",
        "bad-project-refused",
        "status",
        "a project_id that is no UUID is ignored",
        lenient("project_id", None),
    ),
    (
        "bad-project-ignored-with-provider",
        "bad-project-refused",
        "filter",
        "with a provider a project_id that is no UUID is ignored",
        lenient("project_id", None, given("provider")),
    ),
    (
        "empty-provider-means-all",
        "empty-parameter-refused",
        "status",
        "an empty provider is ignored",
        lenient("provider", None, is_empty("provider")),
    ),
    (
        "empty-from-means-ever",
        "empty-parameter-refused",
        "status",
        "an empty `from` is ignored",
        lenient("from", None, is_empty("from")),
    ),
    (
        "empty-to-means-now",
        "empty-parameter-refused",
        "status",
        "an empty `to` is ignored",
        lenient("to", None, is_empty("to")),
    ),
)

STATUSES: tuple[Row, ...] = (
    (
        "bad-date-server-error",
        "refusal-status",
        "status",
        "a bad bound gets 500",
        instead(status_of(500), about("from", "to"), REFUSED),
    ),
    (
        "bad-project-server-error",
        "refusal-status",
        "status",
        "a project_id that is no UUID gets 500",
        instead(status_of(500), about("project_id"), REFUSED),
    ),
    (
        "reversed-range-server-error",
        "refusal-status",
        "status",
        "a reversed range gets 500",
        instead(status_of(500), reversed_range, REFUSED),
    ),
    (
        "empty-provider-bad-gateway",
        "refusal-status",
        "status",
        "an empty provider gets 502",
        instead(lambda _: text_reply(502, "Bad Gateway"), is_empty("provider"), REFUSED),
    ),
    (
        "errors-under-200",
        "refusal-status",
        "status",
        "the errors of an invalid parameter come under 200",
        instead(status_of(200), statuses=REFUSED),
    ),
    (
        "bad-parameter-shown-usage",
        "refusal-holds-no-usage",
        "body",
        "the refusal of a bad parameter carries usage",
        shown_in_refusal(dict.fromkeys(("project_id", "provider", "from", "to"))),
    ),
)

BODIES: tuple[Row, ...] = (
    (
        "error-as-text",
        "validation-envelope",
        "body",
        "error is one text",
        refused(lambda body, _: {"error": body["error"]["message"]}),
    ),
    (
        "error-without-code",
        "validation-envelope",
        "body",
        "the error of a 400 has no code",
        error(lambda found: found.pop("code")),
    ),
    (
        "error-without-request-id",
        "validation-envelope",
        "body",
        "the error of a 400 has no request_id",
        error(lambda found: found.pop("request_id")),
    ),
    (
        "error-message-null",
        "validation-envelope",
        "body",
        "the message of a 400 is null",
        error(lambda found: found.update(message=None)),
    ),
    (
        "error-bare-zod",
        "validation-envelope",
        "body",
        "a 400 is what zod itself prints",
        refused(
            lambda body, _: {
                "success": False,
                "error": {"name": "ZodError", "issues": body["error"]["details"]["issues"]},
            }
        ),
    ),
    (
        "error-as-page",
        "validation-envelope",
        "body",
        "a 400 is plain text",
        instead(lambda _: text_reply(400, "Bad Request"), statuses=(400,)),
    ),
    (
        "code-bad-request",
        "validation-issues",
        "body",
        "the code of a 400 is BAD_REQUEST",
        error(lambda found: found.update(code="BAD_REQUEST")),
    ),
    (
        "issue-path-wrong",
        "validation-issues",
        "body",
        "every issue is on the path limit",
        issues(lambda issue: issue.update(path=["limit"])),
    ),
    (
        "issue-path-with-query",
        "validation-issues",
        "body",
        "paths begin with query",
        issues(lambda issue: issue.update(path=["query", *issue["path"]])),
    ),
    (
        "issue-path-in-camel-case",
        "validation-issues",
        "body",
        "project_id is called projectId",
        issues(
            lambda issue: issue.update(
                path=["projectId" if name == "project_id" else name for name in issue["path"]]
            )
        ),
    ),
    (
        "issue-paths-empty",
        "validation-issues",
        "body",
        "paths are empty",
        issues(lambda issue: issue.update(path=[])),
    ),
    (
        "unauthorized-without-error",
        "unauthorized-envelope",
        "body",
        'a 401 is {"message":"Unauthorized"}',
        edited(lambda _body, _ask: {"message": "Unauthorized"}, statuses=(401,)),
    ),
    (
        "unauthorized-without-request-id",
        "unauthorized-envelope",
        "body",
        "the error of a 401 has no request_id",
        error(lambda found: found.pop("request_id"), 401),
    ),
    (
        "unauthorized-message-a-list",
        "unauthorized-envelope",
        "body",
        "the message of a 401 is a list",
        error(lambda found: found.update(message=[found["message"]]), 401),
    ),
    (
        "unauthorized-as-text",
        "unauthorized-envelope",
        "body",
        "a 401 is plain text",
        instead(lambda _: text_reply(401, "Unauthorized"), statuses=(401,)),
    ),
    (
        "missing-key-empty-error",
        "unauthorized-envelope",
        "body",
        "the error of a missing key is {}",
        instead(lambda _: json_reply(401, {"error": {}}), lambda ask: not ask.keys, (401,)),
    ),
    (
        "unauthorized-code-lower-case",
        "unauthorized-code",
        "body",
        "the code of a 401 is unauthorized",
        error(lambda found: found.update(code="unauthorized"), 401),
    ),
    (
        "unauthorized-code-forbidden",
        "unauthorized-code",
        "body",
        "the code of a 401 is INVALID_API_KEY",
        error(lambda found: found.update(code="INVALID_API_KEY"), 401),
    ),
)

SHAPES = (*SCHEMA, *ACCEPTED, *STATUSES, *BODIES)
