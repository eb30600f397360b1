"""Seven client libraries behind one face, so that one table of cases is asked through each of them."""

from __future__ import annotations

import asyncio
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx2
import requests
import urllib3

ALWAYS = 20.0
# Made once for all: a default one reads the machine's certificates, which takes longer than most tests, and no
# request here gets as far as to want them.
TRUSTING_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Got:
    status: int
    body: bytes
    headers: dict[str, str]
    history: list[int] = field(default_factory=list)
    url: str = ""


def lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


class Session:
    """One client that keeps its connections."""

    timed_out: Any
    refused: Any
    reset: Any
    cut: Any
    # What some raise when it is the body that comes too late.
    dripped: Any = ()
    # How often a lost connection is tried before it is told of.
    attempts = 1

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True) -> Got:
        raise NotImplementedError

    def chunks(self, url, headers, size) -> list[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Urllib(Session):
    timed_out = (TimeoutError, urllib.error.URLError)
    refused = urllib.error.URLError
    reset = ConnectionResetError
    cut = http.client.IncompleteRead

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        history: list[int] = []

        class Noting(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, req, fp, code, *rest):
                history.append(code)
                return super().redirect_request(req, fp, code, *rest)

        secure = urllib.request.HTTPSHandler(context=TRUSTING_NOBODY)
        opener = urllib.request.build_opener(secure, Noting if follow else NoRedirects)
        request = urllib.request.Request(url, method=method, headers=headers or {}, data=body)
        try:
            response = opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Got(
                response.status, response.read(), lower(response.headers.items()), history, response.url
            )

    def chunks(self, url, headers, size):
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=ALWAYS, context=TRUSTING_NOBODY) as response:
            return list(iter(lambda: response.read(size), b""))

    def close(self):
        pass


class HttpClient(Session):
    """http.client itself: a connection for each origin, kept."""

    timed_out = TimeoutError
    refused = ConnectionError
    reset = ConnectionResetError
    cut = http.client.IncompleteRead

    def __init__(self):
        self.connections: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def connection(self, url, timeout):
        parts = urlsplit(url)
        made = self.connections.get((parts.scheme, parts.netloc))
        if made is None or made.timeout != timeout:
            if parts.scheme == "https":
                made = http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=TRUSTING_NOBODY)
            else:
                made = http.client.HTTPConnection(parts.netloc, timeout=timeout)
            self.connections[parts.scheme, parts.netloc] = made
        return made

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        history = []
        while True:
            parts = urlsplit(url)
            connection = self.connection(url, timeout)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            try:
                connection.request(method, target, body=body, headers=headers or {})
                response = connection.getresponse()
                content = response.read()
            except BaseException:
                # As everywhere: after an error http.client wants a new beginning.
                connection.close()
                raise
            if not follow or response.status not in (307, 308):
                return Got(response.status, content, lower(response.getheaders()), history, url)
            history.append(response.status)
            location = response.headers["location"]
            url = location if "://" in location else f"{parts.scheme}://{parts.netloc}{location}"

    def chunks(self, url, headers, size):
        connection = self.connection(url, ALWAYS)
        connection.request("GET", urlsplit(url).path + "?" + urlsplit(url).query, headers=headers)
        response = connection.getresponse()
        return list(iter(lambda: response.read(size), b""))

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Urllib3(Session):
    timed_out = urllib3.exceptions.MaxRetryError
    refused = urllib3.exceptions.MaxRetryError
    reset = urllib3.exceptions.MaxRetryError
    cut = (urllib3.exceptions.ProtocolError, urllib3.exceptions.MaxRetryError)

    def __init__(self):
        proxy = os.environ.get("http_proxy")
        self.pool = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        retries = urllib3.Retry(5, connect=0, read=0, other=0, respect_retry_after_header=False)
        got = self.pool.request(
            method, url, headers=headers, body=body, timeout=timeout, retries=retries, redirect=follow
        )
        history = [step.status for step in got.retries.history] if got.retries else []
        return Got(got.status, got.data, lower(got.headers.items()), history, got.geturl() or url)

    def chunks(self, url, headers, size):
        got = self.pool.request("GET", url, headers=headers, preload_content=False)
        try:
            return list(got.stream(size))
        finally:
            got.release_conn()

    def close(self):
        self.pool.clear()


