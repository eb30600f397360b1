"""How a run ends, and what a finding says."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx2
import pytest

from tests.contracts.in_process import NOW, Fake, broken, plain, run, world_of
from usage_contracts.curl import curl
from usage_contracts.transport import Limits
from usage_contracts.verdict import Exit, Outcome
from usage_specs import PROVIDERS, load


def answering(status, body=b"{}", kind="application/json", **headers):
    """A spoiler that answers everything alike."""
    fields = {"content-type": kind, **headers}
    return lambda _request, _reply: httpx2.Response(status, headers=fields, content=body)


class Dead(httpx2.BaseTransport):
    """A transport on which nothing comes through."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        raise self.error


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("spoil", "ended", "words"),
    [
        pytest.param(answering(401), Exit.UNTESTED, "every answer was a 401", id="every answer a 401"),
        pytest.param(answering(403), Exit.UNTESTED, "every answer was a 403", id="a key without rights"),
        pytest.param(answering(402), Exit.UNTESTED, "every answer was a 402", id="no credits"),
        pytest.param(answering(404), Exit.UNREACHED, "it has moved", id="gone"),
        pytest.param(answering(410), Exit.UNREACHED, "it has moved", id="gone for good"),
        pytest.param(
            answering(301, location="https://elsewhere.invalid/x?key=1"),
            Exit.UNREACHED,
            "it has moved",
            id="moved",
        ),
        pytest.param(
            answering(502, b"<html>", "text/html"), Exit.UNREACHED, "status 502", id="a gateway's page"
        ),
        pytest.param(answering(429), Exit.UNREACHED, "status 429", id="quota used up"),
    ],
)
def test_what_says_nothing_about_the_contract_breaks_nothing(provider, spoil, ended, words):
    report = run(provider, spoil=spoil)

    assert broken(report) == {}
    assert report.ended is ended
    assert words in report.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("refused"), "no connection"),
        (httpx2.ReadTimeout("slow"), "no answer in time"),
        (httpx2.RemoteProtocolError("closed"), "closed before the answer was complete"),
    ],
)
def test_a_target_that_cannot_be_reached_ends_in_three(error, words):
    report = run("varg", transport=Dead(error))

    assert report.exit_status == 3
    assert words in report.reason
    assert report.requests <= 20


def test_the_good_key_refused_again_and_again_is_not_tried_for_long():
    assert run("supertone", spoil=answering(401)).requests <= 20


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_error_on_every_valid_question_is_broken(provider):
    def spoil(request, reply):
        return httpx2.Response(500, json={"oops": 1}) if reply.status == 200 else plain(request, reply)

    report = run(provider, spoil=spoil)

    assert f"{provider}.answered" in broken(report)
    assert report.exit_status == 1


@pytest.mark.parametrize(("live", "held"), [(True, True), (False, False)])
def test_one_stumble_is_forgiven_to_a_real_service_only(live, held):
    stumbled = []

    def spoil(request, reply):
        if not stumbled and reply.status == 200:
            stumbled.append(1)
            return httpx2.Response(500, text="Internal Server Error")
        return plain(request, reply)

    assert (broken(run("varg", spoil=spoil, live=live)) == {}) is held


def test_stumbling_now_and_then_is_broken():
    count = [0]

    def spoil(request, reply):
        count[0] += 1
        return httpx2.Response(500, text="oops") if count[0] % 9 == 0 else plain(request, reply)

    assert "varg.answered" in broken(run("varg", spoil=spoil))


def test_a_quota_now_and_then_is_waited_for():
    count, slept = [0], []

    def spoil(request, reply):
        count[0] += 1
        if count[0] % 10 == 0:
            return httpx2.Response(429, headers={"retry-after": "0.5" if count[0] % 20 else "1"})
        return plain(request, reply)

    report = run("varg", spoil=spoil, limits=Limits(requests=600, waits=1000, sleep=slept.append))

    assert (report.ended, broken(report)) == (Exit.CLEAN, {})
    assert set(slept) == {1.0}


def test_a_finding_names_the_sentence_the_sight_and_the_curl_that_shows_it():
    def spoil(request, reply):
        response = plain(request, reply)
        if reply.status != 200:
            return response
        body = json.loads(reply.body)
        body["total_cents"] += 1
        return httpx2.Response(200, headers=list(reply.headers), content=json.dumps(body))

    report = run("varg", spoil=spoil)
    [verdict] = [v for v in report.of(Outcome.BROKEN) if v.behaviour.id == "varg.total-is-sum"]

    assert "Total cost in cents" in verdict.behaviour.quote
    assert "records add up to" in verdict.finding.observed
    assert len(verdict.finding.calls) == 1
    line = curl(load("varg").service, report.origin, verdict.finding.calls[0])
    assert line.startswith('curl -i -H "authorization: Bearer $VARG_API_KEY" ')


def test_an_assumption_that_differs_fails_a_strict_run_only():
    world = world_of("supertone", switches={"limit": "difference"})
    relaxed = run("varg", world=world_of("varg", switches={"bad-date": "ignore"}))
    strict = run("varg", world=world_of("varg", switches={"bad-date": "ignore"}), strict=True)

    assert (relaxed.exit_status, strict.exit_status) == (0, 1)
    assert [v.behaviour.id for v in relaxed.of(Outcome.DIFFERS)] == ["varg.bad-date-refused"]
    assert run("supertone", world=world).exit_status == 0


def test_an_untested_behaviour_says_why():
    report = run("supertone", world=world_of("supertone", scenario="empty"))
    reasons = {v.behaviour.id: v.reason for v in report.of(Outcome.NOT_EXERCISED)}

    assert reasons["supertone.rows-unique"] == "no answer showed any usage"
    assert reasons["supertone.minutes-are-speech-length"]


def test_every_judged_behaviour_stands_in_the_register():
    for provider in PROVIDERS:
        world = world_of(provider, scenario="sparse")
        transport = Fake(world)
        report = run(provider, transport=transport)
        known = {verdict.behaviour.id for verdict in report.verdicts}

        assert known == set(load(provider).behaviours)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_clock_some_minutes_off_is_nobodys_breach(provider):
    for minutes in (-7, 7):
        assert broken(run(provider, now=NOW + timedelta(minutes=minutes))) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"{'a': 1}", "property name", id="Python instead of JSON"),
        pytest.param(b"[" * 200_000, "nested too deeply", id="nested without end"),
        pytest.param(b'{"a": NaN}', "NaN is not JSON", id="NaN"),
        pytest.param(b"", "Expecting value", id="nothing at all"),
    ],
)
def test_a_body_that_is_no_json_is_one_finding_and_no_crash(body, words):
    found = broken(run("lyrcs", spoil=answering(200, body)))

    assert words in found["lyrcs.json"]


def test_a_redirect_loop_is_left_after_a_few_requests():
    def spoil(request, _reply):
        path = str(request.url.path)
        return httpx2.Response(307, headers={"location": path[:-1] if path.endswith("/") else path + "/"})

    report = run("varg", spoil=spoil)

    assert report.ended is Exit.UNREACHED
    assert report.requests <= 10
