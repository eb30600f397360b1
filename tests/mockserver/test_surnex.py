"""Surnex's fake against the vendor's page, the defaults chosen where it is silent, and itself."""

import hashlib
import json
import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from usage_mockserver.chance import Chance
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply, Request
from usage_mockserver.instants import read_rfc3339
from usage_mockserver.providers import surnex
from usage_mockserver.providers.surnex import PROJECTS, Call, Snapshot
from usage_mockserver.providers.surnex_parts import tallied
from usage_mockserver.world import Settings, World

KEY = {"x-api-key": "sk_usagekit_demo_surnex"}
BEARER = {"authorization": "Bearer sk_usagekit_demo_surnex"}
NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
OWN_PROJECT = "11111111-2222-4333-8444-555555555555"


class Surnex:
    """One account to ask."""

    def __init__(self, *events, scenario="busy", now=NOW, **settings):
        self.world = World(["surnex"], Settings(scenario=scenario, clock=Clock(frozen=now), **settings))
        if events:
            self.world.add("surnex", events)

    def ask(self, query="", *, method="GET", path="/v1/usage", headers=KEY) -> Reply:
        return self.world.answer("surnex", Request(method, path, query, headers))

    def body(self, query=""):
        reply = self.ask(query)
        assert (reply.status, reply.headers[0]) == (200, ("content-type", "application/json"))
        return json.loads(reply.body, parse_float=Decimal)

    def error(self, query, status=400):
        reply = self.ask(query)
        assert reply.status == status
        error = json.loads(reply.body)["error"]
        assert list(error) == ["code", "message", "request_id", "details"]
        assert error["request_id"] == dict(reply.headers)["x-request-id"]
        return error

    def issues(self, query):
        error = self.error(query)
        assert (error["code"], error["message"]) == ("VALIDATION_ERROR", "Invalid request")
        return [(issue["path"], issue["message"], issue["code"]) for issue in error["details"]["issues"]]


PRINTED = """
{
  "account_id": "0f1ce1f3-d6fc-4f1e-9d31-2ed5b1f6ef34",
  "range": {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"},
  "provider": "dataforseo",
  "totals": {
    "calls_total": 12,
    "calls_by_operation": {
      "llm_mentions_aggregated_metrics_live": 5,
      "llm_mentions_top_domains_live": 4,
      "llm_mentions_search_live": 3
    },
    "avg_latency_ms": 190.5,
    "p95_latency_ms": 320,
    "http_status_counts": {"2xx": 11, "4xx": 1, "5xx": 0},
    "estimated_cost_usd": 0.19
  },
  "providers": {
    "dataforseo": {
      "calls_total": 12,
      "calls_by_operation": {
        "llm_mentions_aggregated_metrics_live": 5,
        "llm_mentions_top_domains_live": 4,
        "llm_mentions_search_live": 3
      },
      "avg_latency_ms": 190.5,
      "p95_latency_ms": 320,
      "http_status_counts": {"2xx": 11, "4xx": 1, "5xx": 0},
      "estimated_cost_usd": 0.19
    }
  },
  "snapshots": {
    "snapshots_total": 4,
    "snapshots_by_status": {"queued": 0, "running": 0, "complete": 3, "partial": 1, "failed": 0}
  }
}
"""
JANUARY = "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z"


@pytest.mark.parametrize("query", [JANUARY, f"{JANUARY}&provider=dataforseo"])
def test_printed_example_to_the_byte(query):
    reply = Surnex(scenario="docs").ask(query)
    assert reply.body.decode() == json.dumps(json.loads(PRINTED), separators=(",", ":"))


def test_printed_refusal():
    assert Surnex().error("from=2026-02-01&to=2026-01-01")["details"] == {
        "issues": [{"path": ["from"], "message": "from must be before to", "code": "custom"}]
    }


UNAUTHORIZED = {"reason": "missing_or_invalid_api_key"}
BAD_KEY = {"x-api-key": "sk_wrong"}
BAD_BEARER = {"authorization": "Bearer sk_wrong"}


