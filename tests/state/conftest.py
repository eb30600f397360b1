"""One Redis for all tests of a process, emptied for each; and others that a test may ruin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.state.redis_server import RedisServer
from tests.state.replicas import Memory, Replica


@pytest.fixture(scope="session")
def common_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis(common_redis: RedisServer) -> RedisServer:
    common_redis.ask("FLUSHALL")
    return common_redis


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def replica() -> Iterator[Callable[..., Replica]]:
    made: list[Replica] = []

    def make(url: str, **options: object) -> Replica:
        made.append(Replica(url, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def pair(redis: RedisServer, replica: Callable[..., Replica]) -> tuple[Replica, Replica]:
    return replica(redis.url), replica(redis.url)


@pytest.fixture
def memory() -> Iterator[Memory]:
    made = Memory()
    yield made
    made.close()
