"""Named defects: each breaks exactly one behaviour of one provider on purpose."""

from __future__ import annotations

from difflib import get_close_matches

from usage_mockserver.mutants.edits import Mutant
from usage_mockserver.mutants.lyrcs import LYRCS
from usage_mockserver.mutants.somya import SOMYA
from usage_mockserver.mutants.supertone import SUPERTONE
from usage_mockserver.mutants.surnex import SURNEX
from usage_mockserver.mutants.varg import VARG

__all__ = ["CATALOGUE", "Mutant", "find"]

CATALOGUE: dict[str, dict[str, Mutant]] = {
    "somya": SOMYA,
    "supertone": SUPERTONE,
    "varg": VARG,
    "surnex": SURNEX,
    "lyrcs": LYRCS,
}
"""Every mutant by provider and name."""


def find(provider: str, name: str) -> Mutant:
    """The mutant of this name; ValueError names what comes close."""
    known = CATALOGUE.get(provider, {})
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"{len(known)} are in the catalogue"
    raise ValueError(f"{provider} has no mutant {name!r}; {hint}")
