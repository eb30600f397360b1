"""Fake usage endpoints that compute, and contract tests to be believed, for five AI services."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usagekit.checking import check
    from usagekit.fakes import create_app, serve
    from usagekit.interception import intercept

    __version__: str

__all__ = ["__version__", "check", "create_app", "intercept", "serve"]

_HOMES = {
    "check": "usagekit.checking",
    "create_app": "usagekit.fakes",
    "intercept": "usagekit.interception",
    "serve": "usagekit.fakes",
}


def _load(name: str) -> Any:
    """Load a public name when it is first asked for, so that importing the package costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("usagekit")
    if name not in _HOMES:
        raise AttributeError(f"module 'usagekit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


if not TYPE_CHECKING:
    # Where a type checker saw it, every misspelt name would be right.
    __getattr__ = _load


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
