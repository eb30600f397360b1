"""Plain values as events: one at a time, checked, and quickly where millions of lines say much the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

from usage_mockserver.event_plain import Kind, kinds, read_at
from usage_mockserver.invalid import InvalidError, check_name, meant
from usage_mockserver.providers import NAMES

SHARED = 10_000
"""So many different values of one field are remembered; events name the same few again and again."""


SHAPES = 100
REMEMBERED = (str, int, bool, type(None))
Known = dict[str, dict[Any, Any]]
"""By field the values that were found right before, each with what the event holds in its place."""


class Shape:
    """Records of one kind with the same names in the same order.

    Their events are made without the class's own checks where every value was found right before, which takes
    less than half the time: the same few texts come again and again. What never comes twice is looked at here.
    """

    def __init__(self, kind: Kind, names: list[str], known: Known) -> None:
        self.kind = kind
        self._new: Callable[[type], Any] = object.__new__
        self._fields: list[tuple[str, Callable[[Any, Any], None], Any, dict[Any, Any]]] = [
            (name, getattr(kind.cls, name).__set__, kind.varied.get(name), known[name])
            for name in names
            if name != "at"
        ]
        self._put_at = kind.cls.at.__set__
        self._defaults = [
            (getattr(kind.cls, field.name).__set__, field.default)
            for field in fields(kind.cls)
            if field.name not in names and field.default is not MISSING
        ]

    def event(self, record: dict[str, Any]) -> Any | None:
        """The event of this record; None where only the class itself can say whether it is right."""
        event = self._new(self.kind.cls)
        for name, put, right, known in self._fields:
            value = record[name]
            if right is None:
                try:
                    found = known[value]
                except (KeyError, TypeError):
                    return None
                # A 1 is found in place of a true, and 200.0 in place of 200.
                if type(found) is not type(value):
                    return None
                put(event, found)
            elif right(value):
                put(event, value)
            else:
                return None
        for put, default in self._defaults:
            put(event, default)
        self._put_at(event, read_at(record["at"]))
        return event


class EventReader:
    """Turns plain values into events, of the given provider or of the one that each names itself.

    That is done by `kind` (`varg.job`) or by `provider` beside it; in a Surnex call `provider` is the upstream
    provider, so there only the first way is understood.
    """

    def __init__(self, provider: str | None = None, served: tuple[str, ...] = NAMES) -> None:
        self._provider, self._served = provider, served
        self._known: dict[Kind, Known] = {}
        self._shapes: dict[tuple[str, ...], Shape] = {}

    @property
    def owners(self) -> tuple[str, ...]:
        """The providers whose events these may be."""
        return (self._provider,) if self._provider is not None else self._served

    def read(self, record: Any) -> tuple[str, Any]:
        """Provider and event; InvalidError names the field at fault."""
        if type(record) is not dict:
            raise InvalidError(f"an event is an object with fields, not {_shown(record)}")
        named = record.get("kind", "")
        told = (named, *record) if type(named) is str else ()
        shape = self._shapes.get(told)
        if shape is not None and (event := shape.event(record)) is not None:
            return shape.kind.provider, event
        kind, event = self._checked_event(record)
        names = [name for name in record if name != "kind"]
        # A provider beside the kind may contradict it.
        if told and shape is None and len(self._shapes) < SHAPES and kind.types.keys() >= set(names):
            self._shapes[told] = Shape(kind, names, self._known[kind])
        return kind.provider, event

    def _checked_event(self, record: dict[str, Any]) -> tuple[Kind, Any]:
        values = dict(record)
        kind = self.kind_of(values)
        if not values.keys() <= kind.types.keys():
            name = next(name for name in values if name not in kind.types)
            title = f"{kind.provider}.{kind.name}"
            raise InvalidError(f"{title} has no field {name!r}; {meant(name, kind.types)}", name, kind.types)
        values["at"] = read_at(values.get("at"))
        for name in kind.switches:
            if name in values and not isinstance(values[name], bool):
                raise InvalidError(f"{name} is {_shown(values[name])}; it must be true or false", name)
        return kind, self._made(kind, values)

    def _made(self, kind: Kind, values: dict[str, Any]) -> Any:
        try:
            event = kind.cls(**values)
        except (TypeError, ValueError) as error:
            # The classes say what is wrong, beginning with the name of the field.
            field = str(error).partition(" ")[0]
            raise InvalidError(str(error), field if field in kind.types else "") from None
        known = self._known.setdefault(kind, {})
        for name, value in values.items():
            held = known.setdefault(name, {})
            if name not in kind.varied and len(held) < SHARED and type(value) in REMEMBERED:
                held[value] = getattr(event, name)
        return event

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
