"""The one way out: counts, paces and bounds every request of a contract run."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from urllib.parse import urlsplit

import httpx2

from usage_contracts.deadline import Deadline
from usage_contracts.target import Answer, Call, credential_headers
from usage_specs import Service

USER_AGENT = "usagekit-contracts/0.1 (contract run; GET only beyond loopback)"
MAX_BODY = 64 * 1024 * 1024
REDIRECTS = {301, 302, 303, 307, 308}


class RunOver(Exception):
    """No more is asked; what was not asked stays unjudged."""


class BudgetSpent(RunOver):
    """No request is left."""


@dataclass(slots=True)
class Limits:
    """Bounds of a run that hold for every request, whoever sends it.

    `requests` is the hard cap; `gap` the least seconds between two requests; `seconds` the longest one answer
    may take; `waits` the most seconds spent on Retry-After in the whole run; `live` forbids everything but GET
    and any redirect; `told` hears of each request that is sent, and how many that makes.
    """

    requests: int = 400
    gap: float = 0.0
    seconds: float = 10.0
    waits: float = 20.0
    live: bool = False
    sent: int = 0
    told: Callable[[int], None] = field(default=lambda _: None, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    last: float = field(default=float("-inf"), repr=False)

    def take(self, method: str) -> None:
        """Account for one request about to be sent, waiting for its turn; BudgetSpent when none is left."""
        if self.live and method != "GET":
            raise BudgetSpent(f"{method} is never sent to a real service")
        if self.sent >= self.requests:
            raise BudgetSpent(f"all {self.requests} requests are used up")
        wait = self.last + self.gap - self.clock()
        if wait > 0:
            self.sleep(wait)
        self.sent += 1
        self.told(self.sent)
        self.last = self.clock()

    def may_wait(self, header: str | None) -> bool:
        """Wait as Retry-After asks (a second when it is silent); False when the run's patience is used up."""
        seconds = retry_after(header)
        if seconds > self.waits:
            return False
        self.waits -= seconds
        self.sleep(seconds)
        return True


def retry_after(header: str | None) -> float:
    """Seconds to wait by a Retry-After header: a number, or an HTTP date; one second when there is none."""
    if header is None:
        return 1.0
    if header.isascii() and header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 1.0


class HttpTarget:
    """A service reached over HTTP, or an ASGI or WSGI application handed over as a transport.

    `url` replaces the vendor's origin; the documented path is appended. The key stays inside: it is in no
    `repr` and no message.
    """

    def __init__(
        self,
        service: Service,
        url: str,
        *,
        key: str,
        limits: Limits | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.service = service
        self.origin = url.rstrip("/")
        self.limits = limits or Limits()
        self._key = key
        self._url = self.origin + service.path
        self._slash = ""
        # What is answered in this process is bounded where it is asked.
        self._deadline = Deadline(3 * self.limits.seconds, watched=transport is None)
        self._client = httpx2.Client(
            transport=transport,
            verify=_trusted(self.origin),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(self.limits.seconds, connect=min(5.0, self.limits.seconds)),
            # As the curl lines of a report ask: of any type, and without a cookie that could stand for a key.
            headers={"user-agent": USER_AGENT, "accept": "*/*"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def __enter__(self) -> HttpTarget:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def send(self, call: Call) -> Answer:
        """One request, one answer; a slash redirect of the same origin is followed once off live."""
        query = f"?{call.query}" if call.query else ""
        url = f"{self._url}{self._slash}{query}"
        answer = self._once(call, url)
        location = answer.headers.get("location", "")
        if answer.status in REDIRECTS and not self.limits.live and _only_a_slash(url, location):
            # Asked with the slash from now on: the detour would only use up requests.
            self._slash = "" if self._slash else "/"
            return self._once(call, f"{self._url}{self._slash}{query}")
        return answer

    def _once(self, call: Call, url: str) -> Answer:
        self.limits.take(call.method)
        headers = credential_headers(self.service, self._key, call)
        try:
            with self._deadline.kept():
                answer = self._read(call, url, headers)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            answer = Answer(call, trouble=_told(error))
        except UnicodeEncodeError:
            answer = Answer(call, trouble="the key cannot travel in a header: it is not ASCII")
        if self._deadline.passed:
            # Where it was cut off may look like its end.
            return Answer(call, trouble=f"the answer took over {self._deadline.seconds:g} seconds")
        return answer

    def _read(self, call: Call, url: str, headers: dict[str, str]) -> Answer:
        body = bytearray()
        watched = {"trace": self._deadline.trace}
        with self._client.stream(call.method, url, headers=headers, extensions=watched) as response:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > MAX_BODY:
                    return Answer(call, trouble=f"the answer is larger than {MAX_BODY >> 20} MiB")
                if self._deadline.passed:
                    break
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(call, response.status_code, found, bytes(body))


def _trusted(origin: str) -> ssl.SSLContext | bool:
    """What TLS is verified with: the machine's certificates, or none where the scheme has no TLS."""
    # Reading them takes longer than a short run, and an origin is never left for another scheme.
    return True if urlsplit(origin).scheme != "http" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _only_a_slash(url: str, location: str) -> bool:
    asked, told = urlsplit(url), urlsplit(location)
    same_origin = not told.netloc or (told.scheme or asked.scheme, told.netloc) == (
        asked.scheme,
        asked.netloc,
    )
    return same_origin and told.path.rstrip("/") == asked.path.rstrip("/") and told.path != asked.path


def _told(error: Exception) -> str:
    kind = type(error).__name__
    words = {
        "ConnectError": "no connection",
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "no answer in time",
        "RemoteProtocolError": "the connection was closed before the answer was complete",
        "ReadError": "the connection broke while the answer was read",
        "DecodingError": "the answer's content encoding is broken",
    }
    return f"{words.get(kind, kind)} ({error})" if str(error) else words.get(kind, kind)
