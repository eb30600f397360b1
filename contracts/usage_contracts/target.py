"""What a contract run talks to: calls, answers, and the target that turns one into the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import quote

from usage_contracts.jsontext import NotJson, read_json
from usage_specs import Service

Params = tuple[tuple[str, str], ...]

GATEWAY = {502, 503, 504}
MOVED = {301, 302, 303, 307, 308, 404, 410}


@dataclass(frozen=True, slots=True)
class Call:
    """One question to the target.

    `key` names the credential, never holds it: `good`, `none`, `wrong`, `empty`, `longer`, `shorter`, `case`,
    `scheme`; `via` is the index of the provider's credential it is presented in. `raw` replaces the encoded query.
    """

    params: Params = ()
    key: str = "good"
    via: int = 0
    method: str = "GET"
    raw: str | None = None

    @property
    def query(self) -> str:
        """The query string as it travels."""
        if self.raw is not None:
            return self.raw
        return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in self.params)

    def param(self, name: str) -> str | None:
        """The value of one parameter, None when it is not sent."""
        return next((value for key, value in self.params if key == name), None)

    def using(self, **changes: str | None) -> Call:
        """The same call with parameters set, or left out where the value is None."""
        kept = [(name, value) for name, value in self.params if name not in changes]
        new = [(name, value) for name, value in changes.items() if value is not None]
        return Call((*kept, *new), self.key, self.via, self.method)


@dataclass(frozen=True)
class Answer:
    """What came back for one call; `trouble` says why nothing did.

    `confirmed` marks a gateway's status that only this question gets, again and again.
    """

    call: Call
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    trouble: str = ""
    confirmed: bool = False

    @cached_property
    def parsed(self) -> tuple[Any, str]:
        """The body as JSON and no complaint, or None and the reason why it is not JSON."""
        try:
            return read_json(self.body), ""
        except NotJson as error:
            return None, str(error)

    def forget_parsed(self) -> None:
        """Drop the parsed form; it is read again when asked for."""
        _ = self.ok
        self.__dict__.pop("parsed", None)

    @property
    def json(self) -> Any:
        """The body as JSON, None when it is not."""
        return self.parsed[0]

    @cached_property
    def ok(self) -> bool:
        """Whether this is a 200 with a JSON object, so that figures can be read from it."""
        return self.status == 200 and isinstance(self.json, dict)

    @property
    def html(self) -> bool:
        """Whether a page for people came back, the mark of a gateway."""
        kind = self.headers.get("content-type", "")
        return "html" in kind or self.body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))

    @property
    def judgeable(self) -> bool:
        """Whether the service itself answered: no network trouble, no gateway, no quota."""
        if self.trouble or self.status == 429:
            return False
        if self.status in GATEWAY:
            return self.confirmed
        return not (self.status in {403, 500} and self.html)

    @property
    def passing(self) -> bool:
        """Whether the same question may well be answered in a moment: quota, gateway, network."""
        return bool(self.trouble) or self.status == 429 or self.status in GATEWAY

    @property
    def refused(self) -> bool:
        """Whether the service turned the call down."""
        return 400 <= self.status < 600


class Target(Protocol):
    """Anything that answers calls about one service; `origin` is printed, never asked."""

    service: Service
    origin: str

    def send(self, call: Call) -> Answer:
        """One request, one answer; trouble on the way is told in the answer."""


def credential_headers(service: Service, key: str, call: Call) -> dict[str, str]:
    """The headers that present this call's credential."""
    if call.key == "none":
        return {}
    credential = service.credentials[call.via]
    if call.key == "empty":
        return {credential.header: credential.value("").strip()}
    if call.key == "scheme":
        return {credential.header: OTHER_SCHEME}
    return {credential.header: credential.value(VARIANTS[call.key](service, key))}


OTHER_SCHEME = "Basic dXNhZ2VraXQ6d3Jvbmc="
"""A user and a password that nobody has, where a scheme and a key belong."""

VARIANTS: Mapping[str, Callable[[Service, str], str]] = {
    "good": lambda _, key: key,
    # A word that says so: fakes which take any well-formed key refuse it too.
    "wrong": lambda service, _: f"{service.prefix}wrong_usagekit_0123456789",
    "longer": lambda _, key: f"{key}wrong",
    "shorter": lambda _, key: key[:-1],
    "case": lambda _, key: key.swapcase(),
}
