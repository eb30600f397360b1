"""Reports for programs: one JSON document, described by `report.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from usage_contracts.masking import Mask
from usage_contracts.reports import words
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Judgement, Outcome, Report, Verdict
from usage_specs import load

VERSION = 1
"""Raised when a name goes or changes its meaning; new names may come at any time."""


def write(reports: Sequence[Report], *, mask: Mask) -> str:
    """Everything a run knows, as `report.schema.json` describes it."""
    document = {
        "version": VERSION,
        "tool": {"name": "usagekit", "version": words.tool_version()},
        "exit_status": words.worst(reports),
        "reports": [_report(mask.report(report)) for report in reports],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _report(report: Report) -> dict[str, Any]:
    service = load(report.provider).service
    return {
        "provider": report.provider,
        "title": service.title,
        "origin": report.origin,
        "path": service.path,
        "seed": report.seed,
        "strict": report.strict,
        "ended": report.ended.value,
        "exit_status": report.exit_status,
        "reason": report.reason,
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
        "again": words.again(report),
        "notes": list(report.notes),
        "counts": {outcome.value: len(report.of(outcome)) for outcome in Outcome},
        "verdicts": [_verdict(report, verdict) for verdict in report.verdicts],
        "calls": [_call(call) for call in report.calls],
    }


def _verdict(report: Report, verdict: Verdict) -> dict[str, Any]:
    behaviour = verdict.behaviour
    return {
        "behaviour": behaviour.id,
        "evidence": behaviour.evidence.value,
        "outcome": verdict.outcome.value,
        "looks": verdict.looks,
        "reason": verdict.reason,
        "claim": behaviour.claim,
        "quote": behaviour.quote,
        "where": words.place(behaviour),
        "tolerates": behaviour.tolerates,
        "finding": _finding(report, verdict.finding) if verdict.finding else None,
    }


def _finding(report: Report, finding: Judgement) -> dict[str, Any]:
    lines = words.curls(report, finding)
    return {
        "observed": finding.observed,
        "allowed": finding.allowed,
        "answers": [
            {**_call(answer.call), "curl": line, **_answer(answer)}
            for answer, line in zip(finding.answers, lines, strict=True)
        ],
    }


def _call(call: Call) -> dict[str, Any]:
    return {"method": call.method, "query": call.query, "key": call.key, "credential": call.via}


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status or None,
        "trouble": answer.trouble,
        "body": answer.body.decode("utf-8", "replace"),
    }
