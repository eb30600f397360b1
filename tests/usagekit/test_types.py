"""What the type checker of another project sees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import usagekit


def test_a_misspelt_name_is_wrong_for_a_type_checker_and_at_run_time():
    # A module's `__getattr__` that a checker sees makes every name right.
    top = ast.parse(Path(usagekit.__file__).read_text("utf-8")).body
    assert "__getattr__" not in {node.name for node in top if isinstance(node, ast.FunctionDef)}
    with pytest.raises(AttributeError, match="module 'usagekit' has no attribute 'intercpt'"):
        usagekit.intercpt  # noqa: B018
