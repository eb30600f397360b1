"""Ways to answer that the documents leave open, and the legal servers made of them."""

from __future__ import annotations

from difflib import get_close_matches

from usage_mockserver.manners.accounts import ACCOUNTS
from usage_mockserver.manners.legal import legal_servers
from usage_mockserver.manners.lyrcs import LYRCS_MANNERS
from usage_mockserver.manners.model import LegalServer, Manner
from usage_mockserver.manners.refusals import REFUSALS
from usage_mockserver.manners.somya import SOMYA_PERIODS
from usage_mockserver.manners.supertone import SUPERTONE_MANNERS
from usage_mockserver.manners.surnex import SURNEX_MANNERS
from usage_mockserver.manners.varg import VARG_MANNERS
from usage_mockserver.manners.vendors import SOMYA_MANNERS
from usage_mockserver.manners.wire import WIRE

__all__ = ["LEGAL", "MANNERS", "LegalServer", "Manner", "find_manner"]

MANNERS: tuple[Manner, ...] = (
    *WIRE,
    *REFUSALS,
    *ACCOUNTS,
    *SOMYA_MANNERS,
    *SOMYA_PERIODS,
    *SUPERTONE_MANNERS,
    *VARG_MANNERS,
    *SURNEX_MANNERS,
    *LYRCS_MANNERS,
)
"""Every manner; two providers may have manners of one name."""

LEGAL: dict[str, list[LegalServer]] = legal_servers(MANNERS)
"""Every legal server by provider."""


def find_manner(provider: str, name: str) -> Manner:
    """The manner of this name that the provider can take; ValueError names what comes close."""
    known = {manner.name: manner for manner in MANNERS if provider in manner.providers}
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(known)}"
    raise ValueError(f"{provider} has no manner {name!r}; {hint}")