@pytest.mark.parametrize("query", [JANUARY, "from=x", "project_id=&provider="])
@pytest.mark.parametrize(
    ("headers", "behaviour"),
    [
        pytest.param({}, "surnex.key-required", id="none"),
        pytest.param(BAD_KEY, "surnex.wrong-key-refused", id="wrong key"),
        pytest.param(BAD_BEARER, "surnex.wrong-key-refused", id="wrong bearer"),
        pytest.param(KEY | BAD_BEARER, "surnex.wrong-key-refused", id="X14 wrong bearer beside a key"),
        pytest.param(BEARER | BAD_KEY, "surnex.wrong-key-refused", id="X14 wrong key beside a bearer"),
        pytest.param(KEY | {"authorization": "Basic x"}, "surnex.wrong-key-refused", id="X14 other scheme"),
        pytest.param({"authorization": "Bearer "}, "surnex.wrong-key-refused", id="bare scheme"),
        pytest.param({"authorization": KEY["x-api-key"]}, "surnex.wrong-key-refused", id="no scheme"),
        pytest.param({"x-api-key": ""}, "surnex.wrong-key-refused", id="empty"),
        pytest.param({"x-api-key": "smx_abcd1234"}, "surnex.wrong-key-refused", id="other generation"),
    ],
)
def test_unauthorized_before_validation(headers, behaviour, query):
    reply = Surnex().ask(query, headers=headers)
    error = json.loads(reply.body)["error"]
    assert (reply.status, reply.behaviour) == (401, behaviour)
    assert (error["code"], error["message"], error["details"]) == (
        "UNAUTHORIZED", "Unauthorized", UNAUTHORIZED,
    )  # fmt: skip
    assert error["request_id"].startswith("req_")


def test_either_credential_and_both_give_the_same_answer():
    answers = [Surnex().ask(JANUARY, headers=headers) for headers in (KEY, BEARER, KEY | BEARER)]
    assert answers[0].status == 200
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("headers", [KEY, {}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/usage"),
        ("OPTIONS", "/v1/usage"),
        ("GET", "/v1/usage/"),
        ("GET", "/V1/usage"),
        ("GET", "/"),
        ("HEAD", "/v1/usages"),
    ],
)
def test_other_routes_are_not_found(method, path, headers):
    reply = Surnex().ask(method=method, path=path, headers=headers)
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["details"]) == (404, "NOT_FOUND", {})
    reply = Surnex(switches={"not-found": "text"}).ask(method=method, path=path, headers=headers)
    assert (reply.status, reply.body) == (404, b"404 Not Found")
    assert reply.headers[0][1].startswith("text/plain")


def test_head_answers_like_get():
    assert Surnex().ask(JANUARY, method="HEAD") == Surnex().ask(JANUARY)


UUID4, UUID3 = (
    (["project_id"], "Invalid UUID", "invalid_format"),
    (["project_id"], "Invalid uuid", "invalid_string"),
)


@pytest.mark.parametrize(
    ("query", "zod4", "zod3"),
    [
        pytest.param("project_id=x", [UUID4], [UUID3], id="X11 uuid"),
        pytest.param("project_id=", [UUID4], [UUID3], id="empty uuid"),
        pytest.param(
            "provider=",
            [(["provider"], "Too small: expected string to have >=1 characters", "too_small")],
            [(["provider"], "String must contain at least 1 character(s)", "too_small")],
            id="X11 empty",
        ),
        pytest.param(
            "from=2026-01-01&from=2026-01-01",
            [(["from"], "Invalid input: expected string, received array", "invalid_type")],
            [(["from"], "Expected string, received array", "invalid_type")],
            id="X11 repeated",
        ),
        pytest.param(
            "to=&provider=&project_id=x&from=x",
            [
                UUID4,
                (["provider"], "Too small: expected string to have >=1 characters", "too_small"),
                (["from"], "from must be an ISO 8601 date or date-time", "custom"),
                (["to"], "Too small: expected string to have >=1 characters", "too_small"),
            ],
            [
                UUID3,
                (["provider"], "String must contain at least 1 character(s)", "too_small"),
                (["from"], "from must be an ISO 8601 date or date-time", "custom"),
                (["to"], "String must contain at least 1 character(s)", "too_small"),
            ],
            id="X12 declared order",
        ),
        pytest.param(
            "from=2026-02-01&to=2026-01-01&project_id=x", [UUID4], [UUID3], id="X12 rule after fields"
        ),
        pytest.param(
            "project_id=a&project_id=b",
            [(["project_id"], "Invalid input: expected string, received array", "invalid_type")],
            [(["project_id"], "Expected string, received array", "invalid_type")],
            id="repeated uuid",
        ),
    ],
)
def test_issues(query, zod4, zod3):
    assert Surnex().issues(query) == zod4
    assert Surnex(switches={"zod": "3"}).issues(query) == zod3


