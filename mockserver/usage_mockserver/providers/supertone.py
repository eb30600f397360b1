"""Supertone: speech by voice, listed as one row per day, voice, style, language and model.

The real service is a NestJS application on Express; where its document is silent, this answers the way that
framework does: no 405, other case and a trailing slash accepted, a weak ETag on everything.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha1
from typing import Any, ClassVar, Final

from usage_mockserver.account import Account
from usage_mockserver.chance import Chance, spread
from usage_mockserver.checked import check_amount, check_instant, check_text, is_amount
from usage_mockserver.credentials import accepts, presented
from usage_mockserver.dates import read_day
from usage_mockserver.decimals import decimal_text
from usage_mockserver.http import Reply, Request, grouped, json_bytes
from usage_mockserver.ledger import Views, day_instants, day_volume
from usage_specs import load

SERVICE = load("supertone").service
PATHS = (SERVICE.path, f"{SERVICE.path}/")

UNIT = 100_000_000
"""Minutes are counted in units of 1e-8, the finest the vendor prints (12.43251349)."""

PER_DAY = 10

# voice id, name, whether it is a preset (only those have thumbnails), style, language
Role = tuple[str, str | None, bool, str, str]
CAST: Final[tuple[Role, ...]] = spread(
    (
        (("e5f6fb1a53d0add87afb4f", "Agatha", True, "neutral", "en"), 26),
        (("e5f6fb1a53d0add87afb4f", "Agatha", True, "happy", "en"), 9),
        (("91992bbd4758bdcf9c9b01", "Adam", True, "neutral", "en"), 14),
        (("91992bbd4758bdcf9c9b01", "Adam", True, "neutral", "ko"), 6),
        (("7bb8c3fd4290ee11a8c5d2", "Yuna", True, "neutral", "ko"), 12),
        (("7bb8c3fd4290ee11a8c5d2", "Yuna", True, "sad", "ko"), 5),
        (("c9858bccab131431a5c3c7", "Haruto", True, "angry", "ja"), 4),
        (("opSGuRvHBe7EfZ4LQga1hE", "My Voice 1", False, "sad", "ko"), 8),
        (("opSGuRvHBe7EfZ4LQga1hE", "My Voice 1", False, "neutral", "ko"), 7),
        (("kW3nZq8sTfYb5RjVx2LpMd", "Narrator (cloned)", False, "neutral", "en"), 6),
        # A voice that was deleted since: its name is no longer known.
        (("tH6vJc4yQeXw9UgNs1KzBa", None, False, "neutral", "en"), 3),
    )
)
MODELS = {
    2025: spread((("sona_speech_1", 8), ("supertonic_api_1", 2))),
    2026: spread((("sona_speech_1", 5), ("sona_speech_2", 4), ("supertonic_api_1", 1))),
}


@dataclass(frozen=True, slots=True)
class Speech:
    """One speech request: how many minutes of speech were made with which voice.

    `minutes` count to eight decimals; a detail that is None is not known and is left out of the answer, as is
    the thumbnail of a cloned voice.
    """

    at: datetime
    voice_id: str = "e5f6fb1a53d0add87afb4f"
    minutes: float = 1.0
    name: str | None = None
    style: str | None = "neutral"
    language: str | None = "en"
    model: str | None = "sona_speech_1"
    thumbnail_url: str | None = None
    VARIED: ClassVar = {"minutes": is_amount}

    def __post_init__(self) -> None:
        check_instant(self.at)
        check_amount("minutes", self.minutes)
        check_text("voice_id", self.voice_id)
        for name in ("name", "style", "language", "model", "thumbnail_url"):
            value = getattr(self, name)
            if value is not None:
                check_text(name, value)


EVENTS: dict[str, type[Any]] = {"speech": Speech}

DOCS = (
    Speech(datetime(2025, 5, 22, 9, 30, tzinfo=UTC), minutes=9.5, name="Agatha"),
    Speech(datetime(2025, 5, 22, 14, 5, 20, tzinfo=UTC), minutes=2.93251349, name="Agatha"),
    Speech(
        datetime(2025, 5, 24, 11, 12, 13, tzinfo=UTC),
        voice_id="opSGuRvHBe7EfZ4LQga1hE",
        minutes=3.24566213,
        name="My Voice 1",
        style="sad",
        language="ko",
    ),
)


def seeded(chance: Chance, day: date) -> list[Speech]:
    """The speech requests of one day of the busy account, drawn from `chance` alone."""
    models = ("sona_speech_1",) if day.year < 2025 else MODELS[min(day.year, 2026)]
    events = []
    for at in day_instants(chance, day, day_volume(chance, day, PER_DAY)):
        voice_id, name, preset, style, language = chance.one_of(CAST)
        # Short texts are the rule: the smaller of two even draws, up to four minutes.
        units = min(chance.between(200_000, 4 * UNIT), chance.between(200_000, 4 * UNIT))
        forgotten = chance.below(40)
        events.append(
            Speech(
                at,
                voice_id,
                units / UNIT,
                name,
                None if forgotten == 0 else style,
                None if forgotten == 1 else language,
                None if forgotten == 2 else chance.one_of(models),
                f"https://cdn.supertone.ai/thumbnails/{voice_id}.png" if preset else None,
            )
        )
    return events


def day_rows(events: Sequence[Speech]) -> bytes:
    """The rows of one day's events as JSON objects joined by commas, by voice, style, language and model."""
    minutes: dict[tuple[str, ...], int] = {}
    shown: dict[tuple[str, ...], Speech] = {}
    for event in events:
        key = (event.voice_id, event.style or "", event.language or "", event.model or "")
        minutes[key] = minutes.get(key, 0) + round(event.minutes * UNIT)
        if key not in shown or event.name:
            shown[key] = event
    return b",".join(_row(shown[key], minutes[key]) for key in sorted(minutes) if minutes[key])


