"""`usagekit events`: the seeded account's events as JSON lines or CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import click

from usage_contracts.files import whole
from usage_mockserver.dates import read_day
from usage_mockserver.event_files import FORMATS, written
from usage_mockserver.ledger import OPENED
from usage_mockserver.scenarios import SCENARIOS, seeded_days
from usagekit.cli import FailedStart, hint
from usagekit.commands.providers import begun, known_provider

Days = Iterator[date]


def _provider(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    return known_provider(value)


def _scenario(ctx: click.Context, param: click.Parameter, value: str) -> str:  # noqa: ARG001
    if value not in SCENARIOS:
        raise click.UsageError(f"there is no scenario {value!r}; {hint(value, SCENARIOS)}")
    return value


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:  # noqa: ARG001
    day = None if value is None else read_day(value)
    if value is not None and day is None:
        raise click.UsageError(f"{param.opts[0]} is {value!r}; write a day such as 2026-03-01 (UTC)")
    return day


@click.command(short_help="Write the seeded account's events.")
@click.argument("provider", callback=_provider, shell_complete=begun)
@click.option(
    "--from", "first", callback=_day, metavar="DAY", help="First UTC day; the last seven by default."
)
@click.option("--to", "last", callback=_day, metavar="DAY", help="Last UTC day; yesterday by default.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="By default what FILE ends in, else jsonl."
)
@click.option("--seed", default=1, show_default=True, type=int, help="Another seed, other figures.")
@click.option(
    "--scenario", default="busy", show_default=True, callback=_scenario, help=f"{', '.join(SCENARIOS)}."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write here, not to stdout.",
)
def command(
    *,
    provider: str,
    first: date | None,
    last: date | None,
    form: str | None,
    seed: int,
    scenario: str,
    output: Path | None,
) -> None:
    """Write the events of the PROVIDER's seeded account, oldest first.

    `usagekit serve --events FILE` reads the same, so that they can be changed in between.
    """
    last = last or (first if first is not None else datetime.now(UTC).date() - timedelta(days=1))
    first = first or max(last - timedelta(days=6), date.min)
    if first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    if form is None:
        form = "csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl"
    with _progress(first, last, to_terminal=output is None and sys.stdout.isatty()) as days:
        lines = written(provider, _events(provider, seed, scenario, days), form)
        if output is None:
            sys.stdout.writelines(lines)
        else:
            _save(output, lines)


def _events(provider: str, seed: int, scenario: str, days: Days) -> Iterator[Any]:
    """The events day by day, as the ledger orders them; no day is remembered."""
    seeded = seeded_days(provider, seed, scenario)
    for day in days:
        yield from sorted(seeded(day), key=attrgetter("at"))


def _days(first: date, last: date) -> Days:
    for ordinal in range(max(first, OPENED).toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


@contextmanager
def _progress(first: date, last: date, *, to_terminal: bool) -> Iterator[Days]:
    """The days, with a bar on stderr while they are worked through, if that is a terminal."""
    # A bar between the lines themselves would make both unreadable.
    if to_terminal or not sys.stderr.isatty():
        yield _days(first, last)
        return
    from rich.console import Console
    from rich.progress import track

    total = max(0, last.toordinal() - max(first, OPENED).toordinal() + 1)
    console = Console(stderr=True)
    yield iter(track(_days(first, last), "Writing", total=total, console=console, transient=True))


def _save(path: Path, lines: Iterator[str]) -> None:
    try:
        with whole(path, private=False) as file:
            file.writelines(lines)
    except OSError as error:
        raise FailedStart(f"cannot write {path}: {error.strerror or error}") from None
