"""The same report through whichever HTTP client a project happens to use; the production address is fixed."""

import asyncio
import os
from urllib.request import Request, urlopen

VARG = "https://api.varg.ai/v1/usage"


def key() -> dict[str, str]:
    return {"Authorization": f"Bearer {os.environ['VARG_API_KEY']}"}


def with_urllib() -> tuple[int, bytes]:
    with urlopen(Request(VARG, headers=key()), timeout=5) as reply:
        return reply.status, reply.read()


def with_urllib3() -> tuple[int, bytes]:
    import urllib3

    with urllib3.PoolManager() as pool:
        reply = pool.request("GET", VARG, headers=key(), timeout=5, retries=False)
        return reply.status, reply.data


def with_requests() -> tuple[int, bytes]:
    import requests

    reply = requests.get(VARG, headers=key(), timeout=5)
    return reply.status_code, reply.content


def with_httpx() -> tuple[int, bytes]:
    import httpx

    reply = httpx.get(VARG, headers=key())
    return reply.status_code, reply.content


def with_httpx2() -> tuple[int, bytes]:
    import httpx2

    reply = httpx2.get(VARG, headers=key())
    return reply.status_code, reply.content


def with_aiohttp() -> tuple[int, bytes]:
    import aiohttp

    async def ask() -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session, session.get(VARG, headers=key()) as reply:
            return reply.status, await reply.read()

    return asyncio.run(ask())
