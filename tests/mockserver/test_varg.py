"""Varg's fake against the vendor's page, the defaults chosen where it is silent, and itself."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from usage_mockserver.chance import Chance
from usage_mockserver.clock import Clock
from usage_mockserver.dates import read_day
from usage_mockserver.http import Reply, Request
from usage_mockserver.ledger import Extended
from usage_mockserver.providers import varg
from usage_mockserver.providers.varg import Job
from usage_mockserver.scenarios import seeded_ledger
from usage_mockserver.world import Settings, World

KEY = {"authorization": "Bearer varg_usagekit_demo"}
NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)


class Varg:
    """One account to ask."""

    def __init__(self, *events, scenario="busy", now=NOW, **settings):
        self.world = World(["varg"], Settings(scenario=scenario, clock=Clock(frozen=now), **settings))
        self.account = self.world.account("varg")
        if events:
            ledger = Extended(self.account.ledger)
            ledger.add(events)
            self.account = replace(self.account, ledger=ledger)

    def ask(self, query="", *, method="GET", path="/v1/usage", headers=KEY, base="") -> Reply:
        return varg.answer(Request(method, path, query, headers, base), self.account)

    def body(self, query=""):
        reply = self.ask(query)
        assert (reply.status, reply.headers) == (200, (("content-type", "application/json"),))
        return json.loads(reply.body)

    def days(self, query=""):
        return [record["created_at"][:10] for record in self.body(query)["usage"]]


def test_printed_example():
    body = Varg(scenario="docs").body()
    assert list(body) == ["usage", "total_cents"]
    assert body["total_cents"] == 1250
    assert len(body["usage"]) == 50
    assert list(body["usage"][0].items()) == [
        ("job_id", "job_a1b2c3d4"),
        ("model", "fal:kling-v2.5"),
        ("capability", "video"),
        ("cost_cents", 25),
        ("cache_hit", False),
        ("created_at", "2026-02-13T10:00:00Z"),
    ]
    assert sum(record["cost_cents"] for record in body["usage"]) == 1250


def test_printed_window_is_inhabited():
    days = Varg(scenario="docs").days("from=2026-01-01&to=2026-01-31")
    assert len(days) > 10
    assert all(day.startswith("2026-01-") for day in days)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("query", ["", "from=bad", "from=2026-02-01&to=2026-01-01"])
@pytest.mark.parametrize(
    ("headers", "behaviour"),
    [
        pytest.param({}, "varg.key-required", id="V5 missing"),
        pytest.param({"x-api-key": "varg_usagekit_demo"}, "varg.key-required", id="V5 in another header"),
        pytest.param({"authorization": "Bearer varg_wrong"}, "varg.wrong-key-refused", id="V5 wrong"),
        pytest.param({"authorization": "Bearer sk_another"}, "varg.wrong-key-refused", id="V5 other service"),
        pytest.param({"authorization": "Basic varg_usagekit_demo"}, "varg.wrong-key-refused", id="V5 scheme"),
        pytest.param({"authorization": ""}, "varg.wrong-key-refused", id="V5 empty"),
    ],
)
def test_without_a_good_key(method, query, headers, behaviour):
    reply = Varg().ask(query, method=method, headers=headers)
    assert (reply.status, reply.behaviour) == (401, behaviour)
    assert reply.body == b'{"error":"AuthError","message":"Invalid API key","statusCode":401}'


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-31", date(2026, 1, 31)),
        ("2024-02-29", date(2024, 2, 29)),
        ("2000-02-29", date(2000, 2, 29)),
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        *((text, None) for text in (
            "", "2026-02-29", "1900-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00",
            "2026-01-32", "0000-01-01", "10000-01-01", "-2026-01-01", "2026-1-1", "20260101", "2026/01/01",
            "2026-W01-1",
            "2026-001", "01-01-2026", " 2026-01-01", "2026-01-01 ", "2026-01-01\n", "2026-01-01\x00",
            "2026-01-01Z", "2026-01-01T00:00:00Z", "２０２６-01-01", "٢٠٢٦-٠١-٠١", "null", "0",
            "\ud800", "9" * 10_000,
        )),
    ],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
@pytest.mark.parametrize("name", ["from", "to"])
def test_date(name, text, day):
    assert read_day(text) == day
    reply = Varg(scenario="docs").ask(f"{name}={escaped(text)}")
    if day is not None:
        assert reply.status == 200
        return
    assert (reply.status, reply.behaviour) == (400, "varg.bad-date-refused")
    assert json.loads(reply.body) == {
        "error": "ValidationError",
        "message": f"{name} must be a date (YYYY-MM-DD)",
        "field": name,
        "statusCode": 400,
    }


def escaped(text):
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


DAY = datetime(2026, 1, 20, 10, tzinfo=UTC)
EVENTS = (
    Job(datetime(2026, 1, 19, 23, 59, 59, 999_999, tzinfo=UTC), cost_cents=1),
    Job(datetime(2026, 1, 20, tzinfo=UTC), cost_cents=2),
    Job(datetime(2026, 1, 20, 23, 59, 59, 999_999, tzinfo=UTC), cost_cents=4),
    Job(datetime(2026, 1, 21, tzinfo=UTC), cost_cents=8),
    Job(NOW + timedelta(seconds=1), cost_cents=16),
)


@pytest.mark.parametrize(
    ("query", "total"),
    [
        pytest.param("", 15, id="V1 no bounds, nothing later than the clock"),
        pytest.param("from=2026-01-20&to=2026-01-20", 6, id="V7 one day, both ends included"),
        pytest.param("from=2026-01-20", 14, id="V1 only from"),
        pytest.param("to=2026-01-20", 7, id="V1 only to"),
        pytest.param("from=0001-01-01&to=9999-12-31", 15, id="the widest window"),
        pytest.param("from=2026-01-21&to=2026-01-20", 0, id="V3 reversed"),
        pytest.param("from=bad&from=2026-01-21", 8, id="repeated: the last wins"),
        pytest.param("page=2&limit=1", 15, id="V11 no paging"),
        pytest.param("From=2026-01-21", 15, id="names have a case"),
        pytest.param("%66rom=2026-01-2%31", 8, id="percent-encoded"),
        pytest.param("from=2026-01-21&to=2026-12-31", 8, id="nothing later than the clock in a window"),
        pytest.param("from=2027-01-01", 0, id="the future"),
    ],
)
def test_window(query, total):
    body = Varg(*EVENTS, scenario="empty").body(query)
    assert body["total_cents"] == total
    assert sum(record["cost_cents"] for record in body["usage"]) == total


def test_nothing_used():
    assert Varg(scenario="empty").ask().body == b'{"usage":[],"total_cents":0}'


def test_a_record_as_it_is_written():
    job = Job(DAY, "elevenlabs:music-v1", "music", 40, job_id="job_mine")
    assert Varg(job, scenario="empty").ask().body == (
        b'{"usage":[{"job_id":"job_mine","model":"elevenlabs:music-v1","capability":"music","cost_cents":40,'
        b'"cache_hit":false,"created_at":"2026-01-20T10:00:00Z"}],"total_cents":40}'
    )


@pytest.mark.parametrize(
    ("jobs", "total"),
    [
        pytest.param([Job(DAY, cost_cents=0.1)] * 3, b"0.3", id="tenths"),
        pytest.param([Job(DAY, cost_cents=0.5)] * 2, b"1", id="a whole sum has no fraction"),
        pytest.param([Job(DAY, cost_cents=12.0)], b"12", id="a whole float has none either"),
        pytest.param([Job(DAY, cost_cents=25, cache_hit=True)], b"0", id="cache hits are free"),
    ],
)
def test_total_as_it_is_written(jobs, total):
    assert Varg(*jobs, scenario="empty").ask().body.endswith(b'],"total_cents":%b}' % total)


def test_equal_jobs_are_told_apart_and_keep_their_ids():
    twins = [Job(DAY)] * 3
    ids = [record["job_id"] for record in Varg(*twins, scenario="empty").body()["usage"]]
    assert len(set(ids)) == 3
    assert ids == [record["job_id"] for record in Varg(*twins, scenario="empty").body()["usage"]]
    late = datetime(2026, 1, 20, 10, 0, 1, tzinfo=UTC)
    more = Varg(*twins, Job(late), scenario="empty", now=late).body()["usage"]
    assert [record["job_id"] for record in more[1:]] == ids


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/usage"),
        ("PUT", "/v1/usage"),
        ("DELETE", "/v1/usage"),
        ("OPTIONS", "/v1/usage"),
        ("GET", "/v1/usage/"),
        ("GET", "/V1/usage"),
        ("GET", "/usage"),
        ("GET", "//v1/usage"),
        ("GET", "/"),
        ("GET", ""),
        ("GET", "/v1/\ud800"),
    ],
)
def test_anything_else_is_not_found(method, path):
    reply = Varg().ask(method=method, path=path)
    body = json.loads(reply.body)
    assert (reply.status, body["error"], body["statusCode"]) == (404, "NotFoundError", 404)
    assert set(body) == {"error", "message", "statusCode"}


def test_head_answers_like_get():
    varg = Varg()
    assert varg.ask(method="HEAD") == varg.ask()


def test_switch_bad_date_ignored():
    varg = Varg(*EVENTS, scenario="empty", switches={"bad-date": "ignore"})
    assert varg.body("from=bad&to=2026-01-20")["total_cents"] == 7


def test_switch_reversed_refused():
    reply = Varg(switches={"reversed": "refuse"}).ask("from=2026-02-01&to=2026-01-01")
    assert (reply.status, reply.behaviour) == (400, "varg.reversed-window-answered")
    body = json.loads(reply.body)
    assert (body["error"], body["field"], body["statusCode"]) == ("ValidationError", "from", 400)


def test_switch_order():
    newest, oldest = (Varg(switches={"order": order}).body()["usage"] for order in ("newest", "oldest"))
    assert newest == oldest[::-1]
    stamps = [record["created_at"] for record in newest]
    assert stamps == sorted(stamps, reverse=True)


WINDOWS = ("", "from=2024-02-25&to=2024-03-05", "from=2025-12-25&to=2026-01-05", "to=2023-06-30")


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_same_seed_same_bytes_in_any_order_of_asking(seed):
    asked = {}
    for order in (WINDOWS, WINDOWS[::-1]):
        seeded_ledger.cache_clear()
        asked[order] = {query: Varg(seed=seed).ask(query).body for query in order}
    assert asked[WINDOWS] == asked[WINDOWS[::-1]]


def test_seeds_differ():
    assert Varg(seed=1).ask().body != Varg(seed=2).ask().body


def test_windows_add_up():
    varg = Varg()
    days = [date(2026, 1, 10) - timedelta(days=back) for back in range(40)]
    single = [varg.body(f"from={day}&to={day}") for day in days]
    whole = varg.body(f"from={days[-1]}&to={days[0]}")
    assert [record for body in single for record in body["usage"]] == whole["usage"]
    assert sum(body["total_cents"] for body in single) == whole["total_cents"] > 0


def test_both_open_windows_meet():
    varg = Varg()
    before, after = varg.body("to=2025-06-30"), varg.body("from=2025-07-01")
    assert after["usage"] + before["usage"] == varg.body()["usage"]


def test_nothing_is_later_than_the_clock():
    for hour in range(24):
        stamps = [
            record["created_at"]
            for record in Varg(now=NOW.replace(hour=hour)).body("from=2026-03-18")["usage"]
        ]
        assert all(stamp <= f"2026-03-18T{hour:02}:00:00Z" for stamp in stamps)
    assert stamps


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_branch_is_inhabited(seed):
    reply = Varg(seed=seed).ask()
    assert 300_000 < len(reply.body) < 1_200_000
    records = json.loads(reply.body)["usage"]
    assert Counter(record["capability"] for record in records).keys() == set(varg.CAPABILITIES)
    assert {record["model"].partition(":")[0] for record in records} == {
        "fal", "elevenlabs", "higgsfield", "replicate", "piapi",
    }  # fmt: skip
    assert len({record["job_id"] for record in records}) == len(records)
    assert all(re.fullmatch("job_[0-9a-z]{8}", record["job_id"]) for record in records)
    assert {(record["cost_cents"] > 0, record["cache_hit"]) for record in records} == {
        (True, False),
        (False, True),
        (False, False),
    }
    assert {type(record["cost_cents"]) for record in records} == {int}


def test_a_full_weekday_has_four_to_five_records():
    days = [day for back in range(365) if (day := date(2026, 1, 1) + timedelta(days=back)).weekday() < 5]
    jobs = sum(len(varg.seeded(Chance("varg", 1, day), day)) for day in days)
    assert 4 <= jobs / len(days) <= 5


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Job("2026-01-01"), TypeError, "at is '2026-01-01'"),
        (lambda: Job(DAY, cost_cents=-1), ValueError, "cost_cents is -1"),
        (lambda: Job(DAY, cost_cents=float("inf")), ValueError, "cost_cents is inf"),
        (lambda: Job(DAY, cost_cents="25"), TypeError, "cost_cents is '25'"),
        (
            lambda: Job(DAY, capability="lipsync"),
            ValueError,
            "capability is 'lipsync'; it must be one of video,",
        ),
        (lambda: Job(DAY, model=""), ValueError, "model is empty"),
        (lambda: Job(DAY, model=None), TypeError, "model is None"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_name(make, error, words):
    with pytest.raises(error, match=re.escape(words)):
        make()


HOSTILE = [
    "from=%00", "from=\x00", "to=%", "to=%zz", "%=%", "=", "&&&", "from", "from=&to=",
    "from=2026-01-01&from=x", "from=" + "9" * 100_000, "&".join(f"from={n}" for n in range(2000)),
    "from=\ud800", "from=\udcff",
    "from=%ED%A0%80", "from=2026-01-01;to=x", "from[]=1", "from=\r\nx:y", "a=1" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:40])
@pytest.mark.parametrize("switches", [{}, {"bad-date": "ignore", "reversed": "refuse", "order": "oldest"}])
def test_no_request_breaks_it(query, switches):
    varg = Varg(scenario="sparse", switches=switches)
    for method in ("GET", "HEAD", "POST", "get", ""):
        for path in ("/v1/usage", "/v1/usage\x00", "/\ud800"):
            reply = varg.ask(query, method=method, path=path)
            assert reply.status < 500
            json.loads(reply.body)


@pytest.mark.parametrize(
    "value", ["", "\x00", "é", "Bearer", "Bearer \ud800é", "bearer varg_x", "\ud800", "x" * 100_000]
)
def test_no_header_breaks_it(value):
    assert Varg().ask(headers={"authorization": value}).status == 401
