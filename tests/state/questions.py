"""Random questions to all five providers, the same on every machine; run as a program, the answers' digests.

Valid windows, wrong ones, filters, refused keys, unknown paths: whatever changes an answer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import blake2b
from urllib.parse import quote

from usage_mockserver.app import create_app
from usage_mockserver.chance import Chance
from usage_mockserver.providers import NAMES
from usage_specs import load

FROM, DAYS = date(2025, 8, 1), 250
NAMES_OF_DATES = {"somya": ("from", "to"), "supertone": ("start_date", "end_date"), "lyrcs": ()}
EXTRA = {
    "somya": ("source=tts", "source=asr", "source=nothing"),
    "supertone": ("voice_id=none", "page=2", "limit=5"),
    "varg": ("capability=video", "limit=3", "model=x"),
    "surnex": ("provider=serpapi", "project=none", "project_id=1"),
    "lyrcs": ("period=month", "x=1"),
}
ODD = ("2025-02-29", "yesterday", "", "2026-13-01", "9999-12-31", "0001-01-01", "2026-03-15T10:00:00Z")


def questions(count: int) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Method, path, query and fields of so many questions."""
    chance = Chance("questions")
    for _ in range(count):
        name = chance.one_of(NAMES)
        service = load(name).service
        way = chance.one_of(service.credentials)
        fields = {way.header: way.value("wrong" if chance.hit(4) else service.demo_key)}
        path = f"/{name}{service.path}" + ("/more" if chance.hit(1) else "")
        method = "POST" if chance.hit(2) else "GET"
        yield method, path, _query(name, chance), {} if chance.hit(2) else fields


def _query(name: str, chance: Chance) -> str:
    day = FROM + timedelta(days=chance.below(DAYS))
    window = (day, day + timedelta(days=chance.between(-1, 9) if chance.hit(95) else 40))
    values = [chance.one_of(ODD) if chance.hit(3) else one.isoformat() for one in window]
    pairs = [
        f"{field}={quote(value)}"
        for field, value in zip(NAMES_OF_DATES.get(name, ("from", "to")), values, strict=False)
        if not chance.hit(3)
    ]
    return "&".join([*pairs, *([chance.one_of(EXTRA[name])] if chance.hit(15) else [])])


def digests(count: int) -> Iterator[str]:
    """Status and digest of each answer, made by a server of our own."""
    from tests.state.replicas import make_world

    app = create_app(make_world())
    for method, path, query, fields in questions(count):
        reply = app.handle(method, "localhost", path, query, {**fields, "host": "localhost"})
        headers = "\n".join(": ".join(pair) for pair in reply.headers).encode()
        yield f"{reply.status} {blake2b(headers + reply.body, digest_size=8).hexdigest()}"


if __name__ == "__main__":
    print("\n".join(digests(int(sys.argv[1]))))
