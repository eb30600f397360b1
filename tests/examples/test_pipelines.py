"""The examples that others run for us: a GitHub workflow and a compose file, by schema and by what they do."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from tests.programs import EXAMPLES, PATIENCE, ROOT, copied, environ, needed, run, serving
from usage_specs import PROVIDERS, load
from usagekit.environment import variables

WORKFLOW = EXAMPLES / "github-workflow" / "usage-contract.yml"
COMPOSE = EXAMPLES / "compose" / "docker-compose.yml"


def loaded(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), yaml.CBaseLoader)


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-workflows", WORKFLOW),
        ("vendor.compose-spec", COMPOSE),
        ("vendor.compose-spec", ROOT / "deploy" / "compose.yaml"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_file_is_valid_by_its_published_schema(schema: str, file: Path) -> None:
    result = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, str(file)])
    assert result.exit_code == 0, result.output


# -- the workflow ---------------------------------------------------------------------------------------


class Runner:
    """Runs the steps of a job as GitHub's runner does: one shell for each, an environment that they add to."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.env = env
        self.started: list[subprocess.Popen[str]] = []

    def run(self, script: str) -> str:
        added = self.folder / "github_env"
        added.touch()
        process = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env={**self.env, "GITHUB_ENV": str(added)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        out = process.communicate(timeout=2 * PATIENCE)[0]
        assert process.returncode == 0, f"{script}\n{out}"
        self.env |= dict(line.split("=", 1) for line in added.read_text().splitlines())
        return out

    def stop(self) -> None:
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue


def expanded(text: str, folder: Path) -> str:
    """The text with the one expression that the workflow uses in its environment."""
    return re.sub(r"\$\{\{\s*github\.workspace\s*\}\}", str(folder), text)


@pytest.mark.slow
def test_every_step_of_the_workflow_does_its_work(tmp_path: Path) -> None:
    needed("bash")
    folder = copied("collector", tmp_path)
    workflow = loaded(WORKFLOW)
    variables_ = {name: expanded(value, folder) for name, value in workflow["env"].items()}
    runner = Runner(folder, environ(**variables_))
    said = {}
    try:
        for step in workflow["jobs"]["client"]["steps"]:
            if "run" in step and step["name"] != "Install":
                said[step["name"]] = runner.run(step["run"])
    finally:
        runner.stop()
    assert list(said) == [
        "Start the fakes",
        "Run the client's tests",
        "Run the client",
        "Hold the server against the vendors' documents",
    ]
    assert " passed" in said["Run the client's tests"]
    assert len((folder / "usage.jsonl").read_text().splitlines()) == 7
    assert "::error" not in said["Hold the server against the vendors' documents"]


def test_the_workflow_installs_what_its_steps_call() -> None:
    jobs = loaded(WORKFLOW)["jobs"]
    (install,) = [step["run"] for step in jobs["client"]["steps"] if step.get("name") == "Install"]
    project = tomllib.loads((EXAMPLES / "collector" / "pyproject.toml").read_text())
    wanted = [*project["dependency-groups"]["test"][:-1], "usagekit[contracts]"]
    assert shlex.split(install) == ["pip", "install", ".", *wanted]


def test_what_asks_the_real_service_is_a_call_that_exists(tmp_path: Path) -> None:
    (step,) = [step for step in loaded(WORKFLOW)["jobs"]["drift"]["steps"] if "env" in step]
    words = [*shlex.split(step["run"]), "--dry-run"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=environ(VARG_API_KEY="x" * 9)
    )
    assert done.returncode == 0, done.stderr
    assert "varg: at most 20 requests" in done.stdout
    assert set(step["env"]) == {load("varg").service.variable}
    # A fake of ours, which would always hold, needs no key.
    done = subprocess.run(words[:-1], capture_output=True, text=True, check=False, env=environ())
    assert done.returncode == 2
    assert "set VARG_API_KEY" in done.stderr


# -- compose --------------------------------------------------------------------------------------------


def test_the_application_is_told_where_the_fakes_are_and_with_which_keys() -> None:
    expected: dict[str, str] = {}
    for name in PROVIDERS:
        expected |= variables(name, f"http://usage:8000/{name}")
    assert loaded(COMPOSE)["services"]["dashboard"]["environment"] == expected


def test_the_images_are_made_of_files_that_exist() -> None:
    services = loaded(COMPOSE)["services"]
    build = services["dashboard"]["build"]
    context = COMPOSE.parent / build["context"]
    (source,) = re.findall(r"^COPY (\S+)", build["dockerfile_inline"], re.MULTILINE)
    assert (context / source).is_file()
    for service in services.values():
        text = service["build"]["dockerfile_inline"]
        assert re.search(r"^FROM python:3\.\d+-slim$", text, re.MULTILINE)
        assert re.search(r"^USER (?!root)\w+$", text, re.MULTILINE)


def test_the_command_of_the_fakes_answers_by_the_name_of_its_service(tmp_path: Path) -> None:
    service = loaded(COMPOSE)["services"]["usage"]
    command = shlex.split(service["command"].replace("--port 8000", "--port 0"))
    with serving(command, tmp_path, environ()) as url:
        probe = [word.replace("http://127.0.0.1:8000", url) for word in service["healthcheck"]["test"][1:]]
        assert run(probe, tmp_path, environ()).returncode == 0
        assert urlopen(Request(url, headers={"host": "usage:8000"})).status == 200
        with pytest.raises(HTTPError, match="400"):
            urlopen(Request(url, headers={"host": "elsewhere:8000"}))
