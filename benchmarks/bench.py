"""Figures of this machine, now: start, requests, contract runs, fixtures, memory.

Ratios compare with a bare uvicorn that sends the same bytes in the same round. What is given is the median,
with least and most behind it. CPU seconds are those of the server's process: the figures to trust on a busy
machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from benchmarks import load
from usage_specs import PROVIDERS
from usage_specs import load as load_spec

HERE = Path(__file__).resolve().parent
NOW = date(2026, 3, 15)
TICKS = os.sysconf("SC_CLK_TCK")
PARAMETERS = {"supertone": ("start_date", "end_date"), "lyrcs": None}
FIXTURE = """
import json, time
from usagekit.fixtures import running_server
with running_server() as server:
    with server.accounts() as accounts:
        ready = time.process_time()
    def once():
        with server.accounts() as accounts:
            assert accounts.lyrcs.client.get("/api/v1/usage").status_code == 200
    once()
    first = time.process_time()
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(200):
        once()
    print(json.dumps([ready, first, (time.perf_counter() - begun) * 5, (time.process_time() - cpu) * 5]))
"""


@dataclass
class Figures:
    """Samples by name, in the order in which they are first seen; `limits` are what they are held against."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: str, limit: float | None = None) -> None:
        """One more sample."""
        self.samples.setdefault(name, []).append(value)
        self.units[name] = unit
        if limit is not None:
            self.limits[name] = limit

    def rows(self) -> Iterator[str]:
        """A line for each figure: median, least and most, limit."""
        yield f"{'':44} {'median':>10} {'least':>10} {'most':>10}  {'unit':8} limit"
        for name, values in self.samples.items():
            numbers = " ".join(
                f"{value:10.3g}" if value < 1000 else f"{value:10.0f}"
                for value in (median(values), min(values), max(values))
            )
            limit = self.limits.get(name)
            told = "" if limit is None else f"<= {limit:g}" + ("" if median(values) <= limit else "  MISSED")
            yield f"{name:44} {numbers}  {self.units[name]:8} {told}"

    def as_json(self) -> dict[str, object]:
        """The same for machines."""
        return {
            name: {
                "median": median(values),
                "min": min(values),
                "max": max(values),
                "n": len(values),
                "unit": self.units[name],
                "limit": self.limits.get(name),
            }
            for name, values in self.samples.items()
        }


@dataclass(frozen=True)
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def cpu(self) -> float:
        """CPU seconds it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Its resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def started(command: list[str]) -> Iterator[Running]:
    """A server that prints its port, or the URL that ends with it, as the end of its first line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Running(process, int(process.stdout.readline().strip().rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait(10)


def usagekit(*words: str) -> list[str]:
    """The command line of a server on a free port with a clock that stands."""
    return [sys.executable, "-m", "usagekit", "serve", *words, "--port", "0", "--now", NOW.isoformat()]


def question(name: str, last: date) -> str:
    """Path and query that ask for the seven days that end here."""
    path = f"/{name}{load_spec(name).service.path}"
    names = PARAMETERS.get(name, ("from", "to"))
    if names is None:
        return f"{path}?day={last}"
    return f"{path}?{names[0]}={last - timedelta(days=6)}&{names[1]}={last}"


def key(name: str) -> dict[str, str]:
    """The header that opens the fake account."""
    service = load_spec(name).service
    return {service.credentials[0].header: service.credentials[0].value(service.demo_key)}


def answer(port: int, name: str, path: str) -> str:
    """One answer's body."""
    with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers=key(name))) as reply:
        return str(reply.read(), "utf-8")


