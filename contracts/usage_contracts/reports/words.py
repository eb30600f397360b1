"""What every writer says alike: how a run ended, how a finding is reproduced, where a sentence stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from usage_contracts.curl import curl
from usage_contracts.target import Answer
from usage_contracts.verdict import Exit, Judgement, Outcome, Report, Verdict
from usage_specs import Behaviour, Spec, load

SOURCE = "source.md"
OUR_CHOICE = "our choice"
"""Where a register says that its words are a reason of ours and nobody's quote."""

ORDER = (Outcome.BROKEN, Outcome.DIFFERS, Outcome.ACCEPTED, Outcome.HELD, Outcome.NOT_EXERCISED)
"""The order in which outcomes are told: what somebody must act on first."""

ENDINGS = {
    Exit.CLEAN: "clean",
    Exit.BROKEN: "broken",
    Exit.UNREACHED: "inconclusive",
    Exit.UNTESTED: "untested",
}


def worst(reports: Sequence[Report]) -> int:
    """The exit status of several runs: breaches first, then what was not judged or tested."""
    found = {report.exit_status for report in reports}
    return next((status for status in (1, 3, 4) if status in found), 0)


def ending(report: Report) -> str:
    """How a run ended, in one sentence."""
    looked = [verdict for verdict in report.verdicts if verdict.outcome is not Outcome.NOT_EXERCISED]
    if report.ended is Exit.BROKEN:
        count = len(report.failing)
        return f"broken: {count} of {len(looked)} behaviours {'does' if count == 1 else 'do'} not hold"
    if report.ended is Exit.CLEAN:
        accepted = len(report.of(Outcome.ACCEPTED))
        aside = f", {accepted} accepted" if accepted else ""
        differing = len(report.of(Outcome.DIFFERS))
        aside += f", {differing} assumed otherwise" if differing else ""
        return f"clean: {len(report.of(Outcome.HELD))} of {len(looked)} behaviours held{aside}"
    return f"{ENDINGS[report.ended]}: {report.reason}"


def effort(report: Report) -> str:
    """What a run cost, and the seed that repeats it."""
    plural = "" if report.requests == 1 else "s"
    return f"{report.requests} request{plural}, {report.seconds:.1f} s, seed {report.seed}"


def again(report: Report) -> str:
    """The command that repeats a run."""
    return f"usagekit check {report.provider} --url {shlex.quote(report.origin)} --seed {report.seed}"


def key_variable(report: Report) -> str:
    """The environment variable from which the curl lines read the key."""
    return load(report.provider).service.variable


def curls(report: Report, finding: Judgement) -> list[str]:
    """The requests that show a finding, as lines to paste, in the order they were made."""
    service = load(report.provider).service
    return [curl(service, report.origin, call) for call in finding.calls]


def details(report: Report, verdict: Verdict) -> str:
    """A finding in plain lines: the claim, its evidence, what was seen, and the requests that show it."""
    finding = verdict.finding
    assert finding is not None
    facts = [
        f"claim: {verdict.behaviour.claim}",
        f"evidence: {verdict.behaviour.evidence.value}, {quoted(verdict.behaviour)}",
        f"observed: {finding.observed}",
        f"allowed: {finding.allowed}",
    ]
    return "\n".join([*facts, *curls(report, finding)])


def answered(answer: Answer) -> str:
    """What came back, on one line."""
    if answer.trouble:
        return answer.trouble
    return f"{answer.status} {' '.join(answer.body.decode('utf-8', 'replace').split())}".strip()


def place(behaviour: Behaviour) -> str:
    """Where a behaviour's sentence stands."""
    return f"{behaviour.provider}/{behaviour.where}" if behaviour.where == SOURCE else behaviour.where


def line(spec: Spec, behaviour: Behaviour) -> int:
    """The line of the vendored page where a behaviour's sentence begins, 0 when it stands elsewhere."""
    if behaviour.where != SOURCE:
        return 0
    # White space is folded in quotes, so any of it may part their words in the page.
    found = re.search(r"\s+".join(map(re.escape, behaviour.quote.split())), spec.source)
    return spec.source.count("\n", 0, found.start()) + 1 if found else 0


def quoted(behaviour: Behaviour) -> str:
    """A behaviour's evidence on one line: the words and where they stand, or why we chose it."""
    words = " ".join(behaviour.quote.split())
    if behaviour.where == OUR_CHOICE:
        return f"{OUR_CHOICE}: {words}"
    # Only what is vendored is held word for word to its page.
    told = f"“{words}”" if behaviour.where == SOURCE else words
    return f"{told} ({place(behaviour)})"


def tool_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("usagekit")
    except PackageNotFoundError:
        return "unknown"
