"""Calls as command lines that a person can paste."""

from __future__ import annotations

import shlex

from usage_contracts.target import OTHER_SCHEME, Call
from usage_specs import Service


def curl(service: Service, origin: str, call: Call) -> str:
    """One call as curl; the key is read from the vendor's usual variable, never printed."""
    url = f"{origin}{service.path}" + (f"?{call.query}" if call.query else "")
    words = ["curl", "-i"]
    if call.method != "GET":
        words += ["-X", call.method]
    header = _header(service, call)
    return " ".join([*words, *([f'-H "{header}"'] if header else []), shlex.quote(url)])


def _header(service: Service, call: Call) -> str:
    if call.key == "none":
        return ""
    credential = service.credentials[call.via]
    if call.key == "scheme":
        return f"{credential.header}: {OTHER_SCHEME}"
    variable = service.variable
    key = {
        "good": f"${variable}",
        "empty": "",
        "longer": f"${{{variable}}}wrong",
        "shorter": f"${{{variable}%?}}",
        # tr is the shortest way to swap cases that every shell has.
        "case": f"$(printf %s \"${variable}\" | tr 'A-Za-z' 'a-zA-Z')",
        "wrong": f"{service.prefix}wrong_usagekit_0123456789",
    }[call.key]
    # A trailing semicolon is curl's way to send a header without a value.
    value = credential.value(key).strip()
    return f"{credential.header}: {value}" if value else f"{credential.header};"
