"""Reports as one page: no script, nothing loaded from anywhere, readable in the dark and on a phone."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from usage_contracts.masking import Mask
from usage_contracts.reports import words
from usage_contracts.reports.chart import Chart, chart
from usage_contracts.verdict import Exit, Outcome, Report, Verdict
from usage_specs import load

HERE = Path(__file__).parent
SIGNS = {
    Outcome.BROKEN: "✕",
    Outcome.DIFFERS: "≠",
    Outcome.ACCEPTED: "◆",
    Outcome.HELD: "✓",
    Outcome.NOT_EXERCISED: "–",
}
TONES = {Exit.CLEAN: "held", Exit.BROKEN: "broken"}


def write(reports: Sequence[Report], *, mask: Mask, title: str = "usagekit contract report") -> str:
    """One self-contained HTML page; its style is the only thing that its own policy lets a browser load."""
    style = (HERE / "report.css").read_text("utf-8")
    shown = [mask.report(report) for report in reports]
    sections = [Section.of(number, report) for number, report in enumerate(shown)]
    page = _environment().get_template("report.html.j2")
    return page.render(
        title=mask.text(title),
        style=Markup(style),  # noqa: S704
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        tone=_tone(shown),
        headline=_headline(shown),
        sections=sections,
        matrix=list(_matrix(sections)),
        outcomes=[(outcome, SIGNS[outcome]) for outcome in words.ORDER],
        version=words.tool_version(),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["kind"] = _class
    environment.filters["coded"] = _coded
    environment.globals["words"] = words
    environment.globals["signs"] = SIGNS
    return environment


def _class(outcome: Outcome) -> str:
    return outcome.value.replace(" ", "-")


def _coded(text: str) -> Markup:
    """Text of the register, what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704


def _tone(reports: Sequence[Report]) -> str:
    return {0: "held", 1: "broken"}.get(words.worst(reports), "unsure")


def _headline(reports: Sequence[Report]) -> str:
    broken = sum(len(report.failing) for report in reports)
    if broken:
        return f"{broken} behaviour{'' if broken == 1 else 's'} broken"
    unsure = sum(report.exit_status != 0 for report in reports)
    if unsure:
        return f"{unsure} of {len(reports)} runs could not be judged"
    held = sum(len(report.of(Outcome.HELD)) for report in reports)
    return f"All {held} exercised behaviours held"


@dataclass(frozen=True, slots=True)
class Section:
    """One report as the page shows it."""

    number: int
    report: Report
    title: str
    url: str
    tone: str
    findings: tuple[dict[str, Any], ...]
    chart: Chart | None

    @classmethod
    def of(cls, number: int, report: Report) -> Section:
        """The section for this report, the number-th of the page."""
        service = load(report.provider).service
        found = [verdict for outcome in words.ORDER for verdict in report.of(outcome) if verdict.finding]
        calls = {call for verdict in found if verdict.finding for call in verdict.finding.calls}
        return cls(
            number=number,
            report=report,
            title=service.title,
            url=f"{report.origin}{service.path}",
            tone=TONES.get(report.ended, "unsure"),
            findings=tuple(_finding(report, verdict) for verdict in found),
            chart=chart(report.calls, calls),
        )

    @property
    def shares(self) -> list[tuple[Outcome, int, float]]:
        """Outcomes that occur, how often, and in percent."""
        counts = [(outcome, len(self.report.of(outcome))) for outcome in words.ORDER]
        whole = sum(count for _, count in counts) or 1
        return [(outcome, count, round(100 * count / whole, 2)) for outcome, count in counts if count]

    def anchor(self, behaviour: str) -> str:
        """The page-wide name of a behaviour of this report."""
        return f"r{self.number}-{behaviour}"


def _finding(report: Report, verdict: Verdict) -> dict[str, Any]:
    finding = verdict.finding
    assert finding is not None
    lines = words.curls(report, finding)
    answers = [words.answered(answer) for answer in finding.answers]
    return {"verdict": verdict, "finding": finding, "steps": list(zip(lines, answers, strict=True))}


UNLIKE, SHARED = "Not as documented", "Asked of several services"
Row = tuple[str, list[Verdict | None]]


def _matrix(sections: Sequence[Section]) -> Iterator[tuple[str, bool, list[Row]]]:
    """The rows in groups, each with its name and whether it is open; what needs eyes comes first."""
    rows: dict[str, list[Verdict | None]] = {}
    for section in sections:
        for verdict in section.report.verdicts:
            slug = verdict.behaviour.id.partition(".")[2]
            cells = rows.setdefault(slug, [None] * len(sections))
            cells[section.number] = verdict
    groups: dict[str, list[Row]] = {}
    for slug, cells in rows.items():
        groups.setdefault(_group(sections, cells), []).append((slug, cells))
    names = [UNLIKE, SHARED, *(_alone(sections, section) for section in sections)]
    for name in dict.fromkeys(names):
        if name in groups:
            yield name, name in names[:2] or len(sections) == 1, groups[name]


def _group(sections: Sequence[Section], cells: Sequence[Verdict | None]) -> str:
    filled = [(section, cell) for section, cell in zip(sections, cells, strict=True) if cell]
    if any(cell.finding for _, cell in filled):
        return UNLIKE
    return SHARED if len(filled) > 1 else _alone(sections, filled[0][0])


def _alone(sections: Sequence[Section], section: Section) -> str:
    return f"{section.title} only" if len(sections) > 1 else section.title
