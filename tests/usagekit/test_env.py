"""`usagekit env`: what it prints is what a shell and a server understand."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from usage_mockserver.server import serve
from usage_specs import PROVIDERS, load
from usagekit.cli import main
from usagekit.commands.env import SHELLS
from usagekit.fakes import make_world

pytestmark = pytest.mark.usefixtures("elsewhere")


def invoked(*args: str) -> Result:
    return CliRunner().invoke(main, ["env", *args], prog_name="usagekit")


# Typed by hand, one line for each shell's own grammar.
LINES = {
    "bash": "export VARG_BASE_URL=http://127.0.0.1:8000/varg",
    "zsh": "export VARG_BASE_URL=http://127.0.0.1:8000/varg",
    "fish": "set -gx VARG_BASE_URL 'http://127.0.0.1:8000/varg'",
    "powershell": "$Env:VARG_BASE_URL = 'http://127.0.0.1:8000/varg'",
    "dotenv": "VARG_BASE_URL=http://127.0.0.1:8000/varg",
}


@pytest.mark.parametrize("shell", LINES)
def test_each_shell_has_its_own_spelling(shell: str) -> None:
    result = invoked("varg", "--shell", shell)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == LINES[shell]
    assert LINES.keys() == SHELLS.keys()


def test_quotes_are_doubled_or_escaped() -> None:
    assert SHELLS["powershell"]("X", "it's") == "$Env:X = 'it''s'"
    assert SHELLS["fish"]("X", "it's \\") == "set -gx X 'it\\'s \\\\'"
    assert SHELLS["dotenv"]("X", 'a "b"') == 'X="a \\"b\\""'


def test_all_five_are_printed_with_their_usual_variables() -> None:
    names = [line.split("=")[0] for line in invoked("--shell", "dotenv").stdout.splitlines()]
    wanted = [name for one in PROVIDERS for name in (f"{one.upper()}_BASE_URL", f"{one.upper()}_API_KEY")]
    assert names == wanted


@pytest.mark.parametrize("text", ["plain", "it's", 'a "b" $c `d` \\e', "ä b"])
def test_a_shell_reads_back_what_was_meant(text: str) -> None:
    for shell, program in (("bash", "bash"), ("fish", "fish"), ("powershell", "pwsh")):
        if shutil.which(program) is None:
            continue
        show = "Write-Output $Env:X" if shell == "powershell" else 'printf "%s\\n" "$X"'
        run = subprocess.run(
            [program, "-c", f"{SHELLS[shell]('X', text)}\n{show}"], capture_output=True, text=True, check=True
        )
        assert run.stdout == f"{text}\n"
    assert shutil.which("bash") is not None


def test_the_printed_addresses_and_keys_open_the_accounts() -> None:
    with serve(make_world(now="2026-03-15")) as running:
        text = invoked("--shell", "dotenv", "--url", f"{running.url}/").stdout
        values = dict(line.split("=", 1) for line in text.splitlines())
        for name in PROVIDERS:
            service = load(name).service
            way = service.credentials[0]
            first, last = ("start_date", "end_date") if name == "supertone" else ("from", "to")
            reply = httpx2.get(
                f"{values[f'{name.upper()}_BASE_URL']}{service.path}",
                params={} if name == "lyrcs" else {first: "2026-03-01", last: "2026-03-07"},
                headers={way.header: way.value(values[service.variable])},
            )
            assert reply.status_code == 200


def test_the_port_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("4711\n")
    assert "http://127.0.0.1:4711/varg" in invoked("varg", "--port-file", "port").stdout


def test_a_session_is_part_of_the_address() -> None:
    assert "http://127.0.0.1:8000/~mine/varg" in invoked("varg", "--session", "mine").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["vrag"], "there is no provider 'vrag'; did you mean 'varg'?"),
        (["--shell", "csh"], "'csh' is not one of"),
        (["--url", "localhost:8000"], "write it like http://127.0.0.1:8000"),
        (["--url", "http://x/?y"], "write it like http://127.0.0.1:8000"),
        (["--url", "http://[::1"], "write it like http://127.0.0.1:8000"),
        (["--url", "http://x:99999"], "write it like http://127.0.0.1:8000"),
        (["--session", "a b"], "letters, digits, '.', '_' and '-' make a name"),
        (["--session", "../x"], "letters, digits, '.', '_' and '-' make a name"),
        (["--port-file", "none"], "is the server running?"),
        (["--port-file", "text"], "holds no port"),
        (["--port-file", "text", "--url", "http://x"], "exclude each other"),
    ],
)
def test_a_wrong_call_is_one_sentence(tmp_path: Path, args: list[str], says: str) -> None:
    (tmp_path / "text").write_text("no port")
    result = invoked(*args)
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
