"""The Python examples, each as its author runs it: its own tests, in its own folder, by its own settings."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.programs import EXAMPLES, copied, environ, run

PROJECTS = sorted(file.parent.name for file in EXAMPLES.glob("*/pyproject.toml"))


def requirements(name: str) -> list[str]:
    settings = tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text())
    return [*settings["project"]["dependencies"], *settings["dependency-groups"]["test"]]


def test_there_are_three_projects() -> None:
    assert PROJECTS == ["collector", "dashboard", "invoice_check"]


@pytest.mark.parametrize("name", PROJECTS)
def test_what_a_project_needs_is_installed(name: str) -> None:
    def missing(requirement: str) -> bool:
        try:
            version(re.split(r"[\[<>=~! ]", requirement)[0])
        except PackageNotFoundError:
            return True
        return False

    assert [one for one in requirements(name) if missing(one)] == []


@pytest.mark.parametrize("name", PROJECTS)
def test_the_tests_of_a_project_pass(name: str, tmp_path: Path) -> None:
    # What the project does not name it does not have.
    without = ["schemathesis", *(["asyncio"] if "pytest-asyncio" not in requirements(name) else [])]
    flags = [word for plugin in without for word in ("-p", f"no:{plugin}")]
    done = run([sys.executable, "-m", "pytest", "-q", *flags], copied(name, tmp_path), environ())
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed in ", done.stdout, re.MULTILINE), done.stdout
