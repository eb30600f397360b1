"""Supertone's fake against the vendor's page, the defaults chosen where it is silent, and itself."""

import base64
import hashlib
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_mockserver.chance import Chance
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply, Request
from usage_mockserver.providers import supertone
from usage_mockserver.providers.supertone import Speech
from usage_mockserver.world import Settings, World

KEY = {"x-sup-api-key": "usagekit_demo_supertone"}
NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)


class Supertone:
    """One account to ask."""

    def __init__(self, *events, scenario="busy", now=NOW, **settings):
        self.world = World(["supertone"], Settings(scenario=scenario, clock=Clock(frozen=now), **settings))
        if events:
            self.world.add("supertone", events)

    def ask(self, query="", *, method="GET", path="/v1/voice-usage", headers=KEY) -> Reply:
        return self.world.answer("supertone", Request(method, path, query, headers))

    def rows(self, first, last):
        reply = self.ask(f"start_date={first}&end_date={last}")
        assert reply.status == 200
        return json.loads(reply.body, parse_float=Decimal)["usages"]

    def refused(self, query, status=400):
        reply = self.ask(query)
        body = json.loads(reply.body)
        assert (reply.status, body["status"], body["message"]["statusCode"]) == (status, "error", status)
        return body["message"]["message"]


PRINTED = """
{
  "usages": [
    {
      "date": "2025-05-22",
      "voice_id": "e5f6fb1a53d0add87afb4f",
      "name": "Agatha",
      "style": "neutral",
      "language": "en",
      "model": "sona_speech_1",
      "total_minutes_used": 12.43251349
    },
    {
      "date": "2025-05-24",
      "voice_id": "opSGuRvHBe7EfZ4LQga1hE",
      "name": "My Voice 1",
      "style": "sad",
      "language": "ko",
      "model": "sona_speech_1",
      "total_minutes_used": 3.24566213
    }
  ]
}
"""


def test_printed_example_to_the_byte():
    reply = Supertone(scenario="docs").ask("start_date=2025-05-19&end_date=2025-05-28")
    compact = json.dumps(json.loads(PRINTED), separators=(",", ":"))
    assert reply.body.decode() == compact
    assert reply.behaviour == "supertone.rows-in-window"


def test_headers_are_those_of_express():
    reply = Supertone(scenario="docs").ask("start_date=2025-05-19&end_date=2025-05-28")
    digest = base64.b64encode(hashlib.sha1(reply.body).digest())[:27].decode()
    assert reply.headers == (
        ("x-powered-by", "Express"),
        ("content-type", "application/json; charset=utf-8"),
        ("etag", f'W/"{len(reply.body):x}-{digest}"'),
    )


def test_etag_of_the_empty_answer_is_the_literal_one():
    # printf '{"usages":[]}' | openssl sha1 -binary | base64, cut to 27 characters; 13 bytes are d.
    headers = dict(Supertone(scenario="empty").ask("start_date=2025-05-19&end_date=2025-05-28").headers)
    assert headers["etag"] == 'W/"d-g4M7sAvJMjWAK0KLukjeyBWoFkM"'


