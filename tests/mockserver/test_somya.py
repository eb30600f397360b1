"""Somya's fake against the vendor's page, the recorded answers of FastAPI, and itself."""

import asyncio
import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from usage_mockserver.chance import Chance
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply, Request, decoded_path
from usage_mockserver.ledger import Extended
from usage_mockserver.providers import somya
from usage_mockserver.providers.somya import KEY_IDS, Asr, Tts
from usage_mockserver.scenarios import seeded_ledger
from usage_mockserver.world import Settings, World
from usage_specs import load

HERE = Path(__file__).parent
KEY = {"x-api-key": "sk_usagekit_demo_somya", "host": "127.0.0.1:8000"}
# The scratch application of the recording ended its default period on this day.
RECORDED_DAY = datetime(2026, 1, 31, 12, tzinfo=UTC)
RECORDED = json.loads((HERE / "fastapi_422.json").read_text(encoding="utf-8"))["cases"]


class Somya:
    """One account to ask."""

    def __init__(self, *events, scenario="busy", now=RECORDED_DAY, **settings):
        self.world = World(["somya"], Settings(scenario=scenario, clock=Clock(frozen=now), **settings))
        self.account = self.world.account("somya")
        if events:
            ledger = Extended(self.account.ledger)
            ledger.add(events)
            self.account = type(self.account)(
                **{name: getattr(self.account, name) for name in self.account.__slots__} | {"ledger": ledger}
            )

    def ask(self, query="", *, method="GET", path="/v1/usage", headers=KEY, base="") -> Reply:
        return somya.answer(Request(method, path, query, headers, base), self.account)

    def data(self, query=""):
        reply = self.ask(query)
        assert reply.status == 200, reply
        return json.loads(reply.body)["data"]

    def counts(self, query=""):
        return tuple(self.data(query)["requests"].values())


def test_the_document_is_the_vendored_one():
    source = load("somya").source
    vendored = yaml.safe_load(re.search(r"````yaml[^\n]*\n(.*?)````", source, re.DOTALL)[1])
    # The vendor's documentation generator adds these two; FastAPI does not write them.
    assert somya.APP.openapi() | {"servers": [], "security": []} == vendored


def recorded(case):
    request = case["request"]
    path, _, query = request["target"].partition("?")
    headers = KEY | request.get("headers", {})
    return Somya().ask(query, method=request["method"], path=decoded_path(path), headers=headers)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case['name']} {case['request']['method']}")
def test_recorded_answer(case):
    reply = recorded(case)
    assert reply.status == case["status"]
    expected = {name: value.replace("{host}", KEY["host"]) for name, value in case["headers"].items()}
    # The number of bytes is for whoever sends them, and the recorded figures are of another account.
    expected.pop("content-length")
    assert dict(reply.headers) == expected
    if case["body"] is None:
        # The recorder saw no body: a HEAD answer's is dropped on the wire, a redirect has none.
        return
    body = json.loads(reply.body)
    if case["status"] == 422:
        shown = [(error["type"], error["loc"], error["input"]) for error in body["detail"]]
        assert shown == [(error["type"], error["loc"], error["input"]) for error in case["body"]["detail"]]
    elif case["status"] == 200:
        assert body["success"] is True
        assert body["data"]["source"] == case["body"]["data"]["source"]
        assert body["data"]["period"]["from"] == case["body"]["data"]["period"]["from"]
        # The scratch application echoed its fixed last day even for a `from` after it; ours never inverts.
        if case["name"] != "from year 9999":
            assert body["data"]["period"]["to"] == case["body"]["data"]["period"]["to"]
        assert shape(body) == shape(case["body"])
    else:
        assert body == case["body"]


def shape(value):
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        pytest.param("", "2026-01-01", "2026-01-31", id="S1 neither: this month up to today"),
        pytest.param("from=2025-12-24", "2025-12-24", "2026-01-31", id="S2 only from: up to today"),
        pytest.param("from=2026-05-01", "2026-05-01", "2026-05-01", id="S2 only from, later than today"),
        pytest.param("to=2025-11-09", "2025-11-01", "2025-11-09", id="S2 only to: from that month's first"),
        pytest.param("from=2026-01-09&to=2026-01-03", "2026-01-09", "2026-01-03", id="S3 inverted: echoed"),
    ],
)
def test_period(query, first, last):
    assert Somya().data(query)["period"] == {"from": first, "to": last}


UNAUTHORIZED = {"success": False, "data": None, "error": {"code": "UNAUTHORIZED"}}