@pytest.mark.parametrize(
    ("text", "zod4", "zod3"),
    [
        pytest.param(PROJECTS[0], 200, 200, id="version 4"),
        pytest.param(PROJECTS[0].upper(), 200, 200, id="upper case"),
        pytest.param(PROJECTS[3], 200, 200, id="a project without calls"),
        pytest.param(OWN_PROJECT, 404, 404, id="X8 unknown project"),
        pytest.param("11111111-2222-1333-8444-555555555555", 404, 404, id="version 1"),
        pytest.param("11111111-2222-8333-b444-555555555555", 404, 404, id="version 8"),
        pytest.param("11111111-2222-9333-8444-555555555555", 400, 404, id="version 9"),
        pytest.param("11111111-2222-0333-8444-555555555555", 400, 404, id="version 0"),
        pytest.param("11111111-2222-4333-7444-555555555555", 400, 404, id="variant 7"),
        pytest.param("11111111-2222-4333-c444-555555555555", 400, 404, id="variant c"),
        pytest.param("00000000-0000-0000-0000-000000000000", 404, 404, id="nil"),
        pytest.param("ffffffff-ffff-ffff-ffff-ffffffffffff", 404, 404, id="max"),
        pytest.param("11111111222243338444555555555555", 400, 400, id="no hyphens"),
        pytest.param(f"{{{OWN_PROJECT}}}", 400, 400, id="braces"),
        pytest.param(f"urn:uuid:{OWN_PROJECT}", 400, 400, id="urn"),
        pytest.param(f"{OWN_PROJECT}%0A", 400, 400, id="newline"),
        pytest.param(f"%20{OWN_PROJECT}", 400, 400, id="space"),
        pytest.param("1111111١-2222-4333-8444-555555555555", 400, 400, id="Arabic digit"),
        pytest.param("null", 400, 400, id="null"),
    ],
)
def test_project_ids(text, zod4, zod3):
    assert Surnex().ask(f"project_id={text}").status == zod4
    assert Surnex(switches={"zod": "3"}).ask(f"project_id={text}").status == zod3


@pytest.mark.parametrize("side", ["from", "to"])
@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01", "2024-02-29", "0001-01-01", "9999-12-31", "2026-01-01T00:00:00Z",
        "2026-01-01t23:59:59z",
        "2026-01-01T00:00:00.5Z", f"2026-01-01T00:00:00.{'1' * 400}Z", "2026-01-01T05:30:00%2B05:30",
        "2026-01-01T00:00:00-00:00", "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59.999999-23:59",
        "9999-12-31T23:59:59.999999Z",
    ],
)  # fmt: skip
def test_bounds_that_are_answered_and_repeated_verbatim(side, text):
    body = Surnex().body(f"{side}={text}")
    assert body["range"] == {"from": None, "to": None, side: text.replace("%2B", "+")}


