"""The words of the register as plain data; nothing here reads a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class SpecError(Exception):
    """A document or register that cannot be used; the text names the file and the key."""


class Evidence(StrEnum):
    """How a claim about a provider is known, strongest first."""

    STATED = "stated"
    EXAMPLED = "exampled"
    IMPLIED = "implied"
    ASSUMED = "assumed"

    @property
    def binding(self) -> bool:
        """True when a server that differs breaks its document; assumptions never do."""
        return self is not Evidence.ASSUMED


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice that the vendor left open: its name and its values, the default first."""

    name: str
    choices: tuple[str, ...]

    @property
    def default(self) -> str:
        """The value a fake takes when nobody chooses."""
        return self.choices[0]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One claim about a provider that can be true or false of a server, with its evidence.

    `quote` stands word for word in `where` when that is `source.md`; other places are named, not vendored.
    `tolerates` is what other servers may do without breaking the claim, `unseen` says why no answer of a
    server can break it (empty where an answer can).
    """

    id: str
    claim: str
    evidence: Evidence
    quote: str
    where: str
    tolerates: str = ""
    switch: Switch | None = None
    unseen: str = ""

    @property
    def provider(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Credential:
    """One way to present a key: the header, and the scheme word before the key if there is one."""

    header: str
    scheme: str = ""

    def value(self, key: str) -> str:
        """The header's value for this key."""
        return f"{self.scheme} {key}" if self.scheme else key


@dataclass(frozen=True, slots=True)
class Service:
    """Where a provider answers and how it is asked.

    `origin` is scheme and host of production, `path` the documented path, `prefix` what a well-formed key
    begins with (empty where nothing is published), `demo_key` the key the fakes print, `variable` the usual
    environment variable of the key, `per_minute` the strictest published rate, `live_cap` the most requests a
    contract run may send beyond loopback.
    """

    name: str
    title: str
    origin: str
    path: str
    credentials: tuple[Credential, ...]
    prefix: str
    demo_key: str
    variable: str
    per_minute: int
    live_cap: int

    @property
    def host(self) -> str:
        """The production host name, without scheme."""
        return self.origin.partition("://")[2]


@dataclass(frozen=True)
class Spec:
    """Everything known about one provider: service, overlaid OpenAPI document, register of behaviours."""

    service: Service
    behaviours: Mapping[str, Behaviour]
    source: str
    read_document: Callable[[], Mapping[str, Any]] = field(repr=False, compare=False)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The OpenAPI document with its overlay, read when first asked for: a fake starts without it."""
        return self.read_document()

    @property
    def switches(self) -> Mapping[str, Switch]:
        """The switches of this provider by name."""
        found = (behaviour.switch for behaviour in self.behaviours.values())
        return {switch.name: switch for switch in found if switch is not None}
