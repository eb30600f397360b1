"""The `usagekit` command: finds the subcommand, its defaults and the words for what went wrong."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import tomllib
import traceback
from collections.abc import Iterable, Sequence
from datetime import date, time
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
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"


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
        for parameter in command.params:
            # click goes by the name in the code; who sets the variable knows the option.
            if isinstance(parameter, click.Option) and parameter.envvar is None:
                parameter.envvar = f"USAGEKIT_{cmd_name}_{_spelled(parameter)}".upper()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names, with the defaults that its table in the file sets."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"there is no command {name!r}; {hint(name, COMMANDS)}", ctx)
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
        stdout = sys.stdout
        _end_in_order()
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
        except SystemExit as error:
            # When nobody reads any more, as behind `| head`, click puts stdout away and ends with 1, which
            # says here that a behaviour was broken.
            sys.exit(error.code if sys.stdout is stdout else 0)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"usagekit: cannot go on: {place}{error.strerror or error}", err=True)
            sys.exit(FailedStart.exit_code)
        except Exception:  # noqa: BLE001
            # Python's own status for this is 1, which says here that a behaviour was broken.
            traceback.print_exc()
            click.echo("usagekit: this is a defect of usagekit; please report the lines above", err=True)
            sys.exit(FailedStart.exit_code)
        sys.exit(status if isinstance(status, int) else 0)


def _end_in_order() -> None:
    """Let a SIGTERM clear away files and processes, as Ctrl-C does, wherever nobody else takes it."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


NO_CHOICE = re.compile(r"'(?P<given>[^']*)' is not one of (?P<choices>'.*')\.")


def _sentence(error: click.ClickException) -> str:
    text = error.format_message().strip()
    if found := NO_CHOICE.search(text):
        close = get_close_matches(found["given"], re.findall(r"'([^']*)'", found["choices"]), n=1)
        text = text.rstrip(".") + (f"; did you mean {close[0]!r}?" if close else "")
    if isinstance(error, click.NoSuchOption):
        close = get_close_matches(error.option_name, error.possibilities or (), n=1)
        text = f"there is no option {error.option_name}" + (f"; did you mean {close[0]}?" if close else "")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{text.rstrip('.')}{_whence(error)} (see {error.ctx.command_path} --help)"
    return text


def _whence(error: click.UsageError) -> str:
    """Where a wrong value was set, when that was not on the command line."""
    parameter = error.param if isinstance(error, click.BadParameter) else None
    if parameter is None or error.ctx is None or parameter.name is None:
        return ""
    source = error.ctx.get_parameter_source(parameter.name)
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return f", set in {CONFIGURATION}"
    if source is click.core.ParameterSource.ENVIRONMENT:
        own = parameter.envvar or ()
        return f", set in {own if isinstance(own, str) else next(filter(os.environ.get, own), own[0])}"
    return ""


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
    known = {_spelled(parameter): parameter for parameter in command.params if parameter.name != "help"}
    found = {}
    for key, value in table.items():
        parameter = known.get(key.replace("-", "_"))
        if parameter is None:
            spelled = [name.replace("_", "-") for name in known]
            raise click.UsageError(f"{where} has an unknown key {key!r}; {hint(key, spelled)}")
        found[str(parameter.name)] = _as_taken(f"{where} {key}", parameter, value)
    return found


def _spelled(parameter: click.Parameter) -> str:
    """The name of an option as it is typed, underscores for hyphens; that of an argument."""
    long = [text.lstrip("-") for text in parameter.opts if text.startswith("--")]
    return long[0].replace("-", "_") if long else str(parameter.name)


def _as_taken(where: str, parameter: click.Parameter, value: Any) -> Any:
    """The value of a file as it would stand on the command line; a UsageError when it cannot stand there."""
    several = parameter.nargs == -1 or (isinstance(parameter, click.Option) and parameter.multiple)
    values = value if several and isinstance(value, list) else [value]
    for one in values:
        if isinstance(one, list | dict):
            raise click.UsageError(
                f"{where} is {one!r}; {'texts' if several else 'one value'} can stand there"
            )
    texts = [one if isinstance(one, bool) else _text(one) for one in values]
    return texts if several else texts[0]


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _table(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from None
    tool = content.get("tool", {})
    table = tool.get("usagekit", {}) if isinstance(tool, dict) else tool
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

    For completion in bash: eval "$(_USAGEKIT_COMPLETE=bash_source usagekit)", or zsh_source in zsh; in fish:
    _USAGEKIT_COMPLETE=fish_source usagekit | source
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
