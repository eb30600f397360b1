"""Waiting as each client lets one say it, giving up while waiting, and answers that are not read to their end."""

from __future__ import annotations

import asyncio
import socket
import urllib.request

import aiohttp
import httpx
import httpx2
import pytest
import requests
import urllib3

import usagekit
from tests.interception.clients import TRUSTING_NOBODY
from usage_mockserver.faults import Fault

URL = "https://lyrcs.ai/api/v1/usage"
KEY = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}
NEVER, SOON = 300_000, 0.03


@pytest.fixture
def late():
    """Every answer comes five minutes late."""
    with usagekit.intercept("lyrcs") as usage:
        usage.world.change("lyrcs", faults=(Fault("latency", ms=NEVER),))
        yield usage


def by_urllib3(timeout, **options):
    with urllib3.PoolManager() as pool:
        return pool.request("GET", URL, headers=KEY, timeout=timeout, retries=False, **options)


def by_httpx(library, timeout):
    with library.Client(verify=TRUSTING_NOBODY, timeout=timeout) as client:
        return client.get(URL, headers=KEY)


async def by_httpx_async(library, timeout):
    async with library.AsyncClient(verify=TRUSTING_NOBODY, timeout=timeout) as client:
        return await client.get(URL, headers=KEY)


async def by_aiohttp(timeout):
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(URL, headers=KEY) as got:
        return await got.read()


WAITS = {
    "requests, one number": (requests.ReadTimeout, lambda: requests.get(URL, timeout=SOON)),
    "requests, two numbers": (requests.ReadTimeout, lambda: requests.get(URL, timeout=(60, SOON))),
    "urllib3, total": (urllib3.exceptions.ReadTimeoutError, lambda: by_urllib3(urllib3.Timeout(total=SOON))),
    "urllib3, read": (urllib3.exceptions.ReadTimeoutError, lambda: by_urllib3(urllib3.Timeout(read=SOON))),
    "urllib": (TimeoutError, lambda: urllib.request.urlopen(URL, timeout=SOON, context=TRUSTING_NOBODY)),
    "httpx, all": (httpx.ReadTimeout, lambda: by_httpx(httpx, SOON)),
    "httpx, read": (httpx.ReadTimeout, lambda: by_httpx(httpx, httpx.Timeout(None, read=SOON))),
    "httpx2, all": (httpx2.ReadTimeout, lambda: by_httpx(httpx2, SOON)),
    "httpx2, read": (httpx2.ReadTimeout, lambda: by_httpx(httpx2, httpx2.Timeout(None, read=SOON))),
    "httpx, async": (httpx.ReadTimeout, lambda: asyncio.run(by_httpx_async(httpx, SOON))),
    "httpx2, async": (httpx2.ReadTimeout, lambda: asyncio.run(by_httpx_async(httpx2, SOON))),
    "aiohttp, total": (TimeoutError, lambda: asyncio.run(by_aiohttp(aiohttp.ClientTimeout(total=SOON)))),
    "aiohttp, sock_read": (
        aiohttp.SocketTimeoutError,
        lambda: asyncio.run(by_aiohttp(aiohttp.ClientTimeout(sock_read=SOON))),
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_every_way_to_say_how_long_is_heard(late, name):
    error, ask = WAITS[name]
    with pytest.raises(error):
        ask()
    assert len(late.requests) == 1


@pytest.mark.parametrize("ask", [lambda: urllib.request.urlopen(URL, context=TRUSTING_NOBODY), urllib3])
def test_the_default_timeout_of_sockets_is_heard(late, ask):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SOON)
    try:
        # urllib3 reads it when no timeout is given at all.
        with pytest.raises((TimeoutError, urllib3.exceptions.ReadTimeoutError)):
            by_urllib3(urllib3.Timeout.DEFAULT_TIMEOUT) if ask is urllib3 else ask()
    finally:
        socket.setdefaulttimeout(before)


ASYNC = {
    "httpx": lambda: by_httpx_async(httpx, None),
    "httpx2": lambda: by_httpx_async(httpx2, None),
    "aiohttp": lambda: by_aiohttp(aiohttp.ClientTimeout()),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ASYNC)
async def test_a_task_that_is_cancelled_while_it_waits_ends(late, name):
    task = asyncio.create_task(ASYNC[name]())
    while not late.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ASYNC[name](), SOON)
    late.world.change("lyrcs", faults=())
    await asyncio.wait_for(ASYNC[name](), 60)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ASYNC)
