"""Faults: what is answered, how often, and what a client sees of it on a real socket."""

from __future__ import annotations

import http.client
import json
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.faults import KINDS, Fault, check_fault
from usage_mockserver.http import Request, Transport
from usage_mockserver.invalid import InvalidError
from usage_mockserver.providers import NAMES
from usage_mockserver.refusals import TABLES, statuses
from usage_mockserver.server import serve
from usage_mockserver.world import Settings, World
from usage_specs import load

NOW = datetime(2026, 3, 18, 15, tzinfo=UTC)
QUERY = {
    "supertone": "start_date=2026-03-01&end_date=2026-03-07",
    "lyrcs": "",
}


def world(*faults, provider="varg", **settings):
    return World([provider], Settings(clock=Clock(frozen=NOW), faults=faults, **settings))


def asking(provider, **headers):
    service = load(provider).service
    way = service.credentials[0]
    query = QUERY.get(provider, "from=2026-03-01&to=2026-03-07")
    return Request("GET", service.path, query, {way.header: way.value(service.demo_key), **headers})


def asked(one, provider="varg", **headers):
    return one.answer(provider, asking(provider, **headers))


def many(one, count, provider="varg"):
    return [asked(one, provider).status for _ in range(count)]


# -- what is answered -----------------------------------------------------------------------------------

# Typed from the error pages that FACTS.md names, not from the code.
BODIES = [
    ("somya", 429, {"success": False, "data": None, "error": {"code": "RATE_LIMITED"}}),
    ("somya", 401, {"success": False, "data": None, "error": {"code": "UNAUTHORIZED"}}),
    (
        "supertone",
        401,
        {
            "status": "error",
            "message": {"statusCode": 401, "message": "Invalid API key", "error": "Unauthorized"},
        },
    ),
    (
        "supertone",
        429,
        {
            "status": "error",
            "message": {"statusCode": 429, "message": "rate limit exceeded", "error": "Too Many Requests"},
        },
    ),
    ("lyrcs", 402, {"error": "insufficient_credits", "code": "PAY_001"}),
    ("lyrcs", 404, {"error": "not_found", "code": "NOT_001"}),
    ("varg", 502, {"error": "ProviderError", "statusCode": 502}),
    ("varg", 402, {"error": "InsufficientBalanceError", "statusCode": 402}),
]


@pytest.mark.parametrize(("provider", "status", "body"), BODIES)
def test_a_status_comes_with_the_vendors_own_body(provider, status, body):
    reply = asked(world(Fault("status", status=status), provider=provider), provider)
    assert reply.status == status
    found = json.loads(reply.body)
    assert {name: found[name] for name in body} == body


@pytest.mark.parametrize("provider", NAMES)
def test_every_documented_status_can_be_had_and_is_json(provider):
    for status in TABLES[provider]:
        reply = asked(world(Fault("status", status=status), provider=provider), provider)
        assert reply.status == status
        assert isinstance(json.loads(reply.body), dict)
        assert dict(reply.headers)["content-type"].startswith("application/json")


@pytest.mark.parametrize("provider", NAMES)
def test_an_undocumented_failure_is_a_gateways_page(provider):
    undocumented = set(statuses(provider)) - set(TABLES[provider])
    assert undocumented <= {500, 502, 503, 504}
    for status in undocumented:
        reply = asked(world(Fault("status", status=status), provider=provider), provider)
        assert (reply.status, dict(reply.headers)["content-type"]) == (status, "text/html")


def test_surnex_errors_carry_the_same_request_id_in_body_and_header():
    reply = asked(world(Fault("status", status=422), provider="surnex"), "surnex")
    assert json.loads(reply.body)["error"]["request_id"] == dict(reply.headers)["x-request-id"]


def test_supertone_errors_carry_the_etag_of_their_own_body():
    plain = asked(world(provider="supertone", keys=("other",)), "supertone")
    forced = asked(world(Fault("status", status=401), provider="supertone"), "supertone")
    assert plain == replace(forced, behaviour=plain.behaviour, keep=True)


