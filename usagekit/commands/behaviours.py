"""`usagekit behaviours`: what is claimed of the five services, and on what evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from usage_specs import Behaviour, Evidence, load
from usagekit.commands.providers import begun, read_providers
from usagekit.terminal import manner

EVIDENCE = tuple(evidence.value for evidence in Evidence)


@click.command(short_help="List what is claimed of each service.")
@click.argument("providers", nargs=-1, callback=read_providers, shell_complete=begun, metavar="[PROVIDER]...")
@click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True)
@click.option(
    "--evidence", multiple=True, type=click.Choice(EVIDENCE), help="Only these; may be given several times."
)
def command(providers: Sequence[str], form: str, evidence: Sequence[str]) -> None:
    """List the register: each behaviour with its evidence, the sentence behind it, and its switch.

    Stated, exampled and implied behaviours bind a server; what is assumed never fails a run unless --strict.
    """
    found = [
        behaviour
        for name in providers
        for behaviour in load(name).behaviours.values()
        if not evidence or behaviour.evidence.value in evidence
    ]
    if form == "json":
        click.echo(json.dumps([as_data(behaviour) for behaviour in found], ensure_ascii=False, indent=2))
    else:
        click.echo(_table(found), nl=False)


def as_data(behaviour: Behaviour) -> dict[str, Any]:
    """One entry of the register, for programs."""
    switch = behaviour.switch
    return {
        "id": behaviour.id,
        "provider": behaviour.provider,
        "evidence": behaviour.evidence.value,
        "claim": behaviour.claim,
        "quote": behaviour.quote,
        "where": behaviour.where,
        "tolerates": behaviour.tolerates,
        "unseen": behaviour.unseen,
        "switch": switch
        and {"name": switch.name, "choices": list(switch.choices), "default": switch.default},
    }


def _table(behaviours: Sequence[Behaviour]) -> str:
    # Imported here, as only this form needs it.
    from rich.padding import Padding
    from rich.text import Text

    from usage_contracts.reports.text import page, told
    from usage_contracts.reports.words import quoted

    paper = page(**manner())
    for behaviour in behaviours:
        paper.print(Text.assemble((behaviour.id, "bold"), f"  {behaviour.evidence.value}"))
        paper.print(Padding(Text(behaviour.claim), (0, 0, 0, 4)))
        paper.print(Padding(Text(quoted(behaviour), "dim"), (0, 0, 0, 4)))
        if behaviour.switch is not None:
            choices = " | ".join(behaviour.switch.choices)
            paper.print(Padding(Text(f"switch {behaviour.switch.name}: {choices}", "cyan"), (0, 0, 0, 4)))
    plural = "" if len(behaviours) == 1 else "s"
    paper.print(Text(f"{len(behaviours)} behaviour{plural}", "dim"))
    return told(paper)
