"""The collector against fake services that refuse, break and ask to wait; no test really waits."""

import json
from datetime import date

import httpx
import pytest
import pytest_asyncio

from collector import SERVICES, Collector, main

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 14)
SERVICE = {service.name: service for service in SERVICES}


class Naps(list):
    """Stands in for asyncio.sleep: notes how long, and returns at once."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def naps():
    return Naps()


@pytest_asyncio.fixture
async def collector(usage_env, naps):
    async with httpx.AsyncClient() as client:
        yield Collector(client, sleep=naps)


async def collected(collector, name):
    return [record["answer"] async for record in collector.collect(SERVICE[name], FIRST, LAST)]


async def test_supertone_is_asked_for_thirty_days_at_a_time(collector, supertone):
    supertone.expect_no_errors()
    answers = await collected(collector, "supertone")
    asked = [(request.query["start_date"], request.query["end_date"]) for request in supertone.requests]
    assert asked == [("2026-01-01", "2026-01-30"), ("2026-01-31", "2026-03-01"), ("2026-03-02", "2026-03-14")]
    days = [row["date"] for answer in answers for row in answer["usages"]]
    assert days == sorted(days)
    assert (days[0], days[-1]) >= ("2026-01-01", "2026-03-13")


@pytest.mark.parametrize("name", SERVICE)
async def test_every_service_answers_as_it_is(collector, usage, name):
    usage.expect_no_errors()
    assert await collected(collector, name)


async def test_a_limit_is_waited_for_as_long_as_the_service_says(collector, varg, naps):
    varg.fault("rate-limit", limit=1, window=7)
    await collected(collector, "varg")
    with pytest.raises(httpx.HTTPStatusError, match="429"):
        await collected(collector, "varg")
    assert naps
    assert all(0 < seconds <= 7 for seconds in naps)


@pytest.mark.parametrize("fault", [429, 503, "reset"])
async def test_trouble_that_passes_costs_only_time(collector, surnex, naps, fault):
    surnex.fault(fault, times=2)
    assert len(await collected(collector, "surnex")) == 1
    assert naps == [2, 4]


async def test_a_refused_key_is_not_tried_again(collector, lyrcs, naps, monkeypatch):
    monkeypatch.setenv("LYRCS_API_KEY", "wrong")
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        await collected(collector, "lyrcs")
    lyrcs.requests.assert_called_once()
    assert naps == []


async def test_one_service_that_fails_leaves_the_others_complete(usage_env, varg, capsys, monkeypatch):
    monkeypatch.setattr("collector.ATTEMPTS", 1)
    varg.fault("reset")
    assert await main(str(FIRST), str(LAST)) == 1
    out, err = capsys.readouterr()
    names = [json.loads(line)["service"] for line in out.splitlines()]
    assert sorted(names) == ["lyrcs", "somya", "supertone", "supertone", "supertone", "surnex"]
    assert err.startswith("varg: ReadError(")