QUERY = "start_date=2025-05-19&end_date=2025-05-28"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param("{etag}", 304, id="the tag"),
        pytest.param("{strong}", 304, id="the tag without W/"),
        pytest.param('"a", {etag} , "b"', 304, id="in a list"),
        pytest.param("*", 304, id="any"),
        pytest.param('W/"d-other"', 200, id="another tag"),
        pytest.param("", 200, id="nothing"),
        pytest.param('"*"', 200, id="a tag called star"),
        pytest.param(",,,", 200, id="empty list"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match(method, sent, status):
    account = Supertone(scenario="docs")
    etag = dict(account.ask(QUERY).headers)["etag"]
    asked = KEY | {"if-none-match": sent.format(etag=etag, strong=etag.removeprefix("W/"))}
    reply = account.ask(QUERY, method=method, headers=asked)
    assert reply.status == status
    if status == 304:
        assert reply.headers == (("x-powered-by", "Express"), ("etag", etag))
        assert reply.body == b""


def test_no_cache_asks_for_the_whole_answer():
    headers = KEY | {"if-none-match": "*", "cache-control": "max-age=0, no-cache"}
    assert Supertone(scenario="docs").ask(QUERY, headers=headers).status == 200


@pytest.mark.parametrize("query", ["", "start_date=x", "start_date=2025-01-01&end_date=2026-01-01"])
def test_refusals_are_never_not_modified(query):
    assert Supertone().ask(query, headers=KEY | {"if-none-match": "*"}).status == 400


UNAUTHORIZED = {
    "status": "error",
    "message": {"statusCode": 401, "message": "Invalid API key", "error": "Unauthorized"},
}


@pytest.mark.parametrize("query", [QUERY, "", "start_date=bad&end_date=2025-02-30"])
@pytest.mark.parametrize(
    ("headers", "behaviour"),
    [
        pytest.param({}, "supertone.key-required", id="T8 missing"),
        pytest.param({"x-sup-api-key": ""}, "supertone.wrong-key-refused", id="empty"),
        pytest.param({"x-sup-api-key": "wrong"}, "supertone.wrong-key-refused", id="T8 wrong"),
        pytest.param({"x-sup-api-key": "usagekit_demo"}, "supertone.wrong-key-refused", id="cut short"),
        pytest.param({"x-api-key": "usagekit_demo_supertone"}, "supertone.key-required", id="other header"),
        pytest.param(
            {"authorization": "Bearer usagekit_demo_supertone"}, "supertone.key-required", id="bearer"
        ),
    ],
)
def test_unauthorized_before_validation(headers, behaviour, query):
    reply = Supertone().ask(query, headers=headers)
    assert (reply.status, json.loads(reply.body), reply.behaviour) == (401, UNAUTHORIZED, behaviour)


def test_configured_keys_are_the_only_ones():
    account = Supertone(keys=("my-key",))
    assert account.ask(QUERY).status == 401
    assert account.ask(QUERY, headers={"x-sup-api-key": "my-key"}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "query", "message"),
    [
        ("POST", "/v1/voice-usage", "", "Cannot POST /v1/voice-usage"),
        ("DELETE", "/v1/voice-usage", QUERY, f"Cannot DELETE /v1/voice-usage?{QUERY}"),
        ("OPTIONS", "/v1/voice-usage", "", "Cannot OPTIONS /v1/voice-usage"),
        ("GET", "/v1/usage", "a=b", "Cannot GET /v1/usage?a=b"),
        ("GET", "/", "", "Cannot GET /"),
        ("GET", "/v1/voice-usage//", "", "Cannot GET /v1/voice-usage//"),
        ("GET", "/v1/voice-usage/x", "", "Cannot GET /v1/voice-usage/x"),
    ],
)
@pytest.mark.parametrize("headers", [KEY, {}])
def test_other_routes_are_not_found_in_the_envelope(headers, method, path, query, message):
    reply = Supertone().ask(query, method=method, path=path, headers=headers)
    inner = {"statusCode": 404, "message": message, "error": "Not Found"}
    assert (reply.status, json.loads(reply.body)) == (404, {"status": "error", "message": inner})
    assert "etag" in dict(reply.headers)


@pytest.mark.parametrize("path", ["/v1/voice-usage/", "/V1/Voice-USAGE", "/v1/VOICE-usage/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_slash_and_case_do_not_matter_to_express(method, path):
    account = Supertone(scenario="docs")
    assert account.ask(QUERY, method=method, path=path) == account.ask(QUERY)


START, END = "start_date", "end_date"
EMPTY = "{} should not be empty"
NOT_A_DATE = "{} must be a valid ISO 8601 date string"
NOT_TEXT = "{} must be a string"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("", [EMPTY.format(START), EMPTY.format(END)], id="T3 both missing"),
        pytest.param("end_date=2025-01-01", [EMPTY.format(START)], id="T3 start missing"),
        pytest.param("start_date=2025-01-01", [EMPTY.format(END)], id="T3 end missing"),
        pytest.param("start_date=&end_date=2025-01-01", [EMPTY.format(START)], id="empty"),
        pytest.param("end_date=y&start_date=x", [NOT_A_DATE.format(START), NOT_A_DATE.format(END)],
                     id="T3 start_date first"),
        pytest.param("start_date=x", [NOT_A_DATE.format(START), EMPTY.format(END)], id="two reasons"),
        pytest.param("start_date=2025-01-01&start_date=2025-01-01&end_date=2025-01-02",
                     [NOT_TEXT.format(START)], id="T13 repeated"),
        pytest.param("start_date=2025-01-02&end_date=2025-01-01",
                     "start_date must not be later than end_date", id="T6 reversed"),
        pytest.param("start_date=2025-01-01&end_date=2025-01-31",
                     "Maximum inquiry period is 30 days.", id="T1 31 dates"),
        pytest.param("start_date=0001-01-01&end_date=9999-12-31",
                     "Maximum inquiry period is 30 days.", id="T2 all of time"),
    ],
)  # fmt: skip
def test_refusals(query, message):
    assert Supertone().refused(query) == message


