"""The handle of an account: its clients, sync and async, in every kind of event loop."""

from __future__ import annotations

import asyncio
import ssl

import httpx2
import pytest
import trio

import usagekit
from usagekit.fixtures import running_server

pytestmark = pytest.mark.usage(now="2026-03-15")


@pytest.mark.asyncio
async def test_the_async_client_works_under_pytest_asyncio(varg, usage):
    answers = await asyncio.gather(*(varg.aclient.get("/v1/usage") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert (await usage.lyrcs.aclient.get(usage.lyrcs.path)).status_code == 200
    assert len(varg.requests) == 5


@pytest.mark.asyncio
async def test_the_async_client_waits_without_holding_up_the_others(varg):
    varg.fault("latency", ms=30_000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(varg.aclient.get("/v1/usage"), 0.05)


def test_the_async_client_outlives_an_event_loop(varg):
    async def ask():
        return (await varg.aclient.get("/v1/usage")).status_code

    assert [asyncio.run(ask()), trio.run(ask), asyncio.run(ask())] == [200, 200, 200]


def test_intercepted_clients_have_the_production_address():
    with usagekit.intercept("varg", "lyrcs", now="2026-03-15") as usage:
        client, aclient = usage.varg.client, usage.varg.aclient
        usage.varg.clear()
        usage.varg.add(cost_cents=3)
        assert usage.varg.url == "https://api.varg.ai"
        assert client.get("/v1/usage").json()["total_cents"] == 3
        assert asyncio.run(aclient.get("/v1/usage")).json()["total_cents"] == 3
        assert trio.run(aclient.get, "/v1/usage").json()["total_cents"] == 3
        assert len(usage.varg.requests) == 3
        assert [account.name for account in usage] == ["varg", "lyrcs"]
        with pytest.raises(LookupError, match="no account at 'somya' here; known: varg, lyrcs"):
            usage.somya  # noqa: B018
    # What is left of them must not reach the real service.
    with pytest.raises(RuntimeError, match="closed"):
        client.get("/v1/usage")
    with pytest.raises(RuntimeError, match="belongs to a test or a block that has ended"):
        asyncio.run(aclient.get("/v1/usage"))


def test_an_interception_checks_what_was_expected_at_its_end():
    def block(path):
        with usagekit.intercept("varg") as usage:
            usage.varg.expect_no_errors()
            usage.varg.client.get(path)

    block("/v1/usage")
    with pytest.raises(AssertionError, match="GET /nope -> 404"):
        block("/nope")


def test_clients_end_with_their_accounts_and_leave_nothing_behind():
    with running_server() as server:
        with server.accounts() as accounts:
            varg = accounts.varg
            assert varg.client.get("/v1/usage").status_code == 200
            assert asyncio.run(varg.aclient.get("/v1/usage")).status_code == 200
            assert varg.aclient is varg.aclient
            assert varg.aclient._transport._inner._pool.connections == []
        for ask in (lambda: varg.client.get("/v1/usage"), lambda: asyncio.run(varg.aclient.get("/v1/usage"))):
            with pytest.raises(RuntimeError, match=r"closed|has ended"):
                ask()
        assert httpx2.get(varg.url + varg.path).status_code == 404
        with server.accounts() as unused:
            pass
        with pytest.raises(RuntimeError, match="these accounts belong to a test that has ended"):
            unused.varg.url  # noqa: B018


def test_no_certificate_is_read_for_plain_http(varg, monkeypatch):
    def read(*args, **kwargs):
        raise AssertionError("certificates were read")

    monkeypatch.setattr(ssl, "create_default_context", read)
    assert varg.client.get("/v1/usage").status_code == 200
    assert asyncio.run(varg.aclient.get("/v1/usage")).status_code == 200
