"""Asks a server as fast as it answers: with wrk where there is one, else with a small client of our own."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from itertools import cycle
from pathlib import Path

CONNECTIONS = 16
LUA = """
local paths, next_one = {{ {paths} }}, 0
request = function()
  next_one = next_one % #paths + 1
  return wrk.format("GET", paths[next_one])
end
"""


def client() -> str:
    """Who asks, for the record."""
    return "wrk" if shutil.which("wrk") else "asyncio client of benchmarks/load.py (wrk is not installed)"


def ask(port: int, paths: list[str], headers: dict[str, str], seconds: float) -> int:
    """How many requests were answered with 200 in this time, going round the paths."""
    if shutil.which("wrk"):
        return _wrk(port, paths, headers, seconds)
    return asyncio.run(_own(port, paths, headers, seconds))


def _wrk(port: int, paths: list[str], headers: dict[str, str], seconds: float) -> int:
    fields = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "paths.lua"
        script.write_text(LUA.format(paths=", ".join(f'"{path}"' for path in paths)), encoding="utf-8")
        size = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
        command = ["wrk", *size, *fields, f"http://127.0.0.1:{port}"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(f"not every answer was a success:\n{told}")
    count = re.search(r"(\d+) requests in", told)
    if count is None:
        raise RuntimeError(f"wrk says something new:\n{told}")
    return int(count[1])


async def _own(port: int, paths: list[str], headers: dict[str, str], seconds: float) -> int:
    fields = "".join(
        f"{name}: {value}\r\n" for name, value in {"Host": f"127.0.0.1:{port}", **headers}.items()
    )
    heads = cycle([f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode() for path in paths])
    end = time.perf_counter() + seconds

    async def one_connection() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answered = 0
        while time.perf_counter() < end:
            writer.write(next(heads))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(head.decode())
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            answered += 1
        writer.close()
        return answered

    return sum(await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS))))
