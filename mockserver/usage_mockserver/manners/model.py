"""What a manner and a legal server are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from usage_mockserver.mutants.edits import Wrap
from usage_mockserver.providers import NAMES


@dataclass(frozen=True, slots=True)
class Manner:
    """One way to answer that the documents leave open.

    `server` names what the server around the fake has to do ("http-1.0"), "" where the wrapper does it all.
    `answers` is False where the point is that a good request gets no 200.
    """

    name: str
    summary: str
    wrap: Wrap
    providers: tuple[str, ...] = NAMES
    server: str = ""
    answers: bool = True


@dataclass(frozen=True, slots=True)
class LegalServer:
    """A server that keeps its document: a scenario, choices of switches, and manners on top.

    `answers` is False where a good request gets no 200, `server` says what the server around the fake does.
    """

    name: str
    provider: str
    scenario: str = "busy"
    switches: Mapping[str, str] = field(default_factory=dict)
    manners: tuple[str, ...] = ()
    answers: bool = True
    server: str = ""
