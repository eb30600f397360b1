"""`Prefer` on one request: what it asks for, what it gets, and that nobody else gets it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import httpx2
import pytest

from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.preferences import read_preferences
from usage_mockserver.providers import NAMES
from usage_mockserver.providers.varg import Job
from usage_mockserver.server import serve
from usage_mockserver.world import Settings, World
from usage_specs import load

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
PATH = "/v1/usage"
QUERY = "from=2026-03-01&to=2026-03-07"


@pytest.fixture
def world():
    return World(NAMES, Settings(clock=Clock(frozen=NOW)))


@pytest.fixture
def app(world):
    return create_app(world)


def asked(app, prefer=None, provider="varg", path=PATH, query=QUERY):
    service = load(provider).service
    way = service.credentials[0]
    headers = {way.header: way.value(service.demo_key), "host": "localhost"}
    if prefer is not None:
        headers["prefer"] = prefer
    return app.handle("GET", "localhost", f"/{provider}{path}", query, headers)


def test_a_status_is_for_one_request_only(app):
    plain = asked(app)
    assert asked(app, "code=429").status == 429
    assert asked(app) == plain


def test_the_answer_says_what_was_applied(app):
    fields = dict(asked(app, "wait=0.01, code=402").headers)
    assert fields["preference-applied"] == "code=402, wait=0.01"


def test_a_status_has_the_vendors_body(app):
    assert json.loads(asked(app, "code=429").body)["error"] == "RateLimitError"


def test_a_scenario_is_that_of_an_account_nobody_added_to(app, world):
    world.add("varg", [Job(datetime(2026, 3, 2, tzinfo=UTC), job_id="mine")])
    assert json.loads(asked(app, "scenario=empty").body) == {"usage": [], "total_cents": 0}
    assert "mine" in asked(app).body.decode()


def test_the_docs_scenario_brings_its_switches_along(app):
    reply = asked(
        app, "scenario=docs", "surnex", "/v1/usage", "from=2026-01-01T00:00:00Z&to=2026-01-31T23:59:59Z"
    )
    assert json.loads(reply.body)["provider"] == "dataforseo"


def test_code_200_is_the_usual_answer(app):
    assert asked(app, "code=200").body == asked(app).body


@pytest.mark.parametrize(
    "prefer", ["return=minimal", "respond-async", "", ",,", "dynamic=true, example=x", "=", '"']
)
def test_preferences_of_others_change_nothing(app, prefer):
    plain = asked(app)
    found = asked(app, prefer)
    assert (found.status, found.body, found.headers) == (plain.status, plain.body, plain.headers)


@pytest.mark.parametrize(
    ("prefer", "says"),
    [
        ("code=999", "varg documents no status 999; it may be 400,"),
        ("code=abc", "varg documents no status 'abc'"),
        ("code", "varg documents no status ''"),
        ("code=418", "documents no status 418"),
        ("scenario=emty", "did you mean 'empty'?"),
        ("wait=61", "seconds from 0 to 60"),
        ("wait=-1", "seconds from 0 to 60"),
        ("wait=nan", "seconds from 0 to 60"),
        ("wait=1e3", "seconds from 0 to 60"),
    ],
)
def test_a_wrong_value_is_refused_in_the_kits_own_words(app, prefer, says):
    reply = asked(app, prefer)
    assert reply.status == 400
    assert says in json.loads(reply.body)["usagekit"]["message"]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("code=429", 429),
        ('code="429"', 429),
        ("CODE=429", 429),
        ("a=b;c,code=429;x", 429),
        ("code=402,code=429", 402),
    ],
)
def test_rfc_7240_spellings(field, code):
    assert read_preferences(field, "varg").code == code


def test_waiting_holds_this_answer_back_and_not_the_next():
    world = World(["varg"], Settings(clock=Clock(frozen=NOW)))
    headers = {"authorization": "Bearer varg_usagekit_demo"}
    with serve(world) as running, httpx2.Client(base_url=running.url, headers=headers) as client:
        for _ in range(2):
            begun = time.perf_counter()
            reply = client.get(f"{PATH}?{QUERY}", headers={"prefer": "wait=0.8"})
            assert time.perf_counter() - begun >= 0.8
            assert reply.headers["preference-applied"] == "wait=0.8"
            begun = time.perf_counter()
            assert "preference-applied" not in client.get(f"{PATH}?{QUERY}").headers
            assert time.perf_counter() - begun < 0.8
