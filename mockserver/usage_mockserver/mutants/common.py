"""Defects that every provider's server can have: access, JSON, server errors, memory, parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from usage_mockserver.http import Reply, pairs
from usage_mockserver.mutants.edits import (
    BOUNDS,
    REFUSED,
    Ask,
    Memory,
    Mutant,
    Wrap,
    edited,
    has_unknown_parameter,
    instead,
    json_reply,
    parsed,
    remembering,
    text_reply,
    via,
    with_body,
    with_headers,
    written,
)
from usage_specs import load

Row = tuple[str, str, str, str, Wrap]
"""Name, broken behaviour without the provider, kind, summary, wrapper."""


def catalogue(provider: str, rows: tuple[Row, ...]) -> dict[str, Mutant]:
    """These rows as mutants of one provider, by name; ValueError when a name stands twice."""
    found: dict[str, Mutant] = {}
    for name, breaks, kind, summary, wrap in rows:
        if name in found:
            raise ValueError(f"{provider} has two mutants {name!r}; a name stands twice")
        found[name] = Mutant(name, provider, f"{provider}.{breaks}", kind, summary, wrap)
    return found


# -- access ---------------------------------------------------------------------------------------------


def _admitted(test: Callable[[Ask], bool]) -> Wrap:
    """Whoever passes the test gets in, whatever the key."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        return ask.keyed().reply() if reply.status == 401 and test(ask) else reply

    return via(make)


def _without_key(ask: Ask) -> bool:
    return not ask.keys


def _with_wrong_key(ask: Ask) -> bool:
    return bool(ask.keys)


def _with_empty_key(ask: Ask) -> bool:
    return bool(ask.keys) and not any(ask.keys)


def _with_other_scheme(ask: Ask) -> bool:
    sent = ask.request.headers.get("authorization", "")
    return bool(sent) and not sent.lower().startswith("bearer")


