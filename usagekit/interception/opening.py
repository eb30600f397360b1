"""`intercept`: as a block, or around a function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable
from functools import partial, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import FunctionType, TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from usage_mockserver.world import World
from usage_specs import load
from usagekit.fakes import Instant, make_world
from usagekit.interception import patches, scope
from usagekit.interception.handle import Interception

P = ParamSpec("P")
T = TypeVar("T")


class Intercepting:
    """An interception to be opened: by `with`, or by each call of the function it decorates.

    It can be opened again once it is closed, each time with new accounts unless a world was given.
    """

    def __init__(self, make: Callable[[], Interception]) -> None:
        self._make = make
        self._interception: Interception | None = None
        self._hold: patches.Hold = []

    def __enter__(self) -> Interception:
        """Answer for the production hosts from here on."""
        if self._interception is not None:
            raise RuntimeError("this interception is open already; call usagekit.intercept() for another one")
        interception = self._make()
        self._hold = patches.hold()
        self._interception = interception
        scope.enter(interception)
        return interception

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave everything as it was found."""
        interception, self._interception = self._interception, None
        if interception is not None:
            scope.leave(interception)
            patches.release(self._hold)
            interception.finish(well=error is None)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """The function with an interception of its own around each call."""
        if not isinstance(function, FunctionType):
            raise TypeError(f"usagekit.intercept() decorates functions, not {function!r}")
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"{function.__name__}() yields, and would run after the interception is closed; "
                "write `with usagekit.intercept():` inside it"
            )
        if iscoroutinefunction(function):
            return cast("Callable[P, T]", self._around_coroutine(function))

        @wraps(function)
        def intercepted(*args: P.args, **kwargs: P.kwargs) -> T:
            with Intercepting(self._make):
                return cast("T", function(*args, **kwargs))

        return intercepted

    def _around_coroutine(
        self, function: Callable[..., Coroutine[Any, Any, Any]]
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        @wraps(function)
        async def intercepted(*args: Any, **kwargs: Any) -> Any:
            with Intercepting(self._make):
                return await function(*args, **kwargs)

        return intercepted


def intercept(
    *providers: str,
    world: World | None = None,
    seed: int = 1,
    now: Instant | None = None,
    scenario: str = "busy",
    keys: Iterable[str] = (),
    allow_other_hosts: bool | Collection[str] = True,
) -> Intercepting:
    """Answer requests to the production hosts of these providers, all five by default, by fakes in process.

    A block (`with usagekit.intercept() as usage:`) or a decorator; what is chosen is as for `create_app`, or a
    `world` made before. Other hosts are reached as usual, or under `allow_other_hosts=False` refused, all or
    except those named there.
    """
    if any(callable(name) for name in providers):
        raise TypeError("write @usagekit.intercept(), with parentheses")
    allowed = _allowed(allow_other_hosts)
    if world is None:
        make = partial(make_world, *providers, seed=seed, now=now, scenario=scenario, keys=tuple(keys))
        # Once now, so that a wrong name is complained about here and not inside somebody's test.
        hosts = _hosts(make().providers)
        return Intercepting(lambda: Interception(make(), hosts, allowed))
    if (seed, now, scenario, tuple(keys)) != (1, None, "busy", ()):
        raise TypeError("a world has its own seed, clock, scenario and keys; give either a world or those")
    if missing := [name for name in providers if name not in world.providers]:
        raise ValueError(f"this world has no provider {missing[0]!r}; it has {', '.join(world.providers)}")
    hosts = _hosts(providers or world.providers)
    return Intercepting(lambda: Interception(world, hosts, allowed))


def _hosts(providers: Iterable[str]) -> frozenset[str]:
    return frozenset(load(name).service.host for name in providers)


def _allowed(hosts: bool | Collection[str]) -> frozenset[str] | None:
    """The hosts that may be reached, None for all."""
    if isinstance(hosts, bool):
        return None if hosts else frozenset()
    if isinstance(hosts, str):
        raise TypeError(f"allow_other_hosts takes True, False or a set of names: {{{hosts!r}}}")
    for host in hosts:
        if "/" in host or (host.count(":") == 1):
            raise ValueError(f"allow_other_hosts takes names without scheme and port, not {host!r}")
    return frozenset(scope.plain(host) for host in hosts)
