"""What a request is expected to be like, and how one that was sent differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime
from difflib import get_close_matches
from keyword import iskeyword
from typing import Any, NamedTuple, Protocol

from usage_mockserver.event_plain import instant_text

ANY = ...
"""Stands for any value of a parameter that was sent."""


class Sent(Protocol):
    """What is compared of a request."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def path(self) -> str:
        """The path."""

    @property
    def status(self) -> int:
        """The status of the answer."""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The parameters."""


class Wanted(NamedTuple):
    """What is expected: values by parameter, whether these are all, and what else is.

    The value of a parameter is a list of texts, None for one that is not sent, `...` for any.
    """

    values: Mapping[str, Any]
    whole: bool
    rest: Mapping[str, Any]


REST = ("method", "path", "status")


def wanted(params: Mapping[str, Any] | None, named: Mapping[str, Any]) -> Wanted:
    """What is expected by `params`, the whole query, and by keywords, a part of it."""
    if params is not None and not isinstance(params, Mapping):
        raise TypeError(f"params is a mapping of names and values, not {params!r}")
    rest = {name: named[name] for name in REST if name in named}
    if isinstance(rest.get("method"), str):
        rest["method"] = rest["method"].upper()
    values = {_plain(name): value for name, value in named.items() if name not in REST}
    if params is not None:
        values = {**params, **values}
    return Wanted({name: _texts(name, value) for name, value in values.items()}, params is not None, rest)


def differences(request: Sent, all_of: Iterable[Wanted]) -> list[str]:
    """What is different about a request, a sentence for each parameter: other value, missing, surplus."""
    sent: dict[str, list[str]] = {}
    for name, value in request.pairs:
        sent.setdefault(name, []).append(value)
    found: list[str] = []
    for one in all_of:
        for name, value in one.rest.items():
            is_value = getattr(request, name)
            if is_value != value:
                found.append(f"{name} is {is_value!r}, not {value!r}")
        for name, value in one.values.items():
            found += _different(name, value, sent)
        if one.whole:
            surplus = [name for name in sent if name not in one.values]
            found += [f"{name}={_shown(sent[name])} is surplus" for name in surplus]
    return found


def described(all_of: Iterable[Wanted]) -> str:
    """What is expected, in one line."""
    words: list[str] = []
    for one in all_of:
        words += [f"{name}={value!r}" for name, value in one.rest.items()]
        words += [f"{name}={_shown(value)}" for name, value in one.values.items()]
        if one.whole:
            words.append("nothing else" if one.values else "no parameters")
    return ", ".join(words)


def _different(name: str, value: Any, sent: Mapping[str, list[str]]) -> list[str]:
    there = sent.get(name)
    if value is None:
        return [] if there is None else [f"{name}={_shown(there)} was sent, and should not be"]
    if there is None:
        close = get_close_matches(name, sent, n=1)
        hint = f"; did you mean {close[0]}={_shown(sent[close[0]])}?" if close else ""
        return [f"{name} is missing{hint}"]
    if value is ANY or there == value:
        return []
    return [f"{name} is {_shown(there)}, not {_shown(value)}"]


def _plain(name: str) -> str:
    return name[:-1] if name.endswith("_") and iskeyword(name[:-1]) else name


def _texts(name: str, value: Any) -> Any:
    if value is None or value is ANY:
        return value
    if isinstance(value, (Mapping, Set, bytes)):
        raise TypeError(
            f"{name} is {value!r}, and no parameter is like that; "
            "it takes a text, a number or a date, a list of them, None or ..."
        )
    if isinstance(value, (list, tuple)):
        return [_text(one) for one in value]
    return [_text(value)]


def _text(value: Any) -> str:
    """The value the way HTTP clients write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _shown(value: Any) -> str:
    if value is ANY:
        return "..."
    return repr(value[0]) if isinstance(value, list) and len(value) == 1 else repr(value)
