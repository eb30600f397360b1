"""Findings that somebody accepts for a while: each with a reason and a day on which it counts again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from usage_contracts.dates import iso_date
from usage_contracts.files import write_whole
from usage_contracts.jsontext import NotJson, read_json
from usage_contracts.verdict import Exit, Outcome, Report, Verdict
from usage_specs import PROVIDERS, SpecError, load, safe_yaml
from usage_specs.fields import Fields, suggestion

VERSION = 1
DAYS = 30
UNEXPLAINED = "not explained yet: written by --baseline-update"
KEYS = ("provider", "behaviour", "reason", "expires")
HEAD = "# Accepted until they expire; `usagekit check --baseline-update` keeps reasons and dates.\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding; it counts again on the day after `expires`."""

    behaviour: str
    reason: str
    expires: date

    @property
    def provider(self) -> str:
        """The part of the behaviour's id before the dot."""
        return self.behaviour.partition(".")[0]


Baseline = Mapping[str, Entry]
"""Accepted findings by behaviour id."""


def read(path: Path) -> Baseline:
    """The accepted findings of a YAML file, or of one named .json; SpecError names file and key."""
    value = _json(path) if path.suffix == ".json" else safe_yaml.read(path)
    file = Fields.of(value, str(path))
    file.only(("version", "accepted"))
    if file.count("version") != VERSION:
        file.refuse("version", f"must be {VERSION}")
    if file.values.get("accepted") == []:
        return MappingProxyType({})
    found: dict[str, Entry] = {}
    for one in file.children("accepted"):
        entry = _entry(one)
        if entry.behaviour in found:
            one.refuse("behaviour", f"{entry.behaviour!r} stands twice")
        found[entry.behaviour] = entry
    return MappingProxyType(found)


def apply(report: Report, baseline: Baseline, today: date) -> Report:
    """The report with accepted findings set aside; what has expired or was not found is noted."""
    entries = [entry for entry in baseline.values() if entry.provider == report.provider]
    verdicts = tuple(_accepted(verdict, baseline, today) for verdict in report.verdicts)
    notes = tuple(_notes(report, entries, today))
    found = replace(report, verdicts=verdicts, notes=report.notes + notes)
    if report.ended is Exit.BROKEN and not found.failing:
        ended, reason = report.otherwise
        return replace(found, ended=ended, reason=reason)
    return found


def update(
    path: Path, reports: Sequence[Report], *, today: date, reason: str = UNEXPLAINED, days: int = DAYS
) -> Baseline:
    """Write a baseline that accepts all that fails in these reports, and return it.

    Reports come as they are before `apply`. Known reasons stay, and dates that have not passed; entries that
    no longer occur go, unless this run could not tell. Entries of other providers stay as they are.
    """
    known = read(path) if path.exists() else {}
    new = {entry.behaviour: entry for entry in known.values() if _kept(entry, reports)}
    for report in reports:
        for verdict in report.failing:
            name = verdict.behaviour.id
            new[name] = _renewed(known.get(name), name, reason, today, today + timedelta(days=days))
    ordered = {name: new[name] for name in sorted(new, key=_place)}
    write_whole(path, _text(path, ordered), private=False)
    return MappingProxyType(ordered)


def _entry(one: Fields) -> Entry:
    one.only(KEYS)
    provider, behaviour = one.text("provider"), one.text("behaviour")
    if provider not in PROVIDERS:
        one.refuse("provider", f"{provider!r} is no provider; {suggestion(provider, PROVIDERS)}")
    known = load(provider).behaviours
    if behaviour not in known:
        one.refuse("behaviour", f"{provider} has no behaviour {behaviour!r}; {suggestion(behaviour, known)}")
    expires = iso_date(text := one.text("expires"))
    if expires is None:
        one.refuse("expires", f"must be a day such as 2026-06-30, not {text!r}")
    return Entry(behaviour, one.text("reason"), expires)


def _json(path: Path) -> Any:
    try:
        return read_json(safe_yaml.read_text(path).encode())
    except NotJson as error:
        raise SpecError(f"{path}: not JSON: {error}") from error


def _accepted(verdict: Verdict, baseline: Baseline, today: date) -> Verdict:
    entry = baseline.get(verdict.behaviour.id)
    if verdict.finding is None or entry is None or entry.expires < today:
        return verdict
    return replace(
        verdict, outcome=Outcome.ACCEPTED, reason=f"{entry.reason} (until {entry.expires.isoformat()})"
    )


def _notes(report: Report, entries: Iterable[Entry], today: date) -> Iterator[str]:
    verdicts = {verdict.behaviour.id: verdict for verdict in report.verdicts}
    for entry in entries:
        verdict = verdicts.get(entry.behaviour)
        if verdict is None or verdict.outcome is Outcome.NOT_EXERCISED:
            continue
        if verdict.finding is None:
            yield f"the baseline accepts {entry.behaviour}, which held: the entry can go"
        elif entry.expires < today:
            day = entry.expires.isoformat()
            yield f"the baseline accepted {entry.behaviour} until {day}: it counts again ({entry.reason})"


def _kept(entry: Entry, reports: Sequence[Report]) -> bool:
    told = [report for report in reports if report.provider == entry.provider]
    verdicts = [
        verdict for report in told for verdict in report.verdicts if verdict.behaviour.id == entry.behaviour
    ]
    return all(verdict.outcome is Outcome.NOT_EXERCISED or verdict.finding for verdict in verdicts)


def _renewed(known: Entry | None, name: str, reason: str, today: date, expires: date) -> Entry:
    if known is None:
        return Entry(name, reason, expires)
    return replace(known, expires=known.expires if known.expires >= today else expires)


def _place(name: str) -> tuple[int, str]:
    return PROVIDERS.index(name.partition(".")[0]), name


def _text(path: Path, entries: Baseline) -> str:
    accepted = [
        dict(
            zip(KEYS, (entry.provider, entry.behaviour, entry.reason, entry.expires.isoformat()), strict=True)
        )
        for entry in entries.values()
    ]
    document = {"version": VERSION, "accepted": accepted}
    if path.suffix == ".json":
        return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
