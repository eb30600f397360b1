"""What an interception costs: milliseconds of CPU on top of the same client with a mock transport.

Measured is a test that opens an interception and makes one request.
"""

from __future__ import annotations

import asyncio
import io
import ssl
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from email.message import Message
from typing import Any
from urllib.response import addinfourl

import aiohttp
import httpx
import httpx2
import requests
import requests.adapters
import urllib3
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

import usagekit
from benchmarks.effort import Effort, Tell, numbered
from benchmarks.figures import Figures

URL = "https://supertoneapi.com/v1/voice-usage?start_date=2026-03-01&end_date=2026-03-15"
KEY = {"x-sup-api-key": "usagekit_demo_supertone"}
NOW = "2026-03-15"
JSON = {"content-type": "application/json"}

Ask = Callable[[], Any]


class Place:
    """An event loop for async clients; those that are opened in it are closed with it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._open: list[Callable[[], Awaitable[None]]] = []

    def keep(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call this at the end."""
        self._open.append(close)

    # Not asyncio.Runner's: that runs everything in a context of its own, outside of every interception.
    def run(self, asked: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine."""
        return self.loop.run_until_complete(asked)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *error: object) -> None:
        self.run(self._all_closed())
        self.loop.close()

    async def _all_closed(self) -> None:
        for close in self._open:
            await close()


def run(figures: Figures, effort: Effort, tell: Tell) -> None:
    """Opening alone, then each client, with us and with a mock in turn."""
    with usagekit.intercept(now=NOW):
        body = requests.get(URL, headers=KEY, timeout=9).content
    with Place() as place:
        clients = {name: make(body, place) for name, make in CLIENTS.items()}
        for ours, mock in clients.values():
            assert len(intercepted(ours)()) == len(body) == len(mock())
        for _ in numbered(effort.rounds, tell, "each client, intercepted"):
            opening = per_call(intercepted(lambda: None), effort.calls)
            figures.add("opening and closing an interception, CPU", opening, "ms")
            for name, (ours, mock) in clients.items():
                cost = per_call(intercepted(ours), effort.calls) - per_call(mock, effort.calls)
                figures.add(f"one request with {name}, CPU over a mock transport", cost, "ms", bar=1.0)


def intercepted(ask: Ask) -> Ask:
    """The same, as a test that opens an interception of its own."""

    def inside() -> Any:
        with usagekit.intercept(now=NOW):
            return ask()

    return inside


def per_call(ask: Ask, calls: int) -> float:
    """CPU milliseconds of one call."""
    begun = time.process_time()
    for _ in range(calls):
        ask()
    return (time.process_time() - begun) / calls * 1000


def by_urllib(body: bytes, _: Place) -> tuple[Ask, Ask]:
    """One opener, which has read the machine's certificates before."""
    context = ssl.create_default_context()

    class Canned(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> Any:
            response: Any = addinfourl(io.BytesIO(body), Message(), req.full_url, 200)
            response.msg = "OK"
            return response

    def asking(handler: urllib.request.BaseHandler) -> Ask:
        opener = urllib.request.build_opener(handler)
        return lambda: opener.open(urllib.request.Request(URL, headers=KEY)).read()

    return asking(urllib.request.HTTPSHandler(context=context)), asking(Canned(context=context))


def canned(body: bytes) -> urllib3.HTTPResponse:
    """A response of urllib3 that came from nowhere."""
    return urllib3.HTTPResponse(io.BytesIO(body), JSON, status=200, preload_content=False)


def by_urllib3(body: bytes, _: Place) -> tuple[Ask, Ask]:
    """One pool manager."""

    class Canned(urllib3.HTTPSConnectionPool):
        def urlopen(self, *_: Any, **__: Any) -> Any:
            return canned(body)

    real, mock = urllib3.PoolManager(), urllib3.PoolManager()
    mock.pool_classes_by_scheme = {"https": Canned}
    return (
        lambda: real.request("GET", URL, headers=KEY).data,
        lambda: mock.request("GET", URL, headers=KEY).data,
    )


def by_requests(body: bytes, _: Place) -> tuple[Ask, Ask]:
    """One session."""

    class Canned(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            return self.build_response(request, canned(body))

    real, mock = requests.Session(), requests.Session()
    mock.mount("https://", Canned())
    return lambda: real.get(URL, headers=KEY).content, lambda: mock.get(URL, headers=KEY).content


def by_httpx(library: Any) -> Callable[[bytes, Place], tuple[Ask, Ask]]:
    """One client."""

    def make(body: bytes, _: Place) -> tuple[Ask, Ask]:
        transport = library.MockTransport(lambda _: library.Response(200, content=body, headers=JSON))
        real, mock = library.Client(), library.Client(transport=transport)
        return lambda: real.get(URL, headers=KEY).content, lambda: mock.get(URL, headers=KEY).content

    return make


def by_httpx_async(library: Any) -> Callable[[bytes, Place], tuple[Ask, Ask]]:
    """One async client."""

    def make(body: bytes, place: Place) -> tuple[Ask, Ask]:
        transport = library.MockTransport(lambda _: library.Response(200, content=body, headers=JSON))
        real, mock = library.AsyncClient(), library.AsyncClient(transport=transport)
        place.keep(real.aclose)
        place.keep(mock.aclose)
        return (
            lambda: place.run(real.get(URL, headers=KEY)).content,
            lambda: place.run(mock.get(URL, headers=KEY)).content,
        )

    return make


class CannedTransport(asyncio.Transport):
    """Answers the first bytes it gets."""

    def __init__(self, protocol: ResponseHandler, loop: asyncio.AbstractEventLoop, answer: bytes) -> None:
        super().__init__()
        self._protocol, self._loop, self._answer = protocol, loop, answer

    def write(self, _: Any) -> None:
        """Answer."""
        self._loop.call_soon(self._protocol.data_received, self._answer)

    def is_closing(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing to close."""


def by_aiohttp(body: bytes, place: Place) -> tuple[Ask, Ask]:
    """One session."""
    loop = place.loop
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)

    class Canned(aiohttp.BaseConnector):
        async def connect(self, req: Any, *_: Any, **__: Any) -> Connection:
            protocol = ResponseHandler(loop)
            protocol.connection_made(CannedTransport(protocol, loop, answer))
            protocol.force_close()
            return Connection(self, req.connection_key, protocol, loop)

    async def session(connector: type[aiohttp.BaseConnector]) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=connector())

    def asking(connector: type[aiohttp.BaseConnector]) -> Ask:
        opened = place.run(session(connector))
        place.keep(opened.close)

        async def ask() -> Any:
            async with opened.get(URL, headers=KEY) as response:
                return await response.read()

        return lambda: place.run(ask())

    return asking(aiohttp.TCPConnector), asking(Canned)


CLIENTS: dict[str, Callable[[bytes, Place], tuple[Ask, Ask]]] = {
    "urllib.request": by_urllib,
    "urllib3": by_urllib3,
    "requests": by_requests,
    "httpx": by_httpx(httpx),
    "httpx, async": by_httpx_async(httpx),
    "httpx2": by_httpx(httpx2),
    "httpx2, async": by_httpx_async(httpx2),
    "aiohttp": by_aiohttp,
}
