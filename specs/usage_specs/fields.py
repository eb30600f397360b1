"""Takes typed values out of parsed YAML; every refusal names the file, the key and the way out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

from usage_specs.model import SpecError


def suggestion(word: str, known: Collection[str]) -> str:
    """How a refusal of an unknown word ends: the nearest known one, or all of them."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


@dataclass(frozen=True, slots=True)
class Fields:
    """One mapping of a file, with the place it stands at."""

    values: dict[str, Any]
    file: str
    place: str = ""

    @classmethod
    def of(cls, value: Any, file: str, place: str = "") -> Fields:
        """The value as a mapping, or a refusal."""
        if not isinstance(value, dict):
            raise SpecError(f"{file}: {place or 'the file'}: must be a mapping, not {_kind(value)}")
        return cls(value, file, place)

    def key(self, name: str) -> str:
        """The full name of a key, as refusals print it."""
        return f"{self.place}.{name}" if self.place else name

    def refuse(self, name: str, why: str) -> NoReturn:
        """Stop here; the text names the file and the key."""
        raise SpecError(f"{self.file}: {self.key(name)}: {why}")

    def only(self, known: Collection[str]) -> None:
        """Stop at a key nobody reads: a misspelt rule must not switch itself off."""
        for name in self.values:
            if name not in known:
                self.refuse(name, f"unknown key; {suggestion(name, known)}")

    def text(self, name: str, default: str | None = None, *, empty: bool = False) -> str:
        """The text at a key; required unless it has a default, blank only where `empty` allows it."""
        value = self._value(name, default)
        if not isinstance(value, str):
            self.refuse(name, f"must be text, not {_kind(value)}{_quote_it(value)}")
        if not value.strip() and name in self.values and not empty:
            self.refuse(name, "must not be empty")
        return value.strip()

    def count(self, name: str) -> int:
        """The whole number of at least one at a required key."""
        value = self._value(name, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.refuse(name, f"must be a whole number of at least 1, not {value!r}")
        return value

    def items(self, name: str) -> list[Any]:
        """The list at a required key, never an empty one."""
        value = self._value(name, None)
        if not isinstance(value, list) or not value:
            self.refuse(name, f"must be a list that is not empty, not {_kind(value)}")
        return value

    def child(self, name: str) -> Fields:
        """The mapping at a required key."""
        return Fields.of(self._value(name, None), self.file, self.key(name))

    def children(self, name: str) -> list[Fields]:
        """The mappings listed at a required key."""
        return [
            Fields.of(item, self.file, f"{self.key(name)}[{at}]") for at, item in enumerate(self.items(name))
        ]

    def _value(self, name: str, default: str | None) -> Any:
        if name in self.values:
            return self.values[name]
        if default is None:
            self.refuse(name, "missing key")
        return default


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "a number")


def _quote_it(value: Any) -> str:
    return "; put it in quotes" if isinstance(value, bool | int | float) or value is None else ""
