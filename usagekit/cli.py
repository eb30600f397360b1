"""The `usagekit` command: finds the subcommand, its defaults and the words for what went wrong."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import click

COMMANDS = {
    "behaviours": ("usagekit.commands.behaviours", "List what is claimed of each service."),
    "check": ("usagekit.commands.check", "Hold a provider's document against a server."),
    "demo": ("usagekit.commands.demo", "Show the fakes and the contracts at work."),
    "env": ("usagekit.commands.env", "Print base URLs and keys of a running server."),
    "events": ("usagekit.commands.events", "Write the seeded account's events."),
    "explain": ("usagekit.commands.explain", "Explain one behaviour."),
    "mutants": ("usagekit.commands.mutants", "List the planted defects."),
    "prove": ("usagekit.commands.prove", "Show how many defects the contracts find."),
    "serve": ("usagekit.commands.serve", "Answer the usage endpoints locally."),
}
"""Every command: the module that holds it as `command`, and its line in the help, which imports none."""

CONFIGURATION = "pyproject.toml"


class FailedStart(click.ClickException):
    """Something could not be started or reached; exit status 3."""

    exit_code = 3


def hint(name: str, known: Iterable[str]) -> str:
    """What was probably meant, or what exists, to put behind the name that is not known."""
    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


class Lazy(click.Group):
    """A group that imports the command it is asked for, and says what is wrong in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Every command's name."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of this name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names, with the defaults that its table in the file sets."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"there is no command {name!r}; {hint(name, COMMANDS)}")
        found = super().resolve_command(ctx, args)
        if found[1] is not None and not ctx.resilient_parsing:
            ctx.default_map = {name: _defaults(Path(CONFIGURATION), name, found[1])}
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Run, and end the process with the command's status; a wrong call is one sentence on stderr."""
        run: Any = super().main
        if not extra.pop("standalone_mode", True):
            return run(args, *rest, standalone_mode=False, **extra)
        try:
            status = run(args, *rest, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            click.echo(f"usagekit: {_sentence(error)}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("usagekit: interrupted", err=True)
            sys.exit(130)
        sys.exit(status if isinstance(status, int) else 0)


def _sentence(error: click.ClickException) -> str:
    text = error.format_message().strip()
    if isinstance(error, click.NoSuchOption):
        close = get_close_matches(error.option_name, error.possibilities or (), n=1)
        text = f"there is no option {error.option_name}" + (f"; did you mean {close[0]}?" if close else "")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{text.rstrip('.')} (see {error.ctx.command_path} --help)"
    return text


def _defaults(path: Path, name: str, command: click.Command) -> dict[str, Any]:
    """The options that the file sets for a command; click puts flags and environment before them."""
    tables = _table(path)
    for key in tables:
        if key not in COMMANDS:
            raise click.UsageError(
                f"{path}: [tool.usagekit] has an unknown key {key!r}; {hint(key, COMMANDS)}"
            )
    table = tables.get(name, {})
    where = f"{path}: [tool.usagekit.{name}]"
    if not isinstance(table, dict):
        raise click.UsageError(f"{where} must be a table of options")
    known = {
        parameter.name: parameter for parameter in command.params if parameter.name not in (None, "help")
    }
    spelled = [str(parameter).replace("_", "-") for parameter in known]
    for key in table:
        if key.replace("-", "_") not in known:
            raise click.UsageError(f"{where} has an unknown key {key!r}; {hint(key, spelled)}")
    return {key.replace("-", "_"): value for key, value in table.items()}


def _table(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from None
    table = content.get("tool", {}).get("usagekit", {})
    if not isinstance(table, dict):
        raise click.UsageError(f"{path}: tool.usagekit must be a table")
    return table


@click.group(
    cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "USAGEKIT"}
)
@click.version_option(package_name="usagekit", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Fake usage endpoints that compute, and contract tests to be believed.

    For Somya, Supertone, Varg, Surnex and Lyrcs. Options may also be set in the environment
    (USAGEKIT_SERVE_PORT=9000) and in pyproject.toml ([tool.usagekit.serve], port = 9000).
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
