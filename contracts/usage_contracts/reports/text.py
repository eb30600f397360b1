"""Reports for people at a terminal: what is broken first, what held in a line each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from usage_contracts.masking import Mask
from usage_contracts.reports import words
from usage_contracts.verdict import Exit, Outcome, Report, Verdict
from usage_specs import load

WIDTH = 100
LEAST = 60
"""Below this width a column would hold single letters; lines run over instead."""

STYLES = {
    Outcome.BROKEN: "bold red",
    Outcome.DIFFERS: "yellow",
    Outcome.ACCEPTED: "magenta",
    Outcome.HELD: "green",
    Outcome.NOT_EXERCISED: "dim",
}
ENDING_STYLES = {Exit.CLEAN: "bold green", Exit.BROKEN: "bold red"}
_ENDS = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.MULTILINE)
LEGEND = "The lines below ask with ${variable}: export it first."


def write(
    reports: Sequence[Report], *, mask: Mask, colour: bool = False, width: int = WIDTH, command: str = ""
) -> str:
    """Every verdict, the findings with the lines that reproduce them, and how each run ended.

    `command` is the command that repeats all of it, by default one for each report is made up.
    """
    paper = page(colour=colour, width=width)
    for report in map(mask.report, reports):
        _report(paper, report, mask.text(command) or words.again(report))
    return told(paper)


def summary(reports: Sequence[Report], *, mask: Mask, colour: bool = False, width: int = WIDTH) -> str:
    """One line for each report, and one for each behaviour that does not hold."""
    paper = page(colour=colour, width=width)
    for report in map(mask.report, reports):
        line = Text(f"{report.provider:10} ")
        line.append(words.ending(report), ENDING_STYLES.get(report.ended, "bold yellow"))
        line.append(f"  {words.effort(report)}", "dim")
        paper.print(line, soft_wrap=True)
        for verdict in report.failing:
            paper.print(Padding(Text(f"{verdict.behaviour.id}: {verdict.behaviour.claim}"), (0, 0, 0, 11)))
    return told(paper)


def page(*, colour: bool, width: int) -> Console:
    """A page to print on, which takes text as it is and keeps it in memory."""
    # Every setting is given: a report must not depend on the terminal or the environment it is made in.
    return Console(
        file=StringIO(),
        width=max(width, LEAST),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )


def told(paper: Console) -> str:
    """What was printed on a page."""
    file = paper.file
    assert isinstance(file, StringIO)
    # Rich fills cells with blanks, which are nothing but noise in a log; colours that end among them stay.
    return _ENDS.sub(lambda found: found[0].replace(" ", ""), file.getvalue())


def _report(paper: Console, report: Report, command: str) -> None:
    service = load(report.provider).service
    paper.print(Text(f"{service.title}  {report.origin}{service.path}", "bold"), soft_wrap=True)
    paper.print()
    looked_at = [verdict for verdict in _sorted(report) if verdict.outcome is not Outcome.NOT_EXERCISED]
    if looked_at:
        paper.print(_table(looked_at))
        paper.print()
    _not_exercised(paper, report.of(Outcome.NOT_EXERCISED))
    for verdict in _sorted(report):
        if verdict.finding is not None:
            _finding(paper, report, verdict)
    for note in report.notes:
        paper.print(row("note", note, 6))
    if report.notes:
        paper.print()
    _ending(paper, report, command)


def _sorted(report: Report) -> list[Verdict]:
    return [verdict for outcome in words.ORDER for verdict in report.of(outcome)]


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("verdict", no_wrap=True)
    table.add_column("evidence", no_wrap=True)
    table.add_column("behaviour", overflow="fold")
    table.add_column("looks", justify="right", no_wrap=True)
    for verdict in verdicts:
        style = STYLES[verdict.outcome]
        evidence = verdict.behaviour.evidence.value
        behaviour = Text(verdict.behaviour.id)
        table.add_row(Text(verdict.outcome.value, style), evidence, behaviour, str(verdict.looks))
    return table


def _not_exercised(paper: Console, verdicts: Sequence[Verdict]) -> None:
    """Reasons once each, with the behaviours they are given for."""
    if not verdicts:
        return
    paper.print(Text(f"not exercised: {len(verdicts)}", "bold"))
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        reasons.setdefault(verdict.reason, []).append(verdict.behaviour.id.partition(".")[2])
    for reason, slugs in sorted(reasons.items(), key=lambda item: -len(item[1])):
        if len(slugs) == 1:
            paper.print(Padding(Text.assemble(slugs[0], (f": {reason}", "dim")), (0, 0, 0, 2)))
            continue
        paper.print(Padding(Text(f"{len(slugs)} behaviours: {reason}", "dim"), (0, 0, 0, 2)))
        paper.print(Padding(Text(", ".join(slugs)), (0, 0, 0, 4)))
    paper.print()


def _finding(paper: Console, report: Report, verdict: Verdict) -> None:
    finding, behaviour = verdict.finding, verdict.behaviour
    assert finding is not None
    head = Text(verdict.outcome.value.upper(), STYLES[verdict.outcome])
    head.append(f" {behaviour.id}", "bold")
    head.append(f" ({behaviour.evidence.value})", "not bold")
    paper.print(head)
    for name, text in _facts(verdict):
        paper.print(row(name, text))
    lines = words.curls(report, finding)
    variable = words.key_variable(report)
    if any(variable in line for line in lines):
        paper.print(row("repeat", LEGEND.format(variable=variable)))
    for line in lines:
        # A line to paste is never broken, however narrow the page.
        paper.print(Text(f"  {line}", "cyan"), soft_wrap=True)
    paper.print()


def _facts(verdict: Verdict) -> Iterator[tuple[str, str]]:
    finding = verdict.finding
    assert finding is not None
    yield "claim", verdict.behaviour.claim
    yield "evidence", words.quoted(verdict.behaviour)
    yield "observed", finding.observed
    yield "allowed", finding.allowed
    if verdict.reason:
        yield "accepted" if verdict.outcome is Outcome.ACCEPTED else "reason", verdict.reason


def row(name: str, text: str, width: int = 10) -> Table:
    """One fact: its name, and its words in a column of their own."""
    line = Table.grid(padding=0)
    line.add_column(width=width + 2, no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(f"  {name}", "dim"), Text(" ".join(text.split())))
    return line


def _ending(paper: Console, report: Report, command: str) -> None:
    line = Text(words.ending(report), ENDING_STYLES.get(report.ended, "bold yellow"))
    line.append(f" (exit status {report.exit_status}); {words.effort(report)}", "not bold")
    paper.print(line)
    paper.print(Text(f"again: {command}", "dim"), soft_wrap=True)
    paper.print()
