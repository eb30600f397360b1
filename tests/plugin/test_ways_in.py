"""Other ways to the accounts of a test: production addresses, the environment, async tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_intercepted_code_meets_the_accounts_of_the_test(run: Run) -> None:
    run(
        """
        import urllib.request

        import httpx2
        import pytest

        URL = "https://api.varg.ai/v1/usage"

        def cents(headers):
            asked = urllib.request.Request(URL, headers=headers)
            with urllib.request.urlopen(asked) as answer:
                return answer.read()

        @pytest.mark.parametrize("number", [1, 2, 3])
        def test_it(usage_intercept, usage, varg, number):
            varg.clear()
            varg.add(cost_cents=number)
            assert b'"total_cents":%d}' % number in cents(varg.headers)
            assert varg.client.get(varg.path).json()["total_cents"] == number
            assert usage_intercept.varg.client.get(varg.path).json()["total_cents"] == number
            assert len(varg.requests) == len(usage.requests) == len(usage_intercept.requests) == 3
            assert usage_intercept.world is usage.world
            usage_intercept.varg.fault(503)
            assert varg.client.get(varg.path).status_code == 503

        def test_expectations(usage_intercept, varg):
            usage_intercept.varg.expect_no_errors(except_for=[404])
            httpx2.get("https://api.varg.ai/nope")

        def test_after(varg):
            from usagekit.interception import patches

            assert patches.patched() == []
        """
    ).assert_outcomes(passed=5)


def test_an_interception_alone_starts_no_server(run: Run) -> None:
    run(
        """
        import threading

        before = threading.enumerate()

        def test_it(usage_intercept):
            assert usage_intercept.lyrcs.client.get("/api/v1/usage").status_code == 200
            assert threading.enumerate() == before
        """
    ).assert_outcomes(passed=1)


def test_the_environment_names_addresses_and_keys_and_is_given_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARG_API_KEY", "before")
    run(
        """
        import os

        import httpx2

        def test_it(usage_env, usage):
            assert len(usage_env) == 10
            assert {name: os.environ[name] for name in usage_env} == usage_env
            headers = {"authorization": "Bearer " + os.environ["VARG_API_KEY"]}
            assert httpx2.get(os.environ["VARG_BASE_URL"] + "/v1/usage", headers=headers).status_code == 200
            assert os.environ["VARG_BASE_URL"] == usage.varg.url
            usage.varg.requests.assert_called_once()

        def test_after():
            assert os.environ["VARG_API_KEY"] == "before"
            assert "VARG_BASE_URL" not in os.environ
        """
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_tests_of_anyio(run: Run, backend: str) -> None:
    run(
        f"""
        import httpx2
        import pytest

        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "{backend}"

        async def test_it(varg, usage_intercept):
            varg.clear()
            varg.add(cost_cents=2)
            assert (await varg.aclient.get(varg.path)).json()["total_cents"] == 2
            async with httpx2.AsyncClient(headers=varg.headers) as client:
                answer = await client.get("https://api.varg.ai/v1/usage")
            assert answer.json()["total_cents"] == 2
            assert (await usage_intercept.varg.aclient.get(varg.path)).json()["total_cents"] == 2
            assert len(varg.requests) == 3

        async def test_again(varg):
            assert (await varg.aclient.get(varg.path)).status_code == 200
            assert len(varg.requests) == 1
        """,
        plugins=("no:anyio",),
    ).assert_outcomes(passed=2)


def test_async_tests_of_pytest_asyncio(run: Run) -> None:
    run(
        """
        import asyncio

        import httpx2
        import pytest

        pytestmark = pytest.mark.asyncio

        @pytest.mark.parametrize("number", [1, 2, 3])
        async def test_it(varg, usage_intercept, number):
            varg.clear()
            varg.add(cost_cents=number)
            answers = await asyncio.gather(*(varg.aclient.get(varg.path) for _ in range(4)))
            assert [answer.json()["total_cents"] for answer in answers] == [number] * 4
            async with httpx2.AsyncClient(headers=varg.headers) as client:
                assert (await client.get("https://api.varg.ai/v1/usage")).json()["total_cents"] == number
            varg.expect_no_errors()
            assert len(varg.requests) == 5
        """,
        "-o",
        "asyncio_mode=strict",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        plugins=("no:asyncio",),
    ).assert_outcomes(passed=3)
