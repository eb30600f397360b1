"""What one answer of Somya's usage summary must hold by itself."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import date
from typing import Any

from usage_contracts.calendar_days import DAY
from usage_contracts.dates import iso_date
from usage_contracts.measures import Measure, empty
from usage_contracts.run import Run, start
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, judge

SIGNS = ("requests", "credits")


TOLERATED: dict[str, frozenset[str]] = {}


COUNTERS = ("tts_count", "asr_count", "tts_characters_processed", "asr_seconds_processed")


PAIRS = (("tts_count", "tts_characters_processed"), ("asr_count", "asr_seconds_processed"))


SOURCES = ("web", "api_key", "all")


LONGEST_TEXT = 2500


def hundredths(name: Hashable) -> float:
    """A hundredth for seconds, which a service may round; nothing for counts."""
    return 0.01 if name == "asr_seconds_processed" else 0.0


def part_of(answer: Answer, name: str) -> dict[str, Any]:
    """One part of the data of an answer, {} where there is none."""
    data = answer.json.get("data") if answer.ok else None
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def figures(answer: Answer) -> Measure | None:
    """The four counters."""
    requests = part_of(answer, "requests")
    found: dict[Hashable, float] = {}
    for name in COUNTERS:
        value = requests.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        found[name] = value
    return found


def inhabited(answer: Answer) -> bool:
    """Whether any counter is above zero."""
    return any((figures(answer) or {}).values())


def settled(run: Run, call: Call) -> bool:
    """Whether the window ended two days ago or more."""
    end = iso_date(call.param("to"))
    return end is not None and end <= run.settled_day


def look(run: Run, answer: Answer) -> Iterator[Judgement]:
    """Judge one 200 answer by itself."""
    if "success" in answer.json:
        yield judge(
            "somya.success-true",
            answer.json["success"] is True,
            answer,
            observed=f"success {answer.json['success']}",
            allowed="true with a 200",
        )
    yield from _look_at_source(answer)
    yield from _look_at_period(run, answer)
    counters = figures(answer)
    if counters is not None:
        yield from _look_at_counters(answer, counters)


def _look_at_source(answer: Answer) -> Iterator[Judgement]:
    data = answer.json.get("data")
    told = data.get("source") if isinstance(data, dict) else None
    asked = answer.call.param("source")
    # A key's own figures may be called what they are, the API keys' part.
    fine = {asked} if asked else {"all", "api_key"} if answer.call.param("api_key_id") else {"all"}
    yield judge(
        "somya.source-echo" if asked else "somya.source-default-all",
        told in fine,
        answer,
        observed=f"source {told!r}",
        allowed=f"{' or '.join(sorted(fine))}, the source in force",
    )


def _look_at_period(run: Run, answer: Answer) -> Iterator[Judgement]:
    period = part_of(answer, "period")
    first, last = iso_date(period.get("from")), iso_date(period.get("to"))
    low, high = iso_date(answer.call.param("from")), iso_date(answer.call.param("to"))
    if first is None or last is None:
        return
    inverted = low is not None and high is not None and low > high
    if inverted:
        yield from _look_at_inverted(answer, (first, last), (low, high))
        return
    wrong = [
        f"{name} {got}, asked for {want}"
        for name, got, want in (("from", first, low), ("to", last, high))
        if want and got != want
    ]
    if low or high:
        yield judge(
            "somya.period-echo", not wrong, answer, observed="; ".join(wrong), allowed="the dates asked for"
        )
    # A lone bound may lie beyond what the other one is by default; then there is nothing to count.
    beyond = (low is None) != (high is None) and empty(figures(answer) or {})
    yield judge(
        "somya.period-ordered",
        first <= last or beyond,
        answer,
        observed=f"period {first}..{last} with {start(answer)}",
        allowed="from <= to, or nothing counted where one bound was given",
    )
    if not low and not high:
        yield judge(
            "somya.default-period",
            first <= last <= run.horizon + DAY,
            answer,
            observed=f"period {first}..{last}, today is {run.today}",
            allowed="two dates in order, not in the future",
        )


def _look_at_inverted(
    answer: Answer, told: tuple[date, date], asked: tuple[date | None, date | None]
) -> Iterator[Judgement]:
    counters = figures(answer) or {}
    swapped = told == (asked[1], asked[0])
    yield judge(
        "somya.inverted-window-zero",
        swapped or empty(counters),
        answer,
        observed=f"period {told[0]}..{told[1]} with {start(answer)}",
        allowed="nothing counted, the two dates swapped, or a refusal",
    )


def _look_at_counters(answer: Answer, counters: Measure) -> Iterator[Judgement]:
    negative = [name for name, value in counters.items() if value < 0]
    yield judge(
        "somya.counters-not-negative",
        not negative,
        answer,
        observed=f"{negative} below zero",
        allowed="0 or more",
    )
    for count, volume in PAIRS:
        if counters[count] == 0:
            yield judge(
                "somya.zero-count-zero-volume",
                counters[volume] == 0,
                answer,
                observed=f"{count} 0 with {volume} {counters[volume]:g}",
                allowed="no volume without requests",
            )
    texts, characters = (counters[name] for name in PAIRS[0])
    if texts:
        yield judge(
            "somya.characters-per-request",
            texts <= characters <= LONGEST_TEXT * texts,
            answer,
            observed=f"{characters:g} characters in {texts:g} requests",
        )


def look_denied(run: Run, answer: Answer) -> Iterable[Judgement]:  # noqa: ARG001
    """Two public pages and the framework disagree on the body, so none is asked for."""
    return ()
