"""The script with its production URL, answered in this process: no server, no patching by hand."""

import pytest
import usagekit

from invoice_check import main


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("VARG_API_KEY", "varg_usagekit_demo")


@pytest.fixture
def varg():
    """An account with nothing in it, at https://api.varg.ai; no other host can be reached."""
    with usagekit.intercept("varg", scenario="empty", now="2026-03-15", allow_other_hosts=False) as usage:
        yield usage.varg


def test_an_invoice_that_is_right(varg, capsys):
    varg.add(at="2026-02-01T00:00:00Z", capability="video", cost_cents=1250)
    varg.add(at="2026-02-28T23:59:59Z", capability="music", cost_cents=5)
    varg.add(at="2026-03-01T00:00:00Z", cost_cents=99)
    assert main("2026-02", "12.55") == 0
    assert capsys.readouterr().out == "2026-02: 12.55 USD, as invoiced\n"
    varg.requests.assert_called_once(params={"from": "2026-02-01", "to": "2026-02-28"})


def test_an_invoice_that_is_wrong_is_taken_apart(varg, capsys):
    varg.add(at="2026-02-10", capability="video", cost_cents=1250)
    varg.add(at="2026-02-11", capability="video", cost_cents=0, cache_hit=True)
    varg.add(at="2026-02-12", capability="music", cost_cents=300)
    assert main("2026-02", "18.50") == 1
    assert capsys.readouterr().out == (
        "2026-02: 15.50 USD were used and 18.50 USD invoiced\n"
        "  video              12.50\n"
        "  music               3.00\n"
    )


def test_a_leap_year_has_29_days(varg):
    assert main("2024-02", "0") == 0
    varg.requests.assert_called_once(to="2024-02-29")


def test_a_refused_key_is_no_difference(varg, monkeypatch, capsys):
    monkeypatch.setenv("VARG_API_KEY", "wrong")
    assert main("2026-02", "0") == 2
    assert "401" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [503, "reset", "truncate"])
def test_trouble_on_the_way_is_no_difference(varg, fault, capsys):
    varg.fault(fault)
    assert main("2026-02", "0") == 2
    assert capsys.readouterr().out == ""
