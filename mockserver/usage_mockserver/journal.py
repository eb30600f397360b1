"""What was asked and how it was answered: bounded, and without a single credential in it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from threading import Lock
from time import time
from typing import Any
from urllib.parse import quote

MASK = "[masked]"
ENTRIES = 1000
MESSAGE = 500
BYTES = 8 * 1024 * 1024
SCHEMES = frozenset(("authorization", "proxy-authorization"))
SECRET_FIELDS = tuple(sorted(SCHEMES | {"x-api-key", "x-sup-api-key", "api-key", "cookie"}))
SECRET_PARAMETERS = re.compile(r"(?:.*[-_])?(?:api_?key|key|token|secret|password)", re.IGNORECASE)
# What is shorter stands in too many innocent words to be replaced wherever it occurs.
SHORTEST_INSIDE = 4
SHORTEST_BASE64 = 6
# Rough, so that the bound holds for the process and not for the text alone.
ENTRY_OVERHEAD, TEXT_OVERHEAD = 400, 60


@dataclass(frozen=True, slots=True)
class Record:
    """One request and the answer to it, whoever asked and whenever; every credential is masked.

    `credentials` are the fields that carried one, their scheme kept: `("authorization", "Bearer [masked]")`;
    `message` is how the body of an answer of status 400 and above begins.
    """

    provider: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    behaviour: str = ""
    credentials: tuple[tuple[str, str], ...] = ()
    message: str = ""

    @property
    def size(self) -> int:
        """About how many bytes of memory this record holds."""
        texts = [*chain.from_iterable(self.query), *chain.from_iterable(self.credentials)]
        # A character of a text outside ASCII takes up to four bytes.
        letters = len(self.path) + len(self.message) + sum(map(len, texts))
        return ENTRY_OVERHEAD + TEXT_OVERHEAD * len(texts) + 4 * letters


FIELDS = tuple(field.name for field in fields(Record))


@dataclass(frozen=True, slots=True)
class Entry:
    """A record at the moment it was made; `number` counts from 1 and never repeats."""

    number: int
    at: datetime
    record: Record

    def as_json(self) -> dict[str, Any]:
        """The entry as plain JSON values; query pairs keep their order and repetitions."""
        record = self.record
        return {
            "number": self.number,
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "provider": record.provider,
            "method": record.method,
            "path": record.path,
            "query": [list(pair) for pair in record.query],
            "status": record.status,
            "behaviour": record.behaviour,
            "credentials": dict(record.credentials),
            "message": record.message,
        }


Pairs = tuple[tuple[str, str], ...]


# A client sends the same key with every request; to work out each time what is to be hidden took as long as a
# small answer.
@lru_cache(maxsize=64)
def _credentials(fields: Pairs, configured: tuple[str, ...]) -> tuple[frozenset[str], Pairs]:
    """Every credential in these fields and among those configured, and how the fields are shown."""
    found = set(configured)
    for name, sent in fields:
        value = sent.strip()
        scheme, _, rest = value.partition(" ")
        found.update((value, rest.strip()) if name in SCHEMES and rest else (scheme, value))
    return frozenset(filter(None, found)), tuple((name, _shown(name, value)) for name, value in fields)


# A client has a handful of parameter names, and sends them with every request.
@lru_cache(maxsize=256)
def _means_secret(name: str) -> bool:
    return SECRET_PARAMETERS.fullmatch(name) is not None


def masked(text: str, hidden: frozenset[str]) -> str:
    """The text without these values: raw, percent-encoded or in base64, alone or inside other words."""
    return MASK if text in hidden else _pattern(hidden).sub(MASK, text)


# The same key comes with nearly every request of a client, and its dozen spellings cost more than the answer.
@lru_cache(maxsize=64)
def _pattern(hidden: frozenset[str]) -> re.Pattern[str]:
    forms = {form for secret in hidden if len(secret) >= SHORTEST_INSIDE for form in _forms(secret)}
    # Longest first: a key may begin with another one.
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)) or "(?!)")


def _forms(secret: str) -> list[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    percent = quote(raw, safe="")
    forms = [secret, percent, percent.replace("%", "%25"), "".join(f"%{byte:02X}" for byte in raw)]
    # Inside a longer text the same bytes have three spellings in base64, by where in a group of three they
    # begin; the characters at both ends also hold bits of the neighbours and are left alone.
    for shift in range(3):
        text = b64encode(b"\0" * shift + raw).decode()
        middle = text[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(middle) >= SHORTEST_BASE64:
            forms += [middle, middle.replace("+", "-").replace("/", "_")]
    return [*forms, *(form.lower() for form in forms[1:4])]


def make_record(
    provider: str,
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    status: int,
    *,
    behaviour: str = "",
    headers: Mapping[str, str],
    configured: tuple[str, ...] = (),
    body: bytes = b"",
) -> Record:
    """A record of one exchange, masked here and now, so that no credential ever gets into a journal.

    `body` is the answer's.
    """
    pairs = tuple(query)
    fields = tuple([(name, headers[name]) for name in SECRET_FIELDS if name in headers])
    hidden, shown = _credentials(fields, configured)
    if more := [value for name, value in pairs if value and _means_secret(name)]:
        hidden |= set(more)
    # Nearly always nothing is found, and one search tells it for all texts.
    texts = [method, path, *chain.from_iterable(pairs)]
    if not hidden.isdisjoint(texts) or _pattern(hidden).search("\n".join(texts)):
        method, path = masked(method, hidden), masked(path, hidden)
        pairs = tuple((masked(name, hidden), masked(value, hidden)) for name, value in pairs)
    message = ""
    if status >= 400:
        # Cut only after it is masked, or the beginning of a key could be left at the end.
        message = masked(body.decode("utf-8", "replace"), hidden)[:MESSAGE]
    return Record(provider, method, path, pairs, status, behaviour, shown, message)


def _shown(name: str, value: str) -> str:
    scheme, blank, _ = value.partition(" ")
    return f"{scheme} {MASK}" if name in SCHEMES and blank and scheme.isalpha() else MASK


def check_fields(names: Iterable[str]) -> None:
    """Refuse with ValueError the name of a field that records do not have."""
    if unknown := set(names) - set(FIELDS):
        raise ValueError(f"entries have no field {min(unknown)!r}; known: {', '.join(FIELDS)}")


def matches(record: Record, only: Mapping[str, Any]) -> bool:
    """Whether these fields of the record have these values."""
    return all(getattr(record, name) == value for name, value in only.items())


class Journal:
    """The last requests, at most `entries` of them in at most `size` bytes; the oldest make room."""

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self.most = self._limit = entries
        self._bytes = size
        self._kept: deque[tuple[int, float, Record, int]] = deque()
        self._used = 0
        self._number = 0
        self._lock = Lock()

    def add(self, record: Record, size: int | None = None) -> None:
        """Note that this was asked just now; a caller that adds one record often hands its size along."""
        weight = record.size if size is None else size
        with self._lock:
            self._number += 1
            self._kept.append((self._number, time(), record, weight))
            self._used += weight
            while len(self._kept) > self._limit or self._used > self._bytes:
                self._used -= self._kept.popleft()[3]

    def entries(self, after: int = 0, **only: Any) -> list[Entry]:
        """The entries after a number, oldest first; `only` names fields of Record and their value."""
        check_fields(only)
        with self._lock:
            kept = list(self._kept)
        return [
            Entry(number, datetime.fromtimestamp(at, UTC), record)
            for number, at, record, _ in kept
            if number > after and matches(record, only)
        ]

    def count(self, **only: Any) -> int:
        """How many entries are kept that match."""
        return len(self.entries(**only))

    @property
    def total(self) -> int:
        """How many requests were noted since the start, also those that made room."""
        return self._number

    def clear(self) -> None:
        """Forget every entry; numbers go on."""
        with self._lock:
            self._kept.clear()
            self._used = 0
