"""The catalogue of defects: systematic, named, and each visible to somebody who only asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

import pytest
from mutant_probes import BY_PROVIDER, request

from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply
from usage_mockserver.mutants import CATALOGUE, Mutant, find
from usage_mockserver.mutants.common import COMMON, catalogue
from usage_mockserver.mutants.edits import KINDS
from usage_mockserver.world import Settings, World
from usage_specs import load

NOW = datetime.now(UTC)
MUTANTS = [mutant for known in CATALOGUE.values() for mutant in known.values()]
LEAST = {"somya": 40, "supertone": 40, "varg": 40, "surnex": 40, "lyrcs": 25}


def answers(provider: str, mutant: str, now: datetime) -> Iterator[Reply]:
    world = World([provider], Settings(clock=Clock(frozen=now), mutant=mutant))
    for probe in BY_PROVIDER[provider](now.date()):
        yield world.answer(provider, request(provider, probe))


@lru_cache
def honest(provider: str, now: datetime) -> list[Reply]:
    return list(answers(provider, "", now))


def shown(reply: Reply) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    return reply.status, reply.headers, reply.body


def meaning(reply: Reply) -> object:
    """What a reader sees: status, the fields that matter, and the JSON with repeated keys but no order."""
    fields = {name: value for name, value in reply.headers if name not in ("etag", "vary")}
    try:
        body = json.loads(reply.body, object_pairs_hook=lambda pairs: sorted(map(repr, pairs)))
    except ValueError:
        body = reply.body
    return reply.status, fields, repr(body)


def differs(mutant: Mutant, now: datetime) -> bool:
    pairs = zip(honest(mutant.provider, now), answers(mutant.provider, mutant.name, now), strict=True)
    return any(meaning(good) != meaning(bad) for good, bad in pairs)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.provider}-{mutant.name}")
def test_a_mutant_changes_an_answer(mutant: Mutant) -> None:
    assert differs(mutant, NOW)


@pytest.mark.parametrize("provider", CATALOGUE)
def test_there_are_enough_of_them(provider: str) -> None:
    assert len(CATALOGUE[provider]) >= LEAST[provider]


@pytest.mark.parametrize("provider", CATALOGUE)
def test_each_names_a_binding_behaviour_that_can_be_seen(provider: str) -> None:
    register = load(provider).behaviours
    for mutant in CATALOGUE[provider].values():
        behaviour = register[mutant.breaks]
        assert behaviour.evidence.binding, mutant
        assert not behaviour.unseen, mutant


@pytest.mark.parametrize("provider", CATALOGUE)
def test_every_binding_behaviour_that_can_be_seen_has_one(provider: str) -> None:
    binding = {
        behaviour.id
        for behaviour in load(provider).behaviours.values()
        if behaviour.evidence.binding and not behaviour.unseen
    }

    assert binding - {mutant.breaks for mutant in CATALOGUE[provider].values()} == set()


@pytest.mark.parametrize("provider", CATALOGUE)
def test_names_kinds_and_summaries_are_in_order(provider: str) -> None:
    for name, mutant in CATALOGUE[provider].items():
        assert mutant.name == name
        assert mutant.provider == provider
        assert mutant.kind in KINDS
        assert name == name.lower()
        assert name.replace("-", "").isalnum()
        assert not mutant.summary.endswith(".")
    assert len({mutant.summary for mutant in CATALOGUE[provider].values()}) == len(CATALOGUE[provider])


def test_a_name_stands_in_one_row_alone() -> None:
    row = COMMON[0]
    with pytest.raises(ValueError, match="twice"):
        catalogue("varg", (row, row))


@pytest.mark.parametrize("provider", CATALOGUE)
def test_the_same_mutant_gives_the_same_bytes_twice(provider: str) -> None:
    for name in list(CATALOGUE[provider])[::7]:
        first = [shown(reply) for reply in answers(provider, name, NOW)]

        assert [shown(reply) for reply in answers(provider, name, NOW)] == first


def test_an_unknown_mutant_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean 'last-day-dropped'"):
        find("supertone", "last-day-droped")
    with pytest.raises(ValueError, match="has no mutant"):
        World(["varg"]).change("varg", mutant="no-such-thing")


def test_what_a_mutant_answers_is_never_kept() -> None:
    world = World(["lyrcs"], Settings(mutant="period-of-this-month"))

    reply = world.answer("lyrcs", request("lyrcs", BY_PROVIDER["lyrcs"](NOW.date())[0]))

    assert not reply.keep
    assert b'"period":"month"' in reply.body


def test_two_worlds_share_no_memory() -> None:
    probe = BY_PROVIDER["lyrcs"](NOW.date())[0]
    worlds = [
        World(["lyrcs"], Settings(mutant="calls-count-down", clock=Clock(frozen=NOW))) for _ in range(2)
    ]

    bodies = [[world.answer("lyrcs", request("lyrcs", probe)).body for _ in range(2)] for world in worlds]

    assert bodies[0] == bodies[1]
    assert bodies[0][0] != bodies[0][1]
