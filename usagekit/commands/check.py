"""`usagekit check`: hold a provider's document against a server."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from usage_specs import PROVIDERS, SpecError, load
from usagekit.applications import INTERFACES, ORIGIN, imported, interface_of
from usagekit.checking import CheckError, Options, check, is_loopback, planned, read_key, read_url
from usagekit.cli import FailedStart, hint
from usagekit.commands.providers import ALL, begun, known_providers
from usagekit.terminal import counted, manner, tell

if TYPE_CHECKING:
    from usage_contracts.masking import Mask
    from usage_contracts.verdict import Report
    from usagekit.applications import Application

FORMATS = ("text", "json", "junit", "html", "github", "sarif")
MISSING = "contract runs need more packages: pip install 'usagekit[contracts]'"
# The gravest ending of several runs is the exit status of them all.
GRAVITY = (1, 3, 4, 0)


def _finite(ctx: click.Context, param: click.Parameter, value: float) -> float:
    # No comparison with NaN is true, so that every range lets it in.
    if isnan(value):
        raise click.BadParameter("nan is no number of seconds.", ctx, param)
    return value


@click.command(short_help="Hold a provider's document against a server.")
@click.argument("providers", nargs=-1, shell_complete=begun, metavar="PROVIDER...")
@click.option(
    "--url",
    help="Origin, or origin and prefix, to ask; {provider} stands for each name. "
    "Without it a fake is started, or with --live the real service asked.",
)
@click.option(
    "--app",
    metavar="MODULE:NAME",
    help="An ASGI or WSGI application to ask in this process, without a socket, as if --url led to it.",
)
@click.option("--factory", is_flag=True, help="--app names a function that makes the application.")
@click.option(
    "--interface",
    default="auto",
    show_default=True,
    type=click.Choice(INTERFACES),
    help="What the application speaks, where that cannot be seen.",
)
@click.option("--key-env", metavar="NAME", help="Environment variable that holds the key.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File whose first line is the key.")
@click.option("--key", help="The key itself; others on this machine can read it in the process list.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same questions.")
@click.option("--scenario", default="busy", show_default=True, help="State of the fake that is started.")
@click.option("--now", help="The service's time, such as 2026-03-01T12:00:00Z; by default this machine's.")
@click.option(
    "--examples",
    default=8,
    show_default=True,
    type=click.IntRange(0, 1000),
    help="Draws of each property beyond the plan.",
)
@click.option("--max-requests", type=click.IntRange(1), help="Hard cap on requests for each provider.")
@click.option("--per-minute", type=click.IntRange(1, 6000), help="Fastest pace of a live run.")
@click.option(
    "--timeout",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0.1, 600),
    callback=_finite,
    help="Seconds for an answer.",
)
@click.option("--live/--no-live", default=None, help="Paced, capped, GET only; by itself beyond loopback.")
@click.option(
    "--probe-auth", is_flag=True, help="Allow a live run two requests without a good key, at its end."
)
@click.option(
    "--known",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value that a filter has in this account, such as project_id=...; may be repeated.",
)
@click.option("--strict", is_flag=True, help="Fail also where an assumption differs.")
@click.option("--dry-run", is_flag=True, help="Send nothing; print the requests a live run may send.")
@click.option(
    "--baseline", type=click.Path(path_type=Path, dir_okay=False), help="File of accepted findings."
)
@click.option("--baseline-update", is_flag=True, help="Write today's findings into the baseline file.")
@click.option("--baseline-reason", metavar="TEXT", help="Why the findings written are accepted.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    default=("text",),
    type=click.Choice(FORMATS),
    help="Report format; may be given several times.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the format given at the same place; formats without one go to stdout.",
)
def command(providers: Sequence[str], formats: Sequence[str], outputs: Sequence[Path], **given: Any) -> int:
    """Judge servers by their documents, one verdict per behaviour.

    Exit status: 0 every exercised behaviour held, 1 one was broken, 2 wrong usage, 3 the target could not be
    reached or judged, 4 nothing was really tested.
    """
    if not providers:
        raise click.UsageError(f"name at least one provider: {', '.join(PROVIDERS)}, or {ALL}")
    names = known_providers(providers)
    options, urls = _options(given, names), _urls(names, given)
    _writable(formats, outputs)
    app = _application(given)
    sources = [given[name] for name in ("key_env", "key_file", "key")]
    keys = {name: _key(name, urls[name] or (app and ORIGIN), *sources) for name in names}
    if given["dry_run"]:
        return _print_plans(urls, options)
    if app is None and None in urls.values():
        _no_target(given)
    target = {"app": app, "interface": given["interface"]}
    reports = [_one(name, urls[name], keys[name], options, target) for name in names]
    reports = _accepted(reports, given)
    again = _again(names, given)
    _write(reports, [held for held in keys.values() if held], formats, outputs, again)
    return worst(reports)


def _no_target(given: Mapping[str, Any]) -> None:
    """Refuse what only makes sense for a server of one's own: a fake that holds must not pass for that."""
    for name in ("key", "key_env", "key_file", "probe_auth"):
        if given[name]:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} needs --live, --url or --app; else a fake of ours is asked")


