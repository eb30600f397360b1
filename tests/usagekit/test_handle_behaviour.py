"""The handle of an account: how a test makes it behave, and how that ends."""

from __future__ import annotations

import datetime as dt

import httpx2
import pytest

pytestmark = pytest.mark.usage(now="2026-03-15")

MARCH = {"from": "2026-03-01", "to": "2026-03-14"}


def ask(account):
    return account.client.get(account.path, params=MARCH)


def test_a_scenario_holds_until_it_is_changed_or_its_block_ends(varg):
    busy = ask(varg).json()
    with varg.scenario("empty"):
        assert ask(varg).json()["usage"] == []
    assert ask(varg).json() == busy
    varg.scenario("empty")
    assert ask(varg).json()["usage"] == []


def test_a_switch_is_set_by_name_or_keyword_and_none_is_the_default(surnex):
    def switches():
        return dict(surnex._behind.world.settings["surnex"].switches)

    surnex.switch(unfiltered_provider="only")
    assert switches() == {"unfiltered-provider": "only"}
    surnex.switch("unfiltered-provider", None)
    assert switches() == {}
    with surnex.switch("unfiltered-provider", "only"):
        assert switches() == {"unfiltered-provider": "only"}
    assert switches() == {}


def test_a_block_gives_back_the_switch_that_was_set_before(surnex):
    surnex.switch(unfiltered_provider="only")
    with surnex.switch(unfiltered_provider="all"):
        pass
    assert dict(surnex._behind.world.settings["surnex"].switches) == {"unfiltered-provider": "only"}


