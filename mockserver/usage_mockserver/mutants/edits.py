"""What mutants and manners are made of: wrappers that change the question before, or the answer after."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from usage_mockserver.account import Account
from usage_mockserver.credentials import presented
from usage_mockserver.dates import read_day
from usage_mockserver.http import Reply, Request, pairs
from usage_mockserver.ledger import Ledger
from usage_specs import load

Handler = Callable[[Request, Account], Reply]
Wrap = Callable[[Handler], Handler]
Changes = Mapping[str, str | None]

KINDS = (
    "boundary",
    "rows",
    "aggregation",
    "filter",
    "relation",
    "state",
    "access",
    "status",
    "body",
    "schema",
    "echo",
    "time",
)
BOUNDS = {"supertone": ("start_date", "end_date")}
DOCUMENTED = {
    "somya": ("source", "api_key_id", "from", "to"),
    "supertone": ("start_date", "end_date"),
    "varg": ("from", "to"),
    "surnex": ("project_id", "provider", "from", "to"),
    "lyrcs": (),
}
REFUSED = (400, 422, 500)
JSON = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A named defect that breaks one behaviour (`breaks`, an id of the register) on purpose.

    `wrap` is called once per world, so what it returns may remember earlier requests.
    """

    name: str
    provider: str
    breaks: str
    kind: str
    summary: str
    wrap: Wrap


@dataclass(frozen=True, slots=True)
class Ask:
    """One request on its way to the honest handler."""

    request: Request
    account: Account
    handler: Handler

    @property
    def query(self) -> dict[str, str]:
        """The parameters; of a repeated one the last value."""
        return dict(pairs(self.request.query))

    @property
    def window(self) -> tuple[date, date] | None:
        """Both asked days, None unless both are given and exist."""
        first, last = (self.day(name) for name in BOUNDS.get(self.account.provider, ("from", "to")))
        return None if first is None or last is None else (first, last)

    @property
    def keys(self) -> list[str]:
        """The keys that came with the request, "" for a wrong scheme."""
        sent = (presented(self.request, way) for way in load(self.account.provider).service.credentials)
        return [key for key in sent if key is not None]

    def day(self, name: str) -> date | None:
        """The day a parameter names, None when it names none."""
        return read_day(self.query.get(name, ""))

    def reply(self, changes: Changes | None = None) -> Reply:
        """The honest answer, to the same question with these parameters changed; None leaves one out."""
        if changes is None:
            return self.handler(self.request, self.account)
        kept = [pair for pair in pairs(self.request.query) if pair[0] not in changes]
        new = [(name, value) for name, value in changes.items() if value is not None]
        return self.handler(replace(self.request, query=urlencode([*kept, *new])), self.account)

    def answer(self, changes: Changes | None = None) -> Any:
        """The JSON of that answer, whatever its status."""
        return parsed(self.reply(changes))

    def keyed(self) -> Ask:
        """The same question with a key that opens the account."""
        service = load(self.account.provider).service
        ways = {way.header for way in service.credentials}
        fields = {name: value for name, value in self.request.headers.items() if name not in ways}
        key = self.account.keys[0] if self.account.keys else service.demo_key
        fields[service.credentials[0].header] = service.credentials[0].value(key)
        return replace(self, request=replace(self.request, headers=fields))


When = Callable[[Ask], bool]
Edit = Callable[[Any, Ask], Any]
Memory = dict[Any, Any]


def always(ask: Ask) -> bool:  # noqa: ARG001
    """Whatever is asked."""
    return True


# -- replies --------------------------------------------------------------------------------------------


def parsed(reply: Reply) -> Any:
    """The JSON of a reply, None when its body is none."""
    body = gzip.decompress(reply.body) if ("content-encoding", "gzip") in reply.headers else reply.body
    try:
        return json.loads(body)
    except ValueError:
        return None


def written(reply: Reply, data: Any) -> Reply:
    """The reply with this JSON; NaN and infinity are written, as careless services do."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return with_body(reply, text.encode("utf-8", "backslashreplace"))


def with_body(reply: Reply, body: bytes) -> Reply:
    """The reply with other bytes; what described the old ones goes."""
    fields = tuple(field for field in reply.headers if field[0] not in ("etag", "content-encoding"))
    return replace(reply, headers=fields, body=body)


def with_headers(reply: Reply, **fields: str | None) -> Reply:
    """The reply with these fields set or, with None, taken away; `_` stands for `-`."""
    new = {name.replace("_", "-"): value for name, value in fields.items()}
    kept = [field for field in reply.headers if field[0] not in new]
    return replace(
        reply, headers=(*kept, *((name, value) for name, value in new.items() if value is not None))
    )


def json_reply(status: int, data: Any) -> Reply:
    """A plain JSON answer."""
    return written(Reply(status, JSON, b""), data)


def text_reply(status: int, text: str, **fields: str) -> Reply:
    """An answer of plain text, as proxies and frameworks give it."""
    return with_headers(Reply(status, (("content-type", "text/plain"),), text.encode()), **fields)


# -- wrappers -------------------------------------------------------------------------------------------


def via(make: Callable[[Ask], Reply]) -> Wrap:
    """A server that answers every request with what `make` says."""

    def wrap(handler: Handler) -> Handler:
        return lambda request, account: make(Ask(request, account, handler))

    return wrap


def remembering(make: Callable[[Ask, Memory], Reply]) -> Wrap:
    """The same with a memory that lasts as long as the world."""

    def wrap(handler: Handler) -> Handler:
        memory: Memory = {}
        return lambda request, account: make(Ask(request, account, handler), memory)

    return wrap


def edited(edit: Edit, when: When = always, statuses: tuple[int, ...] = (200,)) -> Wrap:
    """The JSON of answers of these statuses, changed in place or replaced by what `edit` returns."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        if reply.status not in statuses or not when(ask):
            return reply
        data = parsed(reply)
        changed = edit(data, ask)
        return written(reply, data if changed is None else changed)

    return via(make)