def test_somyas_401_and_422_follow_its_switches():
    detail = world(Fault("status", status=401), provider="somya", switches={"unauthorized-body": "detail"})
    assert json.loads(asked(detail, "somya").body) == {"detail": "Not authenticated"}
    assert "detail" in json.loads(asked(world(Fault("status", status=422), provider="somya"), "somya").body)
    envelope = world(Fault("status", status=422), provider="somya", switches={"error-body": "envelope"})
    assert json.loads(asked(envelope, "somya").body)["error"]["code"] == "VALIDATION_ERROR"


def test_gateway_page_is_html_with_502_or_what_is_asked_for():
    assert asked(world(Fault("gateway-html"))).status == 502
    reply = asked(world(Fault("gateway-html", status=503)))
    assert reply.status == 503
    assert b"<h1>503 Service Unavailable</h1>" in reply.body


def test_broken_json_is_no_json_any_more():
    with pytest.raises(json.JSONDecodeError):
        json.loads(asked(world(Fault("invalid-json"))).body)


def test_transport_faults_leave_the_answer_itself_alone():
    plain = asked(world())
    for fault, transport in (
        (Fault("reset"), Transport(reset=True)),
        (Fault("truncate", size=10), Transport(cut=10)),
        (Fault("drip", size=7, ms=20), Transport(step=7, pause=0.02)),
    ):
        reply = asked(world(fault))
        assert (reply.body, reply.headers, reply.transport) == (plain.body, plain.headers, transport)


def test_a_truncated_body_always_lacks_something():
    plain = asked(world())
    assert asked(world(Fault("truncate", size=10**9))).transport.cut == len(plain.body) - 1


def test_faults_add_up_in_their_order():
    reply = asked(world(Fault("latency", ms=100), Fault("status", status=429), Fault("latency", ms=50)))
    assert (reply.status, reply.delay) == (429, pytest.approx(0.15))


def test_jitter_stays_in_its_range_and_is_not_always_the_same():
    one = world(Fault("latency", ms=100, jitter_ms=50))
    delays = [asked(one).delay for _ in range(50)]
    assert all(0.1 <= delay <= 0.15 for delay in delays)
    assert len(set(delays)) > 10


# -- how often ------------------------------------------------------------------------------------------


def test_once_is_the_first_time():
    assert many(world(Fault("status", status=500, times=1)), 3) == [500, 200, 200]


def test_times_are_counted():
    assert many(world(Fault("status", status=500, times=2)), 4) == [500, 500, 200, 200]


def test_always_is_always():
    assert many(world(Fault("status", status=500)), 3) == [500] * 3


def test_a_probability_draws_the_same_sequence_for_the_same_seed():
    def sequence(seed):
        return many(world(Fault("status", status=500, probability=0.3), seed=seed), 200)

    assert sequence(1) == sequence(1) != sequence(2)
    assert 30 < sequence(1).count(500) < 90


def test_a_probability_of_one_is_certain_and_of_nothing_never():
    assert set(many(world(Fault("status", status=500, probability=1.0)), 20)) == {500}
    assert set(many(world(Fault("status", status=500, probability=0)), 20)) == {200}


def test_setting_a_fault_again_begins_anew():
    one = world(Fault("status", status=500, times=1))
    assert many(one, 2) == [500, 200]
    one.change("varg", faults=(Fault("status", status=500, times=1),))
    assert many(one, 2) == [500, 200]


def test_other_settings_do_not_begin_a_fault_anew():
    one = world(Fault("status", status=500, times=1))
    many(one, 1)
    one.change("varg", seed=7)
    assert many(one, 1) == [200]


def test_no_answer_under_faults_is_kept():
    one = world(Fault("status", status=500, times=1), Fault("latency", ms=1))
    app = create_app(one)
    service = load("varg").service
    headers = {"authorization": f"Bearer {service.demo_key}", "host": "localhost"}
    replies = [app.handle("GET", "localhost", service.path, "", headers).status for _ in range(3)]
    assert replies == [500, 200, 200]
    one.change("varg", faults=())
    app.handle("GET", "localhost", service.path, "", headers)
    one.change("varg", faults=(Fault("status", status=503),))
    assert app.handle("GET", "localhost", service.path, "", headers).status == 503


