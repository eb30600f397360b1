"""Events to add, as tests write them: by keywords, as objects, or as the plain values of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, SupportsFloat

from usage_mockserver.event_plain import Kind, instant_text, kinds
from usage_mockserver.event_reader import EventReader
from usage_mockserver.invalid import InvalidError, meant
from usagekit.fakes import instant_of


def events_by_keyword(
    provider: str, fields: Mapping[str, Any], *, copies: int | None, now: datetime
) -> list[Any]:
    """`copies` equal events of these fields; what is left out has its default, `at` is now.

    Without `kind` it is the first kind of this provider that has all these fields. A field that no kind has is
    a TypeError, a value that is none of its field a ValueError.
    """
    number = 1 if copies is None else copies
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError(f"copies is {copies!r}; it must be a whole number from 0")
    return [_read(provider, fields, EventReader(provider), now)] * number


def events_given(provider: str, given: Sequence[Any], *, now: datetime) -> list[Any]:
    """These events, each an object, a mapping of its fields, or an iterable of both; all or an error."""
    reader = EventReader(provider)
    classes = tuple(kind.cls for kind in kinds(provider).values())
    alone = len(given) == 1 and isinstance(given[0], Mapping)
    found: list[Any] = []
    for one in _flat(provider, given, (*classes, Mapping)):
        if isinstance(one, classes):
            found.append(one)
            continue
        try:
            found.append(_read(provider, one, reader, now))
        except (TypeError, ValueError) as error:
            which = "" if alone else f"event {len(found) + 1}: "
            raise type(error)(f"{which}{error}") from None
    return found


def _flat(provider: str, given: Iterable[Any], wanted: tuple[type, ...]) -> Iterator[Any]:
    for one in given:
        if isinstance(one, wanted):
            yield one
        elif isinstance(one, Iterable) and not isinstance(one, (str, bytes)):
            yield from _flat(provider, one, wanted)
        else:
            classes = [kind.cls for kind in kinds(provider).values()]
            known = ", ".join(f"{cls.__module__}.{cls.__name__}" for cls in classes)
            file = "; for a file there is add_from()" if isinstance(one, str) else ""
            raise TypeError(
                f"{provider} takes events ({known}), mappings and iterables of them, not {one!r}{file}"
            )


def _read(provider: str, fields: Mapping[str, Any], reader: EventReader, now: datetime) -> Any:
    kind = _kind(provider, fields)
    values = {name: _number(value) for name, value in fields.items() if name != "kind"}
    title = f"{provider}.{kind.name}"
    for name in values:
        if name not in kind.types:
            raise TypeError(f"{title} has no field {name!r}; {_hint(name, kind)} {', '.join(kind.types)}")
    try:
        values["at"] = instant_text(instant_of(values.get("at", now), "at"))
    except ValueError as error:
        raise ValueError(f"{title}: at: {error}") from None
    try:
        return reader.read({"kind": title, **values})[1]
    except InvalidError as error:
        others = [
            one.name
            for one in kinds(provider).values()
            if one is not kind and values.keys() <= one.types.keys()
        ]
        hint = f" (kind={others[0]!r} has such fields as well)" if others and "kind" not in fields else ""
        raise ValueError(f"{title}: {error.message}{hint}") from None


def _number(value: Any) -> Any:
    """A Decimal, a Fraction or a number of another library as JSON has it; anything else as it is."""
    if isinstance(value, (str, int, float)) or not isinstance(value, SupportsFloat):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def _hint(name: str, kind: Kind) -> str:
    """What was probably meant by a field, before the fields that there are."""
    # `cost` is too short a part of `cost_cents` to be close by its letters.
    close = get_close_matches(name, kind.types, n=1) or [one for one in kind.types if name in one.split("_")]
    return f"did you mean {close[0]!r}? It has" if close else "it has"


def _kind(provider: str, fields: Mapping[str, Any]) -> Kind:
    """The kind that is named, or the first that has all these fields, or the one that comes nearest."""
    known = kinds(provider)
    name = fields.get("kind")
    if name is None:
        return max(known.values(), key=lambda kind: len(fields.keys() & kind.types.keys()))
    if isinstance(name, str):
        name = name.removeprefix(f"{provider}.")
    if name not in known:
        raise ValueError(f"{provider} has no kind of event {fields['kind']!r}; {meant(name, known)}")
    return known[name]