class Requests(Session):
    timed_out = requests.exceptions.ReadTimeout
    refused = requests.exceptions.ConnectionError
    reset = requests.exceptions.ConnectionError
    cut = requests.exceptions.ChunkedEncodingError
    dripped = requests.exceptions.ConnectionError

    def __init__(self):
        self.session = requests.Session()

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        got = self.session.request(
            method, url, headers=headers, data=body, timeout=timeout, allow_redirects=follow
        )
        history = [step.status_code for step in got.history]
        return Got(got.status_code, got.content, lower(got.headers.items()), history, got.url)

    def chunks(self, url, headers, size):
        with self.session.get(url, headers=headers, stream=True, timeout=ALWAYS) as got:
            return list(got.iter_content(size))

    def close(self):
        self.session.close()


class Httpx(Session):
    library: Any = httpx

    def __init__(self):
        self.client = self.library.Client(verify=TRUSTING_NOBODY)

    @property
    def timed_out(self):
        return self.library.ReadTimeout

    @property
    def refused(self):
        return self.library.ConnectError

    @property
    def reset(self):
        return self.library.ReadError

    @property
    def cut(self):
        return self.library.RemoteProtocolError

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        got = self.client.request(
            method, url, headers=headers, content=body, timeout=timeout, follow_redirects=follow
        )
        return self.told(got)

    def told(self, got):
        history = [step.status_code for step in got.history]
        return Got(got.status_code, got.content, lower(got.headers.items()), history, str(got.url))

    def chunks(self, url, headers, size):
        with self.client.stream("GET", url, headers=headers) as got:
            return list(got.iter_bytes(size))

    def close(self):
        self.client.close()


class Httpx2(Httpx):
    library = httpx2


class Looped:
    """An event loop of its own, so that an async client can be asked from ordinary code."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)


async def sent(body):
    for part in body:
        yield part


def streamable(body):
    return body if body is None or isinstance(body, bytes) else sent(body)


class HttpxAsync(Looped, Httpx):
    def __init__(self):
        super().__init__()
        self.client = self.library.AsyncClient(verify=TRUSTING_NOBODY)

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        got = self.client.request(
            method, url, headers=headers, content=streamable(body), timeout=timeout, follow_redirects=follow
        )
        return self.told(self.run(got))

    def chunks(self, url, headers, size):
        async def read():
            async with self.client.stream("GET", url, headers=headers) as got:
                return [chunk async for chunk in got.aiter_bytes(size)]

        return self.run(read())

    def close(self):
        self.run(self.client.aclose())
        self.loop.close()


class Httpx2Async(HttpxAsync):
    library = httpx2


class Aiohttp(Looped, Session):
    timed_out = TimeoutError
    refused = aiohttp.ClientConnectorError
    reset = aiohttp.ClientOSError
    attempts = 2
    cut = aiohttp.ClientPayloadError

    def __init__(self):
        super().__init__()
        self.session = self.run(self.opened())

    async def opened(self):
        return aiohttp.ClientSession(trust_env=True)

    def ask(self, method, url, headers=None, body=None, timeout=ALWAYS, follow=True):
        async def asked():
            async with self.session.request(
                method,
                url,
                headers=headers,
                data=streamable(body),
                allow_redirects=follow,
                timeout=aiohttp.ClientTimeout(sock_read=timeout),
            ) as got:
                history = [step.status for step in got.history]
                return Got(got.status, await got.read(), lower(got.headers.items()), history, str(got.url))

        return self.run(asked())

    def chunks(self, url, headers, size):
        async def read():
            async with self.session.get(url, headers=headers) as got:
                return [chunk async for chunk in got.content.iter_chunked(size)]

        return self.run(read())

    def close(self):
        self.run(self.session.close())
        self.loop.close()


CLIENTS: dict[str, type[Session]] = {
    "urllib": Urllib,
    "http.client": HttpClient,
    "urllib3": Urllib3,
    "requests": Requests,
    "httpx": Httpx,
    "httpx-async": HttpxAsync,
    "httpx2": Httpx2,
    "httpx2-async": Httpx2Async,
    "aiohttp": Aiohttp,
}
