"""The handle of an account: what the code under test sent, and assertions about it."""

from __future__ import annotations

import datetime as dt

import httpx2
import pytest

from usage_mockserver.journal import Journal, make_record
from usagekit.sent import Log, Requests, RequestsDroppedError

pytestmark = pytest.mark.usage(now="2026-03-15")

SECRET = "varg_very_secret_key"


def get(account, **query):
    return account.client.get(account.path, params={name.rstrip("_"): value for name, value in query.items()})


@pytest.fixture
def asked(varg):
    """Two requests were sent."""
    get(varg, from_="2026-03-01", to="2026-03-07")
    get(varg, from_="2026-03-08", to="2026-03-14")
    return varg.requests


def refused(call):
    with pytest.raises(AssertionError) as caught:
        call()
    return str(caught.value)


def test_requests_are_a_sequence_with_everything_about_each(varg):
    assert len(varg.requests) == 0
    get(varg, from_="2026-03-01", to="2026-03-07")
    varg.client.post("/v1/usage?a=1&a=2", headers={"authorization": f"Bearer {SECRET}"})
    first, second = varg.requests
    assert (first.provider, first.method, first.path, first.status) == ("varg", "GET", "/v1/usage", 200)
    assert first.query == {"from": "2026-03-01", "to": "2026-03-07"}
    assert first.headers == {"authorization": "Bearer [masked]"}
    assert first.at.tzinfo is dt.UTC
    assert (second.pairs, second.query) == ((("a", "1"), ("a", "2")), {"a": "2"})
    assert second.status == 404
    assert "Route POST /v1/usage not found" in second.message
    assert (varg.requests[0], varg.requests[-1], varg.requests.last) == (first, second, second)
    assert varg.requests == [first, second]
    assert varg.requests[1:] == [second]
    assert SECRET not in repr(varg.requests) + repr(second)


def test_each_provider_sees_its_own_and_usage_sees_all(usage):
    usage.varg.client.get("/v1/usage")
    usage.lyrcs.client.get("/api/v1/usage")
    httpx2.get(usage.url + "/vrag/v1/usage")
    assert [request.provider for request in usage.requests] == ["varg", "lyrcs", ""]
    assert (len(usage.varg.requests), len(usage.supertone.requests)) == (1, 0)
    usage.varg.requests.clear()
    assert [request.provider for request in usage.requests] == ["lyrcs", ""]
    usage.requests.clear()
    assert len(usage.requests) == 0


def test_keywords_name_what_must_be_there_and_params_is_the_whole_query(asked):
    assert asked.assert_called_once(from_="2026-03-01").query["to"] == "2026-03-07"
    assert asked.assert_called_once(from_="2026-03-01", to=dt.date(2026, 3, 7)).status == 200
    assert asked.assert_called(from_=...).query["to"] == "2026-03-14"
    asked.assert_called_once(params={"from": "2026-03-08", "to": ...})
    asked.assert_called_once(from_="2026-03-08", cached=None, method="GET", path="/v1/usage", status=200)
    asked.assert_not_called(from_="2026-03-02")
    asked.assert_not_called(params={"from": "2026-03-01"})
    asked.assert_not_called(params={})
    asked.filter(from_=...).filter(to="2026-03-07").assert_called_once(from_="2026-03-01")
    assert [request.query["to"] for request in asked.filter(status=200)] == ["2026-03-07", "2026-03-14"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("true", True),
        ("7", 7),
        (["a", "b"], ["a", "b"]),
        ("2026-03-01T00:00:00Z", dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
    ],
)
def test_values_are_compared_as_clients_write_them(varg, sent, expected):
    get(varg, x=sent)
    varg.requests.assert_called_once(x=expected)
    varg.requests.assert_called_once(params={"x": expected})
    varg.requests.assert_not_called(x="other")


def test_a_miss_says_what_is_different_about_the_nearest(asked):
    assert refused(lambda: asked.assert_called_once(from_="2026-03-02", to="2026-03-07")).splitlines() == [
        "no request was sent to varg with from='2026-03-02', to='2026-03-07'",
        "what came nearest of 2:",
        "  GET /v1/usage?from=2026-03-01&to=2026-03-07 -> 200",
        "    from is '2026-03-01', not '2026-03-02'",
        "  GET /v1/usage?from=2026-03-08&to=2026-03-14 -> 200",
        "    from is '2026-03-08', not '2026-03-02'",
        "    to is '2026-03-14', not '2026-03-07'",
    ]


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ({"params": {"from": "2026-03-01"}}, "to='2026-03-07' is surplus"),
        ({"from_": "2026-03-01", "source": "api"}, "source is missing"),
        ({"frm": "2026-03-01"}, "frm is missing; did you mean from='2026-03-08'?"),
        ({"to": None}, "to='2026-03-14' was sent, and should not be"),
        ({"status": 404}, "status is 200, not 404"),
        ({"params": {}}, "with no parameters"),
        ({"params": {"to": ["a", "b"]}}, "to is '2026-03-07', not ['a', 'b']"),
    ],
)
def test_other_value_missing_and_surplus_are_told_apart(asked, expected, difference):
    assert difference in refused(lambda: asked.assert_called_once(**expected))
    assert difference in refused(lambda: asked.assert_called(**expected))


