"""`usagekit events` as a user runs it, and `usagekit serve --events` with what it wrote."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner, Result

from usage_mockserver.event_files import read_files
from usage_mockserver.providers import NAMES
from usage_mockserver.scenarios import seeded_ledger
from usagekit.cli import main

PATIENCE = 30.0


def invoked(*args: str) -> Result:
    return CliRunner().invoke(main, ["events", *args], prog_name="usagekit")


pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.mark.parametrize("provider", NAMES)
def test_the_events_are_those_of_the_ledger_in_its_order(provider: str, tmp_path: Path) -> None:
    result = invoked(provider, "--from", "2026-03-01", "--to", "2026-03-07", "--output", "found.csv")
    assert (result.exit_code, result.output) == (0, "")
    ledger = seeded_ledger(provider, 1, "busy")
    wanted = [event for day in range(7) for event in ledger.day(739676 + day)]
    assert wanted[0].at.isoformat() >= "2026-03-01"
    assert read_files([(None, tmp_path / "found.csv")]) == {provider: wanted}


def test_stdout_gets_json_lines_and_nothing_else() -> None:
    result = invoked("varg", "--from", "2026-03-02", "--to", "2026-03-02")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert found
    assert {one["kind"] for one in found} == {"varg.job"}
    assert result.stderr == ""


def test_seed_scenario_and_format_are_taken() -> None:
    window = ("--from", "2026-03-02", "--to", "2026-03-02")
    one, other = (invoked("varg", *window, "--seed", seed).stdout for seed in ("1", "2"))
    assert one != other
    assert invoked("varg", *window, "--scenario", "empty").stdout == ""
    assert invoked("varg", *window, "--scenario", "empty", "--format", "csv").stdout.startswith(
        "kind,at,model,"
    )


def test_one_day_alone_is_that_day() -> None:
    assert (
        invoked("varg", "--from", "2026-03-02").stdout
        == invoked("varg", "--from", "2026-03-02", "--to", "2026-03-02").stdout
    )


def test_the_last_seven_days_are_meant_when_nothing_is_said() -> None:
    assert len({json.loads(line)["at"][:10] for line in invoked("surnex").stdout.splitlines()}) in range(1, 8)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["vrag"], "there is no provider 'vrag'; did you mean 'varg'?"),
        (["varg", "--from", "march"], "--from is 'march'; write a day such as 2026-03-01"),
        (["varg", "--to", "2026-02-30"], "--to is '2026-02-30'"),
        (
            ["varg", "--from", "2026-03-02", "--to", "2026-03-01"],
            "--from 2026-03-02 is after --to 2026-03-01",
        ),
        (["varg", "--scenario", "bussy"], "did you mean 'busy'?"),
        (["varg", "--format", "xml"], "'xml' is not one of 'jsonl', 'csv'"),
    ],
)
def test_a_wrong_call_is_one_sentence(args: list[str], says: str) -> None:
    result = invoked(*args)
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_written_is_status_3_and_leaves_nothing(tmp_path: Path) -> None:
    result = invoked("varg", "--output", "nowhere/found.csv")
    assert result.exit_code == 3
    assert "cannot write" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    window = ("varg", "--from", "2026-03-01", "--to", "2026-03-07")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True) as reader:
        assert invoked(*window, "--output", "pipe").exit_code == 0
        assert reader.communicate()[0] == invoked(*window).stdout
    assert (tmp_path / "pipe").is_fifo()


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m usagekit events surnex --from 2020-01-01 --to 2026-01-01 | head -2"
    run = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert len(run.stdout.splitlines()) == 2
    assert run.stderr == ""


def test_the_bar_is_for_a_terminal_alone(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "usagekit",
        "events",
        "varg",
        "--from",
        "2020-01-01",
        "--to",
        "2026-01-01",
    ]
    with (tmp_path / "found").open("w") as file:
        run = subprocess.run(
            command,
            stdout=file,
            stderr=follower,
            env={**os.environ, "TERM": "xterm"},
            check=False,
            timeout=60,
        )
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert run.returncode == 0
    assert b"Writing" in shown
    assert (tmp_path / "found").read_text().count("\n") > 1000


@pytest.mark.slow
def test_many_lines_take_bounded_memory(tmp_path: Path) -> None:
    measured = (
        "import resource, sys; from usagekit.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
    )
    sizes = []
    for last in ("2020-02-01", "2035-01-01"):
        args = ["events", "surnex", "--from", "2020-01-01", "--to", last, "--output", "found.jsonl"]
        run = subprocess.run(
            [sys.executable, "-c", measured, *args], capture_output=True, text=True, check=True, timeout=120
        )
        sizes.append(int(run.stderr))
    assert (tmp_path / "found.jsonl").read_bytes().count(b"\n") > 100_000
    assert sizes[1] - sizes[0] < 15


# -- serve ----------------------------------------------------------------------------------------------


def served(tmp_path: Path, *args: str, **env: str) -> tuple[subprocess.Popen[str], str]:
    file = tmp_path / "port"
    command = [sys.executable, "-m", "usagekit", "serve", "--port", "0", "--port-file", str(file), *args]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}
    )
    deadline = time.monotonic() + PATIENCE
    while not file.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process, f"http://127.0.0.1:{file.read_text().strip()}" if file.exists() else ""


def stopped(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=PATIENCE)


def got(url: str, **headers: str) -> tuple[int, bytes]:
    from urllib.error import HTTPError

    try:
        with urlopen(Request(url, headers=headers), timeout=PATIENCE) as reply:
            return reply.status, reply.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_serve_answers_from_files_and_resets_to_them(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(
        '{"kind":"varg.job","at":"2026-03-02T12:00:00Z","job_id":"from-jsonl"}\n'
    )
    (tmp_path / "two.csv").write_text("at,job_id\n2026-03-02T13:00:00Z,from-csv\n")
    files = ("--events", str(tmp_path / "one.jsonl"), "--events", f"varg={tmp_path / 'two.csv'}")
    process, url = served(tmp_path, "--scenario", "empty", "--now", "2026-03-15", *files)
    try:
        for _ in range(2):
            status, body = got(
                f"{url}/varg/v1/usage?from=2026-03-02&to=2026-03-02",
                authorization="Bearer varg_usagekit_demo",
            )
            assert status == 200
            assert [job["job_id"] for job in json.loads(body)["usage"]] == ["from-csv", "from-jsonl"]
            with urlopen(Request(f"{url}/__admin/reset", method="POST"), timeout=PATIENCE) as reply:
                assert reply.status == 200
    finally:
        stopped(process)


def test_keys_and_switches_of_the_start_outlive_a_reset(tmp_path: Path) -> None:
    process, url = served(tmp_path, "--key", "varg=varg_mine", "--switch", "varg.reversed=refuse")
    try:
        with urlopen(Request(f"{url}/__admin/reset", method="POST"), timeout=PATIENCE) as reply:
            assert reply.status == 200
        address = f"{url}/varg/v1/usage?from=2026-03-02&to=2026-03-01"
        assert got(address, authorization="Bearer varg_usagekit_demo")[0] == 401
        assert got(address, authorization="Bearer varg_mine")[0] == 400
    finally:
        stopped(process)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--events", "none.jsonl"], "--events none.jsonl: No such file or directory"),
        (["--events", "varg=bad.jsonl"], "bad.jsonl, line 1: field 'at': "),
        (["varg", "--events", "lyrcs=bad.jsonl"], "lyrcs is not among the providers served: varg"),
        (["varg", "--events", "other.jsonl"], "there is no provider 'lyrcs'"),
    ],
)
def test_wrong_files_end_the_start_with_one_sentence(tmp_path: Path, args: list[str], says: str) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n")
    (tmp_path / "other.jsonl").write_text('{"kind":"lyrcs.call","at":"2026-03-02T12:00:00Z"}\n')
    result = CliRunner().invoke(main, ["serve", "--port", "0", *args], prog_name="usagekit")
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_control_plane_is_there_unless_it_is_not_wanted(tmp_path: Path) -> None:
    process, url = served(tmp_path)
    try:
        assert got(f"{url}/__admin/health") == (200, b'{"status":"ok"}')
    finally:
        stopped(process)
    process, url = served(tmp_path, "--no-admin")
    try:
        assert got(f"{url}/__admin/providers")[0] == 404
    finally:
        stopped(process)


def test_the_token_comes_from_the_environment(tmp_path: Path) -> None:
    process, url = served(tmp_path, USAGEKIT_ADMIN_TOKEN="secret")
    try:
        assert got(f"{url}/__admin/providers")[0] == 401
        assert got(f"{url}/__admin/providers", authorization="Bearer secret")[0] == 200
    finally:
        stopped(process)


def test_beyond_loopback_it_is_off_without_a_token(tmp_path: Path) -> None:
    process, url = served(tmp_path, "--host", "0.0.0.0", "--allow-remote")
    try:
        assert got(f"{url}/__admin/providers")[0] == 404
    finally:
        stopped(process)
    process, url = served(tmp_path, "--host", "0.0.0.0", "--allow-remote", USAGEKIT_ADMIN_TOKEN="secret")
    try:
        assert got(f"{url}/__admin/providers")[0] == 401
        assert got(f"{url}/__admin/providers", authorization="Bearer secret")[0] == 200
    finally:
        stopped(process)
