"""Exact decimal numbers, written without binary rounding."""

from __future__ import annotations


def decimal_text(units: int, places: int) -> str:
    """`units` times 10 to the power of -`places` as a JSON number, without exponent and trailing zeros."""
    if units % 10**places == 0:
        return str(units // 10**places)
    digits = str(units).zfill(places + 1)
    return f"{digits[:-places]}.{digits[-places:]}".rstrip("0")
