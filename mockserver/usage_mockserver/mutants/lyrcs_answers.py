"""Defects of a Lyrcs server: names of languages, what a query must not do, refusals of good questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from usage_mockserver.http import Reply, pairs
from usage_mockserver.mutants.common import Row
from usage_mockserver.mutants.edits import (
    Ask,
    Memory,
    When,
    Wrap,
    edited,
    instead,
    json_reply,
    parsed,
    remembering,
    written,
)
from usage_mockserver.mutants.lyrcs_edits import COUNTERS, languages, usage

FAILED = {"error": "internal_error", "message": "Internal Server Error"}


def _asked_with(*names: str) -> When:
    """Every one of these parameters was sent."""
    return lambda ask: all(name in ask.query for name in names)


def _nothing(found: Any) -> None:
    found.update(dict.fromkeys(COUNTERS, 0), jobs_by_language={})


def _empty_when(*names: str) -> Wrap:
    """With these parameters nothing is counted."""
    return usage(_nothing, _asked_with(*names))


def _one_language(found: Any, ask: Ask) -> None:
    wanted = ask.query["language"]
    counts = found["jobs_by_language"]
    found.update(jobs_by_language={name: counts[name] for name in counts if name == wanted})


def _first_page(found: Any, ask: Ask) -> None:
    size = ask.query["limit"]
    if size.isdecimal():
        found.update(jobs_by_language=dict(list(found["jobs_by_language"].items())[: int(size)]))


def _in_two_cases(counts: dict[str, int]) -> dict[str, int]:
    first = max(counts, key=lambda name: counts[name])
    return {**counts, first: counts[first] - 1, first.lower(): 1}


def _numbered_answers(change: Callable[[Reply, int], Reply]) -> Wrap:
    """Good answers, changed by their number."""

    def make(ask: Ask, memory: Memory) -> Reply:
        reply = ask.reply()
        if reply.status != 200:
            return reply
        memory["answers"] = memory.get("answers", 0) + 1
        return change(reply, memory["answers"])

    return remembering(make)


def _older(reply: Reply, answers: int) -> Reply:
    """Every eighth answer is of a replica that is some seconds of audio behind, and counts all calls."""
    found = parsed(reply)
    found["api_calls"] += answers
    if answers % 8 == 0:
        found["total_duration_seconds"] -= 30
    return written(reply, found)


def _repeated(ask: Ask) -> bool:
    return len(pairs(ask.request.query)) > len(ask.query)


def _not_text(ask: Ask) -> bool:
    return any("\N{REPLACEMENT CHARACTER}" in value for _, value in pairs(ask.request.query))


def _wants_no_json(ask: Ask) -> bool:
    return "json" not in ask.request.headers.get("accept", "")


NAMES: tuple[Row, ...] = (
    (
        "languages-by-code",
        "language-names",
        "schema",
        "languages are listed by code",
        languages(lambda counts: {name[:2].lower(): count for name, count in counts.items()}),
    ),
    (
        "languages-by-number",
        "language-names",
        "schema",
        "languages are listed by the number of their row",
        languages(lambda counts: {str(place): count for place, count in enumerate(counts.values(), 1)}),
    ),
    (
        "language-in-two-cases",
        "language-names",
        "aggregation",
        "one job of the largest language is listed under its name in small letters",
        languages(_in_two_cases),
    ),
    (
        "language-names-padded",
        "language-names",
        "rows",
        "names are filled up with blanks",
        languages(lambda counts: {f"{name:<20}": count for name, count in counts.items()}),
    ),
    (
        "organisation-empty",
        "org-constant",
        "schema",
        "org_id is empty",
        usage(lambda found: found.update(org_id="")),
    ),
    (
        "duration-never-summed",
        "completed-jobs-last",
        "aggregation",
        "the duration stays 0",
        usage(lambda found: found.update(total_duration_seconds=0)),
    ),
)

QUERIES: tuple[Row, ...] = (
    (
        "since-filters",
        "unknown-parameter-ignored",
        "filter",
        "since in the future leaves nothing",
        _empty_when("since"),
    ),
    (
        "until-filters",
        "unknown-parameter-ignored",
        "filter",
        "until in the past leaves nothing",
        _empty_when("until"),
    ),
    (
        "two-dates-filter",
        "unknown-parameter-ignored",
        "filter",
        "date_from and date_to together leave nothing, each alone is ignored",
        _empty_when("date_from", "date_to"),
    ),
    (
        "days-filter",
        "unknown-parameter-ignored",
        "filter",
        "days leaves nothing",
        _empty_when("days"),
    ),
    (
        "language-filters",
        "unknown-parameter-ignored",
        "filter",
        "language leaves that language alone",
        edited(_one_language, _asked_with("language")),
    ),
    (
        "limit-cuts-languages",
        "unknown-parameter-ignored",
        "filter",
        "limit lists so many languages",
        edited(_first_page, _asked_with("limit")),
    ),
    (
        "organisation-as-asked",
        "org-constant",
        "echo",
        "org_id is the one that is asked for",
        edited(lambda found, ask: found.update(org_id=ask.query["org_id"]), _asked_with("org_id")),
    ),
    (
        "repeated-parameter-server-error",
        "unknown-parameter-ignored",
        "status",
        "a parameter that stands twice gets 500",
        instead(lambda _: json_reply(500, FAILED), _repeated),
    ),
    (
        "bad-escapes-server-error",
        "unknown-parameter-ignored",
        "status",
        "a query that is not UTF-8 gets 500",
        instead(lambda _: json_reply(500, FAILED), _not_text),
    ),
)

REFUSALS: tuple[Row, ...] = (
    (
        "second-answer-server-error",
        "answered",
        "state",
        "the second answer is 500",
        _numbered_answers(lambda reply, answers: json_reply(500, FAILED) if answers == 2 else reply),
    ),
    (
        "good-key-refused-now-and-then",
        "answered",
        "state",
        "every fifth good request gets 401",
        _numbered_answers(
            lambda reply, answers: (
                json_reply(401, {"error": "unauthorized", "message": "Invalid API key", "code": "AUTH_001"})
                if answers % 5 == 0
                else reply
            )
        ),
    ),
    (
        "json-only-when-asked-for",
        "answered",
        "status",
        "who does not ask for JSON, as curl does not, gets 406",
        instead(lambda _: json_reply(406, {"error": "not_acceptable"}), _wants_no_json),
    ),
    (
        "older-replica-now-and-then",
        "never-shrinks",
        "state",
        "every eighth answer comes from a replica that is behind",
        _numbered_answers(_older),
    ),
)
