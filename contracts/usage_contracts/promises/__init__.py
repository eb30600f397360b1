"""What must hold for each vendor: one module each, joined here by name."""

from __future__ import annotations

from collections.abc import Mapping

from usage_contracts.promises import lyrcs, somya, supertone, surnex, varg
from usage_contracts.run import Promise

PROMISES: Mapping[str, Promise] = {
    "somya": somya,
    "supertone": supertone,
    "varg": varg,
    "surnex": surnex,
    "lyrcs": lyrcs,
}
