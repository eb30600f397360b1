"""What all commands have in common: how wrong values are told, files and variables, and outputs that fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from usagekit.cli import COMMANDS, main

PROVIDERS = ["somya", "supertone", "varg", "surnex", "lyrcs"]


def invoked(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env, prog_name="usagekit")


pytestmark = pytest.mark.usefixtures("elsewhere")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    words = ["/bin/bash", "-o", "pipefail", "-c", line.replace("usagekit", f"{sys.executable} -m usagekit")]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["mutants", "--format", "jsn"], "'jsn' is not one of 'table', 'json'; did you mean 'json'? (see"),
        (["mutants", "--format", "zzz"], "'zzz' is not one of 'table', 'json' (see"),
        (["hlep"], "there is no command 'hlep'; known: "),
        (["mutants", "vrag"], "there is no provider 'vrag'; did you mean 'varg'?"),
        (["behaviours", "all", "vrag"], "there is no provider 'vrag'; did you mean 'varg'?"),
        (
            ["prove", "lyrcs", "--only", "gzp"],
            "there is no mutant or legal server 'gzp'; did you mean 'gzip'?",
        ),
        (["prove", "lyrcs", "--write", "no.md"], "--write no.md cannot be read: No such file or directory"),
        (["prove", "lyrcs", "--write", "plain.md"], "plain.md: it has no lines <!-- prove: begin -->"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_call_is_one_sentence_with_what_was_meant(
    elsewhere: Path, args: list[str], says: str
) -> None:
    (elsewhere / "plain.md").write_text("no table here")
    result = invoked(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["mutants", "behaviours"])
def test_all_stands_for_every_provider(command: str) -> None:
    assert invoked(command, "all").stdout == invoked(command).stdout


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("demo", "explain")])
def test_every_command_that_takes_providers_completes_them(command: str) -> None:
    module = __import__(COMMANDS[command][0], fromlist=["command"])
    context = module.command.make_context(command, [], resilient_parsing=True)
    (argument,) = [one for one in module.command.params if one.name in ("provider", "providers")]
    offered = [item.value for item in argument.shell_complete(context, "s")]
    assert offered == ["somya", "supertone", "surnex"]


def test_a_provider_that_is_on_the_line_is_not_offered_again() -> None:
    from usagekit.commands.serve import command

    context = command.make_context("serve", ["surnex"], resilient_parsing=True)
    (argument,) = [one for one in command.params if one.name == "providers"]
    assert [item.value for item in argument.shell_complete(context, "s")] == ["somya", "supertone"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[tool.usagekit.mutants]\nformat = 'jsn'", "did you mean 'json'?, set in pyproject.toml (see"),
        ("[tool.usagekit.mutants]\nproviders = 'vrag'", "there is no provider 'vrag'; did you mean 'varg'?"),
        (
            "[tool.usagekit.mutants]\nformat = ['json']",
            "pyproject.toml: [tool.usagekit.mutants] format is ['json']; one value can stand there",
        ),
        ("[tool.usagekit.mutants]\nproviders = [['varg']]", "providers is ['varg']; texts can stand there"),
        ("[tool.usagekit.mutants]\nshape = 'json'", "has an unknown key 'shape'; known: providers, format"),
        ("tool = 1", "tool.usagekit must be a table"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_in_it(elsewhere: Path, content: str, says: str) -> None:
    (elsewhere / "pyproject.toml").write_text(content)
    result = invoked("mutants")
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_file_and_variables_call_options_as_the_command_line_does(elsewhere: Path) -> None:
    assert invoked("mutants", "lyrcs", USAGEKIT_MUTANTS_FORMAT="json").stdout.startswith("[\n")
    assert "'x' is not one of" in invoked("check", "lyrcs", USAGEKIT_CHECK_FORMAT="x").stderr
    assert (
        ", set in USAGEKIT_CHECK_FORMAT (see" in invoked("check", "lyrcs", USAGEKIT_CHECK_FORMAT="x").stderr
    )
    assert "--events nope: " in invoked("serve", USAGEKIT_SERVE_EVENTS="nope").stderr
    (elsewhere / "pyproject.toml").write_text(
        "[tool.usagekit.mutants]\nproviders = 'lyrcs'\nformat = 'json'\n"
    )
    assert invoked("mutants").stdout == invoked("mutants", "lyrcs", "--format", "json").stdout


def test_one_text_is_enough_where_several_may_stand(elsewhere: Path) -> None:
    (elsewhere / "pyproject.toml").write_text("[tool.usagekit.serve]\nswitch = 'lyrcs.none=1'\n")
    assert "lyrcs has no switch 'none'" in invoked("serve").stderr


@pytest.mark.parametrize("line", ["mutants lyrcs", "env", "--help", "events varg", "serve --port 0"])
def test_an_output_that_is_full_is_one_sentence_and_status_3(line: str) -> None:
    run = shell(f"usagekit {line} > /dev/full")
    assert (run.returncode, run.stderr) == (3, "usagekit: cannot go on: No space left on device\n")


@pytest.mark.parametrize("line", ["mutants", "env", "--help"])
def test_a_reader_that_is_gone_is_no_failure(line: str) -> None:
    run = shell(f"usagekit {line} | true")
    assert (run.returncode, run.stderr) == (0, "")


def test_a_reader_that_is_gone_leaves_the_status_and_the_files_of_a_run(elsewhere: Path) -> None:
    run = shell(
        "usagekit check lyrcs --url http://127.0.0.1:9 --format text --format json --output r.txt | true"
    )
    assert (run.returncode, run.stderr) == (3, "")
    assert "no connection" in (elsewhere / "r.txt").read_text()


def test_stdout_that_is_closed_is_no_failure() -> None:
    run = shell("usagekit explain lyrcs.schema >&-")
    assert (run.returncode, run.stderr) == (0, "")


def test_a_defect_of_ours_is_not_the_status_of_a_broken_behaviour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usagekit.commands.check.check", lambda *_, **__: 1 / 0)
    result = invoked("check", "lyrcs")
    assert result.exit_code == 3
    assert "ZeroDivisionError" in result.stderr
    assert result.stderr.endswith("usagekit: this is a defect of usagekit; please report the lines above\n")


@pytest.mark.parametrize(
    ("words", "files", "number", "status"),
    [
        pytest.param(["prove", "lyrcs", "--jobs", "1"], "usagekit-*/*", signal.SIGINT, 130, id="prove"),
        pytest.param(["check", "lyrcs", "varg"], "usagekit-*", signal.SIGTERM, 143, id="check"),
    ],
)
def test_a_run_that_is_broken_off_leaves_no_process_and_no_file(
    elsewhere: Path, words: list[str], files: str, number: signal.Signals, status: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "usagekit", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(elsewhere)},
        start_new_session=True,
    )
    try:
        while process.poll() is None and not list(elsewhere.glob(files)):
            time.sleep(0.02)
        # A terminal sends its signal to all processes, whoever ends a job to the first alone.
        os.killpg(process.pid, number) if number is signal.SIGINT else process.send_signal(number)
        # It ends only when no worker holds these pipes any more.
        _, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == status
    assert err == ("\nusagekit: interrupted\n" if number is signal.SIGINT else "")
    assert list(elsewhere.iterdir()) == []
