"""concurrent.futures: a job belongs to the interception it was submitted in, whoever started the thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures.thread import ThreadPoolExecutor
from functools import wraps
from types import ModuleType
from typing import Any, TypeVar

from usagekit.interception.scope import Chain, carrying, visible
from usagekit.interception.seam import Function, Seam

T = TypeVar("T")


def submit(original: Function, _module: ModuleType) -> Function:
    """ThreadPoolExecutor.submit, whose job takes the interceptions of the caller along."""

    @wraps(original)
    def submitted(self: ThreadPoolExecutor, job: Callable[..., T], /, *args: Any, **kwargs: Any) -> Any:
        return original(self, run, visible(), job, *args, **kwargs)

    return submitted


def run(chain: Chain, job: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Do a job inside these interceptions."""
    with carrying(chain):
        return job(*args, **kwargs)


SEAMS = (Seam("ThreadPoolExecutor", "submit", submit),)
