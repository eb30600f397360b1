"""The README leads to every example, and shows a part of one (that it is the file's text: tests/test_readme.py)."""

from __future__ import annotations

import re

from tests.programs import EXAMPLES, ROOT
from tests.test_readme import SHOWN

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_example_is_linked() -> None:
    linked = set(re.findall(r"\]\(examples/([\w-]+)/?\)", README))
    assert {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()} - linked == set()


def test_an_example_is_shown() -> None:
    assert [name for name, _ in SHOWN.findall(README) if name.startswith("examples/")]
