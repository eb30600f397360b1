"""Lyrcs: all-time counts of transcription jobs and API requests, answered the way a Next.js route does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from usage_mockserver.account import Account
from usage_mockserver.chance import Chance, spread
from usage_mockserver.checked import (
    check_amount,
    check_choice,
    check_instant,
    check_text,
    is_amount,
    is_whole,
)
from usage_mockserver.credentials import accepts, presented
from usage_mockserver.http import Reply, Request, json_bytes, number, pairs
from usage_mockserver.ledger import Views, day_instants, day_volume
from usage_specs import load

SERVICE = load("lyrcs").service

STATUSES = ("completed", "processing", "failed")

LIMITS = (("minute", 10), ("hour", 100), ("day", 1000))
"""Requests per window, as the vendor's error page lists them."""

PER_DAY = 4
FATES = spread((("completed", 94), ("failed", 4), ("processing", 2)))
LANGUAGES = spread(
    (
        ("Hindi", 30),
        ("Tamil", 22),
        ("Telugu", 14),
        ("Punjabi", 10),
        ("English", 9),
        ("Bengali", 6),
        ("Malayalam", 4),
        ("Marathi", 3),
        ("Spanish", 2),
    )
)
VARY = ("vary", "rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch")
JSON = (VARY, ("content-type", "application/json"), ("cache-control", "no-store"))
NOT_FOUND = (
    b'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/>'
    b"<title>404: This page could not be found.</title></head>"
    b"<body><h1>404</h1><h2>This page could not be found.</h2></body></html>"
)


@dataclass(frozen=True, slots=True)
class Job:
    """One transcription job submitted through the API.

    `seconds` is the length of its audio, unknown (and so not counted) while the status is `processing`.
    Without `align` no LRC file is ever made, so that such a job never counts as completed. `calls` is how
    many API requests it took: sending and looking up; 0 for all but the first job of a batch.
    """

    at: datetime
    language: str = "Hindi"
    seconds: float = 180
    status: str = "completed"
    align: bool = True
    calls: int = 1
    VARIED: ClassVar = {"seconds": is_amount, "calls": is_whole}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_text("language", self.language)
        check_amount("seconds", self.seconds)
        check_choice("status", self.status, STATUSES)
        check_amount("calls", self.calls, whole=True)


@dataclass(frozen=True, slots=True)
class Call:
    """API requests that submitted no job, `count` of them at once."""

    at: datetime
    count: int = 1
    VARIED: ClassVar = {"count": is_whole}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_amount("count", self.count, whole=True)


EVENTS: dict[str, type[Any]] = {"job": Job, "call": Call}


def seeded(chance: Chance, day: date) -> list[Job | Call]:
    """The jobs and other requests of one day of the busy account, drawn from `chance` alone."""
    events: list[Job | Call] = []
    batch = 0
    for at in day_instants(chance, day, day_volume(chance, day, PER_DAY)):
        if chance.hit(10):
            events.append(Call(at, chance.between(1, 6)))
            continue
        status = chance.one_of(FATES)
        # The jobs of a batch came with one request, which the first of them carries.
        calls = 0 if batch else chance.between(2, 7)
        batch = batch - 1 if batch else 3 * chance.hit(15)
        hundredths = chance.between(9_000, 42_000)
        events.append(Job(at, chance.one_of(LANGUAGES), hundredths / 100, status, not chance.hit(6), calls))
    return events


def _printed() -> tuple[Job, ...]:
    """142 jobs that make the printed answer: 138 completed, 49320 seconds, 612 requests."""
    languages = ["Hindi"] * 58 + ["Tamil"] * 44 + ["Telugu"] * 22 + ["Punjabi"] * 18
    # The first was never finished, one failed, two wanted no alignment. 141 x 349 + 111 = 49320 seconds and
    # 142 x 4 + 44 = 612 requests; two neighbours are as much longer and shorter.
    statuses = {0: "processing", 70: "failed"}
    jobs = []
    for place, language in enumerate(languages):
        apart = (place + 1) // 2 * 7 % 120 * (1 if place % 2 else -1) if place < 141 else 0
        jobs.append(
            Job(
                at=datetime(2025, 1, 6, 9, tzinfo=UTC) + timedelta(hours=47 * (place * 29 % 142)),
                language=language,
                seconds=349 + (1 <= place <= 111) + apart,
                status=statuses.get(place, "completed"),
                align=place not in (30, 100),
                calls=4 + (place < 44),
            )
        )
    return tuple(jobs)


DOCS = _printed()


class Sums(NamedTuple):
    """What some events add up to; milliseconds inside, so that sums of seconds stay exact."""

    completed: int
    milliseconds: int
    calls: int
    languages: dict[str, int]


