"""What a user set wrongly: which field it was, and what would have been right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InvalidError(ValueError):
    """A value that cannot be used; `field` says where it stands, `allowed` what may stand there."""

    def __init__(self, message: str, field: str = "", allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message, self.field, self.allowed = message, field, tuple(allowed)


def meant(name: object, known: Iterable[str]) -> str:
    """What was probably meant, or what there is, to put behind a name that is not known."""
    names = list(known)
    close = get_close_matches(str(name), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


def check_name(kind: str, name: object, known: Iterable[str], field: str) -> str:
    """The name, if it is a known one; else an InvalidError with the nearest."""
    names = list(known)
    if not isinstance(name, str) or name not in names:
        raise InvalidError(f"there is no {kind} {name!r}; {meant(name, names)}", field, names)
    return name
