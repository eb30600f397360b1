"""YAML without its traps: no tags, no aliases, no merge keys, no duplicate keys, bounded size and depth."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from usage_specs.model import SpecError

MAX_BYTES = 1 << 20
MAX_DEPTH = 60
MAX_NODES = 100_000
MAX_DIGITS = 40

# The C parser is some ten times quicker; PyYAML wheels have it, a build from source may not.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML 1.2's core words only: under 1.1 an unquoted `no` or `off` is a boolean and a date is an object.
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")


def read(path: Path) -> Any:
    """The value of one YAML file; SpecError names the file, and the line where there is one."""
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of one UTF-8 file of at most 1 MiB."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise SpecError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: not UTF-8 at byte {error.start}") from error


def parse(text: str, where: str) -> Any:
    """The value that this YAML text stands for: dicts, lists, text, numbers, booleans and None."""
    if len(text) > MAX_BYTES:
        raise SpecError(f"{where}: larger than {MAX_BYTES} bytes")
    try:
        # Values are built from the event stream: nothing nested exists before its depth has been counted.
        events = iter(yaml.parse(text, Loader=_LOADER))
        return _Builder(events, where).document()
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise SpecError(f"{where}:{line} {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise SpecError(f"{where}: {' '.join(str(error).split())}") from error


class _Builder:
    def __init__(self, events: Iterator[yaml.Event], where: str) -> None:
        self._events = events
        self._where = where
        self._nodes = 0

    def document(self) -> Any:
        values: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if values:
                    self._refuse(event, "a second document")
                values.append(self._value(next(self._events), 0))
        return values[0] if values else None

    def _value(self, event: yaml.Event, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(event, f"more than {MAX_NODES} values")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"alias *{event.anchor}; write the value out")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._refuse(event, f"anchor &{event.anchor}; write the value out")
        if (tag := getattr(event, "tag", None)) is not None:
            self._refuse(event, f"tag {tag}; plain values only")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH}")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth + 1)
        return self._mapping(depth + 1)

    def _list(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, depth))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in found:
                self._refuse(event, f"duplicate key {key!r}")
            found[key] = self._value(next(self._events), depth)
        return found

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.CollectionStartEvent):
            self._refuse(event, "a key that is not text")
        # Called for its refusals only: a key may be an alias or carry a tag. 200 stays the text "200".
        self._value(event, 0)
        key: str = getattr(event, "value", "")
        if key == "<<":
            self._refuse(event, "merge key <<; write the values out")
        return key

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if len(text) > MAX_DIGITS:
            return text
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self._refuse(event, f"number {text} is out of range")
            return number
        return text

    def _refuse(self, event: yaml.Event, what: str) -> NoReturn:
        line = f" line {event.start_mark.line + 1}:" if event.start_mark else ""
        raise SpecError(f"{self._where}:{line} {what}")
