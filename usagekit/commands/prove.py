"""`usagekit prove`: how many planted defects the contracts find, and how many legal servers they blame."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path

import click

from usage_contracts.files import write_whole
from usagekit.cli import FailedStart
from usagekit.commands.check import MISSING
from usagekit.commands.providers import begun, read_providers
from usagekit.proving import Case, Line, Proof, Result, cases, classes, prove, table, uncovered
from usagekit.proving import sample as evenly
from usagekit.terminal import tell

BEGIN, END = "<!-- prove: begin -->", "<!-- prove: end -->"


@click.command()
@click.argument("providers", nargs=-1, callback=read_providers, shell_complete=begun, metavar="[PROVIDER]...")
@click.option("--jobs", type=click.IntRange(1, 256), help="Runs at a time; by default one for each core.")
@click.option(
    "--seeds", default=1, show_default=True, type=click.IntRange(1, 100), help="Seeds of each legal server."
)
@click.option("--live", is_flag=True, help="With the profile and the request cap of a real service, unpaced.")
@click.option("--sample", type=click.IntRange(1), help="At most so many cases, taken evenly.")
@click.option("--only", multiple=True, metavar="NAME", help="Only the case of this name; may be repeated.")
@click.option(
    "--against",
    metavar="COMMAND",
    default="",
    help="Another tool's command line with {url}, {key}, {header}, {provider}, {document}; status 1 means red.",
)
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Put the table into this file, between its marks.",
)
def command(
    providers: Sequence[str],
    jobs: int | None,
    seeds: int,
    live: bool,
    sample: int | None,
    only: Sequence[str],
    against: str,
    shape: str,
    write: Path | None,
) -> int:
    """Judge every mutant and every legal server, and show what was found.

    Exit status: 0 every mutant found and no legal server blamed, 1 otherwise, 2 wrong usage, 3 a case could not
    be judged.
    """
    if write is not None:
        _around_marks(write)
    try:
        chosen = cases(providers, seeds=range(1, seeds + 1))
        if only:
            chosen = _only(chosen, only)
        if sample:
            chosen = evenly(chosen, sample)
        with _progress(len(chosen)) as done:
            results = prove(chosen, Proof(live=live, against=against), jobs=jobs, done=done)
    except ModuleNotFoundError as error:
        raise FailedStart(f"{MISSING} ({error.name} is missing)") from None
    missing = [] if only or sample else list(uncovered(providers, results))
    tell(_as_json(results) if shape == "json" else "\n".join(_as_text(results, missing)))
    if write is not None:
        _between_marks(write, markdown(table(results)))
    if any(result.trouble for result in results):
        return 3
    return 0 if all(result.right for result in results) and not missing else 1


def _only(chosen: list[Case], names: Sequence[str]) -> list[Case]:
    found = [case for case in chosen if case.name in names]
    unknown = set(names) - {case.name for case in found}
    if unknown:
        close = get_close_matches(min(unknown), {case.name for case in chosen}, n=1)
        meant = f"did you mean {close[0]!r}?" if close else "see usagekit mutants"
        raise click.UsageError(f"there is no mutant or legal server {min(unknown)!r}; {meant}")
    return found


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Result], None]]:
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("proving"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("prove", total=total)
        yield lambda _: bar.advance(task)


HEADINGS = ("", "killed", "legal blamed", "requests", "seconds")


def _cells(line: Line) -> tuple[str, ...]:
    share = f" ({line.killed / line.mutants:.0%})" if line.mutants else ""
    return (
        line.name,
        f"{line.killed} of {line.mutants}{share}",
        f"{line.blamed} of {line.legal}",
        f"{line.requests:.0f}",
        f"{line.seconds:.1f}",
    )


def _as_text(results: Sequence[Result], missing: Sequence[str]) -> Iterator[str]:
    for lines in (table(results), classes(results)):
        rows = [HEADINGS, *map(_cells, lines)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(HEADINGS))]
        for row in rows:
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield ""
    for result in results:
        case = result.case
        if result.trouble:
            yield f"not judged: {case.provider} {case.name}: {result.trouble}"
        elif case.mutant and not result.red:
            yield f"survived: {case.provider} {case.name} (breaks {case.breaks})"
        elif not case.mutant and result.red:
            yield f"blamed: {case.provider} {case.name}, seed {case.seed}, by {', '.join(result.by)}"
    for behaviour in missing:
        yield f"no mutant: {behaviour}"
    yield "Requests and seconds are medians of a run."


def _as_json(results: Sequence[Result]) -> str:
    told = [{**asdict(result.case), **asdict(result), "right": result.right} for result in results]
    for entry in told:
        del entry["case"]
    return json.dumps({"version": 1, "results": told}, indent=1)


def markdown(lines: Sequence[Line]) -> str:
    """The table for a README."""
    heads = ("provider", "defects found", "legal servers blamed", "requests", "seconds")
    rows = [heads, tuple("---" if n == 0 else "--:" for n in range(len(heads))), *map(_cells, lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _around_marks(path: Path) -> tuple[str, str]:
    """The file's text before and behind the table; asked for before the runs, which take minutes."""
    try:
        before, begin, rest = path.read_text("utf-8").partition(BEGIN)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise click.UsageError(f"--write {path} cannot be read: {reason}") from None
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise click.UsageError(f"--write {path}: it has no lines {BEGIN} and {END} to write between")
    return before, after


def _between_marks(path: Path, text: str) -> None:
    before, after = _around_marks(path)
    try:
        write_whole(path, f"{before}{BEGIN}\n{text}\n{END}{after}")
    except OSError as error:
        raise FailedStart(f"--write {path} cannot be written: {error.strerror}") from None
