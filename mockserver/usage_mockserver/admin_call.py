"""One control request, and the table entry that answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from usage_mockserver.app import App, Receive, Send
from usage_mockserver.invalid import InvalidError, meant
from usage_mockserver.state.operations import Operation

if TYPE_CHECKING:
    from usage_mockserver.sessions import Sessions


class UnknownError(InvalidError):
    """What a path names and what there is not: answered with 404."""


class RefusedCallError(Exception):
    """A request that the control plane does not take: status, sentence, and further fields of the answer."""

    def __init__(self, status: int, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status, self.message, self.fields = status, message, fields


@dataclass(frozen=True)
class Live:
    """An answer that goes on, sent by `run`."""

    run: Callable[[Receive, Send], Awaitable[None]]


@dataclass
class Call:
    """One control request that may be answered: the session it selects, and what it says."""

    sessions: Sessions
    session: str
    method: str
    values: Mapping[str, str]
    query: Mapping[str, str]
    fields: Mapping[str, str]
    origin: str
    body: Any = None

    @property
    def app(self) -> App:
        """The application of the selected session; a request that changes something makes it."""
        found = self.sessions.find(self.session)
        if found is None and self.method in ("POST", "PUT", "PATCH"):
            found = self.sessions.open(self.session)[1]
        if found is None:
            raise UnknownError(f"there is no session {self.session[:100]!r}", "session", self.sessions.names)
        return found

    def commit(self, *operations: Operation) -> None:
        """Do all of these to the selected session, or nothing."""
        self.sessions.commit(self.app, *operations)

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers meant: the one in the path, else all that are served."""
        served = self.sessions.host.world.providers
        if "provider" not in self.values:
            return served
        name = self.values["provider"]
        if name not in served:
            raise UnknownError(
                f"there is no provider {name[:100]!r}; {meant(name, served)}", "provider", served
            )
        return (name,)

    def number(self, name: str, default: int, most: int) -> int:
        """A parameter that is a whole number."""
        text = self.query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 16) or int(text) > most:
            raise InvalidError(f"{name} is {text[:100]!r}; it must be a whole number up to {most}", name)
        return int(text)

    def only(self, *known: str) -> None:
        """Refuse parameters that mean nothing here."""
        for name in self.query:
            if name not in known:
                raise InvalidError(f"there is no parameter {name[:100]!r}; {meant(name, known)}", name, known)

    def object(self, *known: str) -> Mapping[str, Any]:
        """The body as an object that has no other fields than these; nothing sent is an empty one."""
        body = {} if self.body is None else self.body
        if not isinstance(body, Mapping):
            raise InvalidError("the body is an object", "", known)
        for name in body:
            if name not in known:
                raise InvalidError(f"there is no field {name!r}; {meant(name, known)}", name, known)
        return body


@dataclass(frozen=True)
class Route:
    """One thing that can be done; `path` stands behind `/__admin/`, `takes` and `gives` name schemas.

    `lines` takes events that came as JSON lines, for a route that can. What has nothing to do with the state of
    any session is `stateless`, and answers also while a shared state is lost.
    """

    method: str
    path: str
    handler: Callable[[Call], Any]
    summary: str
    takes: str = ""
    gives: str = ""
    status: int = 200
    parameters: tuple[str, ...] = ()
    lines: Callable[[Call, dict[str, list[Any]]], Any] | None = None
    stateless: bool = False
    parts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(part for part in self.path.split("/") if part))

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """What stands in place of the names in braces, None when the path is another one."""
        if len(segments) != len(self.parts):
            return None
        values = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = segment
            elif part != segment:
                return None
        return values
