"""What goes wrong in an application: exceptions in a line, and how often one that hangs is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

MOST = 6
"""Answers that may stay away, each of which costs its time limit and leaves a thread at work."""


class Stuck:
    """Counts the requests from which an application did not come back."""

    def __init__(self) -> None:
        self._count = 0

    def at(self, request: httpx2.Request, seconds: float) -> httpx2.ReadTimeout:
        """The timeout of one more such request; RunOver when there were too many."""
        # Here and not above: the command line reads this module before it knows whether anything is asked.
        import httpx2

        from usage_contracts.transport import RunOver

        self._count += 1
        if self._count >= MOST:
            raise RunOver(f"the application is stuck: {self._count} requests took over {seconds:g} s")
        return httpx2.ReadTimeout(f"the application is busy for over {seconds:g} s", request=request)


def told(error: BaseException) -> str:
    """An exception in one line: its type, its words, and the place where it was raised."""
    words = " ".join(str(error).split())[:160]
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}{f': {words}' if words else ''}{place}"