@pytest.mark.parametrize("side", ["from", "to"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-02-29", id="no leap day"),
        pytest.param("1900-02-29", id="no leap day in 1900"),
        pytest.param("2026-02-30T00:00:00Z", id="February 30"),
        pytest.param("0000-01-01", id="year 0"),
        pytest.param("10000-01-01", id="year 10000"),
        pytest.param("2026-01-01T00:00:00+05:30", id="a plus that became a space"),
        pytest.param("2026-01-01T00:00:00", id="no offset"),
        pytest.param("2026-01-01T00:00Z", id="no seconds"),
        pytest.param("2026-01-01 00:00:00Z", id="space"),
        pytest.param("2026-01-01T00:00:00.Z", id="bare dot"),
        pytest.param("2026-01-01T00:00:00,5Z", id="comma"),
        pytest.param("2016-12-31T23:59:60Z", id="leap second"),
        pytest.param("2026-01-01T24:00:00Z", id="hour 24"),
        pytest.param("2026-01-01T00:60:00Z", id="minute 60"),
        pytest.param("2026-01-01T00:00:00%2B24:00", id="offset of a day"),
        pytest.param("2026-01-01T00:00:00%2B05", id="offset without minutes"),
        pytest.param("2026-01-01T00:00:00%2B0530", id="offset without colon"),
        pytest.param("2026-01-01T00:00:00\u221205:30", id="U+2212"),
        pytest.param("2026-01-01T00:00:0٠Z", id="Arabic digit"),
        pytest.param("２０２６-01-01", id="full-width digits"),
        pytest.param("2026-01-01%0A", id="newline"),
        pytest.param("2026-01-01T00:00:00Z%0A", id="newline after Z"),
        pytest.param("2026-01-01%00", id="NUL"),
        pytest.param("20260101", id="basic"),
        pytest.param("2026-W01", id="week"),
        pytest.param("2026/01/01", id="slashes"),
        pytest.param("0", id="zero"),
        pytest.param("1767225600000", id="timestamp"),
        pytest.param("%", id="broken percent"),
        pytest.param("%ff", id="invalid UTF-8"),
        pytest.param("\udcff", id="lone surrogate"),
        pytest.param("null", id="null"),
        pytest.param("9" * 5000, id="5000 digits"),
    ],
)
def test_bad_bounds_are_refused(side, text):
    account = Surnex()
    assert account.issues(f"{side}={text}") == [
        ([side], f"{side} must be an ISO 8601 date or date-time", "custom")
    ]
    assert account.ask(f"{side}={text}").behaviour == "surnex.bad-date-refused"


def test_two_thousand_parameters_are_an_answer_like_any_other():
    assert Surnex().ask("&".join(f"p{n}=v" for n in range(2000))).status == 200
    assert Surnex().ask("&".join(f"from={n}" for n in range(2000))).status == 400


# 739,616 days lie between 0001-01-01 and 2026-01-01.
NEW_YEAR = 739_616 * 86_400_000_000


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("", None),
        ("2026-01-01", NEW_YEAR),
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2025-12-31T19:00:00-05:00", NEW_YEAR),
        ("2026-01-01T05:30:00+05:30", NEW_YEAR),
        ("2026-01-01T00:00:00.000001Z", NEW_YEAR + 1),
        ("2026-01-01T00:00:00.0000019Z", NEW_YEAR + 1),
        ("2026-01-01T00:00:00.5Z", NEW_YEAR + 500_000),
        ("0001-01-01T00:00:00+01:00", -3_600_000_000),
    ],
)
def test_instants_in_microseconds(text, microseconds):
    assert read_rfc3339(text) == microseconds


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-01-10",
        "2026-01-10T00:00:00%2B00:00",
        "2026-01-10T05:30:00%2B05:30",
        "2026-01-09T16:00:00.000-08:00",
    ],
)
def test_the_same_instant_in_another_spelling_has_the_same_figures(spelling):
    account = Surnex()
    plain, other = account.body("from=2026-01-10T00:00:00Z"), account.body(f"from={spelling}")
    assert plain.pop("range") != other.pop("range")
    assert plain == other


def test_switch_equal_bounds():
    query = "from=2026-01-10&to=2026-01-10T00:00:00Z"
    assert Surnex().issues(query) == [(["from"], "from must be before to", "custom")]
    assert Surnex(switches={"equal-bounds": "empty"}).body(query)["totals"]["calls_total"] == 0
    later = "from=2026-01-11&to=2026-01-10"
    assert Surnex(switches={"equal-bounds": "empty"}).ask(later).status == 400


AT = datetime(2026, 3, 17, 12, tzinfo=UTC)


