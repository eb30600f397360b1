"""The image: its files exist, its versions are pinned, nothing in it runs as root, and its command answers."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

import usagekit
from tests.programs import ROOT, environ, needed, run, serving

DEPLOY = ROOT / "deploy"
IGNORED = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the Dockerfile, each on one line, comments left out."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line:
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def in_exec_form(text: str) -> list[str]:
    return list(json.loads(text[text.index("[") :]))


COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICE = COMPOSE["services"]["usagekit"]


def test_only_known_instructions_are_used() -> None:
    known = {"FROM", "RUN", "ENV", "WORKDIR", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in instructions()} <= known


def test_what_is_copied_exists_and_is_in_the_context() -> None:
    sources = [source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert IGNORED[1] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == set(sources)


def test_every_package_of_the_wheel_is_copied() -> None:
    build = (ROOT / "pyproject.toml").read_text()
    copied = {source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]}
    packages = re.search(r"\[tool\.hatch\.build\]\nonly-include = \[(.*?)\]", build, re.DOTALL)
    assert packages is not None
    assert {line.split("/")[0] for line in re.findall(r'"(.+?)"', packages[1])} <= copied


def test_base_images_and_tools_are_pinned() -> None:
    assert [
        re.fullmatch(r"python:3\.\d+-slim-[a-z]+(?: AS build)?", base) is not None for base in of("FROM")
    ] == [
        True,
        True,
    ]
    assert all("==" in rest for rest in of("RUN") if "pip install" in rest)
    assert not [rest for rest in of("RUN") if "uv sync" in rest and "--frozen" not in rest]


def test_the_lock_has_the_extras_that_the_image_takes() -> None:
    (*_, sync) = [rest for rest in of("RUN") if "uv sync" in rest]
    words = [word for word in shlex.split(sync)[2:] if word != "--no-editable"]
    done = run(
        [sys.executable, "-m", "uv", "export", "--offline", "--no-emit-project", "-q", *words],
        ROOT,
        environ(),
    )
    assert done.returncode == 0, done.stderr
    wanted = {"redis", "trustme", "uvicorn", "fastapi"}
    assert wanted <= set(re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE))
    assert "pytest" not in re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE)


def test_nobody_in_it_is_root() -> None:
    (user,) = of("USER")
    assert int(user.partition(":")[0]) > 0


def test_its_command_answers_and_is_found_healthy(tmp_path: Path) -> None:
    (port,), (entry,), (words,), (probe,) = of("EXPOSE"), of("ENTRYPOINT"), of("CMD"), of("HEALTHCHECK")
    command = [word if word != port else "0" for word in (*in_exec_form(entry), *in_exec_form(words))]
    check = in_exec_form(probe)
    with serving(command, tmp_path, environ()) as url:
        told = [word.replace(f"http://127.0.0.1:{port}", url) for word in check]
        assert told != check
        assert run(told, tmp_path, environ()).returncode == 0
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{url}/__admin/providers")
    assert run(told, tmp_path, environ()).returncode != 0


# -- compose --------------------------------------------------------------------------------------------


def test_three_replicas_of_this_version_share_redis() -> None:
    assert SERVICE["deploy"]["replicas"] == 3
    assert SERVICE["image"] == f"usagekit:{usagekit.__version__}"
    assert SERVICE["environment"]["USAGEKIT_STATE"] == "redis://redis:6379/0"
    context = DEPLOY / SERVICE["build"]["context"]
    assert (context / SERVICE["build"]["dockerfile"]).samefile(DEPLOY / "Dockerfile")


def test_services_volumes_and_secrets_that_are_named_exist() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
        for volume in service.get("volumes", []):
            assert (DEPLOY / volume.split(":")[0]).exists()
        assert service["read_only"] is True
        assert not service.get("image", "").endswith(":latest")
    assert "deploy/admin_token" in (ROOT / ".gitignore").read_text().splitlines()


def test_its_command_reads_the_token_from_the_secret(tmp_path: Path) -> None:
    needed("sh")
    secret = tmp_path / "admin_token"
    secret.write_text("canary-token\n")
    words = [*SERVICE["entrypoint"], *SERVICE["command"]]
    words = [word.replace("$$", "$").replace("/run/secrets/admin_token", str(secret)) for word in words]
    words = [word if word != "8000" else "0" for word in words]
    names = environ(USAGEKIT_SERVE_ALLOW_HOST="usage.test other.test")
    with serving(words, tmp_path, names) as url:
        fields = {"authorization": "Bearer canary-token", "host": "other.test"}
        assert urlopen(Request(f"{url}/__admin/providers", headers=fields)).status == 200
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"{url}/__admin/providers")
        listed = subprocess.run(["ps", "-ef"], capture_output=True, text=True, check=False).stdout
        assert "canary-token" not in listed