def _row(event: Speech, units: int) -> bytes:
    known = {
        "date": event.at.date().isoformat(),
        "voice_id": event.voice_id,
        "name": event.name,
        "style": event.style,
        "language": event.language,
        "model": event.model,
    }
    fields = json_bytes({name: value for name, value in known.items() if value is not None})
    total = f',"total_minutes_used":{decimal_text(units, 8)}'
    thumbnail = f',"thumbnail_url":{json.dumps(event.thumbnail_url)}' if event.thumbnail_url else ""
    return fields[:-1] + f"{total}{thumbnail}}}".encode()


VIEWS = Views(sheets=(day_rows,))


class RefusalError(Exception):
    """A request that gets no rows: status, the text or texts that say why, and the deciding behaviour."""

    def __init__(self, status: int, message: str | list[str], behaviour: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.behaviour = behaviour


REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    422: "Unprocessable Entity",
    500: "Internal Server Error",
}


def answer(request: Request, account: Account) -> Reply:
    """Supertone's answer to one request, whatever the request is."""
    try:
        return _fresh(request, _listed(request, account))
    except RefusalError as refusal:
        inner = {"statusCode": refusal.status, "message": refusal.message, "error": REASONS[refusal.status]}
        body = json_bytes({"status": "error", "message": inner})
        return rendered(refusal.status, body, refusal.behaviour)


def _listed(request: Request, account: Account) -> Reply:
    if request.method not in ("GET", "HEAD") or request.path.lower() not in PATHS:
        raise RefusalError(404, f"Cannot {request.method} {request.target}", "supertone.other-methods")
    _check_key(request, account)
    first, last = _period(grouped(request.query), account.switches)
    if first > last:
        return rendered(200, b'{"usages":[]}', "supertone.reversed-window-empty")
    rows = b",".join(sheet for sheet in account.day_sheets(day_rows, first, last) if sheet)
    if rows:
        behaviour = "supertone.rows-in-window"
    else:
        behaviour = "supertone.future-empty" if first > account.today else "supertone.empty-array"
    return rendered(200, b'{"usages":[%b]}' % rows, behaviour)


