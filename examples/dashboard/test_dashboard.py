"""The dashboard against fake services: each test has accounts of its own at all five."""

import pytest
from fastapi.testclient import TestClient

from dashboard import app

WEEK = {"from": "2026-03-02", "to": "2026-03-08"}


@pytest.fixture
def dashboard(usage_env):
    """The application, whose VARG_BASE_URL, VARG_API_KEY and so on lead to the fakes."""
    with TestClient(app) as client:
        yield client


def by_service(reply):
    assert reply.status_code == 200
    return {row["service"]: row for row in reply.json()}


def test_costs_are_those_of_the_period(dashboard, varg, supertone):
    varg.clear()
    varg.add(at="2026-03-02T00:00:00Z", cost_cents=1250)
    varg.add(at="2026-03-09T00:00:00Z", cost_cents=9900)
    supertone.clear()
    supertone.add(at="2026-03-05", minutes=12.5)
    rows = by_service(dashboard.get("/api/costs", params=WEEK))
    assert (rows["varg"]["used"], rows["varg"]["cost_usd"]) == ("1 jobs", 12.5)
    assert rows["supertone"]["used"] == "12.5 minutes"


def test_every_service_is_asked_once_for_the_period(dashboard, usage):
    usage.expect_no_errors()
    dashboard.get("/api/costs", params=WEEK)
    usage.supertone.requests.assert_called_once(start_date="2026-03-02", end_date="2026-03-08")
    for account in (usage.somya, usage.varg, usage.surnex):
        account.requests.assert_called_once(params=WEEK)
    usage.lyrcs.requests.assert_called_once()


@pytest.mark.usage(scenario="empty")
def test_nothing_used_costs_nothing(dashboard):
    rows = by_service(dashboard.get("/api/costs", params=WEEK))
    assert [row["cost_usd"] for row in rows.values() if row["cost_usd"] is not None] == [0, 0]


@pytest.mark.parametrize(
    ("fault", "fields", "says"),
    [(500, {}, "status 500"), ("reset", {}, "ReadError"), ("invalid-json", {}, "JSONDecodeError")],
)
def test_a_service_in_trouble_spoils_no_other(dashboard, somya, fault, fields, says):
    somya.fault(fault, **fields)
    rows = by_service(dashboard.get("/api/costs", params=WEEK))
    assert rows.pop("somya")["error"] == says
    assert {row["error"] for row in rows.values()} == {""}


def test_a_missing_key_is_said(dashboard, monkeypatch):
    monkeypatch.delenv("LYRCS_API_KEY")
    assert (
        by_service(dashboard.get("/api/costs", params=WEEK))["lyrcs"]["error"] == "LYRCS_API_KEY is missing"
    )


def test_a_longer_period_is_refused_before_anybody_is_asked(dashboard, usage):
    reply = dashboard.get("/api/costs", params={"from": "2026-01-01", "to": "2026-03-01"})
    assert reply.status_code == 422
    usage.requests.assert_not_called()


def test_the_page_shows_every_service(dashboard, usage):
    text = dashboard.get("/").text
    assert all(f"<td>{account.name}<td>" in text for account in usage)
    assert len(usage.requests) == 5
