"""A report as pytest tells it: per behaviour whether its item passes, and the words where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from usage_specs import load

if TYPE_CHECKING:
    from usage_contracts.verdict import Report, Verdict

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Finding(NamedTuple):
    """How one item ends, and what it says then."""

    outcome: str
    text: str = ""


def for_all(provider: str, outcome: str, text: str) -> dict[str, Finding]:
    """The same finding for every behaviour of a provider."""
    return dict.fromkeys(load(provider).behaviours, Finding(outcome, text))


def hidden(text: str, key: str | None) -> str:
    """The text without the key."""
    from usage_contracts.masking import Mask

    return Mask(*[key] if key else []).text(text)


def findings(report: Report, key: str | None) -> Mapping[str, Finding]:
    """What a run says of each behaviour, without the key.

    Where the run could not judge the target, or tested nothing, every behaviour that is not broken fails with
    that reason: a suite must not look green that has seen only refusals.
    """
    from usage_contracts.masking import Mask
    from usage_contracts.reports import words
    from usage_contracts.verdict import Exit

    mask = Mask(*[key or load(report.provider).service.demo_key])
    ended, reason = report.otherwise
    clean = mask.report(report)
    unjudged = ""
    if ended in {Exit.UNREACHED, Exit.UNTESTED}:
        unbroken = replace(clean, ended=ended, reason=mask.text(reason))
        service = load(report.provider).service
        unjudged = f"{service.title} at {clean.origin}{service.path} is {words.ending(unbroken)}"
    return {verdict.behaviour.id: _finding(clean, verdict, unjudged) for verdict in clean.verdicts}


def _finding(report: Report, verdict: Verdict, unjudged: str) -> Finding:
    from usage_contracts.reports import words
    from usage_contracts.verdict import Outcome

    if verdict in report.failing:
        return Finding(FAILED, f"{verdict.behaviour.id} does not hold\n{words.details(report, verdict)}")
    if unjudged:
        return Finding(FAILED, unjudged)
    if verdict.outcome is Outcome.HELD:
        return Finding(PASSED)
    if verdict.finding is not None:
        seen = f"observed: {verdict.finding.observed}; ours: {verdict.behaviour.claim}"
        return Finding(SKIPPED, f"{verdict.outcome.value} from an assumption; {seen}")
    stopped = [note for note in report.notes if note.startswith("stopped early")]
    return Finding(SKIPPED, "; ".join([f"{verdict.outcome.value}: {verdict.reason}", *stopped]))
