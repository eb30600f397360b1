"""`usagekit serve` as a user runs it: what it prints works, what it refuses it explains, its end is clean."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result

from usage_mockserver.app import create_app
from usage_mockserver.clock import Clock, read_instant
from usage_mockserver.world import Settings, World
from usage_specs import load
from usagekit.cli import COMMANDS, main
from usagekit.commands.serve import curl, greeting

PATIENCE = 30.0
PROVIDERS = ["somya", "supertone", "varg", "surnex", "lyrcs"]


def invoked(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env, prog_name="usagekit")


pytestmark = pytest.mark.usefixtures("elsewhere")


@contextmanager
def served(*args: str, **env: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The running command and the lines it printed at its start."""
    process = subprocess.Popen(
        [sys.executable, "-m", "usagekit", "serve", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "USAGEKIT_SERVE_PORT": "0", **env},
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().rstrip("\n")]
    while lines[-1] != "Ctrl-C stops it." and process.poll() is None:
        lines.append(process.stdout.readline().rstrip("\n"))
    try:
        yield process, lines
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def stopped(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def asked(command: str, **variables: str) -> int:
    """The status of what a printed curl line asks for; the line is taken apart as a shell would."""
    expanded = subprocess.run(
        ["/bin/sh", "-c", f"set -- {command}; printf '%s\\n' \"$@\""],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    ).stdout
    program, url, flag, field = expanded.splitlines()
    assert (program, flag) == ("curl", "-H")
    name, _, value = field.partition(": ")
    try:
        return int(urlopen(Request(url, headers={name: value}), timeout=PATIENCE).status)
    except HTTPError as error:
        return error.code


def curls(lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if line.strip().startswith("curl ")]


def test_every_printed_request_is_answered() -> None:
    with served() as (process, lines):
        assert lines[0].startswith("usagekit: 5 fake usage endpoints on http://127.0.0.1:")
        assert len(curls(lines)) == 5
        assert [asked(line) for line in curls(lines)] == [200] * 5
        assert stopped(process) == (0, "", "")


def test_single_provider_is_printed_with_and_without_its_prefix() -> None:
    with served("supertone") as (_, lines):
        with_prefix, without = curls(lines)
        assert "/supertone/v1/voice-usage?" in with_prefix
        assert "/supertone/" not in without
        assert [asked(with_prefix), asked(without)] == [200, 200]


# What the vendors' pages print, as far as they print figures.
PRINTED = {
    "supertone": lambda told: (
        [row["total_minutes_used"] for row in told["usages"]] == [12.43251349, 3.24566213]
    ),
    "varg": lambda told: told["total_cents"] == 1250 and told["usage"][0]["job_id"] == "job_a1b2c3d4",
    "surnex": lambda told: told["totals"]["calls_total"] == 12 and told["snapshots"]["snapshots_total"] == 4,
    "lyrcs": lambda told: told["total_jobs"] == 142,
}


@pytest.mark.parametrize("provider", PRINTED)
def test_printed_request_of_the_docs_scenario_gets_the_printed_example(provider: str) -> None:
    world = World([provider], Settings(scenario="docs"))
    _, url, _, field = shlex.split(curl(world, load(provider).service, f"http://127.0.0.1/{provider}"))
    path, _, query = url.removeprefix("http://127.0.0.1").partition("?")
    name, _, value = field.partition(": ")
    reply = create_app(world).handle("GET", "127.0.0.1", path, query, {name: value})
    assert PRINTED[provider](json.loads(reply.body))


def test_configured_key_opens_and_is_printed_nowhere() -> None:
    with served("varg", "--key", "varg=varg_canary_4711") as (process, lines):
        assert "canary" not in "".join(lines)
        assert asked(curls(lines)[0], VARG_API_KEY="varg_canary_4711") == 200
        assert asked(curls(lines)[0], VARG_API_KEY="varg_usagekit_demo") == 401
        assert "canary" not in "".join(stopped(process)[1:])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_right_after_the_start_is_a_clean_end(number: int) -> None:
    with served("lyrcs") as (process, _):
        assert stopped(process, number) == (0, "", "")


def test_two_at_once_take_two_ports() -> None:
    with served("lyrcs") as (_, one), served("lyrcs") as (_, two):
        assert asked(curls(one)[0]) == asked(curls(two)[0]) == 200
        assert one[0] != two[0]


def test_port_file_holds_the_port_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "port"
    with served("lyrcs", "--port-file", str(file)) as (process, lines):
        deadline = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lines[0].endswith(f":{file.read_text().strip()}")
        stopped(process)
    assert list(tmp_path.iterdir()) == []


def test_port_file_that_cannot_be_written_is_one_sentence_and_status_3() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "usagekit", "serve", "varg", "--port", "0", "--port-file", "nowhere/port"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert run.returncode == 3
    assert run.stderr == "usagekit: --port-file nowhere/port cannot be written: No such file or directory\n"


@pytest.mark.parametrize("now", ["0001-01-01", "9999-12-31T23:59:59Z"])
def test_the_clock_may_stand_at_an_end_of_time(now: str) -> None:
    world = World(PROVIDERS, Settings(clock=Clock().travel_to(read_instant(now))))
    assert greeting(world, "http://127.0.0.1:8000").count("  curl ") == 5


def test_access_log_is_on_stderr_without_the_query() -> None:
    with served("lyrcs", "--access-log") as (process, lines):
        url, header = shlex.split(curls(lines)[0])[1::2]
        urlopen(Request(f"{url}?note=canary", headers=dict([header.split(": ")])))
        _, out, err = stopped(process)
    assert out == ""
    assert err.rstrip().endswith("INFO usagekit.access: GET lyrcs 200")
    assert "canary" not in err


@pytest.mark.parametrize(("option", "count"), [("--journal", 1), ("--no-journal", 0)])
def test_journal_is_kept_unless_it_is_switched_off(option: str, count: int) -> None:
    with served("lyrcs", option) as (_, lines):
        assert asked(curls(lines)[0]) == 200
        url = lines[0].rpartition(" ")[2]
        told = json.loads(urlopen(f"{url}/__admin/journal/count", timeout=PATIENCE).read())
    assert told["count"] == count


def test_taken_port_is_one_sentence_and_status_3() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        port = sock.getsockname()[1]
        result = invoked("serve", "lyrcs", "--port", str(port))
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"usagekit: port {port} on 127.0.0.1 is taken; choose another with --port, or 0\n"


def test_address_that_is_not_ours_is_status_3() -> None:
    result = invoked("serve", "--host", "192.0.2.1", "--port", "0", "--allow-remote")
    assert result.exit_code == 3
    assert result.stderr.startswith("usagekit: cannot listen on 192.0.2.1 port 0: ")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["srve"], "there is no command 'srve'; did you mean 'serve'?"),
        (["serve", "supertune"], "there is no provider 'supertune'; did you mean 'supertone'?"),
        (["serve", "--prot", "1"], "there is no option --prot; did you mean --port?"),
        (["serve", "--scenario", "bussy"], "there is no scenario 'bussy'; did you mean 'busy'?"),
        (["serve", "--now", "yesterday"], "--now: 'yesterday' is not an instant; write 2026-03-01 or"),
        (["serve", "--seed", "one"], "'one' is not a valid integer"),
        (["serve", "--port", "65536"], "65536 is not in the range 0<=x<=65535"),
        (["serve", "--log-level", "loud"], "'loud' is not one of"),
        (["serve", "--switch", "limit=1"], "--switch takes PROVIDER.NAME=VALUE, not 'limit=1'"),
        (
            ["serve", "--switch", "supertune.limit=1"],
            "there is no provider 'supertune'; did you mean 'supertone'?",
        ),
        (
            ["serve", "--switch", "supertone.limits=1"],
            "supertone has no switch 'limits'; did you mean 'limit'?",
        ),
        (["serve", "--switch", "supertone.limit=never"], "switch 'limit' of supertone takes "),
        (
            ["serve", "varg", "--switch", "supertone.limit=1"],
            "supertone is not among the providers served: varg",
        ),
        (["serve", "--key", "varg"], "--key takes PROVIDER=KEY"),
        (["serve", "--key", "varg=canaryü"], "--key varg: only printable ASCII can travel as a key"),
        (["serve", "--allow-host", "http://x/"], "--allow-host is 'http://x/'; write a host alone"),
        (["serve", "--allow-host", "x:80"], "--allow-host is 'x:80'; write a host alone"),
        (["serve", "--allow-host", ""], "--allow-host is ''; write a host alone"),
        (["serve", "--key", "vrag=canary"], "there is no provider 'vrag'; did you mean 'varg'?"),
        (
            ["serve", "--host", "0.0.0.0"],
            "--host 0.0.0.0 lets other machines in; add --allow-remote if that is meant",
        ),
        (["serve", "--host", "192.0.2.1"], "--host 192.0.2.1 lets other machines in; add --allow-remote"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_call_is_one_sentence_and_status_2(args: list[str], says: str) -> None:
    result = invoked(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("usagekit: ")
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    assert "canary" not in result.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[tool.usagekit.srve]", "[tool.usagekit] has an unknown key 'srve'; did you mean 'serve'?"),
        (
            "[tool.usagekit.serve]\nprot = 1",
            "[tool.usagekit.serve] has an unknown key 'prot'; did you mean 'port'?",
        ),
        ("[tool.usagekit]\nserve = 1", "[tool.usagekit.serve] must be a table of options"),
        ("[tool]\nusagekit = 1", "tool.usagekit must be a table"),
        ("[tool.usagekit", "cannot be read: "),
        ("[tool.usagekit.serve]\nport = 'x'", "'x' is not a valid integer range"),
    ],
)
def test_wrong_file_is_refused_by_name(elsewhere: Path, content: str, says: str) -> None:
    (elsewhere / "pyproject.toml").write_text(content)
    result = invoked("serve")
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_flag_goes_before_environment_and_environment_before_file(elsewhere: Path) -> None:
    def scenario(*args: str, **env: str) -> str:
        (text,) = [
            part for part in invoked("serve", *args, **env).stderr.split("'") if part in ("f", "e", "x")
        ]
        return text

    (elsewhere / "pyproject.toml").write_text("[tool.usagekit.serve]\nscenario = 'f'\nallow-remote = true\n")
    assert scenario() == "f"
    assert scenario(USAGEKIT_SERVE_SCENARIO="e") == "e"
    assert scenario("--scenario", "x", USAGEKIT_SERVE_SCENARIO="e") == "x"