@pytest.mark.parametrize(
    ("text", "behaviour"),
    [
        pytest.param("2025-02-30", "supertone.impossible-date-refused", id="T4"),
        pytest.param("2025-02-29", "supertone.impossible-date-refused", id="no leap year"),
        pytest.param("1900-02-29", "supertone.impossible-date-refused", id="century"),
        pytest.param("2025-04-31", "supertone.impossible-date-refused", id="April 31"),
        pytest.param("2025-01-32", "supertone.malformed-date-refused", id="day 32"),
        pytest.param("2025-13-01", "supertone.malformed-date-refused", id="month 13"),
        pytest.param("2025-00-01", "supertone.malformed-date-refused", id="month 0"),
        pytest.param("0000-01-01", "supertone.malformed-date-refused", id="year 0"),
        pytest.param("2025-03-01T00:00:00Z", "supertone.other-date-forms-refused", id="T5 datetime"),
        pytest.param("20250301", "supertone.other-date-forms-refused", id="T5 basic"),
        pytest.param("2025-W09-6", "supertone.other-date-forms-refused", id="T5 week date"),
        pytest.param("2025W096", "supertone.other-date-forms-refused", id="T5 week date, basic"),
        pytest.param("2025-3-1", "supertone.malformed-date-refused", id="short"),
        pytest.param("2025/03/01", "supertone.malformed-date-refused", id="slashes"),
        pytest.param("+2025-03-01", "supertone.malformed-date-refused", id="sign that became a space"),
        pytest.param(" 2025-03-01", "supertone.malformed-date-refused", id="space before"),
        pytest.param("2025-03-01%20", "supertone.malformed-date-refused", id="space after"),
        pytest.param("2025-03-01%0A", "supertone.malformed-date-refused", id="newline after"),
        pytest.param("2025-03-01%00", "supertone.malformed-date-refused", id="NUL after"),
        pytest.param("%00", "supertone.malformed-date-refused", id="NUL"),
        pytest.param("٢٠٢٥-٠٣-٠١", "supertone.malformed-date-refused", id="Arabic digits"),
        pytest.param("2025\u221203\u221201", "supertone.malformed-date-refused", id="U+2212"),
        pytest.param("2025-03-%", "supertone.malformed-date-refused", id="broken percent"),
        pytest.param("%zz", "supertone.malformed-date-refused", id="no hexadecimal"),
        pytest.param("%ff%fe", "supertone.malformed-date-refused", id="invalid UTF-8"),
        pytest.param("\udcff", "supertone.malformed-date-refused", id="lone surrogate"),
        pytest.param("null", "supertone.malformed-date-refused", id="null"),
        pytest.param("9" * 5000, "supertone.malformed-date-refused", id="5000 digits"),
    ],
)
def test_bad_dates_are_refused(text, behaviour):
    account = Supertone()
    reply = account.ask(f"start_date={text}&end_date=2025-03-01")
    assert json.loads(reply.body)["message"]["message"] == [NOT_A_DATE.format(START)]
    assert (reply.status, reply.behaviour) == (400, behaviour)
    assert account.ask(f"start_date=2025-03-01&end_date={text}").status == 400


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param("2024-11-01", "2024-11-30", id="the document's own 30 dates"),
        pytest.param("2024-02-29", "2024-02-29", id="T7 one leap day"),
        pytest.param("2024-02-10", "2024-03-10", id="30 dates over a leap day"),
        pytest.param("2023-02-09", "2023-03-10", id="30 dates over February"),
        pytest.param("2025-12-15", "2026-01-13", id="30 dates over new year"),
        pytest.param("0001-01-01", "0001-01-30", id="first days there are"),
        pytest.param("9999-12-02", "9999-12-31", id="last days there are"),
        pytest.param("9999-12-31", "9999-12-31", id="last day"),
    ],
)
def test_windows_of_up_to_30_dates_are_answered(first, last):
    assert Supertone().ask(f"start_date={first}&end_date={last}").status == 200


