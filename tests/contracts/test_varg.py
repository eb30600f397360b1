"""What holds for Varg alone: sums, signs, and windows that must agree whatever a missing bound means."""

from __future__ import annotations

import json
import struct
from datetime import UTC, date, datetime
from types import SimpleNamespace
from urllib.parse import parse_qs

import httpx2
import pytest

from tests.contracts.in_process import broken, plain, run
from usage_contracts.looks.varg import look, look_at_signs
from usage_contracts.target import Answer, Call

RUN = SimpleNamespace(live=False, now=datetime(2026, 11, 18, 12, tzinfo=UTC))


def answer(*costs, total=None, kind="video"):
    rows = [
        {
            "job_id": f"job_{n}",
            "model": "fal:m",
            "capability": kind,
            "cost_cents": cost,
            "cache_hit": False,
            "created_at": f"2026-02-13T10:00:{n % 60:02}Z",
        }
        for n, cost in enumerate(costs)
    ]
    body = {"usage": rows, "total_cents": sum(costs) if total is None else total}
    return Answer(Call(), 200, {"content-type": "application/json"}, json.dumps(body).encode())


def failed(judgements):
    return [one.behaviour for one in judgements if not one.held]


def single_precision(costs):
    added = 0.0
    for cost in costs:
        added = struct.unpack("f", struct.pack("f", added + cost))[0]
    return added


@pytest.mark.parametrize(
    ("costs", "total", "held"),
    [
        ([0.1] * 30, None, True),
        ([1e15 + 1.5, 3e15, 7e14 + 0.25], 4.70000000000000175e15, True),
        ([25.000000002] * 40, 1000, True),
        ([46.17] * 40, single_precision([46.17] * 40), False),
        ([340_000_007] * 40, single_precision([340_000_007] * 40), False),
        ([250_000] * 40, 10_000_005, False),
    ],
)
def test_a_total_may_be_off_by_rounding_alone(costs, total, held):
    assert ("varg.total-is-sum" not in failed(look(RUN, answer(*costs, total=total)))) is held


@pytest.mark.parametrize(
    ("costs", "held"),
    [
        ([25, 60, -12.5], True),
        ([25, 25, 25, -25, -25, -25], True),
        ([25, 60, 7, -25, -60, -3.5], True),
        ([-25, -60], True),
        ([-25, -60, -7], False),
        ([25, 60, -1, -1, -1], False),
        ([], True),
    ],
)
def test_some_costs_may_be_refunds_and_not_as_a_rule(costs, held):
    assert (failed(look_at_signs(answer(*costs))) == []) is held


def test_a_field_may_be_missing_and_not_be_named_otherwise():
    bare, camel = ({"usage": [{name: 3}], "total_cents": 3} for name in ("cost", "costCents"))
    told = {
        name: failed(look(RUN, Answer(Call(), 200, {}, json.dumps(body).encode())))
        for name, body in (("bare", bare), ("camel", camel))
    }

    assert told == {"bare": [], "camel": ["varg.schema"]}


def spoiling(change):
    """Another window is answered in place of the asked one; `change` gets both days, or None for a missing one."""

    def spoil(request, reply):
        if reply.status != 200:
            return plain(request, reply)
        query = parse_qs(request.url.query.decode())
        asked = {name: date.fromisoformat(query[name][0]) for name in ("from", "to") if name in query}
        body = json.loads(reply.body)
        kept = [
            row
            for row in body["usage"]
            if change(asked.get("from"), asked.get("to"), date.fromisoformat(row["created_at"][:10]))
        ]
        told = {"usage": kept, "total_cents": sum(row["cost_cents"] for row in kept)}
        return httpx2.Response(200, json=told)

    return spoil


def test_an_empty_wide_window_is_held_against_a_narrow_one_with_records():
    spoil = spoiling(lambda first, last, _: not (first and last and first.year < last.year))

    assert "varg.nothing-left-out" in broken(run("varg", spoil=spoil))


@pytest.mark.parametrize(
    "keeps",
    [
        lambda _first, last, day: last is None or day < last,
        lambda first, _last, day: first is None or day > first,
        lambda first, last, _day: first is None or first != last,
    ],
    ids=["end excluded", "start excluded", "single days empty"],
)
def test_a_real_service_is_told_to_leave_out_an_end_whatever_its_zone(keeps):
    report = run("varg", spoil=spoiling(keeps), live=True)

    assert "varg.both-ends-included" in broken(report)
    assert report.requests <= 40
