"""Answers held against the documented schemas; the validator is the one Schemathesis uses."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from usage_contracts.target import Answer
from usage_specs import load


@lru_cache(maxsize=64)
def _validator(provider: str, status: int) -> jsonschema_rs.Validator | None:
    document = load(provider).document
    operation = document["paths"][next(iter(document["paths"]))]["get"]
    response = _resolved(document, operation["responses"].get(str(status), {}))
    content = response.get("content", {}).get("application/json", {})
    if "schema" not in content:
        return None
    draft4 = str(document["openapi"]).startswith("3.0")
    schema = {**content["schema"], "components": document.get("components", {})}
    kind = jsonschema_rs.Draft4Validator if draft4 else jsonschema_rs.Draft202012Validator
    return kind(schema, validate_formats=True)


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(document, found)


def complaints(
    provider: str, answer: Answer, tolerated: Mapping[str, frozenset[str]] | None = None, most: int = 3
) -> list[str]:
    """What in this answer breaks the documented schema of its status, as sentences naming the place.

    `tolerated` lists, by field, words beyond the documented ones that break nothing.
    """
    validator = _validator(provider, answer.status)
    if validator is None:
        return []
    found = []
    for error in validator.iter_errors(answer.json):
        if error.instance_path and _excused(error, tolerated or {}):
            continue
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        found.append(f"{place.lstrip('.') or 'the body'}: {error.message}")
        if len(found) == most:
            break
    return found


def _excused(error: jsonschema_rs.ValidationError, tolerated: Mapping[str, frozenset[str]]) -> bool:
    known = tolerated.get(str(error.instance_path[-1]), frozenset())
    return isinstance(error.instance, str) and error.instance in known


def json_complaint(answer: Answer) -> str:
    """Why a 200 answer is not the JSON it is declared to be, "" when it is."""
    kind = answer.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        return f"content-type is {kind or 'missing'}"
    return answer.parsed[1]
