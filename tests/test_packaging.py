"""What is built, and how it behaves in environments that hold nothing else."""

from __future__ import annotations

import fcntl
import os
import runpy
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import usagekit
from usage_specs import PROVIDERS

ROOT = Path(__file__).resolve().parent.parent
CONSUMERS = ROOT / "tests" / "consumers"
ROOTS = {
    "specs/": "usage_specs",
    "mockserver/": "usage_mockserver",
    "contracts/": "usage_contracts",
    "": "usagekit",
}
FOREIGN = ("VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command in an environment that tells nothing about ours; what it said when it fails."""
    environ = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done


def uv(*words: str | Path, cwd: Path) -> None:
    run(sys.executable, "-m", "uv", *words, "--quiet", cwd=cwd)


Once = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a folder in one worker; the others wait for it and use the same."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared

    def make(name: str, build: Callable[[Path], None]) -> Path:
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (shared / f"{name}.done").exists():
                folder.mkdir()
                build(folder)
                (shared / f"{name}.done").touch()
        return folder

    return make


@pytest.fixture(scope="session")
def dist(once: Once) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    return once("dist", lambda folder: uv("build", "--out-dir", folder, ROOT, cwd=folder))


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


def install(folder: Path, *requirements: str | Path) -> None:
    uv("venv", "--python", sys.executable, folder / "venv", cwd=folder)
    uv("pip", "install", "--python", folder / "venv", *requirements, cwd=folder)


@pytest.fixture(scope="session")
def base(once: Once, wheel: Path) -> Path:
    """The programs of an environment with `usagekit` and pytest."""
    return once("base", lambda folder: install(folder, wheel, "pytest")) / "venv" / "bin"


@pytest.fixture(scope="session")
def with_contracts(once: Once, wheel: Path) -> Path:
    """The programs of an environment with `usagekit[contracts]` and no pytest of the consumer's choice."""
    return (
        once("contracts", lambda folder: install(folder, f"usagekit[contracts] @ {wheel.as_uri()}"))
        / "venv"
        / "bin"
    )


def source_files() -> set[str]:
    """Every file of the packages, under the name it must have when installed."""
    found = {"pytest_usagekit.py"}
    for root, package in ROOTS.items():
        files = (ROOT / root / package).rglob("*")
        found |= {
            str(file.relative_to(ROOT / root))
            for file in files
            if file.is_file() and "__pycache__" not in file.parts
        }
    return found


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == source_files()


def test_the_wheel_holds_documents_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    documents = ("source.md", "openapi.yaml", "overlay.yaml", "behaviours.yaml")
    wanted = {f"usage_specs/{provider}/{name}" for provider in PROVIDERS for name in documents}
    wanted |= {f"{package}/py.typed" for package in ROOTS.values()}
    assert wanted - names == set()


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = f"usagekit-{usagekit.__version__}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
        assert f"{info}/licenses/LICENSE" in archive.namelist()
    # Under another name than its module's, a plugin that is also named by hand is an error of pytest.
    assert "[pytest11]\npytest_usagekit = pytest_usagekit" in entry_points
    assert "usagekit = usagekit.cli:main" in entry_points
    assert "Provides-Extra: contracts" in metadata
    assert "License-Expression: MIT" in metadata


def test_the_sdist_holds_what_a_build_needs_and_no_tests(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "usagekit/__init__.py"} - names == set()
    assert [name for name in names if name.partition("/")[0] in ("tests", "benchmarks", ".ci", ".venv")] == []


def test_the_base_install_leaves_the_contracts_out(base: Path) -> None:
    code = (
        "from importlib.util import find_spec as find\n"
        "for name in 'hypothesis', 'schemathesis', 'jsonschema_rs', 'jinja2', 'trustme', 'redis':\n"
        "    assert find(name) is None, name\n"
    )
    run(base / "python", "-I", "-c", code, cwd=base)


def test_importing_the_package_is_silent_and_loads_nothing_else(base: Path) -> None:
    code = "import sys; before = set(sys.modules); import usagekit; print(*sorted(set(sys.modules) - before))"
    loaded = run(base / "python", "-W", "error", "-I", "-c", code, cwd=base).stdout.split()
    foreign = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert foreign == {"usagekit"}


def test_every_public_name_is_there(base: Path) -> None:
    code = "import usagekit\nfor name in usagekit.__all__: print(name, getattr(usagekit, name))"
    printed = run(base / "python", "-W", "error", "-I", "-c", code, cwd=base).stdout
    assert [line.split()[0] for line in printed.splitlines()] == sorted(usagekit.__all__)


def test_contracts_without_their_extra_end_in_one_sentence(base: Path) -> None:
    for command in (["check", "lyrcs"], ["demo"]):
        asked = run(base / "usagekit", *command, cwd=base, check=False)
        assert asked.returncode == 3
        assert "pip install 'usagekit[contracts]'" in asked.stdout.splitlines()[-1]
        assert "Traceback" not in asked.stdout


def test_the_demo_runs_from_the_wheel(with_contracts: Path, tmp_path: Path) -> None:
    shown = run(with_contracts / "usagekit", "demo", cwd=tmp_path).stdout
    assert shown.count("\n$ curl ") == shown.count("\n{") == len(PROVIDERS)
    for provider in PROVIDERS:
        assert len([line for line in shown.splitlines() if line.startswith(f"{provider} ")]) == 1
    assert shown.count("(exit status 0)") == len(PROVIDERS)


def test_a_contract_run_leaves_no_file_behind(with_contracts: Path, tmp_path: Path) -> None:
    run(with_contracts / "usagekit", "check", "lyrcs", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_project(base: Path) -> None:
    for command in ([base / "usagekit"], [base / "python", "-m", "usagekit"]):
        assert run(*command, "--version", cwd=base).stdout == f"usagekit {usagekit.__version__}\n"


def copied(consumer: str, folder: Path) -> Path:
    """A project of somebody else's, in a folder where nothing is ours."""
    project = folder / consumer
    for file in (CONSUMERS / consumer).rglob("*.py"):
        target = project / file.relative_to(CONSUMERS / consumer)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    return project


@pytest.mark.parametrize(("consumer", "tests"), [("plain", 7), ("own_contracts", 2), ("own_specs", 2)])
def test_a_consumer_needs_nothing_but_the_install(
    base: Path, tmp_path: Path, consumer: str, tests: int
) -> None:
    project = copied(consumer, tmp_path)
    asked = run(base / "python", "-m", "pytest", "-W", "error", "--strict-markers", cwd=project)
    assert f"{tests} passed" in asked.stdout


@pytest.mark.parametrize("client", ["urllib", "urllib3", "requests", "httpx", "httpx2", "aiohttp"])
def test_each_client_library_alone_is_intercepted(wheel: Path, tmp_path: Path, client: str) -> None:
    install(tmp_path, wheel, "pytest", *([] if client in ("urllib", "httpx2") else [client]))
    project = copied("with_client", tmp_path)
    pytest_alone = (tmp_path / "venv/bin/python", "-m", "pytest", "-W", "error", "--strict-markers")
    asked = run("env", f"CLIENT={client}", *pytest_alone, cwd=project)
    assert "4 passed" in asked.stdout


@pytest.fixture
def environment() -> dict[str, Any]:
    """The names of the script behind `make environment`."""
    return runpy.run_path(str(ROOT / ".ci" / "environment.py"))


def test_an_old_python_gets_a_sentence(
    environment: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match="1"):
        environment["main"]()
    assert "Python 3.11 or newer is needed" in capsys.readouterr().err


def test_a_python_that_can_make_no_environment_gets_a_sentence(
    environment: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make = environment["uv_in_venv"]
    make.__globals__.update(
        answer_of=lambda _: "", VENV=tmp_path / ".venv", PYTHON=tmp_path / ".venv" / "python"
    )
    with pytest.raises(SystemExit, match="1"):
        make()
    assert "apt install python3-venv" in capsys.readouterr().err


def test_an_environment_is_made_for_one_place_one_python_and_one_lock_file(
    environment: dict[str, Any], tmp_path: Path
) -> None:
    fingerprint = environment["fingerprint"]
    first = fingerprint()
    changed = tmp_path / "uv.lock"
    changed.write_bytes((ROOT / "uv.lock").read_bytes() + b"\n")
    for change in ({"ROOT": tmp_path}, {"LOCK": changed}):
        (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
        before = {name: fingerprint.__globals__[name] for name in change}
        fingerprint.__globals__.update(change)
        assert fingerprint() != first
        fingerprint.__globals__.update(before)
    assert fingerprint() == first
