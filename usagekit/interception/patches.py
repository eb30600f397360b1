"""Puts the seams in while interceptions are open, into libraries that are there or come later; takes them out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any, Protocol, cast

from usagekit.interception.seam import Function, Seam

HERE = "usagekit.interception"
LIBRARIES = {
    "threading": f"{HERE}.with_threads",
    "concurrent.futures.thread": f"{HERE}.with_thread_pools",
    "http.client": f"{HERE}.with_http_client",
    "urllib3.connection": f"{HERE}.with_urllib3",
    "httpcore": f"{HERE}.with_httpcore",
    "httpcore2": f"{HERE}.with_httpcore",
    "aiohttp": f"{HERE}.with_aiohttp",
}
"""Who puts seams into a module. Nothing of this is imported before the module itself is there."""


class SeamMissing(RuntimeError):
    """A library of a version that cannot be intercepted; the text names it and what it lacks."""


class Layer:
    """One replaced method, put back when its last user leaves.

    `original` is what was found there, which may be another tool's patch.
    """

    __slots__ = ("name", "original", "owner", "replacement", "users")

    def __init__(self, owner: type, name: str, original: Function, replacement: Function) -> None:
        self.owner, self.name, self.original, self.replacement = owner, name, original, replacement
        self.users = 0

    @property
    def on_top(self) -> bool:
        """False once somebody else replaced the method again."""
        return vars(self.owner).get(self.name) is self.replacement


Hold = list[Layer]

_lock = RLock()
if hasattr(os, "register_at_fork"):
    # Else a thread that puts seams in while another one forks would leave them half put in, and the lock closed.
    os.register_at_fork(before=_lock.acquire, after_in_child=_lock.release, after_in_parent=_lock.release)
_layers: list[Layer] = []
_holds: list[Hold] = []
# The last layer of each seam, to be put in again: hundreds of tests in a row find the same method there.
_spare: dict[tuple[str, Seam], Layer] = {}


def hold() -> Hold:
    """Keep the seams of every imported library in, on top of what is there, until `release`."""
    mine: Hold = []
    with _lock:
        if not _holds:
            sys.meta_path.insert(0, _FINDER)
        _holds.append(mine)
        try:
            for name in LIBRARIES:
                if (module := sys.modules.get(name)) is not None:
                    _cover(name, module, [mine])
        except BaseException:
            release(mine)
            raise
    return mine


def release(mine: Hold) -> None:
    """Take out the seams that nobody holds any more."""
    with _lock:
        for layer in reversed(mine):
            layer.users -= 1
            if not layer.users:
                # Not when another tool patched on top: it will put ours back, and ours does nothing then.
                if layer.on_top:
                    setattr(layer.owner, layer.name, layer.original)
                _layers.remove(layer)
        # By identity: two empty holds are equal.
        _holds[:] = [held for held in _holds if held is not mine]
        if not _holds:
            sys.meta_path.remove(_FINDER)


def patched() -> list[tuple[type, str]]:
    """What is replaced at this moment, by owner and name."""
    return [(layer.owner, layer.name) for layer in _layers]


def _cover(library: str, module: ModuleType, holds: Iterable[Hold]) -> None:
    for seam in _seams(library):
        layer = _layer(library, module, seam)
        for held in holds:
            if layer not in held:
                held.append(layer)
                layer.users += 1


@cache
def _seams(library: str) -> Sequence[Seam]:
    found: Sequence[Seam] = import_module(LIBRARIES[library]).SEAMS
    return found


def _layer(library: str, module: ModuleType, seam: Seam) -> Layer:
    """The layer on top at this seam if it is ours, else a new one."""
    owner = getattr(module, seam.owner, None)
    original = vars(owner).get(seam.name) if isinstance(owner, type) else None
    if not isinstance(owner, type) or original is None:
        version = getattr(module, "__version__", None) or "of this version"
        raise SeamMissing(
            f"usagekit.intercept() cannot answer for {library} {version}: it has no {seam.owner}.{seam.name}. "
            "Please use a version that usagekit supports, or report this one."
        )
    for layer in _layers:
        if layer.owner is owner and layer.name == seam.name and layer.on_top:
            return layer
    spare = _spare.get((library, seam))
    if spare is not None and not spare.users and spare.owner is owner and spare.original is original:
        layer = spare
    else:
        layer = _spare[library, seam] = Layer(owner, seam.name, original, seam.wrap(original, module))
    setattr(owner, seam.name, layer.replacement)
    _layers.append(layer)
    return layer


class _Loads(Protocol):
    def create_module(self, spec: ModuleSpec) -> ModuleType | None: ...
    def exec_module(self, module: ModuleType) -> None: ...


class _Loader:
    """Runs a module the way its own loader does, and then puts the seams in."""

    def __init__(self, own: _Loads) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = cast("ModuleSpec", module.__spec__)
        # The module must not find us when it asks how it was loaded.
        spec.loader = module.__loader__ = cast("Any", self._own)
        self._own.exec_module(module)
        with _lock:
            _cover(spec.name, module, _holds)


class _Finder:
    """Finds the libraries where all others find them, so that the seams go in as soon as one is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in LIBRARIES:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find is not None else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = cast("Any", _Loader(cast("_Loads", spec.loader)))
                return spec
        return None


_FINDER = cast("Any", _Finder())