def _application(given: Mapping[str, Any]) -> Application | None:
    text = given["app"]
    if text is None:
        if given["factory"]:
            raise click.UsageError("--factory needs --app MODULE:NAME")
        return None
    try:
        app = imported(text, factory=given["factory"])
        interface_of(app, given["interface"])
    except ValueError as error:
        raise click.UsageError(f"--app {error}") from None
    return app


def _again(names: Sequence[str], given: Mapping[str, Any]) -> str:
    """The command that repeats these runs, "" where each report's own says it."""
    if (given["url"] or given["live"]) and not given["app"]:
        return ""
    words = ["usagekit check", *names, f"--seed {given['seed']}"]
    words += [f"--{name} {shlex.quote(given[name])}" for name in ("app", "url") if given[name]]
    return " ".join([*words, *(["--factory"] if given["factory"] else [])])


def worst(reports: Sequence[Report]) -> int:
    """The gravest exit status of several runs."""
    return min((report.exit_status for report in reports), key=GRAVITY.index)


def _accepted(reports: list[Report], given: Mapping[str, Any]) -> list[Report]:
    """The reports with what the baseline file accepts marked so, after writing to it where that is asked."""
    path, today = given["baseline"], datetime.now(UTC).date()
    if path is None:
        if given["baseline_update"]:
            raise click.UsageError("--baseline-update needs --baseline FILE")
        return reports
    from usage_contracts import baseline

    try:
        if given["baseline_update"]:
            reason = {"reason": given["baseline_reason"]} if given["baseline_reason"] else {}
            known = baseline.update(path, reports, today=today, **reason)
        else:
            known = baseline.read(path)
    except SpecError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"--baseline {path}: {error.strerror}") from None
    return [baseline.apply(report, known, today) for report in reports]


def _options(given: Mapping[str, Any], names: Sequence[str]) -> Options:
    _scenario(given["scenario"])
    same = ("seed", "scenario", "examples", "live", "per_minute", "probe_auth", "strict")
    return Options(
        now=_instant(given["now"]),
        requests=given["max_requests"],
        seconds=given["timeout"],
        known=_filters(given["known"], names),
        **{name: given[name] for name in same},
    )


def _urls(names: Sequence[str], given: Mapping[str, Any]) -> dict[str, str | None]:
    """What to ask for each provider; a UsageError where it cannot be asked, or is one place for two."""
    url = given["url"]
    if url is None:
        live = given["live"] and given["app"] is None
        return {name: load(name).service.origin if live else None for name in names}
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = read_url(url.replace("{provider}", name))
        except CheckError as error:
            raise click.UsageError(f"--url {error}") from None
    places = [f"{found[name]}{load(name).service.path}" for name in names]
    for place, name in zip(places, names, strict=True):
        if names[places.index(place)] != name:
            both = f"{names[places.index(place)]} and {name} would both be asked at {place}"
            raise click.UsageError(f"--url: {both}; write {{provider}} where their addresses differ")
    return found


