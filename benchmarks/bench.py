"""Measure what usagekit costs on this machine, and hold it against its bars and against a baseline.

Each part is measured in rounds, in which what is compared stands side by side. A whole run writes RESULTS.md
and latest.json beside this file; with --quick or --only it is printed and compared alone.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from benchmarks import (
    accounts,
    comparison,
    contract_runs,
    interception,
    load,
    machine,
    soak,
    starting,
    suites,
    tables,
    traffic,
)
from benchmarks.comparison import BadBaseline, Run
from benchmarks.effort import QUICK, WHOLE, Effort, Tell
from benchmarks.figures import Figures
from benchmarks.processes import Failed
from usage_mockserver.invalid import meant

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
PARTS: dict[str, Callable[[Figures, Effort, Tell], None]] = {
    "start": starting.run,
    "plugin": suites.plugin,
    "fixtures": suites.run,
    "clients": interception.run,
    "contracts": contract_runs.run,
    "requests": traffic.run,
    "million": accounts.run,
    "memory": soak.run,
    "prove": contract_runs.prove,
}
# The one is done on the way to the requests, the other takes longer than all the rest.
UNASKED = ("million", "prove")


def main(words: Sequence[str] | None = None) -> int:
    """Run, and return the exit status: 0 done, 1 under --strict a bar was missed or something got slower,
    2 wrong usage, 3 it could not be measured, 130 interrupted."""
    parser = arguments()
    chosen = parser.parse_args(words)
    if chosen.quick and chosen.save_baseline:
        parser.error("--quick is too little for --save-baseline")
    if chosen.write is not None and not _has_marks(chosen.write):
        parser.error(f"--write {chosen.write}: it has no lines {BEGIN} and {END} to write between")
    if sys.platform != "linux" and not chosen.again:
        print("bench: CPU and memory of other processes are read the way of Linux", file=sys.stderr)
        return 3
    before = signal.signal(signal.SIGTERM, _interrupted)
    try:
        if chosen.again:
            return told(comparison.read(chosen.folder / "latest.json"), chosen)
        run, troubles = measured(chosen)
        if not troubles:
            return told(run, chosen)
        print(*tables.lines(run.figures), *troubles, "nothing was written", sep="\n")
        return 3
    except KeyboardInterrupt:
        print("bench: interrupted; nothing was written", file=sys.stderr)
        return 130
    except (BadBaseline, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 3
    finally:
        signal.signal(signal.SIGTERM, before)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", nargs="+", type=_part, metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="about a minute; sizes and rounds are small")
    parser.add_argument("--rounds", type=_positive, help="of each part (5)")
    parser.add_argument("--prove", action="store_true", help="also the whole proof, which takes minutes")
    parser.add_argument("--again", action="store_true", help="measure nothing; tell of latest.json")
    parser.add_argument("--save-baseline", action="store_true", help="keep this run as baseline.json")
    parser.add_argument("--strict", action="store_true", help="exit status 1 for a missed bar or a slowdown")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the bars' table between FILE's marks")
    parser.add_argument("--folder", type=Path, default=HERE, help="where files are read and written")
    return parser


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"there is no part {name!r}; {meant(name, PARTS)}")
    return name


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 100):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds; 1 to 100 are")
    return int(text)


def _interrupted(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def measured(chosen: argparse.Namespace) -> tuple[Run, list[str]]:
    """Do what was chosen, part by part; what failed is told, and the parts after it are still done."""
    base = QUICK if chosen.quick else WHOLE
    effort = Effort(**{**asdict(base), "rounds": chosen.rounds or base.rounds})
    names = chosen.only or [name for name in PARTS if name not in UNASKED]
    if chosen.prove and "prove" not in names:
        names = [*names, "prove"]
    run = Run(machine.describe(load.client()), asdict(effort), Figures())
    troubles = []
    for name in names:
        try:
            PARTS[name](run.figures, effort, partial(_tell, name))
        except (Failed, RuntimeError, OSError) as error:
            troubles.append(f"{name} could not be measured: {error}")
    if sys.stderr.isatty():
        print("\x1b[2K", end="\r", file=sys.stderr)
    return run, troubles


def _tell(part: str, text: str) -> None:
    if sys.stderr.isatty():
        print(f"\x1b[2K{part}: {text}", end="\r", file=sys.stderr, flush=True)
    else:
        print(f"{part}: {text}", file=sys.stderr, flush=True)


def told(run: Run, chosen: argparse.Namespace) -> int:
    """Print the figures and the comparison, and write what is to be written."""
    whole = not (chosen.quick or chosen.only or chosen.again)
    print(*machine.sentences(run.machine), *tables.lines(run.figures, held=whole), sep="\n")
    missed = [figure for figure in run.figures if figure.missed]
    worse = False
    baseline = chosen.folder / "baseline.json"
    if baseline.exists() and not chosen.save_baseline:
        before = comparison.read(baseline)
        print("", "Against the baseline:", *comparison.report(before, run), comparison.NOISE, sep="\n")
        worse = any(change.worse for change in comparison.changes(before, run))
    if whole or chosen.folder != HERE:
        comparison.write(chosen.folder / "latest.json", run)
        comparison.save(chosen.folder / "RESULTS.md", tables.everything(run))
        print(f"every figure: {chosen.folder.name}/RESULTS.md")
    if chosen.save_baseline:
        comparison.write(baseline, run)
    if chosen.write is not None:
        write_between(chosen.write, tables.summary(run))
    return 1 if chosen.strict and (missed or worse) else 0


def _has_marks(path: Path) -> bool:
    try:
        _, begin, rest = path.read_text("utf-8").partition(BEGIN)
    except OSError:
        return False
    return bool(begin) and END in rest


def write_between(path: Path, text: str) -> None:
    """Put the text between the marks of this file, which must have them."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    comparison.save(path, f"{before}{BEGIN}\n{text}\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