def _with_like_key(ask: Ask) -> bool:
    right = ask.account.keys[0] if ask.account.keys else load(ask.account.provider).service.demo_key
    return any(key.startswith(right[: len(right) * 2 // 3]) for key in ask.keys)


def _judged_first(ask: Ask) -> Reply:
    reply = ask.reply()
    if reply.status != 401 or not ask.keys:
        return reply
    judged = ask.keyed().reply()
    return judged if judged.status in REFUSED else reply


def _cached_for_everyone(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status == 200:
        memory[ask.request.query] = reply
    elif reply.status == 401 and ask.keys:
        reply = memory.get(ask.request.query, reply)
    return reply


def _usage_beside(test: Callable[[Ask], bool]) -> Wrap:
    """Refusals that carry the usage they refuse."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        if reply.status != 401 or not test(ask):
            return reply
        shown = ask.keyed().reply()
        return written(reply, {**parsed(reply), **parsed(shown)}) if shown.status == 200 else reply

    return via(make)


ACCESS: tuple[Row, ...] = (
    (
        "key-not-required",
        "key-required",
        "access",
        "a request without a key is answered",
        _admitted(_without_key),
    ),
    (
        "empty-key-accepted",
        "wrong-key-refused",
        "access",
        "a key of no characters opens the account",
        _admitted(_with_empty_key),
    ),
    (
        "missing-key-server-error",
        "key-required",
        "status",
        "a request without a key gets 500",
        instead(lambda reply: replace(reply, status=500), _without_key, (401,)),
    ),
    (
        "missing-key-to-login",
        "key-required",
        "status",
        "a request without a key is sent to a login page",
        instead(lambda _: text_reply(302, "Found", location="/login"), _without_key, (401,)),
    ),
    (
        "any-key-accepted",
        "wrong-key-refused",
        "access",
        "every key opens the account",
        _admitted(_with_wrong_key),
    ),
    (
        "key-compared-by-its-beginning",
        "wrong-key-refused",
        "access",
        "a key that begins like the right one opens the account",
        _admitted(_with_like_key),
    ),
    (
        "cache-forgets-the-key",
        "wrong-key-refused",
        "state",
        "what the right key was answered, a wrong one gets too",
        remembering(_cached_for_everyone),
    ),
    (
        "wrong-key-server-error",
        "wrong-key-refused",
        "status",
        "a wrong key gets 500",
        instead(lambda reply: replace(reply, status=500), _with_wrong_key, (401,)),
    ),
    (
        "wrong-key-status-200",
        "wrong-key-refused",
        "status",
        "a wrong key gets the error body under 200",
        instead(lambda reply: replace(reply, status=200), _with_wrong_key, (401,)),
    ),
    (
        "wrong-key-shown-usage",
        "refusal-holds-no-usage",
        "body",
        "the 401 of a wrong key carries the usage",
        _usage_beside(_with_wrong_key),
    ),
    (
        "missing-key-shown-usage",
        "refusal-holds-no-usage",
        "body",
        "the 401 of a missing key carries the usage",
        _usage_beside(_without_key),
    ),
)

OTHER_SCHEMES: tuple[Row, ...] = (
    (
        "other-schemes-let-in",
        "wrong-key-refused",
        "access",
        "only what says Bearer is looked at, the rest gets in",
        _admitted(_with_other_scheme),
    ),
)

PARAMETERS_BEFORE_KEY: tuple[Row, ...] = (
    (
        "parameters-judged-before-key",
        "wrong-key-refused",
        "access",
        "a wrong key with bad parameters gets the refusal of the parameters",
        via(_judged_first),
    ),
)


# -- JSON and server errors -----------------------------------------------------------------------------


def every(count: int, change: Callable[[Reply], Reply]) -> Wrap:
    """Every so many-th answer of 200 is changed."""

    def make(ask: Ask, memory: Memory) -> Reply:
        reply = ask.reply()
        if reply.status != 200:
            return reply
        memory["answers"] = memory.get("answers", 0) + 1
        return change(reply) if memory["answers"] % count == 0 else reply

    return remembering(make)


def first_key_twice(reply: Reply) -> Reply:
    """The reply whose first key stands there again, with null, before the right one."""
    name = json.dumps(next(iter(parsed(reply))))
    return with_body(reply, b"{" + name.encode() + b":null," + reply.body[1:])


def python_literal(reply: Reply) -> Reply:
    """The reply as Python prints it, with single quotes, None and True."""
    return with_body(reply, repr(parsed(reply)).encode())


def cut_short(reply: Reply) -> Reply:
    """The first two thirds of the body."""
    return with_body(reply, reply.body[: len(reply.body) * 2 // 3])


JSON_ROWS: tuple[Row, ...] = (
    (
        "json-as-plain-text",
        "json",
        "body",
        "answers are declared as text/plain",
        instead(lambda reply: with_headers(reply, content_type="text/plain; charset=utf-8")),
    ),
    (
        "json-without-a-type",
        "json",
        "body",
        "answers do not say what they are",
        instead(lambda reply: with_headers(reply, content_type=None)),
    ),
    (
        "json-as-html-now-and-then",
        "json",
        "body",
        "every fourth answer is declared as HTML",
        every(4, lambda reply: with_headers(reply, content_type="text/html")),
    ),
    (
        "first-key-twice",
        "json",
        "body",
        "the first key of an answer stands there twice",
        instead(first_key_twice),
    ),
    (
        "python-literals",
        "json",
        "body",
        "answers are printed as Python prints a dict",
        instead(python_literal),
    ),
    (
        "every-fifth-body-cut-short",
        "json",
        "body",
        "a third of every fifth body is missing",
        every(5, cut_short),
    ),
    (
        "every-seventh-server-error",
        "answered",
        "state",
        "every seventh valid request gets 500",
        every(7, lambda _: json_reply(500, {"message": "Internal server error"})),
    ),
    (
        "encoded-twice",
        "schema",
        "schema",
        "the body is a JSON text that holds JSON",
        edited(lambda data, _: json.dumps(data)),
    ),
    (
        "body-in-a-list",
        "schema",
        "schema",
        "the body is a list of one answer",
        edited(lambda data, _: [data]),
    ),
)


# -- memory, parameters ---------------------------------------------------------------------------------


def _previous_answer(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200:
        return reply
    before: Reply = memory.get("before", reply)
    memory["before"] = reply
    return before


def _first_answer_again(ask: Ask, memory: Memory) -> Reply:
    reply = ask.reply()
    if reply.status != 200:
        return reply
    memory["answers"] = memory.get("answers", 0) + 1
    first = memory.setdefault("first", reply)
    return first if memory["answers"] % 5 == 0 else reply


def _by_position(ask: Ask) -> Reply:
    names = BOUNDS.get(ask.account.provider, ("from", "to"))
    sent = [pair for pair in pairs(ask.request.query) if pair[0] in names]
    if [name for name, _ in sent] != [*reversed(names)]:
        return ask.reply()
    return ask.reply({names[0]: sent[0][1], names[1]: sent[1][1]})


REPEATED: tuple[Row, ...] = (
    (
        "previous-answer",
        "repeatable",
        "state",
        "each question gets the answer to the one before",
        remembering(_previous_answer),
    ),
    (
        "first-answer-now-and-then",
        "repeatable",
        "state",
        "every fifth question gets the first answer of all",
        remembering(_first_answer_again),
    ),
    (
        "bounds-read-by-position",
        "parameter-order",
        "relation",
        "the first of the two bounds in the query is the start, whatever its name",
        via(_by_position),
    ),
)

UNKNOWN: tuple[Row, ...] = (
    (
        "unknown-parameter-server-error",
        "unknown-parameter-ignored",
        "status",
        "an undocumented parameter gets 500",
        instead(lambda _: json_reply(500, {"message": "Internal server error"}), has_unknown_parameter),
    ),
)

COMMON = (*ACCESS, *JSON_ROWS, *UNKNOWN)
KEY_LATER = (*COMMON, *REPEATED)
WITH_BOUNDS = (*KEY_LATER, *PARAMETERS_BEFORE_KEY)


def shown_in_refusal(changes: dict[str, str | None]) -> Wrap:
    """A refusal of bad parameters that carries the usage of this other question."""

    def make(ask: Ask) -> Reply:
        reply = ask.reply()
        if reply.status not in REFUSED:
            return reply
        refusal: Any = parsed(reply)
        return written(reply, {**refusal, **ask.answer(changes)})

    return via(make)
