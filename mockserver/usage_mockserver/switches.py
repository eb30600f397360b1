"""The choices the vendors left open: their values as the register lists them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from usage_specs import load

# The printed example has one upstream provider and names it although nothing filters by it.
OF_SCENARIO = {("surnex", "docs"): {"unfiltered-provider": "only"}}


@lru_cache(maxsize=64)
def defaults(provider: str, scenario: str = "busy") -> Mapping[str, str]:
    """Every switch of a provider at the value it takes when nobody chooses."""
    values = {name: switch.default for name, switch in load(provider).switches.items()}
    return values | OF_SCENARIO.get((provider, scenario), {})


def completed(provider: str, chosen: Mapping[str, str], scenario: str = "busy") -> Mapping[str, str]:
    """The defaults with these choices on top; ValueError names an unknown switch or value and what exists."""
    if not chosen:
        return defaults(provider, scenario)
    known = load(provider).switches
    for name, value in chosen.items():
        if name not in known:
            raise ValueError(f"{provider} has no switch {name!r}{_hint(name, list(known))}")
        if value not in known[name].choices:
            choices = ", ".join(known[name].choices)
            raise ValueError(f"switch {name!r} of {provider} takes {choices}, not {value!r}")
    return {**defaults(provider, scenario), **chosen}


def _hint(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known) or 'none'}"
