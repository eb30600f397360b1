"""The legal servers: every scenario, every other value of a switch, every manner, and some together."""

from __future__ import annotations

from collections.abc import Iterator

from usage_mockserver.manners.model import LegalServer, Manner
from usage_mockserver.providers import NAMES
from usage_mockserver.scenarios import SCENARIOS
from usage_specs import load

# A key without permission never gets an answer.
SILENT = {("lyrcs", "restricted-key", "on")}

TOGETHER: dict[str, dict[str, tuple[dict[str, str], tuple[str, ...]]]] = {
    "somya": {
        "behind-a-gateway": (
            {"unauthorized-body": "detail"},
            ("further-headers", "gzip", "throttled-now-and-then", "slow"),
        ),
        "another-reading": (
            {"inverted": "refuse", "error-body": "envelope"},
            ("to-excluded", "third-origin", "default-last-thirty-days", "future-dates-refused"),
        ),
        "in-india": ({"inverted": "swap"}, ("indian-days", "events-arriving", "whole-numbers-as-floats")),
        "used-once-and-excluded": ({}, ("one-event", "to-excluded")),
        "little-room": (
            {"inverted": "refuse"},
            ("to-excluded", "default-last-month", "lone-dates-naive-and-strict", "a-month-at-most"),
        ),
    },
    "supertone": {
        "behind-a-gateway": ({}, ("further-headers", "gzip", "throttled-now-and-then", "slow")),
        "another-reading": (
            {"limit": "difference", "error-status": "500", "impossible-date": "accept"},
            ("rows-in-any-order", "rows-of-no-minutes", "further-fields"),
        ),
        "clamping": (
            {"reversed": "empty"},
            ("clamped-to-the-end", "missing-dates-are-a-week", "datetimes-accepted", "bare-401"),
        ),
        "refusing": (
            {"error-status": "422"},
            ("old-dates-refused", "future-dates-refused", "unknown-parameters-refused", "refusals-403"),
        ),
    },
    "varg": {
        "behind-a-gateway": ({}, ("further-headers", "gzip", "throttled-now-and-then", "slow")),
        "another-reading": (
            {"bad-date": "ignore", "order": "oldest"},
            ("default-this-month", "fractional-cents", "milliseconds", "further-fields"),
        ),
        "refusing": (
            {"reversed": "refuse"},
            ("bad-parameters-500", "unknown-parameters-refused", "refusals-403"),
        ),
    },
    "surnex": {
        "behind-a-gateway": (
            {"request-id": "unique"},
            ("further-headers", "gzip", "throttled-now-and-then", "slow"),
        ),
        "another-reading": (
            {"bound-end": "inclusive", "no-calls-latency": "zero", "zod": "3"},
            (
                "range-with-milliseconds",
                "entries-of-no-calls",
                "snapshots-filtered-by-provider",
                "further-fields",
            ),
        ),
        "rounding": ({}, ("cost-in-cents", "average-whole", "p95-interpolated", "timeouts-without-status")),
        "refusing": (
            {"unknown-provider": "refuse"},
            ("bad-parameters-422", "old-dates-refused", "future-dates-refused", "unknown-project-forbidden"),
        ),
    },
    "lyrcs": {
        "behind-a-gateway": ({}, ("further-headers", "gzip", "throttled-now-and-then", "slow")),
        "cached-and-live": ({"api-calls": "live"}, ("cached-answers", "keys-backwards")),
        "live": ({"api-calls": "live"}, ("events-arriving", "files-expiring", "further-fields")),
        "cached-by-query-and-live": ({"api-calls": "live"}, ("events-arriving", "cached-by-query")),
        "instances-and-live": ({"api-calls": "live"}, ("events-arriving", "instances-that-remember")),
    },
}


def _alone(provider: str, known: tuple[Manner, ...]) -> Iterator[LegalServer]:
    """Servers that differ from the fake's default in one thing."""
    for scenario in SCENARIOS:
        yield LegalServer(f"scenario-{scenario}", provider, scenario)
    for switch in load(provider).switches.values():
        for value in switch.choices[1:]:
            answers = (provider, switch.name, value) not in SILENT
            name = f"{switch.name}-{value}"
            yield LegalServer(name, provider, switches={switch.name: value}, answers=answers)
    for manner in known:
        if provider in manner.providers:
            yield LegalServer(
                manner.name, provider, manners=(manner.name,), answers=manner.answers, server=manner.server
            )


def legal_servers(known: tuple[Manner, ...]) -> dict[str, list[LegalServer]]:
    """All of them, by provider."""
    found = {provider: list(_alone(provider, known)) for provider in NAMES}
    for provider, servers in TOGETHER.items():
        for name, (switches, manners) in servers.items():
            found[provider].append(LegalServer(name, provider, switches=switches, manners=manners))
        found[provider].append(
            LegalServer("empty-and-throttled", provider, "empty", {}, ("throttled-now-and-then",))
        )
    return found