def start(figures: Figures) -> None:
    """From nothing to the first answer, stop included in the CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with started(usagekit()) as server:
        answer(server.port, "lyrcs", question("lyrcs", NOW))
        wall = time.perf_counter() - begun
        figures.add("memory after the first answer", server.memory(), "MB", 120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures.add("start to first answer, CPU", cpu, "s", 1.0)
    figures.add("start to first answer, wall", wall, "s")


def requests(figures: Figures, server: Running, bare: Running, seconds: float) -> None:
    """One round: each fake with one question repeated and with windows that are new, bare uvicorn between."""
    for name in PROVIDERS:
        last = NOW - timedelta(days=1)
        new = [question(name, last - timedelta(days=back)) for back in range(1000)]
        yardstick = measured(bare, [f"/{name}"], {}, seconds)
        figures.add(f"bare uvicorn, bytes of {name}", yardstick[0], "1/s")
        for kind, paths, limit in (("repeated", [question(name, last)], 1.25), ("new windows", new, None)):
            rate, micros = measured(server, paths, key(name), seconds)
            figures.add(f"{name}, {kind}", rate, "1/s")
            figures.add(f"{name}, {kind}, CPU", micros, "us")
            figures.add(f"{name}, {kind}, CPU against bare", micros / yardstick[1], "ratio", limit)


def measured(
    server: Running, paths: list[str], headers: dict[str, str], seconds: float
) -> tuple[float, float]:
    """Requests per second, and CPU microseconds of the server for each."""
    cpu, begun = server.cpu(), time.perf_counter()
    count = load.ask(server.port, paths, headers, seconds)
    return count / (time.perf_counter() - begun), (server.cpu() - cpu) / count * 1e6


def contracts(figures: Figures, server: Running) -> None:
    """One contract run for each provider against a server in another process."""
    from usage_mockserver.clock import read_instant
    from usagekit.checking import Options, check

    for name in PROVIDERS:
        options = Options(now=read_instant(NOW.isoformat()))
        report = check(name, url=f"http://127.0.0.1:{server.port}/{name}", options=options)
        assert report.exit_status == 0, report.reason
        figures.add(f"contract run, {name}", report.seconds, "s", 10.0)
        figures.add(f"contract run, {name}, requests", report.requests, "")


def fixtures(figures: Figures) -> None:
    """The first use of a fixture in a process, and what a test with one request costs after it."""
    told = subprocess.run([sys.executable, "-c", FIXTURE], capture_output=True, text=True, check=True).stdout
    ready, first, wall, cpu = json.loads(told)
    figures.add("first use of a fixture, CPU", ready, "s", 0.5)
    figures.add("first use of a fixture and its client, CPU", first, "s")
    figures.add("account + client + one request, wall", wall, "ms")
    figures.add("account + client + one request, CPU", cpu, "ms")


def main() -> None:
    """Run everything, print the table, write benchmarks/latest.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each load")
    chosen = parser.parse_args()
    # Else every start compiles our modules again, which no installed package does.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    figures = Figures()
    start(Figures())
    repeat(chosen.rounds, "start", lambda: start(figures))
    repeat(chosen.rounds, "fixtures", lambda: fixtures(figures))
    with ExitStack() as servers:
        server = servers.enter_context(started(usagekit()))
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory()))
        bodies = {
            f"/{name}": answer(server.port, name, question(name, NOW - timedelta(days=1)))
            for name in PROVIDERS
        }
        (folder / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
        command = [sys.executable, "-m", "benchmarks.bare", str(folder / "bodies.json")]
        bare = servers.enter_context(started(command))
        repeat(chosen.rounds, "requests", lambda: requests(figures, server, bare, chosen.seconds))
        repeat(chosen.rounds, "contracts", lambda: contracts(figures, server))
        figures.add("memory after all of this", server.memory(), "MB", 120)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    about = f"{machine}; asked by {load.client()}"
    print(about, *figures.rows(), sep="\n")
    (HERE / "latest.json").write_text(
        json.dumps({"about": about, "figures": figures.as_json()}, indent=2) + "\n"
    )


def repeat(rounds: int, name: str, step: Callable[[], None]) -> None:
    """The same step several times, told on stderr, because it takes minutes."""
    for number in range(1, rounds + 1):
        print(
            f"{name} {number}/{rounds}",
            end="\r" if sys.stderr.isatty() else "\n",
            file=sys.stderr,
            flush=True,
        )
        step()


if __name__ == "__main__":
    main()