@pytest.mark.parametrize("query", ["", "from=bad", "source=mobile&api_key_id=1"])
@pytest.mark.parametrize(
    ("headers", "behaviour"),
    [
        pytest.param({}, "somya.key-required", id="none"),
        pytest.param({"x-api-key": ""}, "somya.wrong-key-refused", id="empty"),
        pytest.param({"x-api-key": "sk_wrong"}, "somya.wrong-key-refused", id="wrong"),
        pytest.param({"x-api-key": "varg_usagekit"}, "somya.wrong-key-refused", id="of another service"),
        pytest.param({"authorization": "Bearer sk_wrong"}, "somya.wrong-key-refused", id="wrong bearer"),
        pytest.param(
            {"authorization": "Basic sk_usagekit_demo_somya"}, "somya.wrong-key-refused", id="other scheme"
        ),
        pytest.param(
            {"x-api-key": "sk_usagekit_demo_somya", "authorization": "Bearer sk_wrong"},
            "somya.wrong-key-refused",
            id="one of two is wrong",
        ),
    ],
)
def test_key_is_needed_before_anything_is_read(query, headers, behaviour):
    reply = Somya().ask(query, headers=headers)
    assert (reply.status, json.loads(reply.body), reply.behaviour) == (401, UNAUTHORIZED, behaviour)


@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
def test_both_headers_open_the_same_account(name):
    key = "sk_another_account_key"
    header = {name: key if name == "x-api-key" else f"Bearer {key}"}
    assert Somya().ask(headers=header).body == Somya().ask().body


def test_only_configured_keys_open_when_there_are_some():
    somya = Somya(keys=("sk_mine_only",))
    assert somya.ask().status == 401
    assert somya.ask(headers={"x-api-key": "sk_mine_only"}).status == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"])
def test_no_document_is_served(path):
    reply = Somya().ask(path=path)
    assert (reply.status, reply.body, reply.behaviour) == (404, b'{"detail":"Not Found"}', "")


def test_redirect_keeps_the_prefix():
    reply = Somya().ask("from=bad", path="/v1/usage/", base="/somya", headers={"host": "h:1"})
    assert (reply.status, dict(reply.headers)["location"]) == (307, "http://h:1/somya/v1/usage?from=bad")


DAY = datetime(2026, 1, 20, 10, tzinfo=UTC)
MINE, OTHER = KEY_IDS[0], "6f1f7a52-93c0-4d6d-8f3a-2b0e4f8f9d11"


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        pytest.param("", (3, 2, 600, 33.33), id="everything"),
        pytest.param("source=all", (3, 2, 600, 33.33), id="all"),
        pytest.param("source=web", (1, 1, 300, 11.11), id="S8 the playground"),
        pytest.param("source=api_key", (2, 1, 300, 22.22), id="S8 any key"),
        pytest.param(f"api_key_id={MINE}", (1, 1, 100, 22.22), id="S9 one key"),
        pytest.param(f"api_key_id={OTHER.upper()}", (1, 0, 200, 0.0), id="one key, upper case"),
        pytest.param(f"api_key_id={MINE}&source=web", (0, 0, 0, 0.0), id="S10 the playground has no keys"),
        pytest.param(f"api_key_id={MINE[:-1]}f", (0, 0, 0, 0.0), id="S11 unknown key"),
        pytest.param("from=2026-01-20&to=2026-01-20", (3, 1, 600, 22.22), id="S4 both ends included"),
        pytest.param(
            "from=2026-01-21&to=2026-01-21", (0, 1, 0, 11.11), id="S17 the day ends at midnight UTC"
        ),
        pytest.param("from=2026-01-21&to=2026-01-20", (0, 0, 0, 0.0), id="S3 inverted"),
        pytest.param("from=2026-01-22&to=9999-12-31", (0, 0, 0, 0.0), id="S5 nothing lies in the future"),
        pytest.param("from=0001-01-01&to=9999-12-31", (3, 2, 600, 33.33), id="S5 no limit"),
    ],
)
def test_counted(query, counts):
    somya = Somya(
        Tts(DAY, characters=100, api_key_id=MINE),
        Tts(DAY, characters=200, api_key_id=OTHER),
        Tts(DAY, characters=300),
        Asr(DAY.replace(hour=23, minute=59, second=59), seconds=22.22, api_key_id=MINE),
        Asr(DAY.replace(hour=0) + timedelta(days=1), seconds=11.11),
        Tts(RECORDED_DAY + timedelta(seconds=1), characters=9),
        scenario="empty",
    )
    assert somya.counts(query) == counts


def test_thousandths_of_seconds_add_up_exactly():
    assert Somya(*[Asr(DAY, seconds=1.001)] * 30, scenario="empty").counts()[3] == 30.03


