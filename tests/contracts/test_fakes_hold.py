"""Our own fakes keep every promise: no seed and no scenario is ever red."""

from __future__ import annotations

import pytest

from tests.contracts.in_process import broken, run, world_of
from usage_contracts.verdict import Exit, Outcome
from usage_mockserver.scenarios import SCENARIOS
from usage_specs import PROVIDERS

SEEDS = range(1, 21)
# Somya's page shows types and defaults, and no figure at all.
PRINTS_NO_USAGE = {("somya", "docs")}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_seed_and_no_scenario_is_red(provider, scenario, seed):
    report = run(provider, world=world_of(provider, seed=seed, scenario=scenario), seed=seed, examples=4)

    assert broken(report) == {}
    assert not report.of(Outcome.DIFFERS)
    nothing_used = scenario == "empty" or (provider, scenario) in PRINTS_NO_USAGE
    assert report.ended is (Exit.UNTESTED if nothing_used else Exit.CLEAN)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_end_that_does_not_count_is_read_as_such_whatever_day_is_idle(seed):
    world = world_of("somya", seed=seed, manners=("to-excluded",))

    assert broken(run("somya", world=world, seed=seed, examples=4)) == {}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_binding_behaviour_is_exercised_on_a_busy_account(provider):
    report = run(provider)
    empty = run(provider, world=world_of(provider, scenario="empty"))

    both = {v.behaviour.id for r in (report, empty) for v in r.of(Outcome.HELD)}
    missing = [
        verdict.behaviour.id
        for verdict in report.verdicts
        if verdict.behaviour.evidence.binding
        and not verdict.behaviour.unseen
        and verdict.behaviour.id not in both
    ]

    assert missing == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_run_stays_within_two_hundred_requests(provider):
    assert run(provider).requests <= 200


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_same_seed_asks_the_same_questions(provider):
    first, second = run(provider, seed=7), run(provider, seed=7)

    assert [call.query for call in first.calls] == [call.query for call in second.calls]


@pytest.mark.parametrize("provider", ["somya", "supertone", "varg", "surnex"])
def test_another_seed_asks_other_questions(provider):
    first, second = run(provider, seed=1), run(provider, seed=2)

    assert {call.query for call in first.calls} != {call.query for call in second.calls}