def instead(make: Callable[[Reply], Reply], when: When = always, statuses: tuple[int, ...] = (200,)) -> Wrap:
    """Another reply in place of those of these statuses."""

    def change(ask: Ask) -> Reply:
        reply = ask.reply()
        return make(reply) if reply.status in statuses and when(ask) else reply

    return via(change)


def asking(change: Callable[[Ask], Changes | None], statuses: tuple[int, ...] = (200,)) -> Wrap:
    """The answer to the question with parameters changed, where the honest one has one of these statuses."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        changes = change(ask) if reply.status in statuses else None
        return reply if changes is None else ask.reply(changes)

    return via(make)


def in_zone(hours: float, when: When = always) -> Wrap:
    """A server whose days begin at midnight of another zone."""
    span = timedelta(hours=hours)

    def make(ask: Ask, memory: Memory) -> Reply:
        if not when(ask):
            return ask.reply()
        account = ask.account
        version = account.ledger, getattr(account.ledger, "version", 0)
        if memory.get("version") != version:
            memory.update(version=version, ledger=moved(account.ledger, span))
        there = replace(account, ledger=memory["ledger"], now=account.now + span)
        return ask.handler(ask.request, there)

    return remembering(make)


def moved(ledger: Ledger, span: timedelta) -> Ledger:
    """The same events, each so much later (at most a day)."""

    def seeded(day: date) -> list[Any]:
        near = range(day.toordinal() - 1, day.toordinal() + 2)
        later = [replace(event, at=event.at + span) for ordinal in near for event in ledger.day(ordinal)]
        return [event for event in later if event.at.date() == day]

    return Ledger(seeded, opened=date.fromordinal(ledger.first))


def at_another_time(span: timedelta) -> Wrap:
    """A server whose clock is wrong by this much; seeded accounts have events on every day."""
    return via(lambda ask: ask.handler(ask.request, replace(ask.account, now=ask.account.now + span)))


# -- conditions -----------------------------------------------------------------------------------------


def longer_than(days: int) -> When:
    """Both days are given, and more than this many days apart, both counted."""

    def holds(ask: Ask) -> bool:
        window = ask.window
        return window is not None and (window[1] - window[0]).days >= days

    return holds


def window_is(test: Callable[[date, date], bool]) -> When:
    """Both days are given and pass the test."""

    def holds(ask: Ask) -> bool:
        window = ask.window
        return window is not None and test(*window)

    return holds


def has_unknown_parameter(ask: Ask) -> bool:
    """A parameter was sent that the document does not name."""
    return any(name not in DOCUMENTED[ask.account.provider] for name in ask.query)


def month_end(day: date) -> bool:
    """The last day of a month."""
    return shifted(day, 1).month != day.month


def covers_leap_day(first: date, last: date) -> bool:
    """A 29 February lies in the window."""
    years = range(first.year, min(last.year, first.year + 8) + 1)
    leaps = (read_day(f"{year:04}-02-29") for year in years)
    return any(day is not None and first <= day <= last for day in leaps)


def covers_new_year(first: date, last: date) -> bool:
    """The window begins in one year and ends in another."""
    return first.year < last.year


def given(name: str) -> When:
    """The parameter was sent."""
    return lambda ask: name in ask.query


def sent_with(header: str) -> When:
    """The request has this field."""
    return lambda ask: header in ask.request.headers


def rare(value: Any, one_in: int = 40) -> bool:
    """True for one value in so many, always for the same ones."""
    text = json.dumps(value, sort_keys=True)
    return (
        int.from_bytes(blake2b(text.encode("utf-8", "backslashreplace"), digest_size=4).digest(), "big")
        % one_in
        == 0
    )


def shifted(day: date, days: int) -> date:
    """So many days later, within the years that exist."""
    return date.fromordinal(max(1, min(date.max.toordinal(), day.toordinal() + days)))


def a_year_before(day: date) -> date:
    """The same day of the year before, the 28th for a leap day."""
    return day.replace(year=max(1, day.year - 1), day=min(day.day, 28) if day.month == 2 else day.day)
