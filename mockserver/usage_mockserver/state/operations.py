"""Everything that can be done to the state of a session, as values: applied here, or first agreed on elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usage_mockserver.settings import READERS, Settings

if TYPE_CHECKING:
    from usage_mockserver.app import App


class StateError(Exception):
    """Shared state that cannot be read or written now: the HTTP status to answer with, and a sentence."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class StaleError(Exception):
    """Somebody else changed the state: what was about to be done has to be thought over again."""


@dataclass(frozen=True, slots=True)
class Change:
    """Other settings for one provider, all but the keys; faults begin to count anew only if `faults` says so."""

    provider: str
    settings: Settings
    faults: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    """Events on top of one account's own."""

    provider: str
    events: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Remove:
    """One added event less."""

    provider: str
    event: Any


@dataclass(frozen=True, slots=True)
class Clear:
    """No added events any more."""

    provider: str


@dataclass(frozen=True, slots=True)
class Reset:
    """One account as it was begun."""

    provider: str


@dataclass(frozen=True, slots=True)
class Restore:
    """What was read from a snapshot, by provider: state, and what its faults remember."""

    states: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Forget:
    """An empty journal; its numbers go on."""


Operation = Change | Add | Remove | Clear | Reset | Restore | Forget


def apply(app: App, operations: Iterable[Operation]) -> None:
    """Do these to one application, in order, and drop the answers it kept."""
    for operation in operations:
        _apply(app, operation)
    app.forget()


def _apply(app: App, operation: Operation) -> None:
    world = app.world
    match operation:
        case Change(provider, settings, faults):
            names = [name for name in READERS if faults or name != "faults"]
            world.change(provider, **{name: getattr(settings, name) for name in names})
        case Add(provider, events):
            world.add(provider, events)
        case Remove(provider, event):
            world.remove(provider, event)
        case Clear(provider):
            world.clear(provider)
        case Reset(provider):
            world.reset(provider)
        case Restore(states):
            world.become(states)
        case Forget():
            app.journal.clear()
