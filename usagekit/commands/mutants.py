"""`usagekit mutants`: the planted defects, and the sentence each one breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click

from usage_specs import load
from usagekit.commands.providers import begun, read_providers


@click.command(short_help="List the planted defects.")
@click.argument("providers", nargs=-1, callback=read_providers, shell_complete=begun, metavar="[PROVIDER]...")
@click.option("--format", "shape", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(providers: Sequence[str], shape: str) -> None:
    """List the defects that `usagekit serve PROVIDER --mutant NAME` plants."""
    rows = [row for name in providers for row in _rows(name)]
    if shape == "json":
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['provider']} {row['name']} ({row['kind']}): {row['summary']}")
        click.echo(f'    breaks {row["breaks"]}: "{row["quote"]}"')


def _rows(provider: str) -> Iterator[dict[str, str]]:
    from usage_mockserver.mutants import CATALOGUE

    behaviours = load(provider).behaviours
    for mutant in CATALOGUE[provider].values():
        quote = " ".join(behaviours[mutant.breaks].quote.split())
        yield {
            "provider": provider,
            "name": mutant.name,
            "kind": mutant.kind,
            "summary": mutant.summary,
            "breaks": mutant.breaks,
            "quote": quote,
        }