def _check_key(request: Request, account: Account) -> None:
    key = presented(request, SERVICE.credentials[0])
    if key is None or not accepts(SERVICE, key, account.keys):
        behaviour = "supertone.key-required" if key is None else "supertone.wrong-key-refused"
        raise RefusalError(401, "Invalid API key", behaviour)


def _period(query: Mapping[str, list[str]], switches: Mapping[str, str]) -> tuple[date, date]:
    """First and last asked day; in the wrong order only where that is answered with nothing."""
    days: list[date] = []
    refusals: list[tuple[str, str]] = []
    for name in ("start_date", "end_date"):
        read = _day(name, query.get(name, []), rolls=switches["impossible-date"] == "accept")
        if isinstance(read, date):
            days.append(read)
        else:
            refusals.append(read)
    if refusals:
        raise _bad_dates([message for message, _ in refusals], refusals[0][1], switches)
    first, last = days
    if first > last and switches["reversed"] == "refuse":
        message = "start_date must not be later than end_date"
        raise _bad_dates(message, "supertone.reversed-window-refused", switches)
    if (last - first).days > (29 if switches["limit"] == "dates" else 30):
        raise _bad_dates("Maximum inquiry period is 30 days.", "supertone.limit-30-days", switches)
    return first, last


SHAPE = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def _day(name: str, values: list[str], *, rolls: bool) -> tuple[str, str] | date:
    """The day asked for, or the message and behaviour of its refusal.

    Where impossible days roll on, as JavaScript's Date does it, 2025-02-30 is 2025-03-02.
    """
    if len(values) > 1:
        return f"{name} must be a string", "supertone.repeated-parameter-refused"
    if not values or not values[0]:
        return f"{name} should not be empty", "supertone.missing-date-refused"
    day = read_day(values[0])
    if day is not None:
        return day
    message = f"{name} must be a valid ISO 8601 date string"
    shape = SHAPE.fullmatch(values[0])
    if shape is None or shape[1] == "0000":
        # A form of ISO 8601 that is not YYYY-MM-DD holds nothing but its digits and signs.
        other = re.fullmatch(r"[0-9]{8}|[0-9]{4}-?W[0-9]{2}.*|[0-9]{4}-[0-9]{2}-[0-9]{2}T.*", values[0])
        return message, "supertone.other-date-forms-refused" if other else "supertone.malformed-date-refused"
    if not rolls:
        return message, "supertone.impossible-date-refused"
    return date(int(shape[1]), int(shape[2]), 1) + timedelta(days=int(shape[3]) - 1)


def _bad_dates(message: str | list[str], behaviour: str, switches: Mapping[str, str]) -> RefusalError:
    status = int(switches["error-status"])
    return RefusalError(status, "Failed to get usages" if status == 500 else message, behaviour)


def rendered(status: int, body: bytes, behaviour: str) -> Reply:
    """A JSON answer with Express's weak ETag: hexadecimal length, then 27 characters of base64 SHA-1."""
    digest = b64encode(sha1(body, usedforsecurity=False).digest()).decode()[:27]
    headers = (
        ("x-powered-by", "Express"),
        ("content-type", "application/json; charset=utf-8"),
        ("etag", f'W/"{len(body):x}-{digest}"'),
    )
    return Reply(status, headers, body, behaviour)


NO_CACHE = re.compile(r"(?:^|,)\s*no-cache\s*(?:,|$)")


def _fresh(request: Request, reply: Reply) -> Reply:
    """304 without a body when If-None-Match names the answer, unless Cache-Control asks for it anew."""
    known = request.headers.get("if-none-match")
    if known is None or NO_CACHE.search(request.headers.get("cache-control", "")):
        return reply
    etag = reply.headers[2][1]
    tags = [tag.strip(" \t").removeprefix("W/") for tag in known.split(",")]
    if known.strip() != "*" and etag.removeprefix("W/") not in tags:
        return reply
    return Reply(304, (reply.headers[0], reply.headers[2]), b"", reply.behaviour)
