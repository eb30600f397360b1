"""Manners of the account: how much was used, when, and what time its server thinks it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from usage_mockserver.account import Account
from usage_mockserver.chance import Chance
from usage_mockserver.http import Reply
from usage_mockserver.ledger import Extended, Ledger
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import Ask, Memory, Wrap, at_another_time, remembering
from usage_mockserver.providers import load

MANY, DAYS = 50_000, 60


def _of(account: Account) -> tuple[Any, ...]:
    """What tells that an account's events are others than before."""
    return account.ledger, getattr(account.ledger, "version", 0)


def with_events(build: Callable[[Account], Ledger]) -> Wrap:
    """The account has other events, made when first asked for."""

    def make(ask: Ask, memory: Memory) -> Reply:
        if memory.get("of") != _of(ask.account):
            memory.update(of=_of(ask.account), ledger=build(ask.account))
        return ask.handler(ask.request, replace(ask.account, ledger=memory["ledger"]))

    return remembering(make)


def kept_events(test: Callable[[Any], bool]) -> Callable[[Account], Ledger]:
    """Only the events that pass the test."""

    def build(account: Account) -> Ledger:
        base = account.ledger

        def seeded(day: date) -> list[Any]:
            return [event for event in base.day(day.toordinal()) if test(event)]

        return Ledger(seeded, opened=date.fromordinal(base.first))

    return build


def sample(account: Account) -> Any:
    """An event as this account has them, of the first kind that the provider names."""
    kind = next(iter(load(account.provider).EVENTS.values()))
    seeded = load(account.provider).seeded
    for back in range(400):
        day = account.today - timedelta(days=back)
        for event in seeded(Chance("sample", account.seed, back), day):
            if isinstance(event, kind):
                return event
    raise AssertionError("no seeded account is idle for a year")


def without_id(event: Any) -> Any:
    """The event without an id of its own, so that it gets one that nothing else has."""
    return replace(event, job_id="") if hasattr(event, "job_id") else event


def _one(account: Account) -> Ledger:
    at = (account.now - timedelta(days=9)).replace(hour=12, minute=30, second=15, microsecond=0)
    event = replace(without_id(sample(account)), at=at)
    return Ledger(lambda day: [event] if day == at.date() else [], opened=at.date())


def _many(account: Account) -> Ledger:
    base, seeded = account.ledger, load(account.provider).seeded
    first = account.today - timedelta(days=DAYS)

    def crowded(day: date) -> list[Any]:
        found = list(base.day(day.toordinal()))
        if not first <= day < account.today:
            return found
        turn = 0
        while len(found) < MANY // DAYS + 1:
            turn += 1
            more = seeded(Chance("many", account.provider, account.seed, day.isoformat(), turn), day)
            found.extend(without_id(event) for event in more)
        return found

    return Ledger(crowded, opened=date.fromordinal(base.first))


def _arriving(ask: Ask, memory: Memory) -> Reply:
    account = ask.account
    if memory.get("base") is not account.ledger:
        memory.update(base=account.ledger, ledger=Extended(account.ledger))
    event = replace(memory.setdefault("sample", without_id(sample(account))), at=account.now)
    memory["ledger"].add([event])
    return ask.handler(ask.request, replace(account, ledger=memory["ledger"]))


with_arrivals: Wrap = remembering(_arriving)
"""With every request something more is used, just now."""

ACCOUNTS: tuple[Manner, ...] = (
    Manner("one-event", "the account used the service once", with_events(_one)),
    Manner("fifty-thousand-events", "the account had 50,000 events in sixty days", with_events(_many)),
    Manner("events-arriving", "with every request something more was used just now", with_arrivals),
    Manner("clock-fast", "the server's clock is four minutes fast", at_another_time(timedelta(minutes=4))),
    Manner("clock-slow", "the server's clock is four minutes slow", at_another_time(timedelta(minutes=-4))),
)
