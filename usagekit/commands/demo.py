"""`usagekit demo`: the five fakes, one request to each, and the contracts over them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
import httpx2

from usage_mockserver.server import serve
from usage_mockserver.world import Settings, World
from usage_specs import PROVIDERS, load
from usagekit.cli import FailedStart
from usagekit.commands.check import MISSING, worst
from usagekit.commands.serve import curl

if TYPE_CHECKING:
    from usage_contracts.verdict import Report

WIDTH = 200
SECONDS = 10


@click.command(short_help="Show the fakes and the contracts at work.")
def command() -> int:
    """Start the five fakes on free ports, ask each one, and run the contracts over them.

    The exit status is that of `usagekit check`: 0 when everything that was exercised held.
    """
    try:
        from usage_contracts.masking import Mask
        from usage_contracts.reports import FORMATS
    except ModuleNotFoundError as error:
        raise FailedStart(f"{MISSING} ({error.name} is missing)") from None
    with ExitStack() as servers:
        urls = {}
        for name in PROVIDERS:
            world = World([name], Settings())
            urls[name] = servers.enter_context(serve(world)).url
            show(name, curl(world, load(name).service, urls[name]))
        click.echo("The same servers, held against what the five vendors document:\n")
        reports = [judge(name, url) for name, url in urls.items()]
    click.echo(FORMATS["text"](reports, mask=Mask()), nl=False)
    click.echo("\n".join(summary(reports)))
    return worst(reports)


def show(name: str, asked: str) -> None:
    """One request, as it is typed, and the beginning of its answer."""
    service = load(name).service
    click.echo(f"{service.title} (instead of {service.origin})\n$ {asked}\n{shortened(answer_to(asked))}\n")


def answer_to(asked: str) -> str:
    """What this curl command prints; asked from Python where there is no curl."""
    words = shlex.split(asked)
    if shutil.which("curl"):
        # A user's own curl settings, a proxy above all, must not come between.
        command = [words[0], "-q", "--noproxy", "*", "-sS", "--max-time", str(SECONDS), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        return done.stdout or done.stderr
    field = words[3].partition(": ")
    reply = httpx2.get(words[1], headers={field[0]: field[2]}, timeout=SECONDS, trust_env=False)
    return f"(asked from Python, there is no curl here) {reply.text}"


def shortened(text: str) -> str:
    """The text on one line, its end left out where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[:WIDTH]} ... ({len(text)} characters)"


def judge(name: str, url: str) -> Report:
    """The contract run of one provider."""
    from usagekit.checking import check

    try:
        return check(name, url=url)
    except ModuleNotFoundError as error:
        raise FailedStart(f"{MISSING} ({error.name} is missing)") from None


TABLE = "{:10} {:>5} {:>7} {:>8} {:>14} {:>9} {:>8}"


def summary(reports: Iterable[Report]) -> Iterator[str]:
    """A line for each run: how many behaviours had which verdict, and what it took."""
    from usage_contracts.verdict import Outcome

    yield TABLE.format("", "held", "broken", "differs", "not exercised", "requests", "seconds")
    shown = (Outcome.HELD, Outcome.BROKEN, Outcome.DIFFERS, Outcome.NOT_EXERCISED)
    for report in reports:
        counts = [len(report.of(outcome)) for outcome in shown]
        yield TABLE.format(report.provider, *counts, report.requests, f"{report.seconds:.1f}")