def _filters(known: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    filters = _parameters(names) if known else []
    for text in known:
        name, equals, value = text.partition("=")
        if not name or not equals or not value:
            raise click.UsageError(f"--known {text!r}: write NAME=VALUE, such as project_id=<uuid>")
        if name not in filters:
            raise click.UsageError(f"--known: there is no parameter {name!r}; {hint(name, filters)}")
        found.setdefault(name, []).append(value)
    return found


def _parameters(names: Sequence[str]) -> list[str]:
    """The query parameters that any of these providers documents."""
    asked = [path["get"] for name in names for path in load(name).document["paths"].values()]
    return [parameter["name"] for operation in asked for parameter in operation.get("parameters", ())]


def _scenario(scenario: str) -> None:
    from usage_mockserver.scenarios import SCENARIOS

    if scenario not in SCENARIOS:
        raise click.UsageError(f"there is no scenario {scenario!r}; {hint(scenario, SCENARIOS)}")


def _instant(text: str | None) -> datetime | None:
    from usage_mockserver.clock import read_instant

    if text is None:
        return None
    try:
        return read_instant(text)
    except ValueError as error:
        raise click.UsageError(f"--now: {error}") from None


def _writable(formats: Sequence[str], outputs: Sequence[Path]) -> None:
    if len(outputs) > len(formats):
        raise click.UsageError(
            f"{len(outputs)} --output for {len(formats)} --format; give one format per file"
        )
    for path in outputs:
        if not path.parent.is_dir():
            raise click.UsageError(f"--output {path}: the folder {path.parent} does not exist")


def _key(
    provider: str, url: str | None, variable: str | None, file: Path | None, key: str | None
) -> str | None:
    options = {"--key-env": variable, "--key-file": file, "--key": key}
    given = [name for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} both give the key; use one of them")
    if key is not None and url is not None and not is_loopback(url):
        click.echo(
            "usagekit: --key can be read by everybody on this machine; use --key-env or --key-file", err=True
        )
    usual = load(provider).service.variable
    found = _from_file(file) if file else _from_environment(variable) if variable is not None else key
    if found is None and url is not None:
        given, found = [usual], os.environ.get(usual, "").strip() or None
    try:
        return None if found is None else read_key(found)
    except CheckError as error:
        raise click.UsageError(f"{given[0]}: {error}") from None


def _from_file(path: Path) -> str:
    try:
        lines = path.read_text("utf-8").strip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise click.UsageError(f"--key-file {path} cannot be read: {reason}") from None
    if not lines:
        raise click.UsageError(f"--key-file {path} is empty")
    return lines[0].strip()


def _from_environment(variable: str) -> str:
    found = os.environ.get(variable, "").strip()
    if not found:
        raise click.UsageError(f"--key-env {variable}: that variable is not set, or empty")
    return found


def _one(
    provider: str, url: str | None, key: str | None, options: Options, target: Mapping[str, Any]
) -> Report:
    live = options.live if options.live is not None else url is not None and not is_loopback(url)
    most = (options.requests or load(provider).service.live_cap) if live else None
    try:
        with counted(provider, most) as told:
            return check(provider, url=url, key=key, options=replace(options, told=told), **target)
    except CheckError as error:
        raise click.UsageError(str(error)) from None
    except ModuleNotFoundError as error:
        raise FailedStart(f"{MISSING} ({error.name} is missing)") from None


def _print_plans(urls: Mapping[str, str | None], options: Options) -> int:
    """What a live run may send, tried on a fake in this process; nothing leaves it."""
    for name, url in urls.items():
        origin = url or load(name).service.origin
        lines, cap = planned(name, origin, replace(options, live=True))
        click.echo(f"{name}: at most {cap} requests, these for an account in daily use ({len(lines)}):")
        for line in lines:
            click.echo(f"  {line}")
        click.echo("  Windows move with what the account has used; no other kind of request is sent.")
        if is_loopback(origin) and not options.live:
            click.echo("  On loopback this is the plan with --live; without it a run is not spared.")
    return 0


def _write(
    reports: Sequence[Report],
    keys: Sequence[str],
    formats: Sequence[str],
    outputs: Sequence[Path],
    again: str,
) -> None:
    from usage_contracts.masking import Mask
    from usage_contracts.reports import FORMATS as WRITERS

    mask = Mask(*dict.fromkeys(keys))
    files = dict(enumerate(outputs))
    for place, name in enumerate(formats):
        options: dict[str, Any] = {"command": again} if name == "text" else {}
        if name == "text" and place not in files:
            options |= manner()
        text = WRITERS[name](reports, mask=mask, **options)
        if place in files:
            _save(files[place], text)
        else:
            tell(text)
    if "github" in formats:
        _summarise(reports, mask)


def _summarise(reports: Sequence[Report], mask: Mask) -> None:
    """The summary page of a GitHub job, where there is one."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    from usage_contracts.reports.github import summary

    with Path(page).open("a", encoding="utf-8") as file:
        file.write(summary(reports, mask=mask))


def _save(path: Path, text: str) -> None:
    from usage_contracts.files import write_whole

    try:
        write_whole(path, text)
    except OSError as error:
        raise FailedStart(f"--output {path} cannot be written: {error.strerror}") from None