def sums(events: Sequence[Job | Call]) -> Sums:
    """The sums of some events."""
    jobs = [event for event in events if isinstance(event, Job)]
    return Sums(
        completed=sum([job.align and job.status == "completed" for job in jobs]),
        milliseconds=sum([round(job.seconds * 1000) for job in jobs if job.status != "processing"]),
        calls=sum([event.calls if isinstance(event, Job) else event.count for event in events]),
        languages=dict(Counter([job.language for job in jobs])),
    )


def joined(one: Sums, other: Sums) -> Sums:
    """Both together."""
    languages = dict(one.languages)
    for language, jobs in other.languages.items():
        languages[language] = languages.get(language, 0) + jobs
    return Sums(
        one.completed + other.completed,
        one.milliseconds + other.milliseconds,
        one.calls + other.calls,
        languages,
    )


VIEWS = Views(totals=(sums,), ever=((sums, joined),))


def usage(account: Account) -> dict[str, Any]:
    """Everything since the account was opened, languages by falling count."""
    completed, milliseconds, calls, languages = account.total(sums, joined)
    fractional = account.switches["duration"] == "fractional"
    return {
        "org_id": _org_id(account.seed, account.scenario),
        "period": "all_time",
        "total_jobs": sum(languages.values()),
        "completed_jobs": completed,
        "total_duration_seconds": number(milliseconds / 1000) if fractional else milliseconds // 1000,
        "jobs_by_language": dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
        "api_calls": calls + (account.requests if account.switches["api-calls"] == "live" else 0),
    }


@lru_cache(maxsize=256)
def _org_id(seed: int, scenario: str) -> str:
    return "org_abc123" if scenario == "docs" else f"org_{Chance('lyrcs org', seed).hex(6)}"


QUOTA = (
    *((f"x-ratelimit-limit-{window}", str(limit)) for window, limit in LIMITS),
    *((f"x-ratelimit-remaining-{window}", str(limit - 1)) for window, limit in LIMITS),
)


def quota(account: Account) -> tuple[tuple[str, str], ...]:
    """The limits and what is left of them, as if this were the first request of each window."""
    return () if account.switches["quota-headers"] == "off" else QUOTA


def failure(
    status: int,
    error: str,
    message: str,
    code: str,
    behaviour: str,
    headers: tuple[tuple[str, str], ...] = JSON,
) -> Reply:
    """A refusal in the vendor's shape."""
    return Reply(status, headers, json_bytes({"error": error, "message": message, "code": code}), behaviour)


def answer(request: Request, account: Account) -> Reply:
    """What Lyrcs answers to one request."""
    if len(request.path) > 1 and request.path.endswith("/"):
        return Reply(308, (("location", _without_slash(request)),), b"")
    if request.path != SERVICE.path:
        return Reply(404, (VARY, ("content-type", "text/html; charset=utf-8")), NOT_FOUND)
    if request.method == "OPTIONS":
        return Reply(204, (VARY, ("allow", "GET, HEAD, OPTIONS")), b"")
    if request.method not in ("GET", "HEAD"):
        return Reply(405, (VARY,), b"")
    return _handled(request, account)


def _handled(request: Request, account: Account) -> Reply:
    """What the route itself answers; Next.js sends HEAD through it as well."""
    key = presented(request, SERVICE.credentials[0])
    if key is None or not accepts(SERVICE, key, account.keys):
        behaviour = "lyrcs.key-required" if key is None else "lyrcs.wrong-key-refused"
        return failure(401, "unauthorized", "Missing or invalid API key", "AUTH_001", behaviour)
    return _authenticated(request, account, (*JSON, *quota(account)))


def _authenticated(request: Request, account: Account, headers: tuple[tuple[str, str], ...]) -> Reply:
    if account.switches["restricted-key"] == "on":
        message = "This API key may not use this endpoint"
        return failure(403, "forbidden", message, "AUTH_002", "lyrcs.restricted-key", headers)
    if account.switches["extra-query"] == "refuse" and (sent := pairs(request.query)):
        message = f"Unknown query parameter: {sent[0][0]}"
        return failure(400, "validation_error", message, "VAL_001", "lyrcs.extra-query-answered", headers)
    counting = account.switches["api-calls"] == "live"
    return Reply(200, headers, json_bytes(usage(account)), "lyrcs.answered", keep=not counting)


def _without_slash(request: Request) -> str:
    # Repeated slashes go too: `//elsewhere/` would otherwise send the client to another host.
    path = quote(
        re.sub(r"/{2,}", "/", request.path.rstrip("/")), safe="/:@!$&'()*+,;=~", errors="surrogatepass"
    )
    query = quote(request.query, safe="%&=+;/?:@,!$'()*[]~", errors="surrogatepass")
    return f"{request.base}{path or '/'}" + (f"?{query}" if query else "")
