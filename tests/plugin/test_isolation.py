"""Tests that run at once never meet, and nothing is left when they are over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from usagekit.fixtures import UsageServer, running_server

# Half of them wait for a while inside the test, so that those of other workers run meanwhile.
THOUSAND = """
    import asyncio

    import httpx2
    import pytest

    DAY = {"from": "2026-03-02", "to": "2026-03-02"}

    @pytest.mark.usage(now="2026-03-15", scenario="empty")
    @pytest.mark.parametrize("number", range(1000))
    def test_it(number, request):
        usage = request.getfixturevalue("usage")
        if number % 4 == 1:
            request.getfixturevalue("usage_intercept")
        varg = usage.varg
        url = "https://api.varg.ai" if number % 4 == 1 else varg.url
        varg.add(at="2026-03-02T10:00:00Z", job_id=f"job_{number}", cost_cents=number)
        varg.add(at="2026-03-02T11:00:00Z", job_id="same", cost_cents=1)
        answer = varg.client.get(url + varg.path, params=DAY).json()
        assert answer["total_cents"] == number + 1
        assert {job["job_id"] for job in answer["usage"]} == {f"job_{number}", "same"}
        varg.requests.assert_called_once(from_="2026-03-02")
        if number % 10 == 0:
            with varg.fault(503, times=1):
                assert varg.client.get(varg.path).status_code == 503
        if number % 10 == 5:
            assert asyncio.run(varg.aclient.get(varg.path, params=DAY)).json() == answer
    """

EVERYTHING = """
    import asyncio
    import multiprocessing
    import threading

    import httpx2
    import pytest
    import trio

    def ask(url, headers):
        assert httpx2.get(url, headers=headers, trust_env=False).status_code == 200

    def test_sync(usage, usage_env, usage_intercept):
        for account in usage:
            window = {"start_date": "2026-03-01", "end_date": "2026-03-02"} if account.name == "supertone" else {}
            account.client.get(account.path, params=window)

    def test_async(varg, usage_intercept):
        asyncio.run(varg.aclient.get(varg.path))
        trio.run(varg.aclient.get, varg.path)
        trio.run(usage_intercept.varg.aclient.get, varg.path)

    def test_another_thread(varg):
        thread = threading.Thread(target=ask, args=(varg.url + varg.path, varg.headers))
        thread.start()
        thread.join()
        varg.requests.assert_called_once()

    def test_another_process(varg):
        child = multiprocessing.get_context("fork").Process(target=ask, args=(varg.url + varg.path, varg.headers))
        child.start()
        child.join()
        assert child.exitcode == 0
        varg.requests.assert_called_once()

    def test_a_connection_that_nobody_closes(varg, request):
        request.config.left_open = client = httpx2.Client(trust_env=False)
        client.get(varg.url + varg.path, headers=varg.headers)

    def test_a_failure(varg):
        varg.expect_no_errors()
        varg.client.get("/nope")

    def test_an_interruption_of_a_slow_answer(varg):
        varg.fault("latency", ms=60_000)
        with pytest.raises(httpx2.ReadTimeout):
            varg.client.get(varg.path, timeout=0.01)
    """

LEFT = """
import multiprocessing, os, sys, threading, warnings
from pathlib import Path

import pytest

class Closing:
    def pytest_unconfigure(self, config):
        config.left_open.close()

status = pytest.main(sys.argv[1:], plugins=[Closing()])
sockets = [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
           if os.path.exists(f"/proc/self/fd/{name}")] if os.path.isdir("/proc/self/fd") else []
try:
    children = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    children = None
print("left", int(status), [one.name for one in threading.enumerate()], multiprocessing.active_children(),
      children, [one for one in sockets if "socket" in one or "eventpoll" in one])
"""


def test_threads_with_accounts_of_their_own_never_meet() -> None:
    start = threading.Barrier(8)

    def work(number: int, server: UsageServer) -> list[object]:
        start.wait()
        wrong: list[object] = []
        for turn in range(10):
            with server.accounts(now="2026-03-15", scenario="empty") as usage:
                usage.varg.add(at="2026-03-02", cost_cents=number * 100 + turn)
                total = usage.varg.client.get("/v1/usage?from=2026-03-01&to=2026-03-14").json()["total_cents"]
                if (total, len(usage.requests)) != (number * 100 + turn, 1):
                    wrong.append((number, turn, total, len(usage.requests)))
        return wrong

    with running_server() as server, ThreadPoolExecutor(8) as pool:
        assert [found for found in pool.map(work, range(8), [server] * 8) if found] == []


@pytest.mark.slow
def test_a_thousand_tests_on_four_workers_see_only_their_own_events(
    pytester: pytest.Pytester, others_off: list[str]
) -> None:
    pytester.makepyfile(THOUSAND)
    result = pytester.runpytest_subprocess("-q", "-n", "4", "-W", "error", *others_off)
    result.assert_outcomes(passed=1000)


def test_no_thread_process_socket_or_loop_is_left_after_the_session(
    pytester: pytest.Pytester, others_off: list[str]
) -> None:
    file = pytester.makepyfile(EVERYTHING)
    asked = subprocess.run(
        [sys.executable, "-c", LEFT, "-q", "-W", "error", *others_off, str(file)],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, PYTHONDEVMODE="1"),
        timeout=60,
    )
    assert "1 failed, 6 passed" in asked.stdout, asked.stdout + asked.stderr
    assert asked.stdout.splitlines()[-1] == "left 1 ['MainThread'] [] None []"
    # Neither a warning nor a word of the server about requests that had to be cut off.
    assert asked.stderr == ""


@pytest.mark.usage(seed=5)
def test_a_run_inside_a_test_leaves_the_test_its_own_accounts(run, request):
    run("def test_it(varg): assert varg.requests == []", "--usage-seed", "7").assert_outcomes(passed=1)
    assert request.getfixturevalue("usage").world.settings["varg"].seed == 5
