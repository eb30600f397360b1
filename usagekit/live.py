"""Real services in place of fakes: which, where, with whose key, and how often they may be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from usage_mockserver.invalid import check_name
from usage_specs import PROVIDERS, load
from usagekit.handle import ProviderAccount, Real

if TYPE_CHECKING:
    from usage_contracts.transport import Limits


def read_origins(everything: bool, named: Iterable[str]) -> dict[str, str]:
    """Where each real service is, by provider: in production, or at the URL behind `PROVIDER=`.

    ValueError says which text is wrong.
    """
    origins = {name: load(name).service.origin for name in PROVIDERS} if everything else {}
    for text in named:
        name, equals, url = text.partition("=")
        check_name("provider", name, PROVIDERS, "")
        if equals:
            from usagekit.checking import read_url

            origins[name] = read_url(url)
        else:
            origins.setdefault(name, load(name).service.origin)
    return origins


class LiveServices:
    """The providers that are real in this run.

    `keys` are environment variables by name; the clients of each provider send at most `most` requests in all
    (by default as many as a contract run), divided among `workers` processes, and nothing but GET. `refuse`
    is called with what cannot be done, and raises.
    """

    def __init__(
        self,
        origins: Mapping[str, str],
        *,
        keys: Mapping[str, str],
        refuse: Callable[[str], NoReturn],
        most: int | None = None,
        workers: int = 1,
    ) -> None:
        self._origins, self._keys = origins, keys
        self.refuse: Callable[[str], NoReturn] = refuse
        self._most, self._workers = most, workers
        self._limits: dict[str, Limits] = {}

    @property
    def names(self) -> frozenset[str]:
        """The providers that are real."""
        return frozenset(self._origins)

    def account(self, name: str) -> ProviderAccount:
        """A handle of the real service; refused when the environment holds no key for it."""
        service = load(name).service
        key = self._keys.get(service.variable, "").strip()
        if not key:
            self.refuse(f"{name} is the real service here, and its key is not in {service.variable}")
        origin = self._origins[name]
        return ProviderAccount(name, lambda: origin, Real(key, partial(self._take, name), self.refuse))

    def has_key(self, name: str) -> bool:
        """Whether the environment holds a key for this provider."""
        return bool(self._keys.get(load(name).service.variable, "").strip())

    def _take(self, name: str, method: str) -> None:
        if name not in self._limits:
            from usage_contracts.transport import Limits

            most = load(name).service.live_cap if self._most is None else self._most
            self._limits[name] = Limits(requests=most // self._workers, live=True)
        self._limits[name].take(method)
