"""What five AI services were used for and what they cost: a page for people, JSON for programs.

    uvicorn dashboard:app

Each service needs its key (VARG_API_KEY, ...); VARG_BASE_URL and so on lead elsewhere than to production.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Annotated, Any

import httpx2
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse

LONGEST = timedelta(days=29)  # Supertone answers for 30 days at most, both ends included.


@dataclass(frozen=True)
class Service:
    """Where a service answers, how it is asked for a period, and what its answer amounts to."""

    name: str
    origin: str
    path: str
    header: str
    period: tuple[str, str] | None
    read: Callable[[Any], tuple[str, float | None]]

    def headers(self) -> dict[str, str]:
        key = os.environ[f"{self.name.upper()}_API_KEY"]
        return {self.header: f"Bearer {key}" if self.header == "authorization" else key}

    def url(self) -> str:
        return os.environ.get(f"{self.name.upper()}_BASE_URL", self.origin) + self.path


@dataclass(frozen=True)
class Row:
    service: str
    used: str = ""
    cost_usd: float | None = None
    error: str = ""


def somya(answer: Any) -> tuple[str, None]:
    requests = answer["data"]["requests"]
    return f"{requests['tts_characters_processed']} characters", None


def supertone(answer: Any) -> tuple[str, None]:
    return f"{sum(row['total_minutes_used'] for row in answer['usages']):.1f} minutes", None


def varg(answer: Any) -> tuple[str, float]:
    return f"{len(answer['usage'])} jobs", answer["total_cents"] / 100


def surnex(answer: Any) -> tuple[str, float]:
    totals = answer["totals"]
    return f"{totals['calls_total']} calls", totals["estimated_cost_usd"]


def lyrcs(answer: Any) -> tuple[str, None]:
    return f"{answer['total_duration_seconds'] / 3600:.1f} hours since the account began", None


SERVICES = [
    Service("somya", "https://api.somya.ai", "/v1/usage", "x-api-key", ("from", "to"), somya),
    Service(
        "supertone",
        "https://supertoneapi.com",
        "/v1/voice-usage",
        "x-sup-api-key",
        ("start_date", "end_date"),
        supertone,
    ),
    Service("varg", "https://api.varg.ai", "/v1/usage", "authorization", ("from", "to"), varg),
    Service("surnex", "https://api.surnex.io", "/v1/usage", "authorization", ("from", "to"), surnex),
    Service("lyrcs", "https://lyrcs.ai", "/api/v1/usage", "authorization", None, lyrcs),
]

app = FastAPI(title="AI costs")


@app.get("/api/costs")
async def costs(
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
) -> list[Row]:
    """One row for each service; by default the last 30 complete days, UTC."""
    last = last or datetime.now(UTC).date() - timedelta(days=1)
    first = first or last - LONGEST
    if not first <= last <= first + LONGEST:
        raise HTTPException(422, "from is the first day and to the last one, at most 30 days in all")
    async with httpx2.AsyncClient(timeout=10) as client:
        return await asyncio.gather(*(ask(client, service, first, last) for service in SERVICES))


async def ask(client: httpx2.AsyncClient, service: Service, first: date, last: date) -> Row:
    """The row of one service; one that does not answer spoils no other."""
    names = service.period or ()
    params = dict(zip(names, (first.isoformat(), last.isoformat()), strict=False))
    try:
        reply = await client.get(service.url(), params=params, headers=service.headers())
        reply.raise_for_status()
        used, cost = service.read(reply.json())
    except KeyError as missing:
        return Row(service.name, error=f"{missing.args[0]} is missing")
    except httpx2.HTTPStatusError as error:
        return Row(service.name, error=f"status {error.response.status_code}")
    except (httpx2.HTTPError, ValueError) as error:
        return Row(service.name, error=type(error).__name__)
    return Row(service.name, used, cost)


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    rows = [asdict(row) for row in await costs()]
    body = "".join(
        f"<tr><td>{escape(row['service'])}<td>{escape(row['error'] or row['used'])}"
        f"<td>{'' if row['cost_usd'] is None else format(row['cost_usd'], '.2f')}</tr>"
        for row in rows
    )
    total = sum(row["cost_usd"] or 0 for row in rows)
    return (
        "<!doctype html><title>AI costs</title><h1>The last 30 days</h1>"
        f"<table><tr><th>Service<th>Used<th>USD</tr>{body}<tr><th>Sum<th><th>{total:.2f}</tr></table>"
    )
