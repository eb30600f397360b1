"""Files that are either the old ones or the new ones, never half of each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import TextIO


def write_whole(path: Path, text: str, *, private: bool = True) -> None:
    """Replace a file's text at once; `private` lets only its owner read a new one, as reports may tell much.

    An existing file keeps its mode. OSError when it cannot be written; then the old one is untouched.
    """
    with whole(path, private=private) as file:
        file.write(text)


@contextmanager
def whole(path: Path, *, private: bool = True) -> Iterator[TextIO]:
    """The same for text that is written piece by piece: the file is replaced at the end, or not at all."""
    if path.exists() and not path.is_file():
        # A pipe or /dev/stdout cannot be replaced, and has no half-written state either.
        with path.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    # A link stays a link: what it leads to is replaced.
    path = path.resolve()
    handle, temporary = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(path, private=private))
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _mode(path: Path, *, private: bool) -> int:
    with suppress(OSError):
        return path.stat().st_mode & 0o777
    return 0o600 if private else 0o644
