"""Commands and what they spend: seconds of wall and of CPU, memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PATIENCE = 10.0


class Spent(NamedTuple):
    """What a command that has ended took, and what it said."""

    wall: float
    cpu: float
    out: str


class Failed(RuntimeError):
    """A command that did not do what it was asked; the text says which and what it said."""


def environment() -> dict[str, str]:
    """Ours, without what would change what is measured."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("USAGEKIT_", "PYTEST_"))
    }
    # Else every start compiles our modules again, which no installed package does.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept


def spent(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    statuses: Sequence[int] = (0,),
    variables: Mapping[str, str] | None = None,
) -> Spent:
    """Run a command to its end; Failed when its exit status is none of these."""
    begun = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=cwd,
            env={**environment(), **(variables or {})},
        ) as process,
    ):
        try:
            assert process.stdout is not None
            out = process.stdout.read()
            # Of this child and its own children alone, which getrusage could not tell from the others'.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            _interrupted(process)
            raise
        wall = time.perf_counter() - begun
        if process.returncode not in statuses:
            errors.seek(0)
            told = out + errors.read()
            raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{told}")
    return Spent(wall, usage.ru_utime + usage.ru_stime, out)


def _interrupted(process: subprocess.Popen[str]) -> None:
    """End a command so that it can end what it started itself."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()


class Running:
    """A server in a process of its own, on `port` of this machine; `born` is when it was started."""

    def __init__(self, process: subprocess.Popen[str], born: float) -> None:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        self.port = int(line.rpartition(":")[2]) if line.rpartition(":")[2].isdigit() else 0
        if not self.port:
            raise Failed(f"the server did not start: {line}{process.stdout.read()}")
        self.born = born
        self._pid = process.pid

    def cpu(self) -> float:
        """CPU seconds it has used so far, to the nanosecond, which /proc would round to hundredths."""
        return time.clock_gettime((~self._pid << 3) | 2)

    def memory(self) -> float:
        """What it holds in memory, in MB."""
        return self._status("VmRSS")

    def peak(self) -> float:
        """The most it ever held in memory, in MB."""
        return self._status("VmHWM")

    def _status(self, field: str) -> float:
        status = Path(f"/proc/{self._pid}/status").read_text("utf-8")
        return int(status.partition(f"{field}:")[2].split()[0]) / 1024


@contextmanager
def started(command: Sequence[str]) -> Iterator[Running]:
    """A server that prints its port, or a URL that ends with it, as the end of its first line."""
    born = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    )
    try:
        yield Running(process, born)
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            print(f"bench: a server did not end in {PATIENCE:g} s and was killed", file=sys.stderr)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def usagekit(*words: str) -> list[str]:
    """Our command."""
    return [sys.executable, "-m", "usagekit", *words]
