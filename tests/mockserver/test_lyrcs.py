"""Lyrcs' fake against the vendor's page, the defaults chosen where it is silent, and itself."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from usage_mockserver.chance import Chance
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply, Request
from usage_mockserver.ledger import Extended
from usage_mockserver.providers import lyrcs
from usage_mockserver.providers.lyrcs import Call, Job
from usage_mockserver.scenarios import seeded_ledger
from usage_mockserver.world import Settings, World

KEY = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}
NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
PATH = "/api/v1/usage"


class Lyrcs:
    """One account to ask."""

    def __init__(self, *events, scenario="busy", now=NOW, requests=0, **settings):
        self.world = World(["lyrcs"], Settings(scenario=scenario, clock=Clock(frozen=now), **settings))
        self.account = replace(self.world.account("lyrcs"), requests=requests)
        if events:
            ledger = Extended(self.account.ledger)
            ledger.add(events)
            self.account = replace(self.account, ledger=ledger)

    def ask(self, query="", *, method="GET", path=PATH, headers=KEY, base="") -> Reply:
        return lyrcs.answer(Request(method, path, query, headers, base), self.account)

    def body(self, query=""):
        reply = self.ask(query)
        assert reply.status == 200
        return json.loads(reply.body)


def test_printed_example():
    assert Lyrcs(scenario="docs").ask().body == (
        b'{"org_id":"org_abc123","period":"all_time","total_jobs":142,"completed_jobs":138,'
        b'"total_duration_seconds":49320,'
        b'"jobs_by_language":{"Hindi":58,"Tamil":44,"Telugu":22,"Punjabi":18},"api_calls":612}'
    )


def test_printed_example_holds_every_kind_of_job():
    assert sorted(
        (job.status, job.align) for job in lyrcs.DOCS if job.status != "completed" or not job.align
    ) == [
        ("completed", False),
        ("completed", False),
        ("failed", True),
        ("processing", True),
    ]


def test_no_jobs_yet():
    body = Lyrcs(scenario="empty").body()
    assert body.pop("org_id").startswith("org_")
    assert body == {
        "period": "all_time",
        "total_jobs": 0,
        "completed_jobs": 0,
        "total_duration_seconds": 0,
        "jobs_by_language": {},
        "api_calls": 0,
    }


QUOTA = [
    ("x-ratelimit-limit-minute", "10"),
    ("x-ratelimit-limit-hour", "100"),
    ("x-ratelimit-limit-day", "1000"),
    ("x-ratelimit-remaining-minute", "9"),
    ("x-ratelimit-remaining-hour", "99"),
    ("x-ratelimit-remaining-day", "999"),
]


@pytest.mark.parametrize(
    ("switches", "status"),
    [({}, 200), ({"restricted-key": "on"}, 403), ({"extra-query": "refuse"}, 400)],
)
def test_quota_on_every_authenticated_answer(switches, status):
    reply = Lyrcs(switches=switches).ask("a=b")
    assert reply.status == status
    assert [header for header in reply.headers if header[0].startswith("x-ratelimit")] == QUOTA
    off = Lyrcs(switches={**switches, "quota-headers": "off"}).ask("a=b")
    assert [header for header in reply.headers if header not in QUOTA] == list(off.headers)


def test_no_quota_without_a_key():
    assert not [name for name, _ in Lyrcs().ask(headers={}).headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("headers", "behaviour"),
    [
        pytest.param({}, "lyrcs.key-required", id="L1 missing"),
        pytest.param(
            {"authorization": "Bearer lyrcs_sk_live_wrong"}, "lyrcs.wrong-key-refused", id="L1 wrong"
        ),
        pytest.param(
            {"authorization": "Bearer sk_live_other"}, "lyrcs.wrong-key-refused", id="L1 other service"
        ),
        pytest.param(
            {"authorization": "bearer lyrcs_sk_live_usagekit_demo"},
            "lyrcs.wrong-key-refused",
            id="L13 scheme",
        ),
        pytest.param(
            {"authorization": "lyrcs_sk_live_usagekit_demo"}, "lyrcs.wrong-key-refused", id="no scheme"
        ),
        pytest.param({"authorization": ""}, "lyrcs.wrong-key-refused", id="empty"),
    ],
)
def test_without_a_good_key(method, headers, behaviour):
    reply = Lyrcs(switches={"restricted-key": "on", "extra-query": "refuse"}).ask(
        "a=b", method=method, headers=headers
    )
    assert (reply.status, reply.behaviour) == (401, behaviour)
    body = json.loads(reply.body)
    assert (list(body), body["error"], body["code"]) == (
        ["error", "message", "code"],
        "unauthorized",
        "AUTH_001",
    )


@pytest.mark.parametrize(
    ("switches", "status", "error", "code", "behaviour"),
    [
        pytest.param({"restricted-key": "on"}, 403, "forbidden", "AUTH_002", "lyrcs.restricted-key", id="L2"),
        pytest.param(
            {"extra-query": "refuse"},
            400,
            "validation_error",
            "VAL_001",
            "lyrcs.extra-query-answered",
            id="L3",
        ),
    ],
)
def test_switch_of_refusals(switches, status, error, code, behaviour):
    reply = Lyrcs(switches=switches).ask("from=2026-01-01")
    body = json.loads(reply.body)
    assert (reply.status, reply.behaviour) == (status, behaviour)
    assert (list(body), body["error"], body["code"]) == (["error", "message", "code"], error, code)


def test_without_a_query_nothing_is_refused():
    assert Lyrcs(switches={"extra-query": "refuse"}).ask("").status == 200


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "headers"),
    [
        pytest.param("POST", PATH, "", 405, {}, id="L12 405, empty, no allow"),
        pytest.param("DELETE", PATH, "", 405, {}, id="L12 DELETE"),
        pytest.param("get", PATH, "", 405, {}, id="L12 methods have a case"),
        pytest.param("OPTIONS", PATH, "", 204, {"allow": "GET, HEAD, OPTIONS"}, id="L12 OPTIONS"),
        pytest.param("GET", f"{PATH}/", "", 308, {"location": PATH}, id="L12 slash"),
        pytest.param(
            "POST", f"{PATH}/", "a=%20b", 308, {"location": f"{PATH}?a=%20b"}, id="L12 slash and query"
        ),
        pytest.param(
            "GET", "//elsewhere.example/", "", 308, {"location": "/elsewhere.example"}, id="no open redirect"
        ),
        pytest.param("GET", "/\r\nx: y/", "", 308, {"location": "/%0D%0Ax:%20y"}, id="no header injection"),
    ],
)
def test_manners_of_next(method, path, query, status, headers):
    reply = Lyrcs().ask(query, method=method, path=path, headers={})
    assert (reply.status, reply.body, reply.behaviour) == (status, b"", "")
    shown = dict(reply.headers)
    assert {name: shown[name] for name in shown if name != "vary"} == headers


def test_redirect_keeps_the_prefix():
    reply = Lyrcs().ask("a=b", path=f"{PATH}/", base="/lyrcs")
    assert dict(reply.headers)["location"] == "/lyrcs/api/v1/usage?a=b"


@pytest.mark.parametrize(
    "path", ["/", "", "/api/v1/nope", "/API/v1/usage", "//api/v1/usage", "/api/v1/usage\x00"]
)
def test_unknown_path_is_html(path):
    reply = Lyrcs().ask(path=path)
    assert (reply.status, dict(reply.headers)["content-type"]) == (404, "text/html; charset=utf-8")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_head_runs_get():
    assert Lyrcs().ask(method="HEAD") == Lyrcs().ask()


def test_answer_headers():
    shown = dict(Lyrcs(switches={"quota-headers": "off"}).ask().headers)
    assert shown.pop("vary").startswith("rsc, next-router-")
    assert shown == {"content-type": "application/json", "cache-control": "no-store"}


DAY = datetime(2026, 1, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([Job(DAY)], (1, 1, 180, {"Hindi": 1}, 1), id="one job"),
        pytest.param([Job(DAY, status="failed")], (1, 0, 180, {"Hindi": 1}, 1), id="L9 failed"),
        pytest.param([Job(DAY, status="processing")], (1, 0, 0, {"Hindi": 1}, 1), id="L10 not finished"),
        pytest.param([Job(DAY, align=False)], (1, 0, 180, {"Hindi": 1}, 1), id="L8 never an LRC file"),
        pytest.param([Job(DAY, calls=0)] * 20, (20, 20, 3600, {"Hindi": 20}, 0), id="a batch"),
        pytest.param([Call(DAY, count=7)], (0, 0, 0, {}, 7), id="requests without jobs"),
        pytest.param(
            [Job(DAY, seconds=0.6)] * 3, (3, 3, 1, {"Hindi": 3}, 3), id="L7 whole seconds of the sum"
        ),
        pytest.param([Job(NOW + timedelta(seconds=1))], (0, 0, 0, {}, 0), id="later than the clock"),
        pytest.param(
            [Job(datetime(1999, 1, 1, tzinfo=UTC))], (1, 1, 180, {"Hindi": 1}, 1), id="all time is all time"
        ),
    ],
)
def test_counted(events, expected):
    body = Lyrcs(*events, scenario="empty").body()
    assert tuple(body[name] for name in list(body)[2:]) == expected


def test_languages_by_falling_count_then_name():
    jobs = [Job(DAY, name) for name in ("Urdu", "Tamil", "Oriya", "Tamil", "Hindi", "Urdu")]
    assert list(Lyrcs(*jobs, scenario="empty").body()["jobs_by_language"].items()) == [
        ("Tamil", 2),
        ("Urdu", 2),
        ("Hindi", 1),
        ("Oriya", 1),
    ]


@pytest.mark.parametrize(
    ("seconds", "written"), [((0.1, 0.2), b"0.3,"), ((0.5, 1.5), b"2,"), ((120.25,), b"120.25,")]
)
def test_switch_fractional_duration(seconds, written):
    jobs = [Job(DAY, seconds=each) for each in seconds]
    reply = Lyrcs(*jobs, scenario="empty", switches={"duration": "fractional"}).ask()
    assert b'"total_duration_seconds":' + written in reply.body


@pytest.mark.parametrize(("choice", "more"), [("frozen", 0), ("live", 41)])
def test_switch_live_calls(choice, more):
    live = Lyrcs(requests=41, switches={"api-calls": choice})
    assert live.body()["api_calls"] - Lyrcs().body()["api_calls"] == more
    assert live.ask().keep is (more == 0)


@pytest.mark.parametrize("query", ["from=2026-01-01&to=2026-01-31", "from=bad", "period=month", "=", "%"])
def test_query_changes_nothing(query):
    assert Lyrcs().ask(query) == Lyrcs().ask()


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_same_seed_same_bytes(seed):
    first = Lyrcs(seed=seed).ask().body
    seeded_ledger.cache_clear()
    Lyrcs(seed=seed, now=NOW - timedelta(days=400)).ask()
    assert Lyrcs(seed=seed).ask().body == first


def test_organisation_belongs_to_the_seed():
    one, again, other = (Lyrcs(seed=seed, now=now).body() for seed, now in ((1, NOW), (1, DAY), (2, NOW)))
    assert one["org_id"] == again["org_id"] != other["org_id"]
    assert one["total_jobs"] != other["total_jobs"]


def test_time_never_takes_anything_away():
    before = Lyrcs(now=NOW - timedelta(days=60)).body()
    for hours in range(0, 60 * 24 + 1, 37):
        after = Lyrcs(now=NOW - timedelta(days=60) + timedelta(hours=hours)).body()
        for name in ("total_jobs", "completed_jobs", "total_duration_seconds", "api_calls"):
            assert before[name] <= after[name]
        assert all(
            after["jobs_by_language"][name] >= jobs for name, jobs in before["jobs_by_language"].items()
        )
        before = after
    assert before["total_jobs"] > Lyrcs(now=NOW - timedelta(days=60)).body()["total_jobs"]


@pytest.mark.parametrize("scenario", ["busy", "sparse", "docs", "empty"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_agree(scenario, seed):
    body = Lyrcs(scenario=scenario, seed=seed).body()
    assert body["completed_jobs"] <= body["total_jobs"] == sum(body["jobs_by_language"].values())
    assert body["api_calls"] * 20 >= body["total_jobs"]
    counts = list(body["jobs_by_language"].values())
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_branch_is_inhabited(seed):
    days = [date(2025, 1, 1) + timedelta(days=back) for back in range(730)]
    by_day = [lyrcs.seeded(Chance("lyrcs", seed, day), day) for day in days]
    events = [event for day in by_day for event in day]
    jobs = [event for event in events if isinstance(event, Job)]
    assert any(not day for day in by_day)
    assert 0 < len(jobs) < len(events)
    assert {job.status for job in jobs} == {"completed", "processing", "failed"}
    assert {job.align for job in jobs} == {True, False}
    assert {job.language for job in jobs} >= {"Hindi", "Tamil", "Telugu", "Punjabi", "English"}
    assert {job.calls > 0 for job in jobs} == {True, False}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Job(None), TypeError, "at is None"),
        (lambda: Job(DAY, language=""), ValueError, "language is empty"),
        (lambda: Job(DAY, seconds=-1), ValueError, "seconds is -1"),
        (lambda: Job(DAY, status="done"), ValueError, "status is 'done'; it must be one of completed,"),
        (lambda: Job(DAY, calls=0.5), TypeError, "calls is 0.5"),
        (lambda: Call(DAY, count=-1), ValueError, "count is -1"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_name(make, error, words):
    with pytest.raises(error, match=re.escape(words)):
        make()


HOSTILE = [
    "%00",
    "\x00",
    "%",
    "%zz=%",
    "=",
    "&&&",
    "a[]=1",
    "\ud800=\udcff",
    "a=\r\nx:y",
    "x" * 100_000,
    "&".join("ab" * 1000),
]


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:40])
@pytest.mark.parametrize("switches", [{}, {"extra-query": "refuse"}])
def test_no_request_breaks_it(query, switches):
    lyrcs = Lyrcs(scenario="sparse", switches=switches)
    for method in ("GET", "HEAD", "OPTIONS", "POST", ""):
        for path in (PATH, f"{PATH}/", "/\ud800/", "///", "/é/\\/"):
            reply = lyrcs.ask(query, method=method, path=path)
            assert reply.status < 500
            for name, value in reply.headers:
                assert re.fullmatch("[!-~]+", name)
                assert re.fullmatch("[ -~]*", value)


@pytest.mark.parametrize("value", ["", "\x00", "é", "Bearer", "Bearer \ud800é", "\ud800", "x" * 100_000])
def test_no_header_breaks_it(value):
    assert Lyrcs().ask(headers={"authorization": value}).status == 401
