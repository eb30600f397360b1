"""One writer per format: reports in, text out; a writer is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any

from usage_contracts.masking import Mask
from usage_contracts.verdict import Report

Writer = Callable[..., str]


def _write(module: str, reports: Sequence[Report], *, mask: Mask, **options: Any) -> str:
    writer: Writer = import_module(f"usage_contracts.reports.{module}").write
    return writer(reports, mask=mask, **options)


FORMATS: Mapping[str, Writer] = MappingProxyType(
    {
        "text": partial(_write, "text"),
        "json": partial(_write, "machine"),
        "junit": partial(_write, "junit"),
        "html": partial(_write, "html"),
        "github": partial(_write, "github"),
        "sarif": partial(_write, "sarif"),
    }
)
"""What `--format` offers: each takes the reports and `mask`, and the options of its own module's `write`."""
