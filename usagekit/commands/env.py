"""`usagekit env`: base URLs and keys of a running `usagekit serve`, for the shell that is asked for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from usagekit.commands.providers import begun, read_providers
from usagekit.environment import variables

DEFAULT_URL = "http://127.0.0.1:8000"
PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def _url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:  # noqa: ARG001
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if wrong or parts.query or parts.fragment:
        raise click.UsageError(f"--url is {value!r}; write it like {DEFAULT_URL}")
    return value.rstrip("/")


def _session(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    if not value:
        return value
    from usage_mockserver.sessions import NAME

    if not NAME.fullmatch(value):
        raise click.UsageError(f"--session is {value!r}; letters, digits, '.', '_' and '-' make a name")
    return value


def _bash(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _fish(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{quoted}'"


def _powershell(name: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"$Env:{name} = '{quoted}'"


def _dotenv(name: str, value: str) -> str:
    if PLAIN.fullmatch(value):
        return f"{name}={value}"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{quoted}"'


SHELLS: Mapping[str, Callable[[str, str], str]] = {
    "bash": _bash,
    "zsh": _bash,
    "fish": _fish,
    "powershell": _powershell,
    "dotenv": _dotenv,
}


@click.command(short_help="Print base URLs and keys of a running server.")
@click.argument("providers", nargs=-1, callback=read_providers, shell_complete=begun, metavar="[PROVIDER]...")
@click.option(
    "--shell", type=click.Choice(list(SHELLS)), default="bash", show_default=True, help="For whom to write."
)
@click.option("--url", callback=_url, help=f"Where the server is; {DEFAULT_URL} by default.")
@click.option(
    "--port-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the port from what `usagekit serve --port-file` wrote.",
)
@click.option(
    "--session", default="", callback=_session, metavar="NAME", help="Of this session of the server."
)
def command(
    *, providers: tuple[str, ...], shell: str, url: str | None, port_file: Path | None, session: str
) -> None:
    """Print where the PROVIDERs, or all five, are answered by a running `usagekit serve`, and their keys.

    In bash and zsh: eval "$(usagekit env)". The keys are those that a server accepts to which none were given.
    """
    if port_file is not None:
        if url is not None:
            raise click.UsageError("--url and --port-file exclude each other")
        url = f"http://127.0.0.1:{_port(port_file)}"
    base = url or DEFAULT_URL
    if session:
        base += f"/~{session}"
    for name in providers:
        for variable, value in variables(name, f"{base}/{name}").items():
            click.echo(SHELLS[shell](variable, value))


def _port(path: Path) -> int:
    try:
        return int(path.read_text("ascii"))
    except OSError as error:
        raise click.UsageError(f"--port-file {path}: {error.strerror}; is the server running?") from None
    except ValueError:
        raise click.UsageError(f"--port-file {path} holds no port") from None
