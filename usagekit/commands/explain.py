"""`usagekit explain`: one behaviour, with everything that is known about it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

import click

from usage_specs import PROVIDERS, Behaviour, Evidence, Spec, load
from usagekit.cli import hint
from usagekit.terminal import manner

MEANING = {
    Evidence.STATED: "the vendor says so",
    Evidence.EXAMPLED: "the vendor's example shows it",
    Evidence.IMPLIED: "every reader takes it so",
    Evidence.ASSUMED: "our choice, where the vendor is silent; it never fails a run unless --strict",
}


def _begun(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    return [
        name for provider in PROVIDERS for name in load(provider).behaviours if name.startswith(incomplete)
    ]


@click.command(short_help="Explain one behaviour.")
@click.argument("behaviour", shell_complete=_begun)
def command(behaviour: str) -> None:
    """Print what BEHAVIOUR claims, the sentence behind it, what is tolerated, and its switch.

    Its id is printed by every report and by `usagekit behaviours`, such as supertone.limit-30-days.
    """
    from rich.text import Text

    from usage_contracts.reports.text import page, row, told

    found = find(behaviour)
    paper = page(**manner())
    paper.print(Text(found.id, "bold"))
    for name, text in facts(load(found.provider), found):
        paper.print(row(name, text, 11))
    click.echo(told(paper), nl=False)


def find(name: str) -> Behaviour:
    """The behaviour of this id, or a UsageError with the nearest one."""
    provider = name.partition(".")[0]
    if provider in PROVIDERS and name in (known := load(provider).behaviours):
        return known[name]
    known_ids = [one for each in PROVIDERS for one in load(each).behaviours]
    if close := get_close_matches(name, known_ids, n=1):
        raise click.UsageError(f"there is no behaviour {name!r}; did you mean {close[0]!r}?")
    if provider in PROVIDERS:
        raise click.UsageError(f"there is no behaviour {name!r}; `usagekit behaviours {provider}` lists them")
    if "." in name:
        raise click.UsageError(f"there is no provider {provider!r}; {hint(provider, PROVIDERS)}")
    raise click.UsageError(f"there is no behaviour {name!r}; `usagekit behaviours` lists them")


def facts(spec: Spec, behaviour: Behaviour) -> Iterator[tuple[str, str]]:
    """What is known about a behaviour, as names and sentences."""
    from usage_contracts.reports import words
    from usage_mockserver.mutants import CATALOGUE

    yield "claim", behaviour.claim
    yield "evidence", f"{behaviour.evidence.value}: {MEANING[behaviour.evidence]}"
    if behaviour.where == words.SOURCE:
        yield "quote", f"“{behaviour.quote}”"
        yield "where", f"{words.place(behaviour)}, line {words.line(spec, behaviour)}"
    else:
        yield "because", words.quoted(behaviour)
    if behaviour.tolerates:
        yield "tolerated", behaviour.tolerates
    if behaviour.unseen:
        yield "not checked", behaviour.unseen
    if behaviour.switch is not None:
        switch = behaviour.switch
        yield "switch", f"{switch.name}: {', '.join(switch.choices)} (default {switch.default})"
        other = f"--switch {behaviour.provider}.{switch.name}={switch.choices[1]}"
        yield "try it", f"usagekit serve {behaviour.provider} {other}"
    names = [one.name for one in CATALOGUE[behaviour.provider].values() if one.breaks == behaviour.id]
    if names:
        yield "broken by", ", ".join(names)
        yield "see it", f"usagekit serve {behaviour.provider} --mutant {names[0]}"
