"""Worlds: isolated accounts, and what a user may change about them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from usage_mockserver.account import Account
from usage_mockserver.clock import Clock
from usage_mockserver.http import Request
from usage_mockserver.providers import NAMES, load
from usage_mockserver.providers.supertone import Speech
from usage_mockserver.scenarios import SCENARIOS, seeded_ledger
from usage_mockserver.switches import completed, defaults
from usage_mockserver.world import Settings, World

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
QUERY = "start_date=2026-03-01&end_date=2026-03-18"
KEY = {"x-sup-api-key": "usagekit_demo_supertone"}


def world(**settings):
    return World(NAMES, Settings(clock=Clock(frozen=NOW), **settings))


def rows(of):
    reply = of.answer("supertone", Request("GET", "/v1/voice-usage", QUERY, KEY))
    assert reply.status == 200
    return json.loads(reply.body)["usages"]


def voices(of):
    return [row["voice_id"] for row in rows(of)]


def test_the_same_settings_make_the_same_world():
    assert rows(world()) == rows(world()) != rows(world(seed=2))


def test_what_is_added_to_one_world_is_in_no_other():
    one, other = world(), world()
    one.add("supertone", [Speech(NOW, "mine")])
    assert "mine" in voices(one)
    assert "mine" not in voices(other)
    assert rows(other) == rows(world())


def test_adding_again_keeps_what_was_added():
    one = world()
    one.add("supertone", [Speech(NOW, "mine")])
    one.add("supertone", [Speech(NOW, "too")])
    assert [event.voice_id for event in one.ledger("supertone").added] == ["mine", "too"]
    assert {"mine", "too"} <= set(voices(one))


def test_adding_is_all_or_none():
    one = world()
    with pytest.raises(AttributeError):
        one.add("supertone", [Speech(NOW, "mine"), "no event"])
    assert "mine" not in voices(one)


@pytest.mark.parametrize("change", [{"seed": 5}, {"scenario": "empty"}, {"scenario": "sparse", "seed": 3}])
def test_added_events_stay_on_top_of_another_seed_or_scenario(change):
    one = world()
    one.add("supertone", [Speech(NOW, "mine")])
    before = rows(one)
    one.change("supertone", **change)
    assert "mine" in voices(one)
    assert rows(one) != before
    assert rows(one) == rows(one)
    beneath = seeded_ledger("supertone", one.settings["supertone"].seed, one.settings["supertone"].scenario)
    assert len(one.ledger("supertone").day(NOW.toordinal())) == 1 + len(beneath.day(NOW.toordinal()))


def test_changes_of_one_provider_leave_the_others():
    one = world()
    one.change("supertone", scenario="empty", seed=9)
    assert rows(one) == []
    assert one.settings["surnex"] == one.settings["varg"] == Settings(clock=Clock(frozen=NOW))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scenario": "bussy"}, "there is no scenario 'bussy'; did you mean 'busy'?"),
        ({"switches": {"limits": "dates"}}, "supertone has no switch 'limits'; did you mean 'limit'"),
        ({"switches": {"zod": "4"}}, "supertone has no switch 'zod'; known: "),
        ({"switches": {"limit": "31"}}, "switch 'limit' of supertone takes dates, difference, not '31'"),
    ],
)
def test_unknown_settings_are_refused_and_change_nothing(change, message):
    one = world()
    with pytest.raises(ValueError, match="^" + message.replace("?", "\\?")):
        one.change("supertone", **change)
    assert one.settings["supertone"] == Settings(clock=Clock(frozen=NOW))


def test_an_account_carries_its_settings():
    one = world(seed=4, keys=("k1",))
    one.change("supertone", switches={"limit": "difference"})
    account = one.account("supertone")
    assert (account.provider, account.seed, account.now, account.keys) == ("supertone", 4, NOW, ("k1",))
    assert account.today == NOW.date()
    assert account.switches == {**defaults("supertone"), "limit": "difference"}


def test_requests_are_counted_by_provider():
    one = world()
    assert [one.account(name).requests for name in NAMES] == [0] * 5
    rows(one)
    rows(one)
    assert {name: one.account(name).requests for name in ("supertone", "surnex")} == {
        "supertone": 2,
        "surnex": 0,
    }


def test_time_brings_events():
    one = world()
    today = lambda: len([row for row in rows(one) if row["date"] == "2026-03-18"])  # noqa: E731
    one.change("supertone", clock=Clock(frozen=NOW.replace(hour=0)))
    assert today() == 0
    one.change("supertone", clock=Clock(frozen=NOW).advance(timedelta(hours=8)))
    assert today() > 0


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_switch_has_a_default_everywhere(provider, scenario):
    assert defaults(provider, scenario).keys() == defaults(provider).keys()
    assert completed(provider, {}, scenario) == defaults(provider, scenario)


def test_the_docs_scenario_chooses_what_the_printed_example_shows():
    assert defaults("surnex", "docs")["unfiltered-provider"] == "only"
    assert completed("surnex", {"unfiltered-provider": "all"}, "docs")["unfiltered-provider"] == "all"


@pytest.mark.parametrize("provider", NAMES)
def test_events_of_every_kind_need_no_more_than_an_instant(provider):
    for kind in load(provider).EVENTS.values():
        assert kind(NOW) == kind(at=NOW)
        one = world()
        one.add(provider, [kind(at=NOW)])
        assert one.ledger(provider).added == [kind(at=NOW)]


def test_no_other_provider_is_loaded():
    with pytest.raises(KeyError):
        load("os")


def test_an_account_alone_has_no_switches():
    assert Account("p", seeded_ledger("supertone", 1, "empty"), NOW).switches == {}
