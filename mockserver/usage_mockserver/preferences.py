"""`Prefer` (RFC 7240): another status, scenario or delay for one request, and for no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from usage_mockserver.account import Account
from usage_mockserver.http import Reply, Request, json_bytes
from usage_mockserver.invalid import InvalidError, check_name
from usage_mockserver.refusals import check_status, refusal
from usage_mockserver.scenarios import SCENARIOS

Handler = Callable[[Request, Account], Reply]

LONGEST_WAIT = 60.0
# The value is a token or a quoted text; parameters behind a semicolon mean nothing here.
_PREFERENCE = re.compile(
    r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*("[^"]*"|[^\s;,"]*))?\s*(?:;[^,]*)?(?:,|$)'
)
_SECONDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one request asks for: a status, a scenario, seconds to wait; what is None is not asked for."""

    code: int | None = None
    scenario: str | None = None
    wait: float | None = None

    @property
    def applied(self) -> str:
        """What `Preference-Applied` says; empty when nothing of this kit's was asked for."""
        chosen = {"code": self.code, "scenario": self.scenario, "wait": self.wait}
        texts = {
            name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in chosen.items()
        }
        return ", ".join(f"{name}={texts[name]}" for name in chosen if chosen[name] is not None)


def read_preferences(field: str, provider: str) -> Preferences:
    """The preferences in a header field; those of others are ignored, a wrong value is an InvalidError."""
    sent: dict[str, str] = {}
    for found in _PREFERENCE.finditer(field):
        # Of a repeated preference the first counts (RFC 7240, 2).
        sent.setdefault(found[1].lower(), (found[2] or "").strip('"'))
    code = wait = scenario = None
    if "code" in sent:
        text = sent["code"]
        code = int(text) if re.fullmatch(r"[0-9]{3}", text) else None
        if code != 200:
            check_status(provider, text if code is None else code, "prefer")
    if "scenario" in sent:
        scenario = check_name("scenario", sent["scenario"], SCENARIOS, "prefer")
    if "wait" in sent:
        wait = float(sent["wait"]) if _SECONDS.fullmatch(sent["wait"]) else -1.0
        if not 0 <= wait <= LONGEST_WAIT:
            message = f"wait is {sent['wait']!r}; it must be seconds from 0 to {LONGEST_WAIT:g}"
            raise InvalidError(message, "prefer")
    return Preferences(code, scenario, wait)


def preferred(
    request: Request, account: Account, handler: Handler, in_scenario: Callable[[str], Account]
) -> Reply:
    """The handler's answer the way this request wants it; `in_scenario` is the account in another state."""
    try:
        wanted = read_preferences(request.headers.get("prefer", ""), account.provider)
        if not wanted.applied:
            return handler(request, account)
        seen = account if wanted.scenario is None else in_scenario(wanted.scenario)
    except InvalidError as error:
        inner = {"message": f"Prefer: {error.message}", "allowed": list(error.allowed)}
        return Reply(
            400, (("content-type", "application/json"),), json_bytes({"usagekit": inner}), keep=False
        )
    if wanted.code is None or wanted.code == 200:
        reply = handler(request, seen)
    else:
        reply = refusal(account.provider, wanted.code, request, seen)
    return replace(
        reply,
        headers=(*reply.headers, ("preference-applied", wanted.applied)),
        delay=reply.delay + (wanted.wait or 0.0),
        keep=False,
    )