def test_switch_bound_end():
    events = [Call(AT), Call(AT + timedelta(microseconds=1))]
    query = "from=2026-03-17&to=2026-03-17T12:00:00Z"
    assert Surnex(*events, scenario="empty").body(query)["totals"]["calls_total"] == 0
    account = Surnex(*events, scenario="empty", switches={"bound-end": "inclusive"})
    assert account.body(query)["totals"]["calls_total"] == 1
    assert account.ask("to=9999-12-31T23:59:59.999999Z").status == 200
    assert Surnex(*events, scenario="empty").body("from=2026-03-17T12:00:00Z")["totals"]["calls_total"] == 2


def test_switch_unknown_project():
    account = Surnex(switches={"unknown-project": "empty"})
    body = account.body(f"project_id={OWN_PROJECT}")
    assert (body["totals"]["calls_total"], body["providers"]) == (0, {})
    assert Surnex().error(f"project_id={OWN_PROJECT}", 404)["code"] == "NOT_FOUND"


def test_switch_unknown_provider():
    body = Surnex().body("provider=nobody")
    assert (body["provider"], body["totals"]["calls_total"], body["providers"]) == ("nobody", 0, {})
    options = ["dataforseo", "openai", "perplexity", "serpapi"]
    four = "|".join(f'"{option}"' for option in options)
    assert Surnex(switches={"unknown-provider": "refuse"}).issues("provider=nobody") == [
        (["provider"], f"Invalid option: expected one of {four}", "invalid_value")
    ]
    three = " | ".join(f"'{option}'" for option in options)
    assert Surnex(switches={"unknown-provider": "refuse", "zod": "3"}).issues("provider=nobody") == [
        (["provider"], f"Invalid enum value. Expected {three}, received 'nobody'", "invalid_enum_value")
    ]
    own = Surnex(Call(AT, "own"), switches={"unknown-provider": "refuse"})
    assert own.body("provider=own")["totals"]["calls_total"] == 1


NO_CALLS = {
    "calls_total": 0,
    "calls_by_operation": {},
    "avg_latency_ms": None,
    "p95_latency_ms": None,
    "http_status_counts": {"2xx": 0, "4xx": 0, "5xx": 0},
    "estimated_cost_usd": 0,
}


def test_no_calls():
    body = Surnex(scenario="empty").body()
    assert body["totals"] == NO_CALLS
    assert (body["provider"], body["providers"], body["range"]) == ("all", {}, {"from": None, "to": None})
    assert body["snapshots"] == {
        "snapshots_total": 0,
        "snapshots_by_status": {"queued": 0, "running": 0, "complete": 0, "partial": 0, "failed": 0},
    }
    zero = Surnex(scenario="empty", switches={"no-calls-latency": "zero"}).body()["totals"]
    assert zero == NO_CALLS | {"avg_latency_ms": 0, "p95_latency_ms": 0}


def test_switch_unfiltered_provider():
    assert Surnex(Call(AT), scenario="empty").body()["provider"] == "all"
    only = {"unfiltered-provider": "only"}
    assert Surnex(Call(AT), scenario="empty", switches=only).body()["provider"] == "dataforseo"
    assert Surnex(Call(AT), Call(AT, "b"), scenario="empty", switches=only).body()["provider"] == "all"
    assert Surnex(scenario="empty", switches=only).body()["provider"] == "all"


def test_request_id_is_fixed_by_the_request_or_unique():
    ids = [dict(Surnex().ask(query).headers)["x-request-id"] for query in ("", "", "a=b")]
    assert ids[0] == ids[1] != ids[2]
    assert dict(Surnex(seed=2).ask().headers)["x-request-id"] != ids[0]
    account = Surnex(switches={"request-id": "unique"})
    replies = [account.ask("from=x") for _ in range(5)]
    assert len({reply.body for reply in replies}) == 5
    assert not any(reply.keep for reply in replies)
    assert Surnex().ask().keep


@pytest.mark.parametrize("text", ["%00", "\udcff", "%22%5C", "%F0%9F%98%80", "%FF", "a" * 5000, "+"])
def test_strange_providers_come_back_as_sent(text):
    reply = Surnex().ask(f"provider={text}")
    assert reply.status == 200
    sent = {"%00": "\0", "%22%5C": '"\\', "%F0%9F%98%80": "😀", "%FF": "\ufffd", "+": " "}.get(text, text)
    assert json.loads(reply.body)["provider"] == sent


