"""What the zod library finds wrong with query parameters, in the words of its versions 3 and 4."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

Issue = dict[str, Any]
"""One finding as services print it: path, message, code."""

_UUID = {
    "3": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE),
    "4": re.compile(
        r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
        r"|00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff",
        re.IGNORECASE,
    ),
}


def is_uuid(text: str, version: str) -> bool:
    """Whether this version of zod takes the text for a UUID: 4 looks at version and variant, 3 does not."""
    return _UUID[version].fullmatch(text) is not None


def custom(name: str, message: str) -> Issue:
    """A rule of the service's own is broken."""
    return {"path": [name], "message": message, "code": "custom"}


def repeated(name: str, version: str) -> Issue:
    """A list stands where one text was expected."""
    expected = "Invalid input: expected string" if version == "4" else "Expected string"
    return {"path": [name], "message": f"{expected}, received array", "code": "invalid_type"}


def empty(name: str, version: str) -> Issue:
    """A text is empty that must not be."""
    message = (
        "Too small: expected string to have >=1 characters"
        if version == "4"
        else "String must contain at least 1 character(s)"
    )
    return {"path": [name], "message": message, "code": "too_small"}


def bad_uuid(name: str, version: str) -> Issue:
    """A text is no UUID."""
    if version == "4":
        return {"path": [name], "message": "Invalid UUID", "code": "invalid_format"}
    return {"path": [name], "message": "Invalid uuid", "code": "invalid_string"}


def not_an_option(name: str, value: str, options: Iterable[str], version: str) -> Issue:
    """A text is none of those listed."""
    if version == "4":
        listed = "|".join(f'"{option}"' for option in options)
        message = f"Invalid option: expected one of {listed}"
        return {"path": [name], "message": message, "code": "invalid_value"}
    listed = " | ".join(f"'{option}'" for option in options)
    message = f"Invalid enum value. Expected {listed}, received '{value}'"
    return {"path": [name], "message": message, "code": "invalid_enum_value"}
