"""Reports for CI servers: JUnit XML, one suite per report and one test case per behaviour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from usage_contracts.masking import Mask
from usage_contracts.reports import words
from usage_contracts.verdict import Exit, Outcome, Report, Verdict

RUN = "run"
"""The test case of the run itself: an error when nothing could be judged, lest CI take it for green."""

# What XML 1.0 has no way to write; masking has spelled out all but the last two already.
_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(reports: Sequence[Report], *, mask: Mask, now: datetime | None = None) -> str:
    """One XML document, valid for the strict Ant schema too; `now` is when the runs ended."""
    root = ET.Element("testsuites")
    ended = (now or datetime.now(UTC)).astimezone(UTC)
    for number, report in enumerate(reports):
        _suite(root, mask.report(report), number, ended)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(root: ET.Element, report: Report, number: int, ended: datetime) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": f"usagekit.{report.provider}",
            "package": "usagekit",
            "id": str(number),
            "timestamp": (ended - timedelta(seconds=report.seconds)).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": _plain(urlsplit(report.origin).hostname or "localhost"),
        },
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ET.SubElement(properties, "property", {"name": name, "value": _plain(value)})
    for verdict in report.verdicts:
        _case(suite, report, verdict)
    run = ET.SubElement(suite, "testcase", _named(report, RUN, f"{report.seconds:.3f}"))
    if report.ended in {Exit.UNREACHED, Exit.UNTESTED}:
        _tell(run, "error", words.ending(report), report.ended.value)
    for kind in ("failure", "error", "skipped"):
        name = {"failure": "failures", "error": "errors"}.get(kind, kind)
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{report.seconds:.3f}")
    ET.SubElement(suite, "system-out").text = _plain("\n".join([words.ending(report), *report.notes]))
    ET.SubElement(suite, "system-err")


def _properties(report: Report) -> dict[str, str]:
    return {
        "origin": report.origin,
        "seed": str(report.seed),
        "requests": str(report.requests),
        "exit-status": str(report.exit_status),
        "again": words.again(report),
    }


def _named(report: Report, name: str, time: str = "0.000") -> dict[str, str]:
    return {"classname": f"usagekit.{report.provider}", "name": name, "time": time}


def _case(suite: ET.Element, report: Report, verdict: Verdict) -> None:
    case = ET.SubElement(suite, "testcase", _named(report, verdict.behaviour.id.partition(".")[2]))
    if verdict in report.failing:
        _tell(
            case,
            "failure",
            verdict.behaviour.claim,
            verdict.behaviour.evidence.value,
            words.details(report, verdict),
        )
    elif verdict.outcome is Outcome.HELD:
        return
    elif verdict.finding is None:
        _tell(case, "skipped", f"{verdict.outcome.value}: {verdict.reason}")
    else:
        told = f": {verdict.reason}" if verdict.reason else ""
        _tell(case, "skipped", f"{verdict.outcome.value}{told}", details=words.details(report, verdict))


def _tell(case: ET.Element, name: str, message: str, kind: str = "", details: str = "") -> None:
    # The strict schema wants the type of what went wrong and knows no type of a skip.
    extra = {"type": kind} if kind else {}
    told = ET.SubElement(case, name, {"message": _plain(message), **extra})
    told.text = _plain(details or message)


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
