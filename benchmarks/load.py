"""Asks a server as fast as it answers: with wrk where there is one, else with a small client of our own."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

from benchmarks.machine import tool
from benchmarks.questions import Question

CONNECTIONS = 32
# wrk counts in whole seconds, but ends in order when it is interrupted.
LONGEST = 3600
BEGINNING = 0.2
"""Seconds after which wrk surely hears an interrupt."""
LUA = """
local paths, place = {{ {paths} }}, 0
request = function()
  place = place + 1
  local path = paths[(place - 1) % #paths + 1]
  return wrk.format("GET", {path})
end
"""
_runs = count(1)


def client() -> str:
    """Who asks, for the record."""
    name = "wrk" if tool("wrk") else "the asyncio client of benchmarks/load.py (wrk is not installed)"
    return f"{name} over {CONNECTIONS} connections"


def ask(port: int, question: Question, seconds: float) -> int:
    """How many requests were answered, each with the right status, in about this time.

    RuntimeError when an answer had another status.
    """
    if tool("wrk"):
        return _wrk(port, question, seconds)
    return asyncio.run(_own(port, question, seconds))


def _unlike(path: str) -> tuple[str, str]:
    """A path that was never asked before, up to the number that each request adds."""
    return path + ("&" if "?" in path else "?"), f"n={next(_runs)}."


# -- wrk ------------------------------------------------------------------------------------------------


def _wrk(port: int, question: Question, seconds: float) -> int:
    fields = [word for name, value in question.headers.items() for word in ("-H", f"{name}: {value}")]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "paths.lua"
        script.write_text(_script(question), encoding="utf-8")
        size = ["-t1", f"-c{CONNECTIONS}", f"-d{LONGEST}s", "-s", str(script)]
        with subprocess.Popen(
            ["wrk", *size, *fields, f"http://127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                time.sleep(max(seconds, BEGINNING))
                process.send_signal(signal.SIGINT)
                told, _ = process.communicate(timeout=60)
            except BaseException:
                process.kill()
                raise
    return _counted(told, question.status)


def _script(question: Question) -> str:
    if not question.fresh:
        return LUA.format(paths=", ".join(f'"{path}"' for path in question.paths), path="path")
    unlike = ["".join(_unlike(path)) for path in question.paths]
    return LUA.format(paths=", ".join(f'"{path}"' for path in unlike), path="path .. place")


def _counted(told: str, status: int) -> int:
    found = re.search(r"(\d+) requests in", told)
    if found is None:
        raise RuntimeError(f"wrk says something new:\n{told}")
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    wrong = int(failed[1]) if failed else 0
    if wrong != (0 if status < 400 else int(found[1])):
        raise RuntimeError(f"not every answer was a {status}:\n{told}")
    return int(found[1])


# -- our own --------------------------------------------------------------------------------------------


class Asking(asyncio.Protocol):
    """One connection that asks again as soon as it has the answer, until the time is over."""

    def __init__(self, heads: Iterator[bytes], status: int) -> None:
        self._heads = heads
        self._expected = b"HTTP/1.1 %d " % status
        self._end = 0.0
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the others."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def begin(self, end: float) -> None:
        """Ask until then."""
        self._end = end
        if self._transport is not None:
            self._transport.write(next(self._heads))

    def data_received(self, data: bytes) -> None:
        """Take what there is of the answer; once it is complete, ask again."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        if not self._buffer.startswith(self._expected):
            self._end_with(RuntimeError(f"wanted {self._expected!r}, got {bytes(self._buffer[:end])!r}"))
            return
        place = self._buffer.find(b"content-length: ", 0, end) + len(b"content-length: ")
        if len(self._buffer) < end + int(self._buffer[place : self._buffer.find(b"\r", place)]):
            return
        self._buffer.clear()
        self.answered += 1
        if time.perf_counter() >= self._end:
            self._end_with(None)
        elif self._transport is not None:
            self._transport.write(next(self._heads))

    def connection_lost(self, error: Exception | None) -> None:
        """A server that closes is wrong here."""
        self._end_with(error or RuntimeError("the server closed a connection"))

    def _end_with(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)
        if self._transport is not None:
            self._transport.abort()


async def _own(port: int, question: Question, seconds: float) -> int:
    heads = _heads(port, question)
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Asking(heads, question.status), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    # Not before all are there: on a busy machine that alone can take as long as the load.
    end = time.perf_counter() + seconds
    for _, asking in made:
        asking.begin(end)
    ended = await asyncio.gather(*(asking.done for _, asking in made), return_exceptions=True)
    # Each has ended now, and its connection is closed in the next turn of the loop.
    await asyncio.sleep(0)
    for error in filter(None, ended):
        raise error
    return sum(asking.answered for _, asking in made)


def _heads(port: int, question: Question) -> Iterator[bytes]:
    fields = "".join(
        f"{name}: {value}\r\n" for name, value in {"Host": f"127.0.0.1:{port}", **question.headers}.items()
    )
    rest = f" HTTP/1.1\r\n{fields}\r\n".encode()
    if not question.fresh:
        yield from cycle([f"GET {path}".encode() + rest for path in question.paths])
    begins = ["GET {}{}".format(*_unlike(path)).encode() for path in question.paths]
    for number, begin in enumerate(cycle(begins)):
        yield b"%b%d%b" % (begin, number, rest)
