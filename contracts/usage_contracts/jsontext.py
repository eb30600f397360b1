"""JSON as RFC 8259 has it: what a lenient reader lets pass is a finding here."""

from __future__ import annotations

import json
from typing import Any


class NotJson(ValueError):
    """The text is not JSON that any reader would take the same way; the message says why."""


def read_json(body: bytes) -> Any:
    """Parse an answer's body; NaN, Infinity, duplicate keys, bad UTF-8 and endless nesting are NotJson."""
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except NotJson:
        raise
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8: {error.reason} at byte {error.start}") from error
    except RecursionError as error:
        raise NotJson("nested too deeply") from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    return value


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJson(f"the key {twice!r} stands twice in one object")
    return found
