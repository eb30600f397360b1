"""How the defects of a Lyrcs server are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from usage_mockserver.http import Reply
from usage_mockserver.mutants.edits import (
    Ask,
    Memory,
    When,
    Wrap,
    always,
    edited,
    instead,
    json_reply,
    parsed,
    remembering,
    with_body,
    written,
)

COUNTERS = ("total_jobs", "completed_jobs", "total_duration_seconds", "api_calls")


def usage(change: Callable[[Any], object], when: When = always) -> Wrap:
    """Answers changed in place."""

    def edit(found: Any, _: Ask) -> None:
        change(found)

    return edited(edit, when)


def languages(change: Callable[[dict[str, int]], dict[str, Any]], when: When = always) -> Wrap:
    """Other counts of languages."""
    return usage(lambda found: found.update(jobs_by_language=change(found["jobs_by_language"])), when)


def numbered(change: Callable[[Any, int], object]) -> Wrap:
    """Answers changed in place by their number."""

    def make(ask: Ask, memory: Memory) -> Reply:
        reply = ask.reply()
        if reply.status != 200:
            return reply
        memory["answers"] = memory.get("answers", 0) + 1
        found = parsed(reply)
        change(found, memory["answers"])
        return written(reply, found)

    return remembering(make)


def quota(change: Callable[[str, str], str]) -> Wrap:
    """Other values of the Remaining headers; `change` gets the limit and what remains of it."""

    def edit(reply: Reply) -> Reply:
        limits = {name.rpartition("-")[2]: value for name, value in reply.headers if "-limit-" in name}
        fields = [
            (name, change(limits[name.rpartition("-")[2]], value) if "-remaining-" in name else value)
            for name, value in reply.headers
        ]
        return replace(reply, headers=tuple(fields))

    return instead(edit)


def first_language(counts: dict[str, int]) -> str:
    """The language with most jobs."""
    return max(counts, key=lambda name: counts[name])


def renamed(counts: dict[str, int], old: str, new: str) -> dict[str, int]:
    """The counts, one language under another name."""
    return {new if name == old else name: count for name, count in counts.items()}


def camel(name: str) -> str:
    """The name in camel case."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def waking_up(ask: Ask, memory: Memory) -> Reply:
    """The first good question of all gets 500."""
    reply = ask.reply()
    if reply.status != 200 or "awake" in memory:
        return reply
    memory["awake"] = True
    return json_reply(500, {"error": "internal_error", "message": "Internal Server Error"})


def halved(found: Any, answers: int) -> None:
    """From the third answer on, half of everything."""
    if answers > 2:
        counts = found["jobs_by_language"]
        found.update({name: found[name] // 2 for name in COUNTERS})
        found["jobs_by_language"] = {name: count // 2 for name, count in counts.items()}


def fewer_hindi(found: Any, answers: int) -> None:
    """One job fewer of the largest language with every answer, the total stays."""
    name = first_language(found["jobs_by_language"])
    found["jobs_by_language"][name] -= answers - 1


def completed_up(found: Any) -> None:
    """More jobs completed than there were."""
    found["completed_jobs"] = found["total_jobs"] + 3


def with_raw(name: str, text: str) -> Callable[[Reply], Reply]:
    """The value of one field in these characters."""

    def edit(reply: Reply) -> Reply:
        marked = written(reply, {**parsed(reply), name: "\0"})
        return with_body(marked, marked.body.replace(b'"\\u0000"', text.encode()))

    return edit
