"""Runs other people's programs: in a copy of their folder, with this environment's programs first on the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
NOW = "2026-03-15"
PATIENCE = 60.0
FOREIGN = ("USAGEKIT_", "PYTEST_", "COV_", "NODE_", "CURL_", "SSL_CERT", "REQUESTS_CA")


def environ(**more: str) -> dict[str, str]:
    """This environment without what would lead the program elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) and not name.lower().endswith("_proxy")
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**kept, "PATH": path, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(command: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command, and all that it said."""
    return subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=PATIENCE,
    )  # fmt: skip


def copied(name: str, folder: Path) -> Path:
    """A copy of an example, for it to leave files in."""
    ignore = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".ruff_cache")
    return Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=ignore))


def needed(program: str) -> str:
    """Where a program is; the test is skipped where it is not."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


@contextmanager
def serving(command: list[str], cwd: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The address that a `usagekit serve` prints, once it answers; it must end in order when told to."""
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line.rstrip())
            if printed[-1] == "Ctrl-C stops it.":
                break
        else:
            pytest.fail(f"{' '.join(command)}\n{process.communicate()[1]}")
        yield printed[0].rpartition(" ")[2]
        process.terminate()
        assert (process.wait(PATIENCE), process.communicate()[1]) == (0, "")
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
