"""Work that a pytest session does once, whichever of its processes asks first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from usage_contracts.files import write_whole
from usagekit.findings import Finding

Findings = Mapping[str, Finding]

KEPT: pytest.StashKey[dict[str, Findings]] = pytest.StashKey()
POLL = 0.1
"""Seconds between two looks at a lock; an interrupt is noticed as fast."""


def once(
    request: pytest.FixtureRequest, name: str, do: Callable[[], Findings], *, lost: Callable[[], Findings]
) -> Findings:
    """What `do` found for this name: done by the first process that asks, read by all others of the session.

    `lost` is told where the process that began it never finished: it is not begun again, since what it may
    spend has been spent.
    """
    kept = request.config.stash.setdefault(KEPT, {})
    if name not in kept:
        kept[name] = _shared(request, name, do, lost) if _is_worker(request) else do()
    return kept[name]


def _is_worker(request: pytest.FixtureRequest) -> bool:
    return hasattr(request.config, "workerinput")


def _shared(
    request: pytest.FixtureRequest, name: str, do: Callable[[], Findings], lost: Callable[[], Findings]
) -> Findings:
    # A worker's folder lies in the one of the session, which no other session has.
    factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    folder = factory.getbasetemp().parent / "usagekit"
    folder.mkdir(exist_ok=True)
    return first_of(folder / sha256(name.encode()).hexdigest()[:16], do, lost)


def first_of(place: Path, do: Callable[[], Findings], lost: Callable[[], Findings]) -> Findings:
    """The findings kept in `place.json`, after making them if no process on this machine has begun to."""
    found, begun = place.with_suffix(".json"), place.with_suffix(".begun")
    with _alone(place.with_suffix(".lock")):
        if found.exists():
            read = json.loads(found.read_text("utf-8"))
            return {behaviour: Finding(*told) for behaviour, told in read.items()}
        if begun.exists():
            return lost()
        begun.touch()
        findings = do()
        write_whole(found, json.dumps(findings))
        return findings


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold a lock between processes, which the system gives back for a process that dies."""
    # The one lock of this kind in the standard library that every system has.
    with closing(sqlite3.connect(lock, timeout=POLL, isolation_level=None)) as held:
        while True:
            try:
                held.execute("BEGIN EXCLUSIVE")
                break
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
        yield