async def test_others_go_on_while_one_waits(late, name):
    waiting = asyncio.create_task(ASYNC[name]())
    while not late.requests:
        await asyncio.sleep(0)
    late.world.change("lyrcs", faults=())
    await asyncio.gather(*[asyncio.wait_for(ASYNC[other](), 60) for other in ASYNC])
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_httpx_on_trio(library):
    trio = pytest.importorskip("trio")

    async def asked():
        got = []
        async with library.AsyncClient(verify=TRUSTING_NOBODY) as client:
            with usagekit.intercept("lyrcs") as usage:
                got.append((await client.get(URL, headers=KEY)).status_code)
                usage.world.change("lyrcs", faults=(Fault("drip", size=100, ms=1),))
                got.append(len((await client.get(URL, headers=KEY)).content))
                usage.world.change("lyrcs", faults=(Fault("latency", ms=NEVER),))
                with pytest.raises(library.ReadTimeout):
                    await client.get(URL, headers=KEY, timeout=SOON)
                with trio.move_on_after(SOON) as given_up:
                    await client.get(URL, headers=KEY, timeout=None)
                got.append(given_up.cancelled_caught)
        return got

    status, length, given_up = trio.run(asked)
    assert (status, length > 100, given_up) == (200, True, True)


# -- answers that are not read to their end -------------------------------------------------------------


def begun_by_urllib(count):
    return [urllib.request.urlopen(urllib.request.Request(URL, headers=KEY)).read(5) for _ in range(count)]


def begun_by_urllib3(count):
    found = []
    with urllib3.PoolManager(maxsize=1, block=True) as pool:
        for _ in range(count):
            got = pool.request("GET", URL, headers=KEY, preload_content=False, timeout=60)
            found.append(got.read(5))
            got.close()
            got.release_conn()
    return found


def begun_by_requests(count):
    found = []
    with requests.Session() as session:
        session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=1, pool_block=True))
        for _ in range(count):
            with session.get(URL, headers=KEY, stream=True, timeout=60) as got:
                found.append(next(got.iter_content(5)))
    return found


def begun_by_httpx(library):
    def begun(count):
        found = []
        limits = library.Limits(max_connections=1)
        with library.Client(verify=TRUSTING_NOBODY, limits=limits) as client:
            for _ in range(count):
                with client.stream("GET", URL, headers=KEY) as got:
                    found.append(next(got.iter_bytes(5)))
        return found

    return begun


def begun_by_httpx_async(library):
    async def begun(count):
        found = []
        limits = library.Limits(max_connections=1)
        async with library.AsyncClient(verify=TRUSTING_NOBODY, limits=limits) as client:
            for _ in range(count):
                async with client.stream("GET", URL, headers=KEY) as got:
                    pieces = got.aiter_bytes(5)
                    found.append(await anext(pieces))
                    await pieces.aclose()
        return found

    return lambda count: asyncio.run(begun(count))


def begun_by_aiohttp(count):
    async def begun():
        found = []
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            for _ in range(count):
                async with session.get(URL, headers=KEY) as got:
                    found.append(await got.content.read(5))
        return found

    return asyncio.run(begun())


BEGUN = {
    "urllib": begun_by_urllib,
    "urllib3": begun_by_urllib3,
    "requests": begun_by_requests,
    "httpx": begun_by_httpx(httpx),
    "httpx-async": begun_by_httpx_async(httpx),
    "httpx2": begun_by_httpx(httpx2),
    "httpx2-async": begun_by_httpx_async(httpx2),
    "aiohttp": begun_by_aiohttp,
}


@pytest.mark.parametrize("drips", [False, True])
@pytest.mark.parametrize("name", BEGUN)
def test_answers_that_are_only_begun_take_no_connection_with_them(name, drips):
    """One connection at most, and more answers begun than there are."""
    with usagekit.intercept("lyrcs") as usage:
        if drips:
            usage.world.change("lyrcs", faults=(Fault("drip", size=40, ms=NEVER),))
        assert BEGUN[name](4) == [b'{"org'] * 4