@pytest.mark.parametrize(
    ("events", "left"),
    [
        pytest.param((), (10_000, 10_000), id="nothing used"),
        pytest.param((Tts(DAY, characters=101), Asr(DAY, seconds=10)), (9_998, 9_999), id="begun ones count"),
        pytest.param((Tts(DAY - timedelta(days=20), characters=5_000),), (10_000, 10_000), id="last month"),
        pytest.param((Tts(DAY, characters=9_999_999),), (0, 10_000), id="S15 S16 spent, never negative"),
    ],
)
def test_credits(events, left):
    for query in ("", "source=web", "from=2020-01-01&to=2020-01-02", f"api_key_id={OTHER}"):
        assert tuple(Somya(*events, scenario="empty").data(query)["credits"].values()) == left


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("seed", range(5))
def test_a_busy_month_leaves_credits(seed, month):
    now = datetime(2026, month, 28, 23, 59, 59, tzinfo=UTC)
    for left in Somya(seed=seed, now=now).data()["credits"].values():
        assert 5_000 < left < 10_000


@pytest.mark.parametrize(
    ("switches", "query", "status", "body"),
    [
        pytest.param(
            {"error-body": "envelope"},
            "from=bad",
            422,
            {"success": False, "data": None, "error": {"code": "VALIDATION_ERROR"}},
            id="S7 envelope",
        ),
        pytest.param(
            {"inverted": "refuse"},
            "from=2026-01-02&to=2026-01-01",
            422,
            {
                "detail": [
                    {
                        "type": "value_error",
                        "loc": ["query", "from"],
                        "msg": "Value error, from must not be after to",
                        "input": "2026-01-02",
                    }
                ]
            },
            id="S3 refused",
        ),
        pytest.param(
            {"inverted": "refuse", "error-body": "envelope"},
            "from=2026-01-02&to=2026-01-01",
            422,
            {"success": False, "data": None, "error": {"code": "VALIDATION_ERROR"}},
            id="S3 refused in the envelope",
        ),
    ],
)
def test_switch_of_refusals(switches, query, status, body):
    reply = Somya(switches=switches).ask(query)
    assert (reply.status, json.loads(reply.body)) == (status, body)


def test_switch_swap():
    somya = Somya(switches={"inverted": "swap"})
    assert somya.data("from=2026-01-20&to=2026-01-05") == somya.data("from=2026-01-05&to=2026-01-20")


def test_switch_unauthorized_detail():
    reply = Somya(switches={"unauthorized-body": "detail"}).ask(headers={})
    assert (reply.status, json.loads(reply.body)) == (401, {"detail": "Not authenticated"})


@pytest.mark.parametrize(
    ("query", "behaviour"),
    [
        ("", "somya.answered"),
        ("source=x", "somya.source-invalid-refused"),
        ("api_key_id=x", "somya.key-id-invalid-refused"),
        ("from=x", "somya.date-invalid-refused"),
        ("to=x", "somya.date-invalid-refused"),
        ("from=2026-01-02&to=2026-01-01", "somya.inverted-window-zero"),
        (f"source=web&api_key_id={MINE}", "somya.web-has-no-keys"),
    ],
)
def test_reply_names_the_behaviour_that_decided(query, behaviour):
    assert Somya().ask(query).behaviour == behaviour


WINDOWS = ("", "from=2024-02-25&to=2024-03-05", "from=2025-12-25&to=2026-01-05", "source=web&to=2023-06-30")


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_same_seed_same_bytes_in_any_order_of_asking(seed):
    asked = {}
    for order in (WINDOWS, WINDOWS[::-1]):
        seeded_ledger.cache_clear()
        asked[order] = {query: Somya(seed=seed).ask(query).body for query in order}
    assert asked[WINDOWS] == asked[WINDOWS[::-1]]


def test_seeds_differ():
    assert Somya(seed=1).ask().body != Somya(seed=2).ask().body


@pytest.mark.parametrize("source", ["all", "web", "api_key"])
def test_windows_add_up(source):
    somya = Somya()
    days = [date(2025, 12, 20) + timedelta(days=back) for back in range(20)]
    whole = somya.counts(f"source={source}&from={days[0]}&to={days[-1]}")
    single = [somya.counts(f"source={source}&from={day}&to={day}") for day in days]
    assert whole == pytest.approx([sum(column) for column in zip(*single, strict=True)])
    assert all(whole)


def test_sources_and_keys_add_up():
    somya = Somya()
    window = "from=2025-01-01&to=2025-12-31"
    parts = {name: somya.counts(f"{window}&source={name}") for name in ("all", "web", "api_key")}
    keys = [somya.counts(f"{window}&api_key_id={key_id}") for key_id in KEY_IDS]
    assert parts["all"] == pytest.approx([a + b for a, b in zip(parts["web"], parts["api_key"], strict=True)])
    assert parts["api_key"] == pytest.approx([sum(column) for column in zip(*keys, strict=True)])
    assert all(all(counts) for counts in keys)


