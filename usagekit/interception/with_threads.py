"""threading: a thread belongs to the interception it was started in."""

from __future__ import annotations

from functools import wraps
from threading import Thread
from types import ModuleType
from typing import Any

from usagekit.interception.scope import hand_down
from usagekit.interception.seam import Function, Seam


def start(original: Function, _module: ModuleType) -> Function:
    """Thread.start, which also hands down the interceptions of the starter."""

    @wraps(original)
    def started(self: Thread, *args: Any, **kwargs: Any) -> Any:
        hand_down(self)
        return original(self, *args, **kwargs)

    return started


SEAMS = (Seam("Thread", "start", start),)
