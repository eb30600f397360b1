"""Exact decimal numbers, written without binary rounding."""

from __future__ import annotations


def decimal_text(units: int, places: int) -> str:
    """`units` times 10 to the power of -`places` as a JSON number, without exponent and trailing zeros."""
    whole, rest = divmod(units, 10**places)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{places}d}".rstrip("0")
