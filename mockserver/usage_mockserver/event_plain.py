"""Events as plain values, the fields of their class by name, and plain values as events."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache, cached_property
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from usage_mockserver.invalid import InvalidError, check_name, meant
from usage_mockserver.ledger import Event
from usage_mockserver.providers import NAMES, load

SHARED = 10_000
"""Different texts that are kept once; the events of an account name the same few again and again."""
# RFC 3339 without leap seconds, which datetime cannot hold; what is finer than a microsecond is refused.
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


@dataclass(frozen=True)
class Kind:
    """One kind of event: whose it is, its name, its class."""

    provider: str
    name: str
    cls: type[Any]

    @cached_property
    def types(self) -> dict[str, str]:
        """The type of each field as its class writes it, such as `str | None`."""
        return {field.name: str(field.type) for field in fields(self.cls)}

    @cached_property
    def switches(self) -> tuple[str, ...]:
        """The fields that are true or false, which the classes do not check themselves."""
        return tuple(name for name, kind in self.types.items() if kind == "bool")

    @cached_property
    def values(self) -> Any:
        """Reads the fields of an event as one tuple, in order, the instant first."""
        return attrgetter(*self.types)


@cache
def kinds(provider: str) -> dict[str, Kind]:
    """The kinds of event of one provider by name."""
    return {name: Kind(provider, name, cls) for name, cls in load(provider).EVENTS.items()}


@cache
def _kind_of_class(provider: str, cls: type[Any]) -> Kind:
    return next(kind for kind in kinds(provider).values() if kind.cls is cls)


def kind_of(provider: str, event: Event) -> Kind:
    """The kind of an event."""
    return _kind_of_class(provider, type(event))


def plain_event(provider: str, event: Event) -> dict[str, Any]:
    """The event as JSON values: `kind` such as `varg.job`, then every field; the instant as RFC 3339."""
    kind = kind_of(provider, event)
    found = {"kind": f"{provider}.{kind.name}", **dict(zip(kind.types, kind.values(event), strict=True))}
    found["at"] = instant_text(event.at)
    return found


def event_line(provider: str, event: Event) -> str:
    """The event as one line of JSON, without its end."""
    return json.dumps(plain_event(provider, event), ensure_ascii=False, separators=(",", ":"))


def event_id(provider: str, event: Event) -> str:
    """A name for this event and all that equal it, the same on every machine; it begins with the UTC day."""
    digest = blake2b(event_line(provider, event).encode("utf-8", "backslashreplace"), digest_size=6)
    return f"{event.at:%Y%m%d}-{digest.hexdigest()}"


def instant_text(at: datetime) -> str:
    """The UTC instant as RFC 3339 writes it, with microseconds where it has any."""
    return at.isoformat().replace("+00:00", "Z")


def read_at(text: Any) -> datetime:
    """The UTC instant of an event; InvalidError says how it is written."""
    if isinstance(text, str) and _INSTANT.fullmatch(text):
        try:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo is UTC else found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidError(f"at is {text!r}; it must be an instant such as 2026-03-01T12:30:00Z", "at")


class EventReader:
    """Turns plain values into events, of the given provider or of the one that each names itself.

    That is done by `kind` (`varg.job`) or by `provider` beside it; in a Surnex call `provider` is the upstream
    provider, so there only the first way is understood.
    """

    def __init__(self, provider: str | None = None, served: tuple[str, ...] = NAMES) -> None:
        self._provider, self._served = provider, served
        self._texts: dict[str, str] = {}
        self._kinds: dict[str, Kind] = {}

    def read(self, record: Any) -> tuple[str, Any]:
        """Provider and event; InvalidError names the field at fault."""
        if type(record) is not dict:
            raise InvalidError(f"an event is an object with fields, not {_shown(record)}")
        values = dict(record)
        named = values.get("kind")
        # Nearly every line says what lines before it said.
        found = self._kinds.get(named) if type(named) is str else None
        if found is not None and ("provider" not in values or "provider" in found.types):
            kind = found
            del values["kind"]
        else:
            kind = self.kind_of(values)
            if type(named) is str and "." in named:
                self._kinds[named] = kind
        if not values.keys() <= kind.types.keys():
            name = next(name for name in values if name not in kind.types)
            title = f"{kind.provider}.{kind.name}"
            raise InvalidError(f"{title} has no field {name!r}; {meant(name, kind.types)}", name, kind.types)
        values["at"] = read_at(values.get("at"))
        for name in kind.switches:
            if name in values and not isinstance(values[name], bool):
                raise InvalidError(f"{name} is {_shown(values[name])}; it must be true or false", name)
        return kind.provider, self._made(kind, values)

    def _made(self, kind: Kind, values: dict[str, Any]) -> Any:
        texts = self._texts
        share = texts.setdefault if len(texts) < SHARED else texts.get
        for name, value in values.items():
            if type(value) is str:
                values[name] = share(value, value)
        try:
            return kind.cls(**values)
        except (TypeError, ValueError) as error:
            # The classes say what is wrong, beginning with the name of the field.
            field = str(error).partition(" ")[0]
            raise InvalidError(str(error), field if field in kind.types else "") from None

    def kind_of(self, values: dict[str, Any]) -> Kind:
        """The kind meant; what names it is taken out of the values."""
        named = values.pop("kind", None)
        owner, field = self._provider, "kind"
        if isinstance(named, str) and "." in named:
            owner, _, named = named.partition(".")
        elif owner is None and "provider" in values:
            owner, field = values["provider"], "provider"
        elif owner is None:
            example = ", ".join(f"{name}.{kind}" for name in self._served for kind in kinds(name))
            raise InvalidError(f"kind must say whose event this is: one of {example}", "kind")
        if self._provider not in (None, owner):
            raise InvalidError(f"kind is of {owner}, but these are events of {self._provider}", "kind")
        kind = self._checked(check_name("provider", owner, self._served, field), named)
        if "provider" not in kind.types:
            if values.pop("provider", owner) != owner:
                raise InvalidError(f"provider does not go with an event of {owner}", "provider")
        elif field == "provider":
            title = f"{kind.provider}.{kind.name}"
            raise InvalidError(f"provider is a field of {title} itself; name the kind {title!r}", "provider")
        return kind

    def _checked(self, provider: str, name: Any) -> Kind:
        known = kinds(provider)
        if name is None and len(known) == 1:
            return next(iter(known.values()))
        if name is None:
            raise InvalidError(f"kind is missing; it must be one of {', '.join(known)}", "kind", known)
        return known[check_name(f"kind of {provider} event", name, known, "kind")]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
