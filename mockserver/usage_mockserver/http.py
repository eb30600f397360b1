"""Requests and replies as plain values, independent of any server or framework."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus

MAX_PAIRS = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a provider sees it.

    `path` is percent-decoded and begins at the provider's own root, `base` is what stood before it
    (`/supertone` when reached by prefix), `query` is the raw query string without the question mark,
    `headers` have lower-case names.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    scheme: str = "http"

    @property
    def target(self) -> str:
        """Path and query as one text, the way frameworks print it in their messages."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Transport:
    """How a reply goes out when not as it stands.

    The connection is reset instead, or ends after `cut` bytes of a body whose length says more, or the body
    comes in pieces of `step` bytes with `pause` seconds between them (0 is one piece).
    """

    reset: bool = False
    cut: int | None = None
    step: int = 0
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: status, headers in order with lower-case names (no content-length), body, the id of the
    behaviour that decided it ("" when none applies), and whether the same question may be answered with it
    again until the account changes (`keep`; not for what counts requests, draws chance or shows the time).

    It is to be held back for `delay` seconds, and disturbed as `transport` says.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    behaviour: str = ""
    keep: bool = True
    delay: float = 0.0
    transport: Transport | None = None


# An answer and the journal's record of it look at one query, in turn.
@lru_cache(maxsize=16)
def pairs(query: str) -> tuple[tuple[str, str], ...]:
    """Split a raw query string the way URLSearchParams does: `+` is a space, a broken `%` stays as it is,
    invalid UTF-8 becomes U+FFFD, a name without `=` has an empty value. At most 1,000 pairs are read."""
    parts = [part for part in query.split("&", MAX_PAIRS)[:MAX_PAIRS] if part]
    found = []
    for part in parts:
        name, _, value = part.partition("=")
        found.append((_decoded(name), _decoded(value)))
    return tuple(found)


def _decoded(text: str) -> str:
    # Most values hold nothing to decode, and this runs on every request that is not kept.
    return unquote_plus(text, errors="replace") if "%" in text or "+" in text else text


def grouped(query: str) -> dict[str, list[str]]:
    """The values of each parameter, in the order they were sent."""
    found: dict[str, list[str]] = {}
    for name, value in pairs(query):
        found.setdefault(name, []).append(value)
    return found


def decoded_path(raw: str) -> str:
    """A request target's path, percent-decoded once."""
    return unquote(raw, errors="replace") if "%" in raw else raw


# One for all: json.dumps makes a new encoder each time, which takes as long as to write a small object.
_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8, as JavaScript services write it; ValueError when it holds NaN or infinity."""
    text = _COMPACT.encode(value)
    # A lone surrogate cannot travel in UTF-8; JSON.stringify writes it as \\udXXX, and so does this handler.
    return text.encode("utf-8", "backslashreplace")


def number(value: float) -> int | float:
    """A whole float without its fraction, the way JavaScript prints it."""
    return int(value) if value == int(value) else value
