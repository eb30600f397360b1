"""The five vendors: one module each, holding its events, its views over them and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from usage_mockserver.account import Account
from usage_mockserver.chance import Chance
from usage_mockserver.http import Reply, Request
from usage_mockserver.ledger import Views

NAMES = ("somya", "supertone", "varg", "surnex", "lyrcs")


class Provider(Protocol):
    """What every provider module offers.

    `DOCS` are the events of the vendor's printed example; `EVENTS` the kinds of event a user may add,
    by name; `VIEWS` make of events what nearly every answer needs.
    """

    DOCS: Sequence[Any]
    EVENTS: dict[str, type[Any]]
    VIEWS: Views

    def seeded(self, chance: Chance, day: date) -> Sequence[Any]:
        """The events of one day of the busy account, drawn from `chance` alone."""

    def answer(self, request: Request, account: Account) -> Reply:
        """The vendor's answer to one request."""


@cache
def load(name: str) -> Provider:
    """The module of one provider; imported when first asked for, since Somya brings FastAPI along."""
    if name not in NAMES:
        raise KeyError(name)
    return cast(Provider, import_module(f"usage_mockserver.providers.{name}"))
