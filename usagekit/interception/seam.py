"""A place in a library where its requests can be taken over, as data."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

Function = Callable[..., Any]


class Seam(NamedTuple):
    """The method `name` of the class `owner`; `wrap` makes what stands there meanwhile."""

    owner: str
    name: str
    wrap: Callable[[Function, ModuleType], Function]
