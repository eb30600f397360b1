"""The environment variables by which programs are told where a provider is and with which key."""

from __future__ import annotations

from usage_specs import load


def variables(provider: str, url: str, key: str | None = None) -> dict[str, str]:
    """Base URL and key of one provider by variable name; the key is by default the one that every fake takes."""
    service = load(provider).service
    return {
        f"{provider.upper()}_BASE_URL": url,
        service.variable: service.demo_key if key is None else key,
    }
