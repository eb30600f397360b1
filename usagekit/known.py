"""Values of filters that exist in our own fakes, as a user knows the ids of his own projects and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def known_filters(provider: str) -> Mapping[str, Sequence[str]]:
    """Filter values that have usage in the fake of this provider, by parameter name."""
    if provider == "somya":
        from usage_mockserver.providers.somya_events import KEY_IDS

        return {"api_key_id": KEY_IDS}
    if provider == "surnex":
        from usage_mockserver.providers.surnex_events import PROJECTS

        return {"project_id": PROJECTS}
    return {}
