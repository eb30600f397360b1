"""Applies an OpenAPI Overlay 1.0 to a document: actions that update or remove what a JSONPath selects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeAlias

from usage_specs.fields import Fields

Step: TypeAlias = str | int | None

ACTION_KEYS = ("target", "description", "update", "remove")
# Key, quoted key, index, all members. `..`, filters and slices select what the eye does not see: refused.
_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\['([^'\\]+)'\]|\["([^"\\]+)"\]|\[(\d{1,4})\]|\[\*\]""", re.ASCII)


def apply(document: dict[str, Any], overlay: Any, file: str) -> dict[str, Any]:
    """The document with every action applied in order; the one given stays as it is."""
    top = Fields.of(overlay, file)
    top.only(("overlay", "info", "actions"))
    if top.text("overlay") != "1.0.0":
        top.refuse("overlay", f"only version 1.0.0 is understood, not {top.text('overlay')}")
    info = top.child("info")
    info.only(("title", "version"))
    info.text("title")
    info.text("version")
    whole: dict[str, Any] = {"$": deepcopy(document)}
    for action in top.children("actions"):
        action.only(ACTION_KEYS)
        _act(whole, action)
    found: dict[str, Any] = whole["$"]
    return found


def steps(target: str) -> list[Step] | None:
    """The steps of a JSONPath after `$` (None means every member), or None when it is not understood."""
    if not target.startswith("$"):
        return None
    found: list[Step] = []
    at = 1
    while at < len(target):
        match = _STEP.match(target, at)
        if match is None:
            return None
        name, single, double, index = match.groups()
        found.append(int(index) if index else name or single or double)
        at = match.end()
    return found


def _act(whole: dict[str, Any], action: Fields) -> None:
    target = action.text("target")
    path = steps(target)
    if path is None:
        action.refuse("target", f"{target!r} is not understood; use $, .name, ['name'], [0] and [*]")
    places = list(_select(whole, ["$", *path]))
    if not places:
        action.refuse("target", f"{target!r} selects nothing")
    if action.values.get("remove", False) not in (True, False):
        action.refuse("remove", "must be true or false")
    if action.values.get("remove", False):
        if not path:
            action.refuse("remove", "the whole document cannot be removed")
        # From the back, so that the places still to come keep their index.
        for parent, name in reversed(places):
            del parent[name]
    elif "update" in action.values:
        for parent, name in places:
            _update(parent, name, action)
    else:
        action.refuse("update", "missing key; an action needs update or remove: true")


def _select(node: Any, path: list[Step]) -> Iterator[tuple[Any, Any]]:
    step, rest = path[0], path[1:]
    for name in _members(node, step):
        if rest:
            yield from _select(node[name], rest)
        else:
            yield node, name


def _members(node: Any, step: Step) -> list[Any]:
    if isinstance(node, dict):
        return list(node) if step is None else [step] if step in node else []
    if isinstance(node, list):
        return [at for at in range(len(node)) if step is None or step == at]
    return []


def _update(parent: Any, name: Any, action: Fields) -> None:
    chosen, value = parent[name], action.values["update"]
    if isinstance(chosen, list):
        chosen.append(deepcopy(value))
    elif isinstance(chosen, dict) and isinstance(value, dict):
        parent[name] = merged(chosen, value)
    else:
        action.refuse(
            "update", "a mapping is merged into a mapping, a list takes one more entry; nothing else"
        )


def merged(below: Any, above: Any) -> Any:
    """Two values as one: mappings key by key, lists end to end, otherwise the one above."""
    if isinstance(below, dict) and isinstance(above, dict):
        added = {name: merged(below.get(name), value) for name, value in above.items()}
        return below | added
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *deepcopy(above)]
    return deepcopy(above)
