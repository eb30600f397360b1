"""Collect the usage of five AI services for a period, as JSON lines.

    python collector.py 2026-01-01 2026-03-14 > usage.jsonl

Keys come from SOMYA_API_KEY and so on; SOMYA_BASE_URL and so on lead elsewhere than to production.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import date, timedelta
from typing import Any, NamedTuple

import httpx

ATTEMPTS = 4
LONGEST_WAIT = 60.0  # Seconds; whoever asks for more is asked again another day.
TRANSIENT = frozenset({429, 500, 502, 503, 504})


class Service(NamedTuple):
    """`longest` is the number of days that one request may ask for, None for any, 0 where there is no period."""

    name: str
    url: str
    header: str = "authorization"
    period: tuple[str, str] = ("from", "to")
    longest: int | None = None


SERVICES = (
    Service("somya", "https://api.somya.ai/v1/usage", "x-api-key"),
    Service(
        "supertone",
        "https://supertoneapi.com/v1/voice-usage",
        "x-sup-api-key",
        period=("start_date", "end_date"),
        longest=30,
    ),
    Service("varg", "https://api.varg.ai/v1/usage"),
    Service("surnex", "https://api.surnex.io/v1/usage"),
    Service("lyrcs", "https://lyrcs.ai/api/v1/usage", longest=0),
)

Sleep = Callable[[float], Awaitable[None]]


class Collector:
    """Asks politely: one request at a time to each service, again after trouble that may pass."""

    def __init__(self, client: httpx.AsyncClient, *, sleep: Sleep = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep

    async def collect(self, service: Service, first: date, last: date) -> AsyncIterator[dict[str, Any]]:
        """The answers that together cover the period, oldest first; httpx.HTTPError when there is none."""
        key = os.environ[f"{service.name.upper()}_API_KEY"]
        headers = {service.header: f"Bearer {key}" if service.header == "authorization" else key}
        url = based(service)
        for begin, end in windows(first, last, service.longest):
            params = {} if begin is None else dict(zip(service.period, (str(begin), str(end)), strict=True))
            reply = await self._get(url, params, headers)
            yield {"service": service.name, **params, "answer": reply.json()}

    async def _get(self, url: str, params: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                reply = await self._client.get(url, params=params, headers=headers)
                if reply.status_code not in TRANSIENT or attempt == ATTEMPTS:
                    return reply.raise_for_status()
                wait = asked_to_wait(reply) or 2.0**attempt
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
                wait = 2.0**attempt
            await self._sleep(min(wait, LONGEST_WAIT))
        raise AssertionError("unreachable")


def asked_to_wait(reply: httpx.Response) -> float:
    """The seconds of Retry-After; 0 where there is none, or a date."""
    seconds = reply.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else 0.0


def windows(first: date, last: date, longest: int | None) -> Iterator[tuple[date | None, date | None]]:
    """The period, both ends included, in parts that a service takes."""
    if longest == 0:
        yield None, None
        return
    step = timedelta(days=longest or (last - first).days + 1)
    while first <= last:
        yield first, min(first + step - timedelta(days=1), last)
        first += step


def based(service: Service) -> str:
    base = os.environ.get(f"{service.name.upper()}_BASE_URL")
    return service.url if base is None else base + httpx.URL(service.url).path


async def main(first: str, last: str) -> int:
    async with httpx.AsyncClient(timeout=30) as client:
        collector = Collector(client)

        async def one(service: Service) -> bool:
            answers = collector.collect(service, date.fromisoformat(first), date.fromisoformat(last))
            try:
                async with aclosing(answers):
                    async for record in answers:
                        print(json.dumps(record))
            except httpx.HTTPError as error:
                print(f"{service.name}: {error!r}", file=sys.stderr)
                return False
            return True

        done = await asyncio.gather(*map(one, SERVICES))
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