def test_account_id_is_a_version_4_uuid_of_the_seed():
    ids = [Surnex(seed=seed).body()["account_id"] for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert all(UUID(found).version == 4 and str(UUID(found)) == found for found in ids)


def test_added_calls_are_exact_and_come_on_top():
    account = Surnex(
        Call(AT, "own", "x", 200, 1, 0.000249, OWN_PROJECT), Call(AT, "own", "y", 503, 2, 0.1),
        Call(AT, "own", "x", 299, 2, 0.2), Call(NOW + timedelta(seconds=1), "own"),
        Snapshot(AT, "failed", OWN_PROJECT),
    )  # fmt: skip
    entry = account.body("provider=own")["providers"]["own"]
    assert entry == {
        "calls_total": 3,
        "calls_by_operation": {"x": 2, "y": 1},
        # 5 / 3 rounded half up to two decimals
        "avg_latency_ms": Decimal("1.67"),
        "p95_latency_ms": 2,
        "http_status_counts": {"2xx": 2, "4xx": 0, "5xx": 1},
        "estimated_cost_usd": Decimal("0.300249"),
    }
    own = account.body(f"project_id={OWN_PROJECT.upper()}")
    assert own["totals"]["calls_total"] == own["snapshots"]["snapshots_total"] == 1
    account.world.change("surnex", clock=Clock(frozen=NOW + timedelta(seconds=1)))
    assert account.body("provider=own")["totals"]["calls_total"] == 4
    today = "from=2026-03-18&to=2026-03-18T15:00:02Z"
    assert (
        account.body(today)["totals"]["calls_total"]
        > account.body(today + "&provider=own")["totals"]["calls_total"]
    )


def test_tallies_keep_latencies_ascending():
    tally = tallied([Call(AT, latency_ms=latency) for latency in (3, 1, 2)])
    assert list(tally.latencies) == [1, 2, 3]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=120), st.integers(1, 5))
@example([7], 1)
@example(list(range(19)), 1)
@example(list(range(20)), 1)
@example(list(range(21)), 1)
@example(list(range(100)), 3)
def test_p95_is_the_nearest_rank_and_the_average_is_rounded_half_up(latencies, days):
    calls = [Call(AT - timedelta(days=n % days), latency_ms=latency) for n, latency in enumerate(latencies)]
    totals = Surnex(*calls, scenario="empty").body()["totals"]
    # The smallest value that at least 95 % of all values do not exceed.
    enough = 95 * len(latencies)
    nearest = min(x for x in latencies if 100 * sum(y <= x for y in latencies) >= enough)
    assert totals["p95_latency_ms"] == nearest
    mean = Decimal(sum(latencies)) / len(latencies)
    assert totals["avg_latency_ms"] == math.floor(mean * 100 + Decimal("0.5")) / Decimal(100)


def counted(body):
    totals, snapshots = body["totals"], body["snapshots"]
    return Counter(
        {("operation", name): count for name, count in totals["calls_by_operation"].items()}
        | {("class", name): count for name, count in totals["http_status_counts"].items()}
        | {("state", name): count for name, count in snapshots["snapshots_by_status"].items()}
        | {"cost": totals["estimated_cost_usd"], "calls": totals["calls_total"]}
        | {"snapshots": snapshots["snapshots_total"]}
    )


def consistent(body):
    for entry in [body["totals"], *body["providers"].values()]:
        assert entry["calls_total"] == sum(entry["calls_by_operation"].values())
        assert entry["calls_total"] == sum(entry["http_status_counts"].values())
    snapshots = body["snapshots"]
    assert snapshots["snapshots_total"] == sum(snapshots["snapshots_by_status"].values())
    providers = body["providers"].values()
    for name in ("calls_total", "estimated_cost_usd"):
        assert body["totals"][name] == sum(entry[name] for entry in providers)
    return counted(body)


SECONDS = st.integers(0, 30 * 86_400)


@given(st.lists(SECONDS, min_size=3, max_size=3, unique=True), st.sampled_from([None, *PROJECTS]))
def test_windows_add_up(seconds, project):
    account = Surnex()
    first = datetime(2026, 2, 20, tzinfo=UTC)
    a, b, c = (f"{first + timedelta(seconds=s):%Y-%m-%dT%H:%M:%SZ}" for s in sorted(seconds))
    only = f"&project_id={project}" if project else ""
    whole, left, right = (
        consistent(account.body(f"from={start}&to={stop}{only}")) for start, stop in ((a, c), (a, b), (b, c))
    )
    adds_up = +whole == +(left + right)
    assert adds_up


