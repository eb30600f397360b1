"""The expectation that the code under test met no error, checked at the end of a block or of the test."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from usagekit.sent import Log, SentRequest

SHOWN = 10


class NoErrors:
    """No 4xx or 5xx came to one provider's clients, or to any, since this was made.

    `except_for` are statuses that may come. As a block it is checked at the block's end, else by `verify`,
    which the fixtures call at the end of the test.
    """

    def __init__(
        self, log: Log, provider: str | None, except_for: Iterable[int], pending: list[NoErrors]
    ) -> None:
        self._log, self._provider = log, provider
        self._allowed = _statuses(except_for)
        self._after = log.journal.total
        self._pending = pending
        pending.append(self)

    def verify(self) -> None:
        """AssertionError names each answer that should not have come; the next call looks at later ones."""
        begin, self._after = self._after, self._log.journal.total
        found, dropped = self._log.read(self._provider, begin)
        wrong = [one for one in found if one.status >= 400 and one.status not in self._allowed]
        if wrong:
            raise AssertionError(self._told(wrong))
        if dropped:
            raise AssertionError(
                f"{dropped} older requests are not kept any more, so nobody knows whether they met errors; "
                "expect it of a block with fewer requests"
            )

    def _told(self, wrong: list[SentRequest]) -> str:
        to = self._provider or "the providers"
        count = "an error" if len(wrong) == 1 else f"{len(wrong)} errors"
        lines = [f"{to} answered with {count}:"]
        for one in wrong[:SHOWN]:
            lines += [f"  {one if self._provider else one.told}", f"    {one.message}"]
        if len(wrong) > SHOWN:
            lines.append(f"  ... and {len(wrong) - SHOWN} more")
        return "\n".join(lines)

    def __enter__(self) -> NoErrors:
        if self in self._pending:
            self._pending.remove(self)
        self._after = self._log.journal.total
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What the block raised says more than what it met.
        if error is None:
            self.verify()


def _statuses(given: Iterable[Any]) -> frozenset[int]:
    if isinstance(given, str):
        raise ValueError(f"except_for is {given!r}; it takes statuses from 400 to 599, such as [429]")
    found = frozenset((given,) if isinstance(given, int) else given)
    for status in found:
        if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"except_for holds {status!r}; it takes statuses from 400 to 599")
    return found