# -- rate limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "limit"), [("varg", 10), ("supertone", 20), ("somya", 10), ("lyrcs", 10)]
)
def test_the_published_limit_is_counted(provider, limit):
    one = world(Fault("rate-limit"), provider=provider)
    assert many(one, limit + 2, provider) == [200] * limit + [429] * 2


def test_lyrcs_counts_all_three_windows_down_in_its_headers():
    one = world(Fault("rate-limit"), provider="lyrcs")
    fields = [dict(asked(one, "lyrcs").headers) for _ in range(3)]
    left = [
        tuple(found[f"x-ratelimit-remaining-{unit}"] for unit in ("minute", "hour", "day"))
        for found in fields
    ]
    assert left == [("9", "99", "999"), ("8", "98", "998"), ("7", "97", "997")]


def test_lyrcs_says_when_to_come_back_in_body_and_header():
    one = world(Fault("rate-limit"), provider="lyrcs")
    many(one, 10, "lyrcs")
    one.change("lyrcs", clock=one.settings["lyrcs"].clock.advance(timedelta(seconds=20)))
    reply = asked(one, "lyrcs")
    body, fields = json.loads(reply.body), dict(reply.headers)
    assert (reply.status, body["code"], body["retry_after"], fields["retry-after"]) == (
        429,
        "RATE_001",
        40,
        "40",
    )
    assert "10 requests per minute" in body["message"]
    assert fields["x-ratelimit-remaining-minute"] == "0"


def test_the_window_ends_with_the_accounts_clock():
    one = world(Fault("rate-limit", limit=2, window=60))
    assert many(one, 3) == [200, 200, 429]
    clock = one.settings["varg"].clock
    one.change("varg", clock=clock.advance(timedelta(seconds=59)))
    assert many(one, 1) == [429]
    one.change("varg", clock=clock.advance(timedelta(seconds=60)))
    assert many(one, 3) == [200, 200, 429]


def test_a_clock_that_is_turned_back_begins_a_new_window():
    one = world(Fault("rate-limit", limit=1, window=60))
    assert many(one, 2) == [200, 429]
    one.change("varg", clock=Clock(frozen=NOW - timedelta(days=1)))
    assert many(one, 2) == [200, 429]


def test_refused_keys_are_not_counted():
    one = world(Fault("rate-limit", limit=1))
    assert asked(one, authorization="Bearer wrong").status == 401
    assert many(one, 2) == [200, 429]


def test_surnex_sends_its_quota_headers():
    one = world(Fault("rate-limit", limit=2), provider="surnex")
    fields = [dict(asked(one, "surnex").headers) for _ in range(3)]
    assert [found["x-ratelimit-remaining"] for found in fields] == ["1", "0", "0"]
    assert fields[2]["retry-after"] == "60"


# -- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "field", "says"),
    [
        (Fault("latncy", ms=1), "kind", "did you mean 'latency'?"),
        (Fault("latency"), "ms", "needs ms"),
        (Fault("latency", ms=-1), "ms", "whole number from 0 to 300000"),
        (Fault("latency", ms=300_001), "ms", "whole number from 0 to 300000"),
        (Fault("latency", ms=True), "ms", "whole number"),
        (Fault("reset", ms=5), "ms", "has no ms"),
        (Fault("status"), "status", "documents no status 0"),
        (Fault("status", status=418), "status", "it may be 400, 401, 402"),
        (Fault("gateway-html", status=404), "status", "a gateway answers one of 500, 502, 503, 504"),
        (Fault("status", status=500, probability=1.5), "probability", "a number from 0 to 1"),
        (Fault("status", status=500, probability=float("nan")), "probability", "a number from 0 to 1"),
        (Fault("status", status=500, times=-1), "times", "whole number"),
        (Fault("rate-limit", times=3), "times", "has no times"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fault, field, says):
    with pytest.raises(InvalidError) as caught:
        check_fault("varg", fault)
    assert caught.value.field == field
    assert says in caught.value.message


def test_a_world_refuses_such_a_fault_and_stays_as_it_was():
    one = world()
    with pytest.raises(ValueError, match="did you mean"):
        one.change("varg", faults=(Fault("latncy"),))
    assert one.settings["varg"].faults == ()
    assert not one.disturbed


# -- on the wire ----------------------------------------------------------------------------------------

HEADERS = {"authorization": "Bearer varg_usagekit_demo"}
PATH = "/v1/usage?from=2026-03-01&to=2026-03-07"


def connected(running):
    return closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=10))


