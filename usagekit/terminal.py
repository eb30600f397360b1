"""How to write for whoever reads stdout: in colour and as wide as the terminal, or plain for a pipe."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict

import click

WIDTH = 100
WIDEST = 140
"""Longer lines are hard to read, however wide the screen."""


class Manner(TypedDict):
    """What the writers of text take."""

    colour: bool
    width: int


def manner() -> Manner:
    """Colour only on a terminal that has it and where NO_COLOR is not set."""
    # Python has no stdout at all where it was closed before the start.
    if sys.stdout is None or not sys.stdout.isatty():
        return Manner(colour=False, width=WIDTH)
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") in {None, "dumb"}
    return Manner(colour=not plain, width=min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDEST))


@contextmanager
def counted(name: str, most: int | None) -> Iterator[Callable[[int], None]]:
    """What is to hear how many requests were sent, and shows it while they are, if stderr is a terminal.

    With `most`, a bar says how many of them these are.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    text = TextColumn(
        "{task.description}: {task.completed}" + (" of {task.total}" if most else "") + " requests"
    )
    columns = (text, BarColumn()) if most else (text,)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=most)
        yield lambda sent: bar.update(task, completed=sent)


def tell(text: str) -> None:
    """Print a result whose status still has to be told when nobody reads it to its end, as behind `| head`."""
    try:
        click.echo(text, nl=not text.endswith("\n"))
    except BrokenPipeError:
        # What is left in the buffer would be tried again, and fail again, at the end of the process.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