def test_a_status_is_given_so_many_times_in_the_vendors_words(varg):
    varg.fault(429, times=1)
    answers = [ask(varg) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert answers[0].json()["error"] == "RateLimitError"


def test_faults_come_beside_each_other_and_end_alone_or_all_together(varg):
    first, second = varg.fault(502), varg.fault("invalid-json")
    answer = ask(varg)
    with pytest.raises(ValueError, match="delimiter"):
        answer.json()
    assert answer.status_code == 502
    second.end()
    second.end()
    assert ask(varg).json()["statusCode"] == 502
    first.end()
    assert ask(varg).status_code == 200
    with varg.fault(500):
        with varg.fault(500):
            pass
        assert ask(varg).status_code == 500
    assert ask(varg).status_code == 200
    varg.fault(500)
    varg.fault("gateway_html")
    varg.fault(None)
    assert ask(varg).status_code == 200


def test_a_rate_limit_counts(lyrcs):
    lyrcs.fault("rate_limit", limit=2)
    assert [lyrcs.client.get(lyrcs.path).status_code for _ in range(3)] == [200, 200, 429]


def test_a_reset_is_felt_by_the_client(varg):
    with varg.fault("reset"), pytest.raises(httpx2.TransportError):
        ask(varg)
    assert ask(varg).status_code == 200


def test_a_mutant_is_planted_and_taken_out(lyrcs):
    with lyrcs.mutant("key-not-required"):
        assert httpx2.get(lyrcs.url + lyrcs.path).status_code == 200
    assert httpx2.get(lyrcs.url + lyrcs.path).status_code == 401
    lyrcs.mutant("key-not-required")
    lyrcs.mutant(None)
    assert httpx2.get(lyrcs.url + lyrcs.path).status_code == 401


def test_a_clock_travels_and_advances_for_one_or_for_all(usage):
    def days():
        return [account.clock.now().date().isoformat() for account in usage]

    usage.varg.clock.travel_to("2026-02-28")
    usage.varg.clock.advance(days=1, hours=1)
    usage.varg.clock.advance(dt.timedelta(hours=1))
    assert usage.varg.clock.now() == dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
    with pytest.raises(ValueError, match=r"different clocks; ask one of them \(somya 2026-03-15"):
        usage.clock.now()
    with usage.clock.travel_to(dt.date(2026, 1, 1)):
        assert usage.clock.now() == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert days() == ["2026-03-15", "2026-03-15", "2026-03-01", "2026-03-15", "2026-03-15"]
    usage.varg.clock.real()
    assert usage.world.settings["varg"].clock.frozen is None


def test_usage_grows_as_time_goes_by(lyrcs):
    before = lyrcs.client.get(lyrcs.path).json()["total_jobs"]
    lyrcs.clock.advance(days=7)
    assert lyrcs.client.get(lyrcs.path).json()["total_jobs"] > before


def test_reset_goes_back_to_how_the_test_got_the_account(usage):
    varg = usage.varg
    before = ask(varg).json()
    varg.add(cost_cents=1)
    varg.scenario("empty")
    varg.fault(500)
    varg.clock.advance(days=40)
    ask(usage.surnex)
    varg.reset()
    assert len(varg.requests) == 0
    assert len(usage.surnex.requests) == 1
    assert ask(varg).json() == before
    usage.varg.fault(500)
    usage.surnex.clear()
    usage.reset()
    assert usage.requests == []
    assert ask(varg).json() == before
    assert ask(usage.surnex).json()["totals"]["calls_total"] > 0


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        (
            lambda one: one.scenario("emtpy"),
            ValueError,
            "there is no scenario 'emtpy'; did you mean 'empty'?",
        ),
        (
            lambda one: one.switch("ordre", "x"),
            ValueError,
            "no switch of varg 'ordre'; did you mean 'order'?",
        ),
        (lambda one: one.switch(order="x"), ValueError, "there is no value of order 'x'; known: "),
        (lambda one: one.switch(), TypeError, 'switch("name", "value") or switch(name="value")'),
        (
            lambda one: one.fault("latncy", ms=2),
            ValueError,
            "there is no fault 'latncy'; did you mean 'latency'?",
        ),
        (lambda one: one.fault("latency"), ValueError, "fault 'latency' needs ms"),
        (
            lambda one: one.fault("latency", msec=2),
            TypeError,
            "fault 'latency' has no 'msec'; did you mean 'ms'?",
        ),
        (lambda one: one.fault("rate-limit", times=2), TypeError, "fault 'rate-limit' has no 'times'"),
        (lambda one: one.fault(499), ValueError, "varg documents no status 499; it may be 400, 401"),
        (lambda one: one.fault(429, status=3), TypeError, "fault(429) is the status itself"),
        (lambda one: one.fault(429, times="x"), ValueError, "times is 'x'; it must be a whole number"),
        (lambda one: one.fault(None, ms=3), TypeError, "fault(None) ends all faults"),
        (lambda one: one.fault(True), ValueError, "there is no fault 'True'"),
        (lambda one: one.fault("429"), ValueError, "no fault '429'; a status is a number: fault(429)"),
        (lambda one: one.mutant("total-of"), ValueError, "varg has no mutant 'total-of'"),
        (lambda one: one.clock.travel_to("soon"), ValueError, "'soon' is not an instant; write 2026-03-01"),
        (lambda one: one.clock.travel_to(7), TypeError, "the instant is a datetime, a date or a text"),
        (lambda one: one.clock.advance(7), TypeError, "advance takes a timedelta, or days="),
        (
            lambda one: one.clock.advance(days=10**9),
            ValueError,
            "the clock cannot go beyond the years 1 to 9999",
        ),
    ],
)
def test_what_is_not_known_is_an_error_and_changes_nothing(varg, change, kind, sentence):
    before = varg._behind.world.settings["varg"]
    with pytest.raises(kind) as caught:
        change(varg)
    assert sentence in str(caught.value)
    assert varg._behind.world.settings["varg"] == before


def test_a_provider_that_is_not_there_is_named(usage):
    with pytest.raises(LookupError, match=r"no account at 'vrag' here; did you mean 'varg'\?"):
        usage.account("vrag")