@pytest.mark.parametrize(
    ("last", "dates", "difference"),
    [("2025-01-30", 200, 200), ("2025-01-31", 400, 200), ("2025-02-01", 400, 400)],
)
def test_switch_limit(last, dates, difference):
    query = f"start_date=2025-01-01&end_date={last}"
    assert Supertone().ask(query).status == dates
    assert Supertone(switches={"limit": "difference"}).ask(query).status == difference


def test_switch_impossible_date_rolls_on_as_in_javascript():
    account = Supertone(switches={"impossible-date": "accept"})
    assert account.rows("2025-02-30", "2025-02-31") == account.rows("2025-03-02", "2025-03-03") != []
    assert account.ask("start_date=2025-02-32&end_date=2025-03-05").status == 400
    assert account.ask("start_date=0000-02-30&end_date=0001-01-01").status == 400


def test_switch_reversed_answers_with_nothing():
    account = Supertone(switches={"reversed": "empty"})
    for last in ("2025-05-27", "2020-01-01"):
        reply = account.ask(f"start_date=2025-05-28&end_date={last}")
        assert (reply.status, reply.body) == (200, b'{"usages":[]}')
        assert reply.behaviour == "supertone.reversed-window-empty"


@pytest.mark.parametrize(
    "query", ["", "start_date=x&end_date=y", "start_date=2025-01-01&end_date=2026-01-01"]
)
def test_switch_error_status(query):
    inner = json.loads(Supertone(switches={"error-status": "422"}).ask(query).body)["message"]
    assert (inner["statusCode"], inner["error"]) == (422, "Unprocessable Entity")
    reply = Supertone(switches={"error-status": "500"}).ask(query)
    assert reply.status == 500
    assert json.loads(reply.body)["message"] == {
        "statusCode": 500,
        "message": "Failed to get usages",
        "error": "Internal Server Error",
    }


@pytest.mark.parametrize(
    ("query", "behaviour"),
    [
        ("start_date=2019-05-01&end_date=2019-05-30", "supertone.empty-array"),
        ("start_date=2026-03-19&end_date=2026-04-10", "supertone.future-empty"),
    ],
)
def test_nothing_used_is_an_empty_array(query, behaviour):
    reply = Supertone().ask(query)
    assert (reply.status, reply.body, reply.behaviour) == (200, b'{"usages":[]}', behaviour)


def test_an_unused_period_that_reaches_into_the_future_is_not_a_future_one():
    reply = Supertone(scenario="empty").ask("start_date=2026-03-18&end_date=2026-03-30")
    assert reply.behaviour == "supertone.empty-array"


def test_unknown_parameters_and_order_change_nothing():
    account = Supertone()
    plain = account.ask("start_date=2025-05-01&end_date=2025-05-20")
    assert account.ask("end_date=2025-05-20&start_date=2025-05-01") == plain
    assert account.ask("voice_id=x&start_date=2025-05-01&end_date=2025-05-20&a=1&a=2") == plain
    assert account.ask("start%5Fdate=2025%2D05-01&end_date=2025-05-20") == plain


def test_two_thousand_parameters_are_an_answer_like_any_other():
    many = "&".join(["start_date=2025-05-01", "end_date=2025-05-20", *(f"p{n}=v" for n in range(2000))])
    assert Supertone().ask(many).status == 200
    assert Supertone().ask("&".join(f"start_date={n}" for n in range(2000))).status == 400


DAYS = st.dates(date(2019, 12, 25), date(2026, 3, 25))


@given(first=DAYS, spans=st.tuples(st.integers(0, 14), st.integers(1, 15)))
def test_windows_add_up(first, spans):
    account = Supertone()
    middle, last = first + timedelta(spans[0]), first + timedelta(sum(spans))
    whole = account.rows(first, last)
    # Compared first: a diff of hundreds of rows takes longer than all the tests.
    adds_up = whole == account.rows(first, middle) + account.rows(middle + timedelta(1), last)
    assert adds_up
    assert all(str(first) <= row["date"] <= str(last) for row in whole)
    assert all(row["date"] <= "2026-03-18" for row in whole)


def year(number):
    account = Supertone(now=datetime(2027, 1, 1, tzinfo=UTC))
    first = date(number, 1, 1)
    return [
        row
        for n in range(13)
        for row in account.rows(first + timedelta(28 * n), first + timedelta(28 * n + 27))
    ]


def combination(row):
    return tuple(row.get(name, "") for name in ("date", "voice_id", "style", "language", "model"))


