"""Events as plain values, and the fields of their classes by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache, cached_property
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from usage_mockserver.invalid import InvalidError
from usage_mockserver.ledger import Event
from usage_mockserver.providers import load

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
    def varied(self) -> Mapping[str, Callable[[Any], bool]]:
        """The fields that hardly say the same twice, each with what is right for it, all there is to say."""
        found: Mapping[str, Callable[[Any], bool]] = getattr(self.cls, "VARIED", {})
        return found

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
    given = "missing" if text is None else repr(text)
    raise InvalidError(f"at is {given}; it must be an instant such as 2026-03-01T12:30:00Z", "at")
