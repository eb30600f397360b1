"""Reads the folder of a provider: document, overlay, register. Refuses whatever it does not understand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from usage_specs import overlay, safe_yaml
from usage_specs.fields import Fields, suggestion
from usage_specs.model import Behaviour, Credential, Evidence, Service, Spec, SpecError, Switch

PROVIDERS = ("somya", "supertone", "varg", "surnex", "lyrcs")

SOURCE, DOCUMENT, OVERLAY, REGISTER = FILES = ("source.md", "openapi.yaml", "overlay.yaml", "behaviours.yaml")
SERVICE_KEYS = (
    "title",
    "origin",
    "path",
    "credentials",
    "prefix",
    "demo_key",
    "variable",
    "per_minute",
    "live_cap",
)
BEHAVIOUR_KEYS = ("id", "claim", "evidence", "quote", "where", "tolerates", "switch", "unseen")

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ORIGIN = re.compile(r"https?://[^/?#\s]+")


@lru_cache(maxsize=len(PROVIDERS))
def load(name: str) -> Spec:
    """What is known about one of the five providers; the same object every time."""
    if name not in PROVIDERS:
        raise SpecError(f"no provider {name!r}; {suggestion(name, PROVIDERS)}")
    return _spec(Path(__file__).parent / name)


def read_folder(path: Path) -> Spec:
    """What is known about a provider whose four files stand in this folder; all of it is read at once."""
    spec = _spec(path)
    # Somebody's own folder is judged whole and now; the vendored five are judged by the tests.
    _ = spec.document
    return spec


def _spec(folder: Path) -> Spec:
    for file in FILES:
        if not (folder / file).is_file():
            raise SpecError(f"{folder / file}: missing file; a provider's folder holds {', '.join(FILES)}")
    name = folder.resolve().name
    if not _NAME.fullmatch(name):
        raise SpecError(f"{folder}: a provider's folder is named in lower case letters, digits, - and _")
    source = safe_yaml.read_text(folder / SOURCE)
    path = folder / REGISTER
    register = Fields.of(safe_yaml.read(path), str(path))
    register.only(("service", "behaviours"))
    service = _service(name, register.child("service"))
    behaviours = _behaviours(register, name, source)
    return Spec(service, MappingProxyType(behaviours), source, partial(_document, folder))


def _service(name: str, found: Fields) -> Service:
    found.only(SERVICE_KEYS)
    origin, path = found.text("origin"), found.text("path")
    if not _ORIGIN.fullmatch(origin):
        found.refuse("origin", f"must be scheme and host such as https://api.example.com, not {origin!r}")
    if not path.startswith("/"):
        found.refuse("path", f"must begin with /, not {path!r}")
    return Service(
        name=name,
        title=found.text("title"),
        origin=origin,
        path=path,
        credentials=tuple(_credential(one) for one in found.children("credentials")),
        prefix=found.text("prefix", empty=True),
        demo_key=found.text("demo_key"),
        variable=found.text("variable"),
        per_minute=found.count("per_minute"),
        live_cap=found.count("live_cap"),
    )


def _credential(found: Fields) -> Credential:
    found.only(("header", "scheme"))
    header = found.text("header")
    if header != header.lower():
        found.refuse("header", f"must be lower case, not {header!r}")
    return Credential(header, found.text("scheme", "", empty=True))


def _behaviours(register: Fields, provider: str, source: str) -> dict[str, Behaviour]:
    found: dict[str, Behaviour] = {}
    switches: set[str] = set()
    folded = fold(source)
    for entry in register.children("behaviours"):
        behaviour = _behaviour(entry, provider)
        if behaviour.id in found:
            entry.refuse("id", f"{behaviour.id!r} stands twice")
        if behaviour.where == SOURCE and fold(behaviour.quote) not in folded:
            entry.refuse("quote", f"of {behaviour.id} does not stand in {SOURCE}")
        if behaviour.switch is not None:
            if behaviour.switch.name in switches:
                entry.refuse("switch.name", f"{behaviour.switch.name!r} stands twice")
            switches.add(behaviour.switch.name)
        found[behaviour.id] = behaviour
    return found


def _behaviour(found: Fields, provider: str) -> Behaviour:
    found.only(BEHAVIOUR_KEYS)
    name = found.text("id")
    prefix, _, word = name.partition(".")
    if prefix != provider or not _WORD.fullmatch(word):
        found.refuse("id", f"{name!r} must be {provider!r}, a dot and words with hyphens")
    words = [evidence.value for evidence in Evidence]
    evidence = found.text("evidence")
    if evidence not in words:
        found.refuse("evidence", f"{evidence!r} of {name} is no evidence; {suggestion(evidence, words)}")
    return Behaviour(
        id=name,
        claim=found.text("claim"),
        evidence=Evidence(evidence),
        quote=found.text("quote"),
        where=found.text("where"),
        tolerates=found.text("tolerates", ""),
        switch=_switch(found.child("switch")) if "switch" in found.values else None,
        unseen=found.text("unseen", ""),
    )


def _switch(found: Fields) -> Switch:
    found.only(("name", "choices"))
    choices = found.items("choices")
    for choice in choices:
        if not isinstance(choice, str):
            found.refuse("choices", f"{choice!r} must be text; put it in quotes")
    if len(choices) < 2:
        found.refuse("choices", "a switch needs at least two choices")
    if len(set(choices)) < len(choices):
        found.refuse("choices", "a choice stands twice")
    return Switch(found.text("name"), tuple(choices))


def fold(text: str) -> str:
    """The text with every run of white space as one space, as quotes are compared."""
    return " ".join(text.split())


def _document(folder: Path) -> Mapping[str, Any]:
    path = folder / DOCUMENT
    vendored = Fields.of(safe_yaml.read(path), str(path))
    found = overlay.apply(vendored.values, safe_yaml.read(folder / OVERLAY), str(folder / OVERLAY))
    for place, reference in _references(found, ""):
        if not (isinstance(reference, str) and reference.startswith("#/")):
            raise SpecError(f"{path}: {place}: {reference!r} leads out of the document")
    return found


def _references(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in members:
        here = f"{place}.{name}" if place else str(name)
        if name == "$ref":
            yield here, value
        yield from _references(value, here)
