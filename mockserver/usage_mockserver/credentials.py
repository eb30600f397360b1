"""Which keys a fake accepts."""

from __future__ import annotations

import re

from usage_mockserver.http import Request
from usage_specs import Credential, Service

# A key that says it is bad is refused everywhere, so that tests of the 401 path need no configuration.
# "bad" alone is also three hexadecimal digits, so there it must begin a word and not go on in hexadecimal.
BAD_WORDS = re.compile(
    r"wrong|invalid|revoked|expired|unknown|nope|not[-_]a|(?<![0-9a-z])bad(?![0-9a-f])", re.IGNORECASE
)
WELL_FORMED = re.compile(r"[A-Za-z0-9_\-]{4,200}")


def presented(request: Request, credential: Credential) -> str | None:
    """The key sent this way, None when the header is missing, "" when its scheme is another one."""
    value = request.headers.get(credential.header)
    if value is None or not credential.scheme:
        return value
    scheme, _, key = value.partition(" ")
    return key.strip() if scheme == credential.scheme else ""


def accepts(service: Service, key: str, configured: tuple[str, ...]) -> bool:
    """Whether this key opens the account: one of those configured, or, with none, any well-formed one.

    A near miss of the printed demo key (cut short, longer, other case) is a typing error, not another key.
    """
    if configured:
        return key in configured
    demo = service.demo_key
    if key == demo:
        return True
    if BAD_WORDS.search(key) or key.lower() == demo.lower():
        return False
    if key.startswith(demo) or demo.startswith(key):
        return False
    return key.startswith(service.prefix) and WELL_FORMED.fullmatch(key[len(service.prefix) :]) is not None
