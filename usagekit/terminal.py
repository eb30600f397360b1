"""How to write for whoever reads stdout: in colour and as wide as the terminal, or plain for a pipe."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TypedDict

WIDTH = 100
WIDEST = 140
"""Longer lines are hard to read, however wide the screen."""


class Manner(TypedDict):
    """What the writers of text take."""

    colour: bool
    width: int


def manner() -> Manner:
    """Colour only on a terminal that has it and where NO_COLOR is not set."""
    if not sys.stdout.isatty():
        return Manner(colour=False, width=WIDTH)
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") in {None, "dumb"}
    return Manner(colour=not plain, width=min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST))
