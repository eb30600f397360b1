"""Surnex: calls to upstream data providers and visibility snapshots, rolled up over a range of instants.

The real service validates with zod, very likely under Hono; figures are summed in whole numbers (calls,
milliseconds, micro-dollars) and only printed as decimals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from usage_mockserver import zod
from usage_mockserver.account import Account
from usage_mockserver.chance import Chance
from usage_mockserver.credentials import accepts, presented
from usage_mockserver.decimals import decimal_text
from usage_mockserver.http import Reply, Request, grouped, json_bytes
from usage_mockserver.instants import nearest_datetime, read_rfc3339
from usage_mockserver.ledger import Views
from usage_mockserver.providers.surnex_events import (
    DOCS,
    PROJECTS,
    STATES,
    UPSTREAMS,
    Call,
    Snapshot,
    seeded,
)
from usage_mockserver.providers.surnex_parts import (
    Tally,
    Usage,
    joined,
    longest,
    named,
    part_of_all,
    parts_by_project,
    rolled_up,
)
from usage_specs import load

__all__ = ["DOCS", "EVENTS", "PROJECTS", "SERVICE", "Call", "Snapshot", "answer", "seeded"]

SERVICE = load("surnex").service
EVENTS: dict[str, type[Any]] = {"call": Call, "snapshot": Snapshot}

DOCS_ACCOUNT = "0f1ce1f3-d6fc-4f1e-9d31-2ed5b1f6ef34"
"""The account id of the vendor's printed example."""

NO_STATES = (0,) * len(STATES)
PARAMETERS = ("project_id", "provider", "from", "to")


VIEWS = Views(sheets=(part_of_all,))


class RefusalError(Exception):
    """A request that gets no figures: status, code, message, details, and the deciding behaviour."""

    def __init__(self, status: int, code: str, message: str, details: Any, behaviour: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message}
        self.details = details
        self.behaviour = behaviour


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid question: the parameters as written, and the bounds in microseconds since the year 1."""

    project: str | None
    provider: str | None
    written: tuple[str | None, str | None]
    begin: int | None
    end: int | None


def answer(request: Request, account: Account) -> Reply:
    """Surnex's answer to one request, whatever the request is."""
    unique = account.switches["request-id"] == "unique"
    request_id = request_id_for(account.seed, request.target, account.requests if unique else 0)
    kind = "application/json"
    try:
        status, (body, behaviour) = 200, _rolled_up(request, account)
    except RefusalError as refusal:
        status, behaviour = refusal.status, refusal.behaviour
        error = {**refusal.error, "request_id": request_id, "details": refusal.details}
        body = json_bytes({"error": error})
        if status == 404 and account.switches["not-found"] == "text":
            kind, body = "text/plain; charset=UTF-8", b"404 Not Found"
    headers = (("content-type", kind), ("x-request-id", request_id))
    return Reply(status, headers, body, behaviour, keep=not unique)


def request_id_for(seed: int, target: str, count: int) -> str:
    """The id of one request; `count` tells repeated ones apart."""
    text = f"{seed}\x1f{count}\x1f{target}"
    return f"req_{blake2b(text.encode('utf-8', 'backslashreplace'), digest_size=12).hexdigest()}"


def _rolled_up(request: Request, account: Account) -> tuple[bytes, str]:
    if request.method not in ("GET", "HEAD") or request.path != SERVICE.path:
        raise RefusalError(404, "NOT_FOUND", "Not found", {}, "surnex.not-found-envelope")
    _check_keys(request, account)
    asked = _asked(grouped(request.query), account)
    foreign = asked.project is not None and not _has_project(account, asked.project)
    if foreign and account.switches["unknown-project"] == "not-found":
        raise RefusalError(404, "NOT_FOUND", "Project not found", {}, "surnex.unknown-project-not-found")
    usage = _usage(asked, account)
    return _rendered(asked, usage, account), _behaviour(asked, usage, account)


def _check_keys(request: Request, account: Account) -> None:
    keys = [presented(request, credential) for credential in SERVICE.credentials]
    given = [key for key in keys if key is not None]
    if given and all(accepts(SERVICE, key, account.keys) for key in given):
        return
    behaviour = "surnex.wrong-key-refused" if given else "surnex.key-required"
    reason = {"reason": "missing_or_invalid_api_key"}
    raise RefusalError(401, "UNAUTHORIZED", "Unauthorized", reason, behaviour)


def _asked(query: Mapping[str, list[str]], account: Account) -> Asked:
    """The question, once every parameter is valid; else the findings of all of them, in declared order."""
    bounds = {name: read_rfc3339(query[name][0]) for name in ("from", "to") if name in query}
    found = [
        finding
        for name in PARAMETERS
        if name in query and (finding := _finding(name, query[name], bounds, account)) is not None
    ]
    if found:
        raise _invalid([issue for issue, _ in found], found[0][1])
    begin, end = bounds.get("from"), bounds.get("to")
    if begin is not None and end is not None:
        refused = begin == end and account.switches["equal-bounds"] == "refuse"
        if begin > end or refused:
            order = [zod.custom("from", "from must be before to")]
            raise _invalid(order, "surnex.equal-bounds-refused" if refused else "surnex.range-order")
    project, provider, start, stop = (query[name][0] if name in query else None for name in PARAMETERS)
    return Asked(project and project.lower(), provider, (start, stop), begin, end)