def test_file_names_providers_and_repeated_options(elsewhere: Path) -> None:
    (elsewhere / "pyproject.toml").write_text(
        "[tool.usagekit.serve]\nproviders = ['varg', 'lyrcs']\nnow = 2026-03-01\nswitch = ['lyrcs.none=1']\n"
    )
    result = invoked("serve")
    assert "lyrcs has no switch 'none'" in result.stderr


def test_help_and_version_import_no_command() -> None:
    code = (
        "import sys\nfrom usagekit.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'uvicorn', 'fastapi', 'yaml', 'rich', 'usage_mockserver', 'hypothesis'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    for flag in ("--version", "--help", "-h"):
        run = subprocess.run([sys.executable, "-c", code, flag], capture_output=True, text=True, check=True)
        assert run.stdout.splitlines()[-1] == "[]"


def test_somya_and_its_framework_are_imported_only_when_asked() -> None:
    code = (
        "import sys\nimport usagekit.commands.serve\n"
        "print(sorted({'fastapi', 'pydantic', 'rich', 'hypothesis', 'starlette'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_every_listed_command_exists_and_explains_itself() -> None:
    for name, (_, line) in COMMANDS.items():
        result = invoked(name, "--help")
        assert result.exit_code == 0
        assert line in invoked("--help").stdout


def test_command_without_arguments_shows_the_help() -> None:
    result = invoked()
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: usagekit ")


def test_shell_completes_commands_and_providers() -> None:
    def completed(words: str, at: int) -> list[str]:
        run = subprocess.run(
            [sys.executable, "-m", "usagekit"],
            check=False,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "_USAGEKIT_COMPLETE": "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(at),
            },
        )
        return [line.partition(",")[2] for line in run.stdout.splitlines()]

    assert "serve" in completed("usagekit s", 1)
    assert completed("usagekit serve s", 2) == ["somya", "supertone", "surnex"]
