"""What Surnex's events add up to: of a day, of longer spans, and of the range that is asked for."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from operator import add
from typing import NamedTuple

from usage_mockserver.providers.surnex_events import STATES, Call, Snapshot


class Tally(NamedTuple):
    """Some calls to upstream providers: how many by status class, what they cost in micro-dollars, how many
    milliseconds they took together, and their latencies, ascending.

    Of the calls of a range only the longest latencies are there, as many as its percentile can depend on.
    """

    ok: int
    client: int
    server: int
    cost: int
    waited: int
    latencies: Sequence[int]

    @property
    def calls(self) -> int:
        """How many calls these are; every status belongs to one of the three classes."""
        return self.ok + self.client + self.server


class Part(NamedTuple):
    """What some events are: calls by upstream provider, and by that and operation in the order of their
    first call, and snapshots by state, as `STATES` lists them.

    All operations are in one dict and all states in one tuple, because nearly all of the time an answer takes
    goes into putting together small things.
    """

    tallies: dict[str, Tally]
    operations: dict[tuple[str, str], int]
    states: tuple[int, ...]


class Usage(NamedTuple):
    """What was used in a range: calls by upstream provider and of all, the rest as in a part."""

    tallies: dict[str, Tally]
    totals: Tally
    operations: dict[tuple[str, str], int]
    states: Sequence[int]


def part_of_all(events: Sequence[Call | Snapshot]) -> Part:
    """What these events are, whatever project they belong to."""
    calls: dict[str, list[Call]] = {}
    states: list[str] = []
    for event in events:
        if isinstance(event, Call):
            calls.setdefault(event.provider, []).append(event)
        else:
            states.append(event.status)
    return Part(
        {provider: tallied(some) for provider, some in calls.items()},
        {
            _pair(provider, operation): count
            for provider, some in calls.items()
            for operation, count in Counter([call.operation for call in some]).items()
        },
        tuple(map(states.count, STATES)),
    )


# The same few pairs are keys in thousands of parts.
@lru_cache(maxsize=1024)
def _pair(provider: str, operation: str) -> tuple[str, str]:
    return provider, operation


def parts_by_project(events: Sequence[Call | Snapshot]) -> dict[str, Part]:
    """What these events are for each project that has any."""
    owned: dict[str, list[Call | Snapshot]] = {}
    for event in events:
        if event.project_id is not None:
            owned.setdefault(event.project_id, []).append(event)
    return {project: part_of_all(some) for project, some in owned.items()}


def tallied(calls: Sequence[Call]) -> Tally:
    """These calls, counted."""
    classes = [call.status // 100 for call in calls]
    # An array takes a fifth of the memory of a list, and years of days are kept.
    latencies = array("q", sorted([call.latency_ms for call in calls]))
    cost = sum([round(call.cost_usd * 1_000_000) for call in calls])
    return Tally(classes.count(2), classes.count(4), classes.count(5), cost, sum(latencies), latencies)


def longest(calls: int) -> int:
    """How many latencies, the longest, tell the 95th percentile: its nearest rank is this one from the end."""
    return calls // 20 + 1


def pooled(tallies: Sequence[Tally], most: int) -> Tally:
    """All these calls as one tally with so many latencies, the longest."""
    if len(tallies) == 1:
        return tallies[0]
    ok = client = server = cost = waited = 0
    latencies: list[int] = []
    for more_ok, more_client, more_server, more_cost, more_waited, some in tallies:
        ok += more_ok
        client += more_client
        server += more_server
        cost += more_cost
        waited += more_waited
        # No more than `most` of one tally's calls can be among the longest of all.
        latencies += some[-most:]
    latencies.sort()
    return Tally(ok, client, server, cost, waited, latencies[-most:])


def rolled_up(parts: Sequence[Part], only: str | None = None) -> Usage:
    """What these parts are together, oldest first, of the calls only those to one provider if it is named."""
    by_provider: dict[str, list[Tally]] = {}
    operations: dict[tuple[str, str], int] = {}
    for part in parts:
        for provider, tally in part.tallies.items():
            by_provider.setdefault(provider, []).append(tally)
        for pair, count in part.operations.items():
            operations[pair] = operations.get(pair, 0) + count
    names = sorted(by_provider) if only is None else [only] if only in by_provider else []
    most = longest(sum([tally.calls for name in names for tally in by_provider[name]]))
    tallies = {name: pooled(by_provider[name], most) for name in names}
    totals = pooled([*tallies.values()], most)
    return Usage(tallies, totals, operations, [*map(sum, zip(*[part.states for part in parts], strict=True))])


def joined(one: Part, other: Part) -> Part:
    """Both together, the older one first."""
    tallies = dict(one.tallies)
    for provider, tally in other.tallies.items():
        if provider in tallies:
            # All latencies stay: a range that this will belong to may depend on any of them.
            whole = pooled((tallies[provider], tally), tallies[provider].calls + tally.calls)
            tally = whole._replace(latencies=array("q", whole.latencies))
        tallies[provider] = tally
    operations = dict(one.operations)
    for pair, count in other.operations.items():
        operations[pair] = operations.get(pair, 0) + count
    return Part(tallies, operations, tuple(map(add, one.states, other.states)))


def named(events: Sequence[Call | Snapshot]) -> tuple[set[str | None], set[str]]:
    """The projects and the upstream providers that occur in these events."""
    calls = [event for event in events if isinstance(event, Call)]
    return {event.project_id for event in events}, {call.provider for call in calls}
