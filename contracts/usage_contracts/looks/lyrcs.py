"""What one answer of Lyrcs' all-time usage must hold by itself."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any

from usage_contracts.measures import Measure
from usage_contracts.run import Run, start
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

SIGNS = ("total_jobs", "jobs_by_language", "api_calls")


TOLERATED: dict[str, frozenset[str]] = {}


COUNTS = ("total_jobs", "completed_jobs", "api_calls")


GROWING = ("total_jobs", "api_calls", "total_duration_seconds")


BATCH = 20
SOME = 10
"""So many completed jobs last for longer than nothing, however short and however rounded each is."""

CODE = re.compile(r"[a-z]{2}([-_][A-Za-z]{2,4})?|[0-9]+")
"""What lists key languages by where they do not name them: hi, pt-BR, zh_Hant, 17."""

CACHES = ("x-vercel-cache", "cf-cache-status", "x-cache", "x-cache-status", "cache-status")
KEPT = re.compile(r"\b(hit|stale|updating|prerender)\b", re.IGNORECASE)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _languages(answer: Answer) -> dict[str, Any]:
    found = answer.json.get("jobs_by_language") if answer.ok else None
    return found if isinstance(found, dict) else {}


def figures(answer: Answer) -> Measure | None:
    """The figures that can only grow: jobs, calls, seconds, and jobs of each language."""
    found: dict[Hashable, float] = {}
    for name in GROWING:
        value = _number(answer.json.get(name)) if answer.ok else None
        if value is None:
            return None
        found[name] = value
    for language, value in _languages(answer).items():
        found["jobs", language] = _number(value) or 0
    return found


def inhabited(answer: Answer) -> bool:
    """Whether there was any job."""
    return bool(_number(answer.json.get("total_jobs")))


def from_cache(answer: Answer) -> bool:
    """Whether a cache on the way says that it gave this answer."""
    age = answer.headers.get("age", "")
    return bool(age.isdecimal() and int(age)) or any(
        KEPT.search(answer.headers.get(name, "")) for name in CACHES
    )


def is_old(run: Run, answer: Answer) -> bool:
    """Whether this answer may be one from before: a cache says so, or its figures were seen earlier in the run."""
    seen = figures(answer)
    return from_cache(answer) or any(
        known is not answer and known.ok and known.call.key == "good" and figures(known) == seen
        for known in run.log
    )


def settled(run: Run, call: Call) -> bool:  # noqa: ARG001
    """All-time figures never settle: they may grow at any moment."""
    return False


def look(run: Run, answer: Answer) -> Iterator[Judgement]:
    """Judge one 200 answer by itself, and against the answers before it."""
    body = answer.json
    yield judge(
        "lyrcs.period-all-time",
        body.get("period") == "all_time",
        answer,
        observed=f"period {body.get('period')!r}",
        allowed='always "all_time"',
    )
    yield from _look_at_counts(answer)
    yield from _look_at_languages(answer)
    yield from _look_at_quota(answer)
    yield from _look_back(run, answer)


def _look_at_counts(answer: Answer) -> Iterator[Judgement]:
    values = {name: _number(answer.json.get(name)) for name in COUNTS}
    odd = [name for name, value in values.items() if value is not None and (value < 0 or value != int(value))]
    yield judge(
        "lyrcs.counts-whole",
        not odd,
        answer,
        observed=f"{odd} not whole or below 0",
        allowed="whole numbers from 0",
    )
    total, completed, calls = (values[name] for name in COUNTS)
    if total is None or completed is None or calls is None:
        return
    yield judge(
        "lyrcs.completed-within-total",
        completed <= total,
        answer,
        observed=f"{completed:g} completed of {total:g} jobs",
        allowed="completed jobs are some of the submitted ones",
    )
    yield judge(
        "lyrcs.calls-cover-jobs", calls * BATCH >= total, answer, observed=f"{calls:g} calls, {total:g} jobs"
    )
    yield from _look_at_duration(answer, total, completed)


def _look_at_duration(answer: Answer, total: float, completed: float) -> Iterator[Judgement]:
    seconds = _number(answer.json.get("total_duration_seconds"))
    if seconds is None:
        return
    yield judge(
        "lyrcs.duration-not-negative",
        seconds >= 0,
        answer,
        observed=f"{seconds:g} seconds",
        allowed="0 or more",
    )
    if total == 0:
        yield judge(
            "lyrcs.no-jobs-no-duration",
            seconds == 0 and completed == 0,
            answer,
            observed=f"{seconds:g} seconds, {completed:g} completed without any job",
            allowed="0 while there are no jobs",
        )
    if completed >= SOME:
        yield judge(
            "lyrcs.completed-jobs-last",
            seconds > 0,
            answer,
            observed=f"{seconds:g} seconds of {completed:g} completed jobs",
            allowed="the sum of their audio",
        )


def _look_at_languages(answer: Answer) -> Iterator[Judgement]:
    languages = _languages(answer)
    counts = [_number(value) for value in languages.values()]
    total, completed = (_number(answer.json.get(name)) for name in COUNTS[:2])
    if any(count is None for count in counts) or total is None or completed is None:
        return
    known = [count for count in counts if count is not None]
    added = sum(known)
    yield judge(
        "lyrcs.languages-add-up",
        completed <= added <= total,
        answer,
        observed=f"{added:g} jobs by language, {completed:g} completed, {total:g} in all",
        allowed="the jobs by language are the jobs; only unfinished ones may lack a language",
    )
    yield judge(
        "lyrcs.languages-exact", added == total, answer, observed=f"{added:g} of {total:g} jobs by language"
    )
    odd = [
        name
        for name, count in languages.items()
        if not name.strip() or (_number(count) or 0) < 0 or count != int(count)
    ]
    if languages:
        odd = odd or _misnamed(list(languages))
        yield judge(
            "lyrcs.language-names",
            not odd,
            answer,
            observed=f"{odd[:2]}",
            allowed="the names of languages, each once, with a whole count",
        )


def _misnamed(names: list[str]) -> list[str]:
    """Those that name no language: blanks around, one twice in other case, nothing but codes or numbers."""
    padded = [name for name in names if name != name.strip()]
    cases = [name.casefold() for name in names]
    twice = (
        [name for name in names if cases.count(name.casefold()) > 1] if len(set(cases)) < len(cases) else []
    )
    # One code alone may be a word for jobs whose language nobody knows.
    codes = names if len(names) > 1 and all(map(CODE.fullmatch, names)) else []
    return padded or twice or codes


def _look_at_quota(answer: Answer) -> Iterator[Judgement]:
    for span in ("minute", "hour", "day"):
        limit = answer.headers.get(f"x-ratelimit-limit-{span}")
        left = answer.headers.get(f"x-ratelimit-remaining-{span}")
        if limit is None or left is None:
            continue
        fine = (
            limit.isascii()
            and limit.isdigit()
            and left.isascii()
            and left.isdigit()
            and int(left) <= int(limit)
        )
        yield judge(
            "lyrcs.quota-headers",
            fine,
            answer,
            observed=f"{left} left of {limit} in the {span}",
            allowed="whole numbers, never more left than the limit",
        )


def _look_back(run: Run, answer: Answer) -> Iterator[Judgement]:
    before = next(
        (
            known
            for known in reversed(run.log)
            if known is not answer and known.ok and known.call.key == "good"
        ),
        None,
    )
    if before is None:
        return
    old, new = figures(before) or {}, figures(answer) or {}
    fallen = [name for name, value in old.items() if new and new.get(name, 0) < value]
    if fallen and is_old(run, answer):
        fallen = []
    yield judge(
        "lyrcs.never-shrinks",
        not fallen,
        (before, answer),
        observed="; ".join(f"{name} fell from {old[name]:g} to {new.get(name, 0):g}" for name in fallen[:3]),
        allowed="all-time figures only grow",
    )
    yield judge(
        "lyrcs.org-constant",
        before.json.get("org_id") == answer.json.get("org_id") != "",
        (before, answer),
        observed=f"org_id {before.json.get('org_id')!r}, then {answer.json.get('org_id')!r}",
        allowed="one organisation per key",
    )


def look_denied(run: Run, answer: Answer) -> Iterator[Judgement]:  # noqa: ARG001
    """The shape of a refusal is published on another page; servers may differ."""
    body = answer.json if isinstance(answer.json, dict) else {}
    if answer.status in {401, 403}:
        shaped = all(isinstance(body.get(name), str) for name in ("error", "message", "code"))
        yield judge("lyrcs.error-shape", shaped, answer, observed=f"body {start(answer)}")