def test_rows_are_unique_ordered_positive_and_fine_to_eight_decimals():
    rows = year(2026)
    keys = [combination(row) for row in rows]
    assert all(one < next_one for one, next_one in pairwise(keys))
    assert all(Decimal(0) < row["total_minutes_used"] for row in rows)
    assert all(Decimal(row["total_minutes_used"]).as_tuple().exponent >= -8 for row in rows)


def test_a_busy_year_has_every_kind_of_row():
    rows = year(2026)
    names = {row["voice_id"]: row.get("name") for row in rows}
    assert len(names) >= 6
    assert {"My Voice 1", "Agatha", None} <= set(names.values())
    for field in ("name", "style", "language", "model", "thumbnail_url"):
        known = [field in row for row in rows]
        assert any(known), field
        assert not all(known), field
    assert not any("thumbnail_url" in row for row in rows if row.get("name") == "My Voice 1")
    assert all("thumbnail_url" in row for row in rows if row.get("name") == "Agatha")
    assert {row.get("model") for row in rows} > {"sona_speech_1", "sona_speech_2", "supertonic_api_1"}
    per_day = Counter(row["date"] for row in rows)
    full = sorted(count for day, count in per_day.items() if date.fromisoformat(day).weekday() < 5)
    assert 6 <= full[len(full) // 2] <= 10
    assert 5 < 364 - len(per_day) < 60


def test_an_account_grows():
    assert len(year(2020)) < len(year(2022)) < len(year(2026))


def test_one_days_events_are_pinned():
    events = supertone.seeded(Chance("supertone", 1, "2026-03-02"), date(2026, 3, 2))
    assert (
        hashlib.sha256(repr(events).encode()).hexdigest()
        == "144a344d0544db2f5860ce6882ff6bdd8db2c413fcc81f23ee42c216db31fc85"
    )


AT = datetime(2026, 3, 17, 12, tzinfo=UTC)


def test_added_speech_is_aggregated_exactly():
    account = Supertone(
        Speech(AT, "v1", 0.1), Speech(AT, "v1", 0.2), Speech(AT, "v1", 12.5, name="Own"),
        Speech(AT, "v1", 0.00000001, style=None), Speech(AT, "v0", 3), Speech(AT, "v0", 0.29),
        Speech(AT, "v9", 0),
        scenario="empty",
    )  # fmt: skip
    body = account.ask("start_date=2026-03-17&end_date=2026-03-17").body.decode()
    row = '{"date":"2026-03-17","voice_id":'
    assert body == (
        '{"usages":['
        f'{row}"v0","style":"neutral","language":"en","model":"sona_speech_1","total_minutes_used":3.29}},'
        f'{row}"v1","language":"en","model":"sona_speech_1","total_minutes_used":0.00000001}},'
        f'{row}"v1","name":"Own","style":"neutral","language":"en","model":"sona_speech_1",'
        '"total_minutes_used":12.8}]}'
    )


def test_added_speech_comes_on_top_once_the_clock_reaches_it():
    account = Supertone(Speech(NOW + timedelta(seconds=1), "soon"), Speech(NOW, "now"))
    seen = [row["voice_id"] for row in account.rows("2026-03-18", "2026-03-18")]
    assert "now" in seen
    assert "soon" not in seen
    account.world.change("supertone", clock=Clock(frozen=NOW + timedelta(seconds=1)))
    later = [row["voice_id"] for row in account.rows("2026-03-18", "2026-03-18")]
    assert set(later) >= {"soon", "now"}
    assert len(later) >= len(seen) + 1


def test_today_holds_what_happened_so_far():
    morning = Supertone(now=datetime(2026, 3, 18, 6, tzinfo=UTC)).rows("2026-03-18", "2026-03-18")
    evening = Supertone(now=datetime(2026, 3, 18, 22, tzinfo=UTC)).rows("2026-03-18", "2026-03-18")
    minutes = [sum(row["total_minutes_used"] for row in rows) for rows in (morning, evening)]
    assert minutes[0] < minutes[1]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"minutes": -0.1}, ValueError),
        ({"minutes": float("nan")}, ValueError),
        ({"minutes": float("inf")}, ValueError),
        ({"minutes": "12"}, TypeError),
        ({"voice_id": ""}, ValueError),
        ({"voice_id": 7}, TypeError),
        ({"style": 7}, TypeError),
        ({"at": "2026-03-01"}, TypeError),
    ],
)
def test_impossible_events_are_refused(fields, error):
    with pytest.raises(error):
        Speech(**{"at": AT} | fields)
