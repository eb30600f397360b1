"""Events in files: JSON lines or CSV, read whole or not at all, and written so that reading gives the same."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from usage_mockserver.collector import paused
from usage_mockserver.event_plain import event_line, kinds, plain_event
from usage_mockserver.event_reader import EventReader
from usage_mockserver.invalid import InvalidError, meant
from usage_mockserver.ledger import Event
from usage_mockserver.providers import NAMES

LONGEST_LINE = 64 * 1024
FORMATS = ("jsonl", "csv")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


class EventFileError(ValueError):
    """A file of events that cannot be used: where, and what would be right."""

    def __init__(self, where: str, line: int, error: InvalidError) -> None:
        field = f"field {error.field!r}: " if error.field else ""
        super().__init__(f"{where}, line {line}: {field}{error.message}")
        self.where, self.line, self.field, self.allowed = where, line, error.field, error.allowed


def read_files(
    files: Iterable[tuple[str | None, Path]], served: tuple[str, ...] = NAMES
) -> dict[str, list[Any]]:
    """All events of these files by provider; EventFileError, and nothing, when one line of one is wrong.

    Each file goes with the provider whose events it holds, None where the lines say it.
    """
    found: dict[str, list[Any]] = {}
    for provider, path in files:
        reader = EventReader(provider, served)
        with paused(), path.open("rb") as file:
            lines = _csv_records if path.suffix.lower() == ".csv" else _json_records
            for number, record in lines(file, str(path), reader):
                try:
                    owner, event = reader.read(record)
                except InvalidError as error:
                    raise EventFileError(str(path), number, error) from None
                found.setdefault(owner, []).append(event)
    return found


def read_json_line(line: bytes) -> Any:
    """The value on one line; InvalidError says that it is none."""
    try:
        return _quickly()(line, allow_inf_nan=False)
    except ValueError:
        return _with_words(line)


@cache
def _quickly() -> Callable[..., Any]:
    """Pydantic's parser: it takes half the time of the standard library's, and half a start to import."""
    from pydantic_core import from_json

    return from_json


def _with_words(line: bytes) -> Any:
    """By the standard library, which says what is wrong, and reads what few others would, such as a lone surrogate."""
    try:
        return json.loads(line.decode().rstrip("\r\n"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise InvalidError("the line is not UTF-8") from None
    except RecursionError:
        raise InvalidError("the line is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InvalidError(f"the line is not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise InvalidError(f"the line is not JSON: {error}") from None


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _json_records(file: BinaryIO, where: str, _: EventReader) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            if len(line) > LONGEST_LINE:
                raise InvalidError(f"the line is longer than {LONGEST_LINE} bytes")
            if not line.isspace():
                yield number, read_json_line(line)
        except InvalidError as error:
            raise EventFileError(where, number, error) from None


def _csv_records(file: BinaryIO, where: str, reader: EventReader) -> Iterator[tuple[int, dict[str, Any]]]:
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    header: list[str] | None = None
    try:
        for row in rows:
            if header is None:
                header = row
                _check_header(header, reader.owners)
            elif row:
                if len(row) != len(header):
                    raise InvalidError(f"the line has {len(row)} cells, the header {len(header)}")
                yield rows.line_num, _typed(dict(zip(header, row, strict=True)), reader)
    except InvalidError as error:
        raise EventFileError(where, rows.line_num, error) from None
    except UnicodeDecodeError as error:
        # The reader has had no more than what lay before this block of bytes.
        number = rows.line_num + 1 + error.object[: error.start].count(b"\n")
        raise EventFileError(where, number, InvalidError("the line is not UTF-8")) from None
    except csv.Error as error:
        raise EventFileError(where, rows.line_num, InvalidError(f"the line is not CSV: {error}")) from None
    finally:
        text.detach()


def _check_header(header: list[str], owners: Iterable[str]) -> None:
    known = _names(NAMES)
    for place, name in enumerate(header):
        if name not in known:
            if ";" in name or "\t" in name:
                raise InvalidError(f"the header is {name!r}; its names are separated by commas")
            mine = _names(owners)
            raise InvalidError(f"no event has a field {name!r}; {meant(name, mine)}", name, mine)
        if name in header[:place]:
            raise InvalidError(f"column {name!r} is there twice", name)


def _names(owners: Iterable[str]) -> list[str]:
    """The columns that there may be where events of these providers are."""
    fields = (name for owner in owners for kind in kinds(owner).values() for name in kind.types)
    return list(dict.fromkeys(("kind", "provider", *fields)))


def _typed(cells: Mapping[str, str], reader: EventReader) -> dict[str, Any]:
    """The cells as values of their fields' types.

    An empty cell is None where the field may be, else it is left out, as is a column of another kind.
    """
    named = {name: cells[name] for name in ("kind", "provider") if cells.get(name)}
    kind = reader.kind_of({**named, "at": ""})
    found: dict[str, Any] = named
    for name, text in cells.items():
        if name in named and (name == "kind" or name not in kind.types):
            continue
        if text:
            found[name] = _value(name, text, kind.types.get(name, "str"))
        elif kind.types.get(name, "").endswith("| None"):
            found[name] = None
    return found


def _value(name: str, text: str, kind: str) -> Any:
    if kind == "bool":
        if text not in ("true", "false"):
            raise InvalidError(f"{name} is {text!r}; it must be true or false", name)
        return text == "true"
    if kind in ("int", "float"):
        if _WHOLE.fullmatch(text):
            return int(text)
        if kind == "float" and _DECIMAL.fullmatch(text):
            return float(text)
        raise InvalidError(f"{name} is {text!r}; it must be a {'whole ' * (kind == 'int')}number", name)
    return text


def columns(provider: str) -> list[str]:
    """The header of a CSV file that holds any event of this provider."""
    return ["kind", *dict.fromkeys(name for kind in kinds(provider).values() for name in kind.types)]


def written(provider: str, events: Iterable[Event], form: str) -> Iterator[str]:
    """The lines of a file with these events, each with its end; `form` is one of `FORMATS`."""
    if form == "jsonl":
        for event in events:
            yield event_line(provider, event) + "\n"
        return
    names = columns(provider)
    line = StringIO()
    # The writer quotes what its own line end consists of, and a lone CR ends a line for most readers.
    writer = csv.DictWriter(line, names, restval="", lineterminator="\r\n")
    writer.writeheader()
    for event in events:
        yield _taken(line)
        writer.writerow({name: _cell(value) for name, value in plain_event(provider, event).items()})
    yield _taken(line)


def _taken(line: StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text.removesuffix("\r\n") + "\n"


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
