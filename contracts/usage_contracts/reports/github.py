"""Reports for GitHub Actions: annotations for the log, and Markdown for the step summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from usage_contracts.masking import Mask
from usage_contracts.reports import words
from usage_contracts.verdict import Exit, Outcome, Report, Verdict
from usage_specs import load

SIGNS = {
    Outcome.BROKEN: "❌",
    Outcome.DIFFERS: "⚠️",
    Outcome.ACCEPTED: "☑️",
    Outcome.HELD: "✅",
    Outcome.NOT_EXERCISED: "➖",
}
# Everything that Markdown or GitHub's additions to it would take for more than a character.
_MARKED = re.compile(r"([\\`*_{}\[\]()#+!|~>$-])")


def write(reports: Sequence[Report], *, mask: Mask) -> str:
    """One workflow command per finding, and one for each run that could not be judged."""
    return "".join(f"{line}\n" for report in reports for line in _commands(mask.report(report)))


def summary(reports: Sequence[Report], *, mask: Mask) -> str:
    """Markdown for `$GITHUB_STEP_SUMMARY`: a table of the runs, then every finding with its sentence."""
    shown = [mask.report(report) for report in reports]
    heads = " | ".join(f"{SIGNS[outcome]} {outcome.value}" for outcome in words.ORDER)
    lines = ["## usagekit", "", f"| | ended | {heads} | requests | seconds |", "|---" * 9 + "|"]
    lines += [_row(report) for report in shown]
    for report in shown:
        for verdict in _found(report):
            lines += ["", *_section(report, verdict)]
        lines += ["", *(f"> {_markdown(note)}" for note in report.notes)] if report.notes else []
    return "\n".join(lines) + "\n"


def _commands(report: Report) -> Iterator[str]:
    for verdict in _found(report):
        level = "error" if verdict in report.failing else "notice"
        title = f"{verdict.behaviour.id} {verdict.outcome.value} ({verdict.behaviour.evidence.value})"
        yield _command(level, title, "\n".join(_message(report, verdict)))
    if report.ended in {Exit.UNREACHED, Exit.UNTESTED}:
        yield _command("error", f"usagekit {report.provider}", words.ending(report))
    for note in report.notes:
        yield _command("notice", f"usagekit {report.provider}", note)


def _found(report: Report) -> list[Verdict]:
    return [verdict for outcome in words.ORDER for verdict in report.of(outcome) if verdict.finding]


def _message(report: Report, verdict: Verdict) -> Iterator[str]:
    assert verdict.finding is not None
    yield verdict.behaviour.claim
    yield words.quoted(verdict.behaviour)
    yield f"observed: {verdict.finding.observed}"
    yield f"allowed: {verdict.finding.allowed}"
    if verdict.reason:
        yield verdict.reason
    yield from words.curls(report, verdict.finding)


def _command(level: str, title: str, message: str) -> str:
    name = _data(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _row(report: Report) -> str:
    counts = " | ".join(str(len(report.of(outcome))) for outcome in words.ORDER)
    title = load(report.provider).service.title
    ended = words.ENDINGS[report.ended]
    return f"| {title} | {ended} | {counts} | {report.requests} | {report.seconds:.1f} |"


def _section(report: Report, verdict: Verdict) -> Iterator[str]:
    assert verdict.finding is not None
    behaviour = verdict.behaviour
    yield f"### {SIGNS[verdict.outcome]} {behaviour.id} ({behaviour.evidence.value})"
    yield ""
    yield _markdown(behaviour.claim)
    yield ""
    yield f"> {_markdown(words.quoted(behaviour))}"
    yield ""
    yield f"- observed: {_markdown(verdict.finding.observed)}"
    yield f"- allowed: {_markdown(verdict.finding.allowed)}"
    if verdict.reason:
        yield f"- {verdict.outcome.value}: {_markdown(verdict.reason)}"
    yield ""
    yield from _fenced(words.curls(report, verdict.finding))


def _fenced(lines: Sequence[str]) -> list[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sh", *lines, fence]


def _markdown(text: str) -> str:
    """Text as it is, whatever Markdown, HTML or a mention it looks like."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    # A word joiner keeps @names and links from being made of it.
    return _MARKED.sub(r"\\\1", plain).replace("@", "@\u2060").replace("://", ":\u2060//")
