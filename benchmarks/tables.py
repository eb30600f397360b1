"""Figures as tables: everything for RESULTS.md, what has a bar for the README, plain lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.accounts import added
from benchmarks.comparison import NOISE, Run
from benchmarks.figures import ALL, Figure, Figures
from benchmarks.machine import sentences
from benchmarks.traffic import JOURNALS
from usage_specs import PROVIDERS

UNITS = {"ratio": "times bare uvicorn", "us": "µs", "": "number"}
HOW = (
    "A ratio is CPU of the server's process for each request, divided by that of a bare uvicorn that sends the "
    "same bytes, measured one after the other in the same round. Cells are medians (least..most) of the rounds. "
    "CPU is that of the server alone, and what to trust on a busy machine. Never-seen queries ask for seven days, "
    "each time a day further back in the last thousand, and no request is ever sent twice; added events are "
    "spread evenly over the same thousand days. Refusals are the same request again, as the peers' were. "
    "Lyrcs has no parameters: never-seen is a query that it ignores, and no parameter can be bad."
)


def number(value: float) -> str:
    """A figure for people: three digits that count."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cell(figure: Figure | None) -> str:
    """Median, least and most."""
    if figure is None:
        return ""
    if len(figure.samples) == 1:
        return number(figure.median)
    return f"{number(figure.median)} ({number(min(figure.samples))}..{number(max(figure.samples))})"


def line(figure: Figure) -> str:
    """One figure for the terminal."""
    whose = "" if figure.provider == ALL else f"{figure.provider}: "
    bar = "" if figure.bar is None else f"  <= {figure.bar:g}  {figure.verdict}"
    return f"{whose + figure.name:72} {cell(figure):>28} {figure.unit:6}{bar}".rstrip()


def summary(run: Run) -> str:
    """What has a bar, with the bar beside it, for the README: without the sizes between and the journal off."""
    held = [figure for figure in run.figures if figure.bar is not None]
    left_out = (JOURNALS[False], *map(added, run.effort["sizes"][1:-1]))
    shown = [figure for figure in held if not any(word in figure.name for word in left_out)]
    return "\n\n".join([_machine(run), *_tables(shown, bars=True), _missed(held)])


def everything(run: Run) -> str:
    """The whole text of RESULTS.md."""
    held = [figure for figure in run.figures if figure.bar is not None]
    rest = [figure for figure in run.figures if figure.bar is None]
    parts = ["# What usagekit costs", _machine(run), HOW, "## Held to a bar", *_tables(held, bars=True)]
    parts += [_missed(held), "## Everything else", *_tables(rest, bars=False), NOISE]
    return "\n\n".join(parts) + "\n"


def _machine(run: Run) -> str:
    rounds = run.effort["rounds"]
    return " ".join([*sentences(run.machine), f"{rounds} round{'s' if rounds > 1 else ''}."])


def _missed(held: Sequence[Figure]) -> str:
    missed = [figure for figure in held if figure.missed]
    if not missed:
        return f"All {len(held)} bars are met."
    whose: dict[str, list[str]] = {}
    for figure in missed:
        whose.setdefault(figure.name, []).append(figure.provider)
    told = "; ".join(name + ("" if by == [ALL] else f" ({', '.join(by)})") for name, by in whose.items())
    return f"{len(held) - len(missed)} of {len(held)} bars are met. Missed: {told}."


def _tables(figures: Sequence[Figure], *, bars: bool) -> Iterator[str]:
    """One table of what goes by provider, one of the rest; each only when there is something in it."""
    by_name: dict[str, list[Figure]] = {}
    for figure in figures:
        by_name.setdefault(figure.name, []).append(figure)
    wide = [some for some in by_name.values() if any(figure.provider != ALL for figure in some)]
    narrow = [some[0] for some in by_name.values() if all(figure.provider == ALL for figure in some)]
    if wide:
        yield _by_provider(wide, bars=bars)
    if narrow:
        yield _alone(narrow, bars=bars)


def _by_provider(rows: Sequence[Sequence[Figure]], *, bars: bool) -> str:
    whole = ALL if any(figure.provider == ALL for row in rows for figure in row) else ""
    columns = [*PROVIDERS, *([whole] if whole else [])]
    heads = ["", "unit", *columns, *(["bar", ""] if bars else [])]
    table = []
    for row in rows:
        found = {figure.provider: figure for figure in row}
        cells = [cell(found.get(name)) for name in columns]
        table.append([row[0].name, _unit(row[0]), *cells, *(_bar(row) if bars else [])])
    return _markdown(heads, table)


def _alone(figures: Sequence[Figure], *, bars: bool) -> str:
    heads = ["", "unit", "median (least..most)", *(["bar", ""] if bars else [])]
    return _markdown(
        heads, [[one.name, _unit(one), cell(one), *(_bar([one]) if bars else [])] for one in figures]
    )


def _unit(figure: Figure) -> str:
    return UNITS.get(figure.unit, figure.unit)


def _bar(row: Sequence[Figure]) -> list[str]:
    """The bar of a row, with those that differ from it, and whether all of the row keep theirs."""
    usual = max({one.bar for one in row}, key=[one.bar for one in row].count)
    others = [f"{one.provider} {one.bar:g}" for one in row if one.bar not in (usual, None)]
    missed = [one.provider for one in row if one.missed]
    told = f"MISSED by {', '.join(missed)}" if missed and missed != [ALL] else "MISSED" if missed else "met"
    return [f"<= {', '.join([f'{usual:g}', *others])}", told]


def _markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    numeric = ["---" if place < 2 or head in ("bar", "") else "--:" for place, head in enumerate(heads)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, numeric, *rows))


def lines(figures: Figures, *, held: bool = False) -> Iterator[str]:
    """Every figure as a line, or those with a bar."""
    return (line(figure) for figure in figures if not held or figure.bar is not None)
