"""The names of providers as every command takes them: `all`, what was probably meant, completion."""

from __future__ import annotations

from collections.abc import Iterable

import click

from usage_specs import PROVIDERS
from usagekit.cli import hint

ALL = "all"


def known_provider(name: str) -> str:
    """The name if there is such a provider, else a UsageError with the nearest one."""
    if name not in PROVIDERS:
        raise click.UsageError(f"there is no provider {name!r}; {hint(name, PROVIDERS)}")
    return name


def known_providers(names: Iterable[str]) -> tuple[str, ...]:
    """These names, each once; `all`, or no name, stands for every one."""
    given = tuple(dict.fromkeys(names))
    for name in given:
        if name != ALL:
            known_provider(name)
    return PROVIDERS if ALL in given or not given else given


def read_providers(ctx: click.Context, param: click.Parameter, value: Iterable[str]) -> tuple[str, ...]:  # noqa: ARG001
    """The same, as the callback of an argument."""
    return tuple(value) if ctx.resilient_parsing else known_providers(value)


def begun(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """What a shell offers for an unfinished name: those that are not on the line already."""
    given = ctx.params.get(param.name or "") or ()
    return [name for name in PROVIDERS if name.startswith(incomplete) and name not in given]