def test_a_reset_is_a_reset_to_the_client():
    with serve(world(Fault("reset"))) as running, connected(running) as client:
        client.request("GET", PATH, headers=HEADERS)
        # Not through the client's own eyes: to it a closed connection is one kind of reset.
        with pytest.raises(ConnectionResetError):
            client.sock.recv(1)


def test_a_truncated_body_ends_early_though_its_length_says_more(caplog):
    plain = asked(world())
    with serve(world(Fault("truncate", size=20))) as running, connected(running) as client:
        client.request("GET", PATH, headers=HEADERS)
        response = client.getresponse()
        assert response.headers["content-length"] == str(len(plain.body))
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
    assert caught.value.partial == plain.body[:20]
    assert caplog.text == ""


def test_a_truncated_body_is_a_protocol_error_to_httpx():
    with serve(world(Fault("truncate", size=20))) as running, pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(running.url + PATH, headers=HEADERS)


def test_a_drip_arrives_in_pieces_and_complete():
    plain = asked(world(scenario="docs"))
    size = -(-len(plain.body) // 5)
    with (
        serve(world(Fault("drip", size=size, ms=40), scenario="docs")) as running,
        connected(running) as client,
    ):
        begun = time.perf_counter()
        client.request("GET", PATH, headers=HEADERS)
        assert client.getresponse().read() == plain.body
        assert time.perf_counter() - begun >= 0.12


def test_latency_holds_an_answer_back_and_others_not():
    with serve(world(Fault("latency", ms=1500, times=1))) as running:
        begun = time.perf_counter()
        assert httpx2.get(running.url + PATH, headers=HEADERS).status_code == 200
        assert time.perf_counter() - begun >= 1.5
        begun = time.perf_counter()
        assert httpx2.get(running.url + PATH, headers=HEADERS).status_code == 200
        assert time.perf_counter() - begun < 1.5


def test_the_next_request_on_the_connection_is_answered():
    faults = (Fault("status", status=500, times=1), Fault("drip", size=50, ms=1, times=1))
    with (
        serve(world(*faults)) as running,
        httpx2.Client(base_url=running.url, headers=HEADERS) as client,
    ):
        assert [client.get(PATH).status_code for _ in range(3)] == [500, 200, 200]


@pytest.mark.parametrize("fault", [Fault("truncate", size=3), Fault("drip", size=3, ms=1)])
def test_head_has_no_body_to_disturb(fault):
    with serve(world(fault)) as running:
        assert httpx2.head(running.url + PATH, headers=HEADERS).status_code == 200


def test_the_server_ends_although_an_answer_is_held_back():
    with serve(world(Fault("latency", ms=300_000))) as running, connected(running) as client:
        client.request("GET", PATH, headers=HEADERS)
        time.sleep(0.1)
        begun = time.perf_counter()
        running.stop()
        assert time.perf_counter() - begun < 5


def test_a_delay_set_while_it_runs_holds_the_next_answer_back():
    one = world()
    with serve(one) as running, httpx2.Client(base_url=running.url, headers=HEADERS) as client:
        client.get(PATH)
        one.change("varg", faults=(Fault("latency", ms=200),))
        begun = time.perf_counter()
        assert client.get(PATH).status_code == 200
        assert time.perf_counter() - begun >= 0.2


def test_a_reset_of_the_world_lets_its_first_faults_come_again():
    one = world(Fault("status", status=500, times=1))
    assert many(one, 2) == [500, 200]
    one.reset()
    assert many(one, 2) == [500, 200]


def test_a_fault_set_while_it_runs_shows_in_the_next_answer():
    one = world()
    with serve(one) as running, httpx2.Client(base_url=running.url, headers=HEADERS) as client:
        assert [client.get(PATH).status_code for _ in range(3)] == [200] * 3
        one.change("varg", faults=(Fault("status", status=503),))
        assert client.get(PATH).status_code == 503
        one.change("varg", faults=())
        assert client.get(PATH).status_code == 200


def test_every_kind_is_tried_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'Fault("{kind}"' not in text] == []
