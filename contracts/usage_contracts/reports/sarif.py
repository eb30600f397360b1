"""Reports for code scanning: SARIF 2.1.0, one run per report, one rule per behaviour."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from usage_contracts.masking import Mask
from usage_contracts.reports import words
from usage_contracts.verdict import Outcome, Report, Verdict
from usage_specs import Behaviour, Evidence, Spec, load

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
BASE = "USAGE_SPECS"
"""The folder of the vendored documents: where in it a sentence stands is the place of a result."""
FINGERPRINT = "usagekitBehaviour/v1"


def write(reports: Sequence[Report], *, mask: Mask) -> str:
    """One SARIF log; what a baseline accepts is a suppressed result."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(mask.report(report)) for report in reports]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _run(report: Report) -> dict[str, Any]:
    spec = load(report.provider)
    behaviours = [verdict.behaviour for verdict in report.verdicts]
    places = {behaviour.id: place for place, behaviour in enumerate(behaviours)}
    driver = {
        "name": "usagekit",
        "version": words.tool_version(),
        "rules": [_rule(behaviour) for behaviour in behaviours],
    }
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"usagekit/{report.provider}/"},
        "originalUriBaseIds": {
            BASE: {"description": {"text": "The package usage_specs, which holds the vendored documents."}}
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [
            _result(spec, report, verdict, places[verdict.behaviour.id])
            for outcome in words.ORDER
            for verdict in report.of(outcome)
            if verdict.finding is not None
        ],
        "properties": {
            "origin": report.origin,
            "seed": report.seed,
            "requests": report.requests,
            "counts": {outcome.value: len(report.of(outcome)) for outcome in Outcome},
        },
    }


def _rule(behaviour: Behaviour) -> dict[str, Any]:
    tolerated = f"\n\nTolerated: {behaviour.tolerates}" if behaviour.tolerates else ""
    return {
        "id": behaviour.id,
        "name": "".join(word.capitalize() for word in behaviour.id.replace(".", "-").split("-")),
        "shortDescription": {"text": behaviour.claim},
        "fullDescription": {"text": behaviour.claim},
        "help": {"text": f"{behaviour.evidence.value}: {words.quoted(behaviour)}{tolerated}"},
        "defaultConfiguration": {"level": _level(behaviour)},
        "properties": {"tags": ["contract", behaviour.provider, behaviour.evidence.value]},
    }


def _level(behaviour: Behaviour) -> str:
    return "note" if behaviour.evidence is Evidence.ASSUMED else "error"


def _invocation(report: Report) -> dict[str, Any]:
    return {
        "executionSuccessful": report.exit_status in {0, 1},
        "exitCode": report.exit_status,
        "exitCodeDescription": words.ending(report),
        "toolExecutionNotifications": [
            {"level": "note", "message": {"text": note}} for note in report.notes if note
        ],
    }


def _result(spec: Spec, report: Report, verdict: Verdict, place: int) -> dict[str, Any]:
    behaviour, finding = verdict.behaviour, verdict.finding
    assert finding is not None
    told = [behaviour.claim, f"Observed: {finding.observed}", f"Allowed: {finding.allowed}"]
    result = {
        "ruleId": behaviour.id,
        "ruleIndex": place,
        "kind": "fail",
        "level": "error" if verdict in report.failing else _level(behaviour),
        "message": {"text": _unlinked("\n".join([*told, *words.curls(report, finding)]))},
        "locations": [_location(spec, behaviour)],
        "partialFingerprints": {FINGERPRINT: sha256(behaviour.id.encode()).hexdigest()[:32]},
        "properties": {"outcome": verdict.outcome.value, "looks": verdict.looks},
    }
    if verdict.outcome is Outcome.ACCEPTED:
        result["suppressions"] = [{"kind": "external", "justification": verdict.reason}]
    return result


def _unlinked(text: str) -> str:
    """A message in which viewers find no link: a server's answer may hold what looks like one."""
    return text.replace("](", "] (")


def _location(spec: Spec, behaviour: Behaviour) -> dict[str, Any]:
    """The line where the broken sentence begins; a sentence that is not vendored stands in the register."""
    line = words.line(spec, behaviour)
    file = "source.md" if line else "behaviours.yaml"
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": f"{behaviour.provider}/{file}", "uriBaseId": BASE},
            "region": {"startLine": line or 1},
        },
        "logicalLocations": [{"name": behaviour.id, "kind": "behaviour"}],
    }