def test_nothing_is_later_than_the_clock():
    morning, evening = (Somya(now=datetime(2026, 3, 4, hour, tzinfo=UTC)) for hour in (10, 20))
    query = "from=2026-03-04&to=2026-12-31"
    early, late = morning.counts(query), evening.counts(query)
    assert 0 < early[0] < late[0]
    assert early == pytest.approx(
        tuple_of(
            event for event in evening.account.ledger.day(date(2026, 3, 4).toordinal()) if event.at.hour < 10
        )
    )


def tuple_of(events):
    events = list(events)
    tts = [event for event in events if isinstance(event, Tts)]
    asr = [event for event in events if isinstance(event, Asr)]
    return len(tts), len(asr), sum(event.characters for event in tts), sum(event.seconds for event in asr)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_branch_is_inhabited(seed):
    days = [date(2025, 1, 1) + timedelta(days=back) for back in range(365)]
    by_day = [somya.seeded(Chance("somya", seed, day), day) for day in days]
    events = [event for day in by_day for event in day]
    assert any(not day for day in by_day)
    assert {event.api_key_id for event in events} == {None, *KEY_IDS}
    assert {type(event) for event in events} == {Tts, Asr}
    assert {1 <= event.characters <= 2500 for event in events if isinstance(event, Tts)} == {True}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Tts("2026-01-01"), TypeError, "at is '2026-01-01'"),
        (lambda: Tts(DAY, characters=-1), ValueError, "characters is -1"),
        (lambda: Tts(DAY, characters=1.5), TypeError, "characters is 1.5"),
        (lambda: Tts(DAY, characters=True), TypeError, "characters is True"),
        (lambda: Asr(DAY, seconds=float("nan")), ValueError, "seconds is nan"),
        (lambda: Asr(DAY, seconds="1"), TypeError, "seconds is '1'"),
        (lambda: Asr(DAY, api_key_id="sk_mine"), ValueError, "api_key_id is 'sk_mine'"),
        (lambda: Tts(DAY, api_key_id=5), ValueError, "api_key_id is '5'"),
    ],
)
def test_an_event_that_cannot_be_is_refused_by_name(make, error, words):
    with pytest.raises(error, match=re.escape(words)):
        make()


def test_a_key_id_is_the_same_in_every_spelling():
    assert Tts(DAY, api_key_id=OTHER.upper().replace("-", "")) == Tts(DAY, api_key_id=OTHER)


def test_it_answers_inside_a_running_event_loop_too():
    async def inside():
        return Somya().ask().body

    assert asyncio.run(inside()) == Somya().ask().body


HOSTILE = [
    "from=2023-02-29", "from=2000-02-29", "from=1900-02-29", "from=0000-01-01", "from=9999-12-31",
    "to=0001-01-01", "from=%D9%A2%D9%A0%D9%A2%D9%A6-01-01", "from=２０２６-01-01", "from=%00", "from=\x00",
    "to=%", "to=%zz", "%=%", "=",
    "&&&", "from", "from=&to=", "from=2026-01-01&from=x", "from=x&from=2026-01-01", "from=" + "9" * 100_000,
    "to=" + "x" * 100_000, "&".join(f"from={n}" for n in range(2000)), "source=\ud800", "from=\udcff",
    "from=%ED%A0%80", "api_key_id=%FF%FE", "source=all;to=x", "from=NaN", "from=-0", "from=1e400", "from[]=1",
    "from=\r\nx:y", "api_key_id=" + "0" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:40])
@pytest.mark.parametrize("path", ["/v1/usage", "/v1/usage/", "/v1/\ud800", "", "//", "/v1/usage\x00", "/é/"])
def test_no_request_breaks_it(query, path):
    somya = Somya()
    for method in ("GET", "HEAD", "POST", "get", ""):
        reply = somya.ask(query, method=method, path=path, base="/somya")
        assert reply.status < 500
        assert all(name.isascii() and value.isascii() for name, value in reply.headers)
        assert "\n" not in "".join(value for _, value in reply.headers)


@pytest.mark.parametrize(
    "value", ["", "\x00", "é", "Bearer", "Bearer \ud800é", "bearer sk_x", "\ud800", "x" * 100_000]
)
def test_no_header_breaks_it(value):
    for name in ("x-api-key", "authorization", "host"):
        for path in ("/v1/usage", "/v1/usage/"):
            assert Somya().ask("a=b", path=path, headers={name: value}).status in (307, 401)
