"""Every block of the README is run, and its tables are compared with what they tell about."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import pytest

from usage_specs import PROVIDERS, load

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# A block behind the name of a file is a part of that file, which is run where it stands.
SHOWN = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORT = "8000"
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the README's shell is a POSIX one")


@dataclass
class Shell:
    """A folder, this environment first on the path, a free port, and what runs in the background."""

    folder: Path
    port: str
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def environ(self) -> dict[str, str]:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, "PATH": path, "NO_COLOR": "1", "NO_PROXY": "*", "PYTHONUNBUFFERED": "1"}

    def run(self, command: list[str]) -> str:
        """What a command prints, stderr included."""
        return self.start(command).communicate(timeout=2 * PATIENCE)[0]

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=10)


def free_port() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def as_pattern(expected: str) -> re.Pattern[str]:
    """Text in which `...` stands for anything, on a line of its own for any number of lines."""
    lines = [re.escape(line).replace(re.escape("..."), ".*") for line in expected.splitlines()]
    body = "".join("(?:[^\n]*\n)*" if line == ".*" else f"{line}[ ]*\n" for line in lines)
    return re.compile(body)


def console(text: str, shell: Shell) -> None:
    """A dialogue: a line after `$` is run, what follows it must be what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        pattern = as_pattern(expected.strip("\n") + "\n")
        printed = serve(command, pattern, shell) if is_server(command) else shell.run(["bash", "-c", command])
        printed = "\n".join(line.rstrip() for line in printed.strip("\n").split("\n")) + "\n"
        assert pattern.fullmatch(printed), f"$ {command}\n{printed}\nis not\n{expected}"


def is_server(command: str) -> bool:
    return command.startswith("usagekit serve") and ";" not in command


def serve(command: str, pattern: re.Pattern[str], shell: Shell) -> str:
    """Leave a server running for the blocks that follow; what it printed until it said what is expected."""
    process = shell.start([*shlex.split(command), "--port", shell.port])
    shell.running.callback(stop, process)
    assert process.stdout is not None
    # A server that says something else would leave us reading for ever.
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    printed = ""
    for line in process.stdout:
        printed += line
        if pattern.fullmatch(printed):
            break
    watchdog.cancel()
    return printed


def python(text: str, shell: Shell) -> None:
    """A program, or a file of tests when it defines some; warnings are errors."""
    tests = "\ndef test_" in text or "\nTest" in text
    file = shell.folder / ("test_block.py" if tests else "block.py")
    file.write_text(text, encoding="utf-8")
    runner = (
        ["-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:schemathesis", "--strict-markers"]
        if tests
        else []
    )
    process = shell.start([sys.executable, "-W", "error", *runner, file.name])
    printed = process.communicate(timeout=2 * PATIENCE)[0]
    assert process.returncode == 0, printed


def bash(text: str, shell: Shell) -> None:
    """A script that must succeed."""
    process = shell.start(["bash", "-euo", "pipefail", "-c", text])
    printed = process.communicate(timeout=2 * PATIENCE)[0]
    assert process.returncode == 0, printed


RUNNERS: dict[str, Callable[[str, Shell], None]] = {"console": console, "python": python, "bash": bash}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    one = Shell(tmp_path, free_port())
    with one.running:
        yield one


def test_every_block_says_how_it_is_run() -> None:
    assert {kind for kind, _ in BLOCK.findall(SHOWN.sub("", README))} <= RUNNERS.keys()


def test_a_part_of_a_file_is_what_stands_in_it() -> None:
    for name, text in SHOWN.findall(README):
        assert text in (ROOT / name).read_text(encoding="utf-8"), f"{name} reads differently now"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="the README asks with curl")
def test_every_block_does_what_it_shows(shell: Shell) -> None:
    blocks = BLOCK.findall(SHOWN.sub("", README))
    assert blocks
    for kind, text in blocks:
        RUNNERS[kind](text.replace(f":{PORT}", f":{shell.port}"), shell)


@pytest.mark.parametrize(
    ("expected", "printed", "matches"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\n", False),
        ("a\n...\nb\n", "a\n1\n2\nb\n", True),
        ("a\n...\nb\n", "a\nb\n", True),
        ("a ... c\n", "a b c\n", True),
        ("a ... c\n", "a\nc\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_three_dots_stand_for_anything(expected: str, printed: str, matches: bool) -> None:
    assert bool(as_pattern(expected).fullmatch(printed)) is matches


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("console", "$ echo one\ntwo\n"),
        ("python", "raise SystemExit(1)\n"),
        ("python", "\ndef test_it():\n    assert 0\n"),
        ("bash", "false\ntrue\n"),
    ],
)
def test_a_block_that_does_something_else_is_found(kind: str, text: str, shell: Shell) -> None:
    with pytest.raises(AssertionError):
        RUNNERS[kind](text, shell)


def test_the_table_of_providers_is_the_register() -> None:
    rows = []
    for name in PROVIDERS:
        service = load(name).service
        ways = [
            f"`{way.header}: {way.scheme}`" if way.scheme else f"`{way.header}`"
            for way in service.credentials
        ]
        rows.append(f"| `{name}` | `{service.origin}{service.path}` | {', '.join(ways)} |")
    assert [row for row in rows if row not in README] == []


def test_the_newest_version_of_the_changelog_is_ours() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\] - (Unreleased|\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == version("usagekit")


def test_links_between_our_pages_lead_somewhere() -> None:
    pages = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    links = [
        link for page in pages for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_no_comment_is_cut_in_half() -> None:
    shown = re.sub(r"<!--.*?-->", "", README, flags=re.DOTALL)
    assert "-->" not in shown
    assert "<!--" not in shown
