"""Contract runs over fakes without a socket, so that hundreds of them take seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2

from usage_contracts.engine import Profile, check
from usage_contracts.transport import HttpTarget, Limits
from usage_contracts.verdict import Outcome, Report
from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock
from usage_mockserver.http import Reply
from usage_mockserver.world import Settings, World
from usage_specs import load

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
Spoil = Callable[[httpx2.Request, Reply], httpx2.Response]


def plain(_: httpx2.Request, reply: Reply) -> httpx2.Response:
    """The fake's reply as it is."""
    return httpx2.Response(reply.status, headers=list(reply.headers), content=reply.body)


class Fake(httpx2.BaseTransport):
    """A fake behind an httpx transport; `spoil` may change what it says, `seen` keeps what it was asked."""

    def __init__(self, world: World, spoil: Spoil = plain) -> None:
        self.app = create_app(world)
        self.spoil = spoil
        self.seen: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self.app.handle(
            request.method,
            "127.0.0.1",
            request.url.raw_path.partition(b"?")[0].decode(),
            request.url.query.decode(),
            headers,
        )
        return self.spoil(request, reply)


def world_of(provider: str, **settings: object) -> World:
    """A world of one provider that stands still at NOW and takes its demo key only."""
    keys = (load(provider).service.demo_key,)
    chosen = {"clock": Clock().travel_to(NOW), "keys": keys, **settings}
    return World([provider], Settings(**chosen))


def run(
    provider: str,
    *,
    world: World | None = None,
    spoil: Spoil = plain,
    key: str | None = None,
    limits: Limits | None = None,
    live: bool = False,
    transport: httpx2.BaseTransport | None = None,
    now: datetime = NOW,
    **options: object,
) -> Report:
    """One contract run over a fake, or over any other transport."""
    service = load(provider).service
    bounds = limits or Limits(requests=600, live=live, sleep=lambda _: None)
    chosen = transport or Fake(world or world_of(provider), spoil)
    with HttpTarget(
        service, "http://127.0.0.1", key=key or service.demo_key, limits=bounds, transport=chosen
    ) as target:
        return check(target, limits=bounds, profile=Profile(now=now, live=live, **options))


def broken(report: Report) -> dict[str, str]:
    """What a report holds against the server: behaviour and what was observed."""
    return {
        verdict.behaviour.id: verdict.finding.observed
        for verdict in report.of(Outcome.BROKEN)
        if verdict.finding is not None
    }
