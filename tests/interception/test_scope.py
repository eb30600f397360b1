"""Who sees which interception, and that nothing of one is left."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from queue import SimpleQueue

import aiohttp
import httpx
import httpx2
import pytest
import requests

import usagekit
from tests.interception.clients import CLIENTS, TRUSTING_NOBODY
from usage_mockserver.faults import Fault
from usage_mockserver.settings import Settings
from usagekit.fakes import make_world
from usagekit.interception import HostRefused, patches, scope

URL = "https://lyrcs.ai/api/v1/usage"
KEY = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}
NOW = "2026-03-15T12:00:00Z"


@cache
def jobs(seed):
    """What the account of this seed holds, asked without any client."""
    headers = {"host": "lyrcs.ai", **KEY}
    return (
        usagekit.create_app(seed=seed, now=NOW).handle("GET", "lyrcs.ai", "/api/v1/usage", "", headers).body
    )


def asked():
    return requests.get(URL, headers=KEY, timeout=20).content


def interception(seed, **chosen):
    return usagekit.intercept(seed=seed, now=NOW, **chosen)


def everything():
    """Every attribute that is ever replaced, by where it stands."""
    import importlib

    found = {}
    for library, adapter in patches.LIBRARIES.items():
        module = importlib.import_module(library)
        for seam in importlib.import_module(adapter).SEAMS:
            found[library, seam.owner, seam.name] = vars(getattr(module, seam.owner))[seam.name]
    return found


@pytest.fixture(autouse=True)
def nothing_stays():
    """Whatever happens in a test here, each attribute is the very same object afterwards."""
    import sys

    before, finders = everything(), list(sys.meta_path)
    yield
    after = everything()
    assert [name for name in before if after[name] is not before[name]] == []
    assert sys.meta_path == finders
    assert patches.patched() == []
    assert scope.visible() == ()


def test_while_it_is_open_every_seam_is_in():
    before = everything()
    with interception(1):
        inside = everything()
    assert [name for name in before if inside[name] is before[name]] == []
    assert len(before) == 12


def test_nothing_stays_after_an_exception():
    with pytest.raises(ZeroDivisionError), interception(1):
        asked()[1 // 0]


def test_nothing_stays_when_a_library_has_no_seam(monkeypatch):
    monkeypatch.delattr(aiohttp.BaseConnector, "connect")
    with (
        pytest.raises(patches.SeamMissing, match=r"aiohttp \d.* has no BaseConnector\.connect"),
        interception(1),
    ):
        pytest.fail("opened although it cannot answer")
    # The fixture looks for it, too.
    monkeypatch.undo()


def test_the_innermost_wins():
    with interception(1) as outer:
        first = asked()
        with interception(2) as inner:
            second = asked()
        third = asked()
    assert (first, second, third) == (jobs(1), jobs(2), jobs(1))
    assert (len(outer.requests), len(inner.requests)) == (2, 1)


def test_what_the_inner_one_does_not_answer_goes_to_the_outer_one():
    with interception(1) as outer, usagekit.intercept("varg", now=NOW) as inner:
        assert asked() == jobs(1)
    assert (len(outer.requests), len(inner.requests)) == (1, 0)


def test_an_inner_one_that_refuses_comes_first():
    strict = usagekit.intercept("varg", allow_other_hosts=False)
    with interception(1) as outer, strict, pytest.raises(requests.ConnectionError, match=r"lyrcs\.ai"):
        asked()
    assert outer.requests == []


def test_they_may_end_in_any_order():
    first, second = interception(1), interception(2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert asked() == jobs(2)
    second.__exit__(None, None, None)


def test_one_is_open_once_and_can_be_opened_again():
    opened = interception(1)
    with opened as first:
        asked()
        with pytest.raises(RuntimeError, match="open already"):
            opened.__enter__()
        assert asked() == jobs(1)
    with opened as second:
        asked()
    assert (len(first.requests), len(second.requests)) == (2, 1)
    assert first.world is not second.world
    opened.__exit__(None, None, None)


# -- as a decorator -------------------------------------------------------------------------------------


def test_a_decorated_function_has_new_accounts_in_each_call():
    @interception(3)
    def total(name, *, loud):
        """The promise."""
        assert scope.visible()
        return asked(), name, loud, scope.visible()[-1]

    *first, one = total("a", loud=True)
    *second, two = total("b", loud=False)
    assert first == [jobs(3), "a", True]
    assert second == [jobs(3), "b", False]
    assert one.world is not two.world
    assert (total.__name__, total.__doc__) == ("total", "The promise.")


def test_a_decorated_function_may_call_itself():
    @interception(3)
    def deep(left):
        return [asked(), *(deep(left - 1) if left else [])]

    assert deep(2) == [jobs(3)] * 3


def test_a_decorated_coroutine():
    @interception(4)
    async def total():
        async with httpx.AsyncClient() as client:
            return (await client.get(URL, headers=KEY)).content

    assert asyncio.iscoroutinefunction(total)
    assert asyncio.run(total()) == jobs(4)


def test_a_given_world_is_the_same_in_each_call():
    world = make_world(seed=5, now=NOW)

    @usagekit.intercept(world=world)
    def seen():
        return asked(), scope.visible()[-1].world

    assert seen() == seen() == (jobs(5), world)


def test_what_cannot_be_decorated():
    def generator():
        yield

    async def async_generator():
        yield

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match="yields"):
            interception(1)(function)
    with pytest.raises(TypeError, match="decorates functions"):
        interception(1)(type("Tests", (), {}))
    with pytest.raises(TypeError, match="parentheses"):
        usagekit.intercept(generator)


# -- what can be chosen ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("providers", "chosen", "error", "text"),
    [
        (["vargg"], {}, ValueError, "did you mean 'varg'"),
        ([], {"scenario": "bussy"}, ValueError, "did you mean 'busy'"),
        ([], {"now": 5}, TypeError, "now is"),
        ([], {"allow_other_hosts": "localhost"}, TypeError, "{'localhost'}"),
        ([], {"allow_other_hosts": {"http://localhost"}}, ValueError, "without scheme and port"),
        ([], {"allow_other_hosts": {"localhost:8000"}}, ValueError, "without scheme and port"),
        ([], {"world": make_world("varg"), "seed": 2}, TypeError, "either a world"),
        (["lyrcs"], {"world": make_world("varg")}, ValueError, "no provider 'lyrcs'"),
    ],
)
def test_a_wrong_choice_is_refused_at_once(providers, chosen, error, text):
    with pytest.raises(error, match=text):
        usagekit.intercept(*providers, **chosen)


def test_scenario_and_providers_are_chosen():
    with usagekit.intercept("lyrcs", scenario="empty", now=NOW) as usage:
        assert requests.get(URL, headers=KEY, timeout=20).json()["total_jobs"] == 0
    assert usage.world.providers == ("lyrcs",)
    assert usage.world.settings["lyrcs"] == Settings(
        scenario="empty", clock=usage.world.settings["lyrcs"].clock
    )


def test_the_handle_changes_the_accounts():
    with interception(1) as usage:
        before = asked()
        usage.world.change("lyrcs", scenario="empty")
        assert (before, asked() == before) == (jobs(1), False)
    assert "lyrcs.ai" in repr(usage)
    assert [entry.record.credentials for entry in usage.requests] == [
        (("authorization", "Bearer [masked]"),)
    ] * 2


def spoiled(usage):
    usage.world.change("lyrcs", scenario="empty", faults=(Fault("latency", ms=1),))
    return asked()


def test_what_one_changes_another_of_the_same_seed_does_not_see():
    with interception(1) as first, interception(1) as second:
        assert (asked(), spoiled(second) == jobs(1), asked() == jobs(1)) == (jobs(1), False, False)
        with usagekit.intercept(world=first.world):
            assert asked() == jobs(1)
    with interception(1, keys=["lyrcs_sk_live_other"]):
        assert asked() != jobs(1)
    with interception(1):
        assert asked() == jobs(1)


@pytest.fixture
def opened():
    with interception(9) as usage:
        yield usage


@pytest.mark.asyncio
async def test_a_fixture_that_is_not_async_holds_for_a_test_that_is(opened):
    assert await asked_by(httpx) == await asyncio.to_thread(asked) == jobs(9)
    assert len(opened.requests) == 2


# -- threads --------------------------------------------------------------------------------------------


def result(function):
    """What the function returns, or the error it raises."""
    try:
        return function()
    except requests.ConnectionError as error:
        return error


def in_thread(function):
    """What the function returns in a thread that is started here."""
    found = []
    thread = threading.Thread(target=lambda: found.append(result(function)))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("name", CLIENTS)
def test_tests_that_run_at_once_never_see_each_other(name):
    """Four threads from before, each with interceptions of its own, over and over, and in step."""
    step = threading.Barrier(4, timeout=60)
    wrong = []

    def one(seed):
        with CLIENTS[name]() as client:
            for turn in range(3):
                mine = seed + turn
                with interception(mine) as usage:
                    step.wait()
                    bodies = [client.ask("GET", URL, KEY).body for _ in range(5)]
                    bodies.append(in_thread(lambda: client.ask("GET", URL, KEY).body))
                    if bodies != [jobs(mine)] * 6 or len(usage.requests) != 6:
                        wrong.append((seed, bodies))

    threads = [threading.Thread(target=one, args=(10 * number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_thread_belongs_to_where_it_was_started():
    with interception(1):
        assert in_thread(asked) == jobs(1)
        with interception(2):
            assert in_thread(asked) == jobs(2)
            assert in_thread(lambda: in_thread(asked)) == jobs(2)


def test_a_job_belongs_to_where_it_was_submitted():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        with interception(1):
            assert pool.submit(asked).result() == jobs(1)
            with interception(2):
                assert list(pool.map(lambda _: asked(), range(3))) == [jobs(2)] * 3
            assert pool.submit(asked).result() == jobs(1)
        assert pool.submit(scope.visible).result() == ()


def at_once(*functions):
    """The results of functions that run in a thread each and meet at the argument they are given."""
    step = threading.Barrier(len(functions), timeout=60)
    found = [None] * len(functions)

    def run(number, function):
        found[number] = function(step)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_pool_that_two_share_does_not_mix_them():
    with ThreadPoolExecutor(1) as pool:

        def one(seed):
            def run(step):
                with interception(seed):
                    step.wait()
                    bodies = [pool.submit(asked).result() for _ in range(5)]
                    step.wait()
                return set(bodies)

            return run

        assert at_once(one(1), one(2)) == [{jobs(1)}, {jobs(2)}]


class Elsewhere:
    """A thread that was there before and runs what it is given; a queue carries no context."""

    def __init__(self):
        self.given, self.results = SimpleQueue(), SimpleQueue()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while (function := self.given.get()) is not None:
            self.results.put(result(function))

    def __call__(self, function):
        self.given.put(function)
        return self.results.get()


@pytest.fixture
def elsewhere():
    made = Elsewhere()
    yield made
    made.given.put(None)
    made.thread.join()


def test_a_thread_from_before_is_answered_by_the_one_that_is_open(elsewhere):
    with interception(1):
        assert elsewhere(asked) == jobs(1)
        with interception(2):
            assert elsewhere(asked) == jobs(2)
        assert elsewhere(asked) == jobs(1)


def test_a_thread_from_before_is_refused_rather_than_guessed_at(elsewhere):
    def first(step):
        with interception(1):
            step.wait()
            found = elsewhere(asked)
            step.wait()
        return found

    def second(step):
        with interception(2):
            step.wait()
            step.wait()

    error, _ = at_once(first, second)
    assert isinstance(error, requests.ConnectionError)
    assert "belongs to none" in str(error)


def test_the_rules_of_a_test_are_not_those_of_other_threads(elsewhere, real):
    with interception(1, allow_other_hosts=False):
        assert elsewhere(lambda: requests.get(real.url, timeout=20).content) == b"real"
        with pytest.raises(requests.ConnectionError):
            requests.get(real.url, timeout=20)


def test_a_thread_that_outlives_the_interception_loses_it(at_lyrcs):
    ended, found = threading.Event(), []

    def run():
        found.append(asked())
        ended.wait(60)
        found.append(requests.get("http://lyrcs.ai/", timeout=20).content)

    with interception(1) as usage:
        thread = threading.Thread(target=run)
        thread.start()
        while not usage.requests:
            pass
    ended.set()
    thread.join()
    assert found == [jobs(1), b"real"]


# -- tasks ----------------------------------------------------------------------------------------------


async def asked_by(library):
    if library is aiohttp:
        async with aiohttp.ClientSession() as session, session.get(URL, headers=KEY) as response:
            return await response.read()
    async with library.AsyncClient(verify=TRUSTING_NOBODY) as client:
        return (await client.get(URL, headers=KEY)).content


@pytest.mark.asyncio
@pytest.mark.parametrize("library", [httpx, httpx2, aiohttp])
async def test_tasks_that_run_at_once_never_see_each_other(library):
    async def one(seed):
        found = []
        for turn in range(3):
            with interception(seed + turn) as usage:
                await asyncio.sleep(0.01)
                bodies = await asyncio.gather(*[asked_by(library) for _ in range(3)])
                bodies.append(await asyncio.to_thread(asked))
                # One pool of threads for all of them, which does not carry contexts by itself.
                bodies.append(await asyncio.get_running_loop().run_in_executor(None, asked))
                found.append(bodies == [jobs(seed + turn)] * 5 and len(usage.requests) == 5)
        return found

    assert await asyncio.gather(*[one(10 * number) for number in range(1, 6)]) == [[True] * 3] * 5


@pytest.mark.asyncio
async def test_a_task_that_outlives_the_interception_loses_it(at_lyrcs):
    ended = asyncio.Event()

    async def run():
        first = await asked_by(httpx)
        await ended.wait()
        async with httpx.AsyncClient() as client:
            return first, (await client.get("http://lyrcs.ai/")).content

    with interception(1) as usage:
        task = asyncio.create_task(run())
        while not usage.requests:
            await asyncio.sleep(0)
    ended.set()
    assert await task == (jobs(1), b"real")


@pytest.mark.asyncio
async def test_a_task_from_before_is_answered_by_the_one_that_is_open():
    begin = asyncio.Event()

    async def run():
        await begin.wait()
        return await asked_by(httpx2)

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    with interception(7):
        begin.set()
        assert await task == jobs(7)


@pytest.mark.asyncio
async def test_one_that_is_closed_by_another_task_is_closed():
    async def enter(stack):
        stack.enter_context(interception(1))

    with ExitStack() as stack:
        await asyncio.create_task(enter(stack))
        assert await asked_by(httpx) == jobs(1)
    assert scope.visible() == ()


def test_a_refusal_is_a_connection_error():
    with interception(1, allow_other_hosts=False), pytest.raises(HostRefused) as raised:
        scope.answering("https", "example.org", None)
    assert isinstance(raised.value, ConnectionRefusedError)
