"""Manners of Lyrcs' server: each is something its page leaves open (FACTS.md, the ambiguities)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from usage_mockserver.http import Reply
from usage_mockserver.manners.model import Manner
from usage_mockserver.mutants.edits import (
    Ask,
    Edit,
    Memory,
    Wrap,
    edited,
    instead,
    parsed,
    remembering,
    with_headers,
    written,
)

LYRCS = ("lyrcs",)


def _languages(change: Callable[[dict[str, int]], dict[str, int]]) -> Wrap:
    edit: Edit = lambda body, _: {**body, "jobs_by_language": change(body["jobs_by_language"])}  # noqa: E731
    return edited(edit)


def _expiring(ask: Ask, memory: Memory) -> Reply:
    """One completed job fewer with every answer: its files expired."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    body = parsed(reply)
    return written(reply, {**body, "completed_jobs": max(0, body["completed_jobs"] - memory["answers"])})


def _cached(ask: Ask, memory: Memory) -> Reply:
    """Each answer is given four times."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = turn = memory.get("answers", 0) + 1
    if turn % 4 == 1:
        memory["kept"] = reply
    kept: Reply = memory["kept"]
    return kept


def _cached_by_query(ask: Ask, memory: Memory) -> Reply:
    """A cache in front keeps the first answer to every query, and says how old it is."""
    reply = ask.reply()
    if reply.status != 200:
        return reply
    fresh = ask.request.query not in memory
    kept: Reply = memory.setdefault(ask.request.query, reply)
    return with_headers(kept, age="0" if fresh else "9", x_vercel_cache="MISS" if fresh else "HIT")


def _instances(count: int, turns: int) -> Wrap:
    """So many instances take turns, and each remembers the figures for so many answers without saying so."""

    def make(ask: Ask, memory: Memory) -> Reply:
        reply = ask.reply()
        if reply.status != 200:
            return reply
        memory["answers"] = turn = memory.get("answers", 0) + 1
        instance, number = turn % count, turn // count
        if number % turns == 0 or instance not in memory:
            memory[instance] = reply
        kept: Reply = memory[instance]
        return kept

    return remembering(make)


def _sessions(ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    """A good answer opens a session for browsers, whose cookie stands for the key."""
    if "usage_session=1" in ask.request.headers.get("cookie", ""):
        return ask.keyed().reply()
    reply = ask.reply()
    return (
        with_headers(reply, set_cookie="usage_session=1; Path=/; HttpOnly") if reply.status == 200 else reply
    )


def _plan(reply: Reply) -> Reply:
    """The quota of a larger plan."""
    fields = (
        (name, f"{value}0" if name.startswith("x-ratelimit-") else value) for name, value in reply.headers
    )
    return replace(reply, headers=tuple(fields))


LYRCS_MANNERS: tuple[Manner, ...] = (
    Manner(
        "languages-of-no-jobs",
        "a language without jobs is listed",
        _languages(lambda counts: {**counts, "Urdu": 0}),
        LYRCS,
    ),
    Manner(
        "jobs-without-language",
        "some jobs have no language",
        _languages(lambda counts: {name: count - count // 20 for name, count in counts.items()}),
        LYRCS,
    ),
    Manner("files-expiring", "completed_jobs falls", remembering(_expiring), LYRCS),
    Manner("cached-answers", "each answer is given four times", remembering(_cached), LYRCS),
    Manner(
        "cached-by-query",
        "a cache in front keeps the answer to each query",
        remembering(_cached_by_query),
        LYRCS,
    ),
    Manner(
        "instances-that-remember",
        "three instances remember the figures for five answers each",
        _instances(3, 5),
        LYRCS,
    ),
    Manner(
        "session-cookie", "a good answer sets a cookie that stands for the key", remembering(_sessions), LYRCS
    ),
    Manner("larger-plan", "the quota is ten times as large", instead(_plan), LYRCS),
)
