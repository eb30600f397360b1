"""The proof of the contracts: every planted defect must be found, no legal server blamed."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import active_children, get_context, parent_process
from statistics import median
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

from usage_specs import load
from usagekit.checking import leave_no_files
from usagekit.known import known_filters

if TYPE_CHECKING:
    from httpx2 import BaseTransport

    from usage_mockserver.manners import LegalServer
    from usage_mockserver.world import World

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""The account's time during a proof, so that every proof is the same."""

SECONDS = 120


@dataclass(frozen=True, slots=True)
class Case:
    """One server to be judged: a mutant, which must be found, or a legal server, which must not be blamed."""

    provider: str
    name: str
    kind: str
    breaks: str = ""
    seed: int = 1

    @property
    def mutant(self) -> bool:
        """Whether a defect is planted."""
        return bool(self.breaks)


@dataclass(frozen=True, slots=True)
class Result:
    """What a contract tool said of one case: `by` are the behaviours it holds broken."""

    case: Case
    red: bool
    by: tuple[str, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    trouble: str = ""

    @property
    def right(self) -> bool:
        """A mutant found, or a legal server left in peace."""
        return not self.trouble and self.red == self.case.mutant


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How a proof is done: `live` uses the profile and the request cap of a real service, `against` is a command
    line of another tool with {url}, {key}, {header}, {provider}, {document} in it."""

    live: bool = False
    against: str = ""
    examples: int = 8


def cases(providers: Iterable[str], *, seeds: Sequence[int] = (1,)) -> list[Case]:
    """Every mutant once, and every legal server with each of the seeds."""
    from usage_mockserver.manners import LEGAL
    from usage_mockserver.mutants import CATALOGUE

    found = []
    for name in providers:
        found += [Case(name, one.name, one.kind, one.breaks) for one in CATALOGUE[name].values()]
        found += [Case(name, one.name, "legal", seed=seed) for seed in seeds for one in LEGAL[name]]
    return found


def sample(chosen: Sequence[Case], most: int) -> list[Case]:
    """At most so many of the cases, taken evenly."""
    if most >= len(chosen):
        return list(chosen)
    return [chosen[place * len(chosen) // most] for place in range(most)]


def prove(
    chosen: Sequence[Case],
    proof: Proof,
    *,
    jobs: int | None = None,
    done: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Judge every case, so many at a time; results in the order of the cases, `done` hears of each at once."""
    workers, context = jobs or os.cpu_count() or 1, get_context("spawn")
    results = {}
    with (
        TemporaryDirectory(prefix="usagekit-") as folder,
        ProcessPoolExecutor(workers, mp_context=context, initializer=_obey, initargs=(folder,)) as pool,
        _ended_with(pool),
    ):
        running = {pool.submit(judge_case, case, proof): case for case in chosen}
        for future in as_completed(running):
            results[running[future]] = future.result()
            done(results[running[future]])
    return [results[case] for case in chosen]


@contextmanager
def _ended_with(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Whoever breaks a proof off does not wait for the cases under way, and leaves no process behind."""
    others = set(active_children())
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - others:
            child.terminate()
        raise


def _obey(folder: str) -> None:
    """What a worker does first: files where the parent clears them away, and an end when the parent ends."""
    tempfile.tempdir = folder
    # The parent hears of Ctrl-C as well, and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def world_of(case: Case) -> tuple[World, LegalServer | None]:
    """The case's accounts, and the legal server it is, None for a mutant."""
    from usage_mockserver.clock import Clock
    from usage_mockserver.world import Settings, World

    keys = (load(case.provider).service.demo_key,)
    settings = Settings(seed=case.seed, clock=Clock().travel_to(NOW), keys=keys)
    world = World([case.provider], settings)
    if case.mutant:
        world.change(case.provider, mutant=case.name)
        return world, None
    from usage_mockserver.manners import LEGAL

    legal = next(one for one in LEGAL[case.provider] if one.name == case.name)
    world.change(case.provider, scenario=legal.scenario, switches=legal.switches, manners=legal.manners)
    return world, legal


def judge_case(case: Case, proof: Proof) -> Result:
    """Let the contract tool judge the case's server: a defect in this process, all else over a socket."""
    leave_no_files()
    begun = time.perf_counter()
    world, legal = world_of(case)
    if case.mutant and not proof.against:
        # A defect is in an answer, however it travels, and half the time would go into the sockets.
        from usage_mockserver.app import create_app
        from usagekit.in_process import InProcess

        return _our_own(case, "http://127.0.0.1", proof, InProcess(create_app(world)))
    with _answering(world, legal) as url:
        if proof.against:
            return _other_tool(case, url, proof.against, begun)
        return _our_own(case, url, proof)


@contextmanager
def _answering(world: World, legal: LegalServer | None) -> Iterator[str]:
    """The URL of the case's server: ours, or the one that a legal server asks for."""
    if legal is not None and legal.server == "http-1.0":
        from usage_mockserver.http_1_0 import serve_1_0

        with serve_1_0(world) as url:
            yield url
    else:
        from usage_mockserver.server import serve

        with serve(world) as running:
            yield running.url


def _our_own(case: Case, url: str, proof: Proof, transport: BaseTransport | None = None) -> Result:
    from usage_contracts.engine import Profile, check
    from usage_contracts.transport import HttpTarget, Limits
    from usage_contracts.verdict import Outcome

    service = load(case.provider).service
    cap = service.live_cap if proof.live else 600
    # The pace of a real service is not waited for here; what is found does not depend on it.
    limits = Limits(requests=cap, live=proof.live, seconds=10.0)
    key = service.demo_key
    with HttpTarget(service, url, key=key, limits=limits, transport=transport) as target:
        profile = Profile(
            now=NOW,
            seed=case.seed,
            examples=proof.examples,
            live=proof.live,
            known=known_filters(case.provider),
        )
        report = check(target, limits=limits, profile=profile)
    by = tuple(verdict.behaviour.id for verdict in report.of(Outcome.BROKEN))
    return Result(case, report.exit_status == 1, by, report.requests, report.seconds)


def _other_tool(case: Case, url: str, template: str, begun: float) -> Result:
    service = load(case.provider).service
    document = document_path(case.provider)
    way = service.credentials[0]
    header = f"{way.header}: {way.value(service.demo_key)}"
    words = [
        word.format(url=url, key=service.demo_key, header=header, provider=case.provider, document=document)
        for word in shlex.split(template)
    ]
    try:
        ended = subprocess.run(words, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Result(case, red=False, seconds=float(SECONDS), trouble=f"no end within {SECONDS} seconds")
    except OSError as error:
        return Result(case, red=False, trouble=f"{words[0]}: {error.strerror}")
    return Result(case, ended.returncode == 1, seconds=time.perf_counter() - begun)


def document_path(provider: str) -> str:
    """The provider's OpenAPI document as a file, for tools that want one."""
    from importlib.resources import files

    return str(files("usage_specs").joinpath(provider, "openapi.yaml"))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: how many of the defects were found, how many legal servers blamed."""

    name: str
    killed: int
    mutants: int
    blamed: int
    legal: int
    requests: float
    seconds: float


def line(name: str, results: Sequence[Result]) -> Line:
    """Count the results of one provider, one class or all."""
    mutants = [result for result in results if result.case.mutant]
    legal = [result for result in results if not result.case.mutant]
    return Line(
        name,
        sum(result.right for result in mutants),
        len(mutants),
        sum(result.red for result in legal),
        len(legal),
        median(result.requests for result in results),
        median(result.seconds for result in results),
    )


def table(results: Sequence[Result]) -> list[Line]:
    """A line for each provider and one for all of them."""
    providers = dict.fromkeys(result.case.provider for result in results)
    lines = [line(name, [r for r in results if r.case.provider == name]) for name in providers]
    return [*lines, line("all", results)]


def classes(results: Sequence[Result]) -> list[Line]:
    """A line for each class of defects."""
    kinds = dict.fromkeys(result.case.kind for result in results if result.case.mutant)
    return [line(kind, [result for result in results if result.case.kind == kind]) for kind in sorted(kinds)]


def uncovered(providers: Iterable[str], results: Sequence[Result]) -> Iterator[str]:
    """Binding behaviours that no mutant breaks, or that no mutant of theirs was found by."""
    for provider in providers:
        aimed = {result.case.breaks for result in results if result.case.provider == provider}
        for behaviour in load(provider).behaviours.values():
            if behaviour.evidence.binding and not behaviour.unseen and behaviour.id not in aimed:
                yield behaviour.id
