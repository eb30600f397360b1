"""What the fakes are asked: by kind, with the status that is the right answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from usage_specs import load

NOW = date(2026, 3, 15)
HISTORY = 1000
"""Days back from which the windows of never-seen queries are taken."""
PARAMETERS = {"supertone": ("start_date", "end_date"), "lyrcs": ()}
WEEK, MONTH = 7, 30
REPEATED, UNSEEN = "repeated query", "never-seen query"
REFUSED, BAD = "refused credential", "bad parameter"
NEW_KEY, NEW_BAD = "refused credential, never the same request", "bad parameter, never the same request"
KINDS = (REPEATED, UNSEEN, REFUSED, BAD)
FURTHER = (NEW_KEY, NEW_BAD)
"""Asked of the account as it is seeded alone."""


class Question(NamedTuple):
    """Requests of one kind: their paths in turn, each made unlike all before it where `fresh`.

    `status` is what every answer has.
    """

    paths: Sequence[str]
    headers: Mapping[str, str]
    status: int
    fresh: bool = False


def question(provider: str, kind: str) -> Question | None:
    """How a provider is asked in this way; None where it has no parameters that could be bad."""
    yesterday = NOW - timedelta(days=1)
    week = window(provider, yesterday, WEEK)
    if kind == REPEATED:
        return Question([week], key(provider), 200)
    if kind == UNSEEN:
        return Question(windows(provider, WEEK), key(provider), 200, fresh=True)
    fresh = kind in FURTHER
    if kind in (REFUSED, NEW_KEY):
        return Question([week], key(provider, "wrong_key"), 401, fresh)
    if not PARAMETERS.get(provider, ("from", "to")):
        return None
    bad = week.replace(f"={yesterday}", "=2026-02-30")
    return Question([bad], key(provider), {"somya": 422}.get(provider, 400), fresh)


def window(provider: str, last: date, days: int) -> str:
    """Path and query that ask for the days that end here; Lyrcs knows no window, and gets a day it ignores."""
    path = load(provider).service.path
    names = PARAMETERS.get(provider, ("from", "to"))
    if not names:
        return f"{path}?day={last}"
    return f"{path}?{names[0]}={last - timedelta(days=days - 1)}&{names[1]}={last}"


def windows(provider: str, days: int) -> list[str]:
    """Windows of so many days, each a day before the one before it, through the account's history."""
    return [window(provider, NOW - timedelta(days=back), days) for back in range(1, HISTORY)]


def key(provider: str, value: str = "") -> dict[str, str]:
    """The header that opens the fake account, or with another value does not."""
    service = load(provider).service
    way = service.credentials[0]
    return {way.header: way.value(value or service.demo_key)}


def answer(port: int, path: str, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of one answer."""
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers)), timeout=60) as reply:
            return reply.status, reply.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()