def test_providers_partition_the_totals_and_projects_stay_within():
    account = Surnex()
    every = account.body("from=2026-01-01")
    assert len(every["providers"]) >= 4
    parts = Counter()
    for name, entry in every["providers"].items():
        one = account.body(f"from=2026-01-01&provider={name}")
        assert (one["provider"], one["providers"], one["totals"]) == (name, {name: entry}, entry)
        assert one["snapshots"] == every["snapshots"]
        parts += Counter({key: count for key, count in counted(one).items() if key[0] != "state"})
    whole = counted(every)
    assert all(parts[key] == whole[key] for key in whole if key != "snapshots" and key[0] != "state")
    projects = [account.body(f"from=2026-01-01&project_id={project}") for project in PROJECTS]
    calls = [body["totals"]["calls_total"] for body in projects]
    assert calls[3] == 0
    assert 0 < sum(calls) < every["totals"]["calls_total"]


def test_a_busy_year_has_everything():
    account = Surnex(now=datetime(2027, 1, 1, tzinfo=UTC))
    body = account.body("from=2026-01-01")
    assert all(body["totals"]["http_status_counts"].values())
    assert all(body["snapshots"]["snapshots_by_status"].values())
    shared = [set(entry["calls_by_operation"]) for entry in body["providers"].values()]
    assert any(a & b for n, a in enumerate(shared) for b in shared[n + 1 :])
    days = [date(2026, 1, 1) + timedelta(n) for n in range(364)]
    counts = {
        day: account.body(f"from={day}&to={day + timedelta(1)}")["totals"]["calls_total"] for day in days
    }
    full = sorted(count for day, count in counts.items() if day.weekday() < 5)
    assert 25 <= full[len(full) // 2] <= 40
    assert 5 < list(counts.values()).count(0) < 60


@pytest.mark.parametrize(
    ("query", "behaviour"),
    [
        (JANUARY, "surnex.totals-are-sums"),
        (f"{JANUARY}&provider=serpapi", "surnex.provider-filter"),
        (f"{JANUARY}&project_id={PROJECTS[0]}", "surnex.filter-never-more"),
        ("provider=nobody", "surnex.unknown-provider-empty"),
        ("to=2019-01-01", "surnex.no-calls-no-latency"),
        ("from=2026-03-18T15:00:01Z", "surnex.nothing-later"),
    ],
)
def test_answers_name_their_behaviour(query, behaviour):
    assert Surnex().ask(query).behaviour == behaviour


def test_nothing_lies_in_the_future():
    assert Surnex().body("from=2026-03-18T15:00:00.000001Z")["totals"] == NO_CALLS
    past = consistent(Surnex().body())
    assert consistent(Surnex().body("to=9999-12-31")) == past


def test_one_days_events_are_pinned():
    events = surnex.seeded(Chance("surnex", 1, "2026-03-02"), date(2026, 3, 2))
    assert (
        hashlib.sha256(repr(events).encode()).hexdigest()
        == "325e2a9f1e3c558e37e1cbd97e1168f1e046b1fdd99953e33bd0dc531c819dfd"
    )


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        (Call, {"status": 301}, ValueError),
        (Call, {"status": 600}, ValueError),
        (Call, {"latency_ms": -1}, ValueError),
        (Call, {"latency_ms": 1.5}, TypeError),
        (Call, {"cost_usd": float("nan")}, ValueError),
        (Call, {"provider": ""}, ValueError),
        (Call, {"project_id": "p1"}, ValueError),
        (Call, {"project_id": 5}, TypeError),
        (Snapshot, {"status": "done"}, ValueError),
        (Snapshot, {"project_id": OWN_PROJECT.replace("4333", "433G")}, ValueError),
    ],
)
def test_impossible_events_are_refused(kind, fields, error):
    with pytest.raises(error):
        kind(**{"at": AT} | fields)
