"""The control plane described: as an OpenAPI document and as a page, both made from its table of routes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from usage_mockserver.admin_call import Route
from usage_mockserver.faults import FIELDS, KINDS
from usage_mockserver.http import Reply
from usage_mockserver.journal import FIELDS as ENTRY_FIELDS
from usage_mockserver.scenarios import SCENARIOS

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
WHOLE: dict[str, Any] = {"type": "integer"}
ANY: dict[str, Any] = {}
INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}


def _object(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


FAULT_NOTES = {
    "latency": "late by ms, and up to jitter_ms more",
    "status": "refused with this status, in the vendor's own body",
    "rate-limit": "limit requests per window of seconds, or the vendor's own limits",
    "reset": "the connection is reset",
    "truncate": "the body ends after size bytes",
    "invalid-json": "the body is no JSON",
    "drip": "size bytes every ms",
    "gateway-html": "an HTML page with status 502",
}
SETTINGS = _object(
    seed=WHOLE,
    scenario={"type": "string", "enum": list(SCENARIOS)},
    clock={"anyOf": [_ref("Clock"), INSTANT, {"type": "null"}]},
    switches={"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    mutant={"type": ["string", "null"], "description": "a named defect; empty for none"},
    manners=_list(TEXT),
    faults=_list(_ref("Fault")),
)
SCHEMAS: dict[str, Any] = {
    "Error": _object(["error"], error=_object(["message"], message=TEXT, field=TEXT, allowed=_list(TEXT))),
    "Settings": SETTINGS,
    "SettingsByProvider": {"type": "object", "additionalProperties": _ref("Settings")},
    "SomeSettings": {"anyOf": [_ref("Settings"), _ref("SettingsByProvider")]},
    "Fault": _object(
        ["kind"],
        kind={
            "type": "string",
            "enum": list(KINDS),
            "description": "; ".join(f"{kind}: {note}" for kind, note in FAULT_NOTES.items()),
        },
        times={"type": ["integer", "null"], "description": "how often, null for always"},
        probability={"type": "number", "minimum": 0, "maximum": 1},
        **{name: WHOLE for name in FIELDS if name not in ("times", "probability")},
    ),
    "Clock": _object(now=INSTANT, frozen=INSTANT, offset_seconds=NUMBER),
    "ClockMove": _object(
        travel_to=INSTANT,
        advance={
            "anyOf": [NUMBER, _object(days=NUMBER, hours=NUMBER, minutes=NUMBER, seconds=NUMBER)],
            "description": "seconds, or an object of lengths",
        },
        real={"const": True},
    ),
    "Event": {
        **_object(["at"], id=TEXT, kind=TEXT, provider=TEXT, at=INSTANT),
        "description": "kind such as varg.job, at, and the fields of that kind (see providers)",
    },
    "EventOrEvents": {"anyOf": [_ref("Event"), _list(_ref("Event"))]},
    "Events": _object(["events", "total"], events=_list(_ref("Event")), total=WHOLE),
    "Added": _object(["added"], added=WHOLE, by_provider={"type": "object"}, ids=_list(TEXT)),
    "Entry": _object((), number=WHOLE, at=INSTANT, **dict.fromkeys(ENTRY_FIELDS, ANY)),
    "Journal": _object(["entries", "total"], entries=_list(_ref("Entry")), total=WHOLE),
    "Snapshot": _object(["version", "providers"], version=WHOLE, providers={"type": "object"}),
    "NewSession": _object(name=TEXT),
    "Session": _object(
        ["name", "url", "header"], name=TEXT, url=TEXT, header={"type": "object"}, requests=WHOLE
    ),
}
NOTES = {
    "after": WHOLE,
    "limit": WHOLE,
    "offset": WHOLE,
    "status": WHOLE,
}
ABOUT = (
    "Changes the fakes while they run. The prefix /~NAME or the field X-Usagekit-Session selects a session, an "
    "isolated world of its own; a request that changes something makes it. Every error is "
    '{"error": {"message", "field", "allowed"}}.'
)


def document(routes: Sequence[Route], origin: str) -> dict[str, Any]:
    """These routes as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/__admin/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "usagekit control plane", "version": "1", "description": ABOUT},
        "servers": [{"url": origin}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", route.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in names]
    parameters += [
        {"name": name, "in": "query", "schema": NOTES.get(name, TEXT)} for name in route.parameters
    ]
    kind = {"": "text/html", "docs": "text/html", "journal/stream": "text/event-stream"}.get(
        route.path, "application/json"
    )
    schema = _ref(route.gives) if route.gives else {} if kind == "application/json" else TEXT
    error = {"description": "Refused", "content": {"application/json": {"schema": _ref("Error")}}}
    found: dict[str, Any] = {
        "summary": route.summary,
        "operationId": "_".join((route.method.lower(), *re.findall(r"\w+", route.path))),
        "parameters": parameters,
        "responses": {
            str(route.status): {"description": "Done", "content": {kind: {"schema": schema}}},
            "4XX": error,
            "5XX": {
                **error,
                "description": "A shared state is away (503) or full (507), and nothing was done",
            },
        },
    }
    if route.takes:
        content = {"application/json": {"schema": _ref(route.takes)}}
        if route.lines is not None:
            content["application/x-ndjson"] = {"schema": _ref("Event")}
        found["requestBody"] = {"content": content}
    return found


STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;vertical-align:top;"
    "border-bottom:1px solid #ddd}code{font:14px ui-monospace,monospace;white-space:nowrap}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}td,th{border-color:#333}}"
)
HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)


def html_page(routes: Sequence[Route]) -> Reply:
    """These routes as a page that loads nothing from anywhere."""
    rows = "".join(
        f"<tr><td><code>{route.method}</code></td><td><code>/__admin/{escape(route.path)}</code></td>"
        f"<td>{escape(route.summary)}</td></tr>"
        for route in routes
    )
    faults = "".join(
        f"<tr><td><code>{kind}</code></td><td>{escape(note)}</td></tr>" for kind, note in FAULT_NOTES.items()
    )
    text = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>usagekit control plane</title>'
        f"<style>{STYLE}</style></head><body><h1>usagekit control plane</h1><p>{escape(ABOUT)}</p>"
        f'<p>The same for machines: <a href="/__admin/openapi.json">openapi.json</a></p>'
        f"<h2>Routes</h2><table><tr><th>Method</th><th>Path</th><th>What it does</th></tr>{rows}</table>"
        f"<h2>Faults</h2><table><tr><th>kind</th><th>what happens</th></tr>{faults}</table>"
        f"<p>Each with <code>times</code> and <code>probability</code>, both optional.</p></body></html>"
    )
    return Reply(200, HEADERS, text.encode())