def _finding(
    name: str, values: Sequence[str], bounds: Mapping[str, int | None], account: Account
) -> tuple[zod.Issue, str] | None:
    """What is wrong with one parameter, and the behaviour that says so."""
    version, value = account.switches["zod"], values[0]
    if len(values) > 1:
        return zod.repeated(name, version), "surnex.validation-issues"
    if name == "project_id":
        valid = zod.is_uuid(value, version)
        return None if valid else (zod.bad_uuid(name, version), "surnex.bad-project-refused")
    if not value:
        return zod.empty(name, version), "surnex.empty-parameter-refused"
    if name == "provider":
        if account.switches["unknown-provider"] == "empty" or _has_provider(account, value):
            return None
        issue = zod.not_an_option(name, value, UPSTREAMS, version)
        return issue, "surnex.unknown-provider-answered"
    if bounds[name] is None:
        return zod.custom(name, f"{name} must be an ISO 8601 date or date-time"), "surnex.bad-date-refused"
    return None


def _invalid(issues: list[zod.Issue], behaviour: str) -> RefusalError:
    return RefusalError(400, "VALIDATION_ERROR", "Invalid request", {"issues": issues}, behaviour)


def _has_project(account: Account, project: str) -> bool:
    return project in PROJECTS or any(project in names for names, _ in account.ledger.added_parts(named))


def _has_provider(account: Account, provider: str) -> bool:
    return provider in UPSTREAMS or any(provider in names for _, names in account.ledger.added_parts(named))


def _usage(asked: Asked, account: Account) -> Usage:
    """What was used in the asked range, by the asked project and provider."""
    begin = None if asked.begin is None else nearest_datetime(asked.begin)
    reach = 1 if account.switches["bound-end"] == "inclusive" else 0
    end = None if asked.end is None else nearest_datetime(asked.end + reach)
    if asked.project is None:
        return rolled_up(account.sheets(part_of_all, begin, end, joined), asked.provider)
    sheets = account.sheets(parts_by_project, begin, end)
    return rolled_up([sheet[asked.project] for sheet in sheets if asked.project in sheet], asked.provider)


def _rendered(asked: Asked, usage: Usage, account: Account) -> bytes:
    nothing = "0" if account.switches["no-calls-latency"] == "zero" else "null"
    label = asked.provider
    if label is None:
        only = account.switches["unfiltered-provider"] == "only" and len(usage.tallies) == 1
        label = next(iter(usage.tallies)) if only else "all"
    operations: dict[str, dict[str, int]] = {provider: {} for provider in usage.tallies}
    of_all: dict[str, int] = {}
    for (provider, name), count in usage.operations.items():
        if provider in operations:
            operations[provider][name] = count
    for counts in operations.values():
        for name, count in counts.items():
            of_all[name] = of_all.get(name, 0) + count
    entries = [
        f"{_quoted(name)}:{_entry(tally, operations[name], nothing)}" for name, tally in usage.tallies.items()
    ]
    states = ",".join(
        [f'"{state}":{count}' for state, count in zip(STATES, usage.states or NO_STATES, strict=True)]
    )
    start, stop = (f'"{text}"' if text else "null" for text in asked.written)
    return (
        f'{{"account_id":"{_account_id(account.seed, account.scenario)}",'
        f'"range":{{"from":{start},"to":{stop}}},"provider":{_quoted(label)},'
        f'"totals":{_entry(usage.totals, of_all, nothing)},"providers":{{{",".join(entries)}}},'
        f'"snapshots":{{"snapshots_total":{sum(usage.states)},'
        f'"snapshots_by_status":{{{states}}}}}}}'
    ).encode("utf-8", "backslashreplace")


def _entry(tally: Tally, operations: Mapping[str, int], nothing: str) -> str:
    """One rollup as JSON, operations by their first call; the average is rounded half up to 0.01 ms."""
    ok, client, server, cost, waited, latencies = tally
    calls = ok + client + server
    average, p95 = nothing, nothing
    if calls:
        average = decimal_text((200 * waited + calls) // (2 * calls), 2)
        p95 = str(latencies[-longest(calls)])
    by_operation = ",".join([f"{_quoted(name)}:{count}" for name, count in operations.items()])
    return (
        f'{{"calls_total":{calls},"calls_by_operation":{{{by_operation}}},'
        f'"avg_latency_ms":{average},"p95_latency_ms":{p95},'
        f'"http_status_counts":{{"2xx":{ok},"4xx":{client},"5xx":{server}}},'
        f'"estimated_cost_usd":{decimal_text(cost, 6)}}}'
    )


@lru_cache(maxsize=1024)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@lru_cache(maxsize=256)
def _account_id(seed: int, scenario: str) -> str:
    return DOCS_ACCOUNT if scenario == "docs" else Chance("surnex", seed, "account").uuid4()


def _behaviour(asked: Asked, usage: Usage, account: Account) -> str:
    """The id of the claim that explains an answer best."""
    if asked.project is not None and not _has_project(account, asked.project):
        return "surnex.unknown-project-empty"
    if asked.provider is not None and not _has_provider(account, asked.provider):
        return "surnex.unknown-provider-empty"
    if not usage.tallies:
        late = asked.begin is not None and nearest_datetime(asked.begin) > account.now
        return "surnex.nothing-later" if late else "surnex.no-calls-no-latency"
    if asked.provider is not None:
        return "surnex.provider-filter"
    return "surnex.totals-are-sums" if asked.project is None else "surnex.filter-never-more"