def test_a_method_is_meant_in_either_case(asked):
    asked.assert_called(method="get", params={"from": "2026-03-01", "to": "2026-03-07"})
    assert "method is 'GET', not 'POST'" in refused(lambda: asked.assert_called(method="post"))


@pytest.mark.parametrize("value", [{"authorization": "x"}, {"x"}, b"x"])
def test_what_no_parameter_can_be_is_an_error_and_no_near_miss(asked, value):
    with pytest.raises(
        TypeError, match=r"^headers is .*no parameter is like that; it takes a text, a number"
    ):
        asked.assert_not_called(headers=value)


def test_requests_are_told_in_one_line(varg):
    assert repr(varg.requests) == "<no requests to varg>"
    get(varg, from_="2026-03-01")
    assert repr(varg.requests) == "<1 request to varg: GET /v1/usage?from=2026-03-01 -> 200>"
    assert repr(varg.requests.last) == "<varg: GET /v1/usage?from=2026-03-01 -> 200>"
    get(varg)
    assert repr(varg.requests).startswith("<2 requests to varg: GET ")


def test_too_many_and_unwanted_ones_are_listed(varg):
    for day in range(1, 6):
        get(varg, from_=f"2026-03-0{day}")
    told = refused(varg.requests.assert_called_once)
    assert told.startswith("5 requests were sent to varg, not one:\n  GET /v1/usage?from=2026-03-01 -> 200")
    assert told.endswith("... and 2 more")
    assert "a request was sent to varg with from='2026-03-02'" in refused(
        lambda: varg.requests.assert_not_called(from_="2026-03-02")
    )


def test_a_request_that_went_astray_is_mentioned(usage):
    httpx2.get(usage.url + "/supertnoe/v1/voice-usage")
    told = refused(usage.supertone.requests.assert_called)
    assert told.startswith("no request was sent to supertone; it got none at all, but elsewhere went:\n")
    assert told.endswith("/supertnoe/v1/voice-usage -> 404")
    assert refused(lambda: usage.supertone.requests.last) == "no request was sent to supertone"


def test_keys_are_masked_in_what_an_assertion_says(varg):
    varg.client.get("/v1/usage", params={"from": SECRET}, headers={"authorization": f"Bearer {SECRET}"})
    told = refused(lambda: varg.requests.assert_called_once(to="x"))
    assert "from=[masked]" in told
    assert SECRET not in told


def some(count, kept):
    journal = Journal(kept)
    for number in range(count):
        journal.add(make_record("varg", "GET", "/v1/usage", [("n", str(number))], 200, headers={}))
    return Requests(Log(journal, ["varg"]), "varg")


def test_what_is_not_kept_any_more_makes_no_assertion_lie():
    requests = some(5, kept=3)
    for call in (
        lambda: len(requests),
        lambda: list(requests),
        lambda: requests[0],
        lambda: requests == [],
        lambda: requests.assert_not_called(n="0"),
        lambda: requests.assert_called(n="0"),
        lambda: requests.assert_called_once(n="4"),
        lambda: requests.filter(n="0").last,
    ):
        with pytest.raises(
            RequestsDroppedError, match=r"2 older requests are not kept any more.*\.clear\(\)"
        ):
            call()
    assert "2 older ones were dropped" in repr(requests)
    assert requests.last.query == requests.assert_called(n="4").query == {"n": "4"}
    assert "3 requests were sent to varg, not one" in refused(requests.assert_called_once)
    requests.clear()
    requests.assert_not_called()


def test_no_errors_are_expected_of_a_block(varg):
    with varg.expect_no_errors():
        get(varg)
    get(varg, from_="yesterday")

    def block():
        with varg.expect_no_errors():
            get(varg, from_="today")
            varg.client.get("/v2/usage")

    first, second, third, *rest = refused(block).splitlines()
    assert first == "varg answered with 2 errors:"
    assert second == "  GET /v1/usage?from=today -> 400"
    assert "from must be a date (YYYY-MM-DD)" in third
    assert rest[0] == "  GET /v2/usage -> 404"


def test_planned_faults_are_errors_unless_they_are_excepted(varg):
    with varg.fault(429, times=1), varg.expect_no_errors(except_for=(429,)):
        get(varg)
    with varg.fault(429, times=1), pytest.raises(AssertionError, match="-> 429"), varg.expect_no_errors():
        get(varg)


def test_what_the_block_raised_comes_first(varg):
    with pytest.raises(ZeroDivisionError), varg.expect_no_errors():
        assert get(varg, from_="today").status_code / 0


def test_all_providers_can_be_expected_to_answer_well(usage):
    with pytest.raises(AssertionError, match=r"nobody: GET \S+/vrag -> 404"), usage.expect_no_errors():
        httpx2.get(usage.url + "/vrag")


@pytest.mark.parametrize("statuses", [(200,), ("429",), 600, (True,)])
def test_only_errors_can_be_excepted(varg, statuses):
    with pytest.raises(ValueError, match=r"except_for holds .*; it takes statuses from 400 to 599"):
        varg.expect_no_errors(except_for=statuses)


def test_a_text_is_no_list_of_statuses(varg):
    with pytest.raises(ValueError, match=r"^except_for is '429'; .* such as \[429\]$"):
        varg.expect_no_errors(except_for="429")
