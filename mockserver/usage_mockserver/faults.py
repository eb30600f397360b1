"""Disturbances that real clients meet, put around a provider's handler: slow, refused, counted, cut off."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from math import ceil
from threading import Lock
from typing import Any

from usage_mockserver.account import Account
from usage_mockserver.chance import Chance
from usage_mockserver.http import Reply, Request, Transport, json_bytes
from usage_mockserver.invalid import InvalidError, check_name, meant
from usage_mockserver.refusals import check_status, gateway_page, refusal
from usage_specs import load

Handler = Callable[[Request, Account], Reply]
Memory = dict[str, Any]

LONGEST_MS = 300_000
MOST_FAULTS = 20
CHANCES = 1_000_000
GATEWAYS = (500, 502, 503, 504)
UNCOUNTED = (307, 308, 401, 404, 405)
"""Answers given before a rate limiter would have been asked."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "latency": ("ms", "jitter_ms"),
    "status": ("status",),
    "rate-limit": ("limit", "window"),
    "reset": (),
    "truncate": ("size",),
    "invalid-json": (),
    "drip": ("size", "ms"),
    "gateway-html": ("status",),
}
"""Every kind of fault, with the fields that mean something to it beside `times` and `probability`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One disturbance of a provider's answers.

    `ms` is how late an answer comes (plus up to `jitter_ms`, drawn), or the pause between the pieces of `size`
    bytes in which it drips; a truncated body ends after `size` bytes. `limit` requests are answered in each
    `window` seconds, 0 meaning the vendor's own limits. It happens to the first `times` requests, to all when
    None, and to each of them with `probability`, by draws that the account's seed fixes.
    """

    kind: str
    ms: int = 0
    jitter_ms: int = 0
    status: int = 0
    limit: int = 0
    window: int = 0
    size: int = 0
    times: int | None = None
    probability: float = 1.0


FIELDS = {field.name: field.default for field in fields(Fault) if field.name != "kind"}


def check_fault(provider: str, fault: Fault, where: str = "") -> None:
    """Refuse a fault that makes no sense with an InvalidError; `where` is put before the field's name."""
    check_name("fault", fault.kind, KINDS, f"{where}kind")
    known = (*KINDS[fault.kind], "times", "probability") if fault.kind != "rate-limit" else KINDS[fault.kind]
    for name, default in FIELDS.items():
        value = getattr(fault, name)
        if value == default and not isinstance(value, bool):
            continue
        if name not in known:
            raise InvalidError(
                f"fault {fault.kind!r} has no {name}; {meant(name, known)}", where + name, known
            )
        _check_value(name, value, where + name)
    if fault.kind == "status" or fault.status:
        if fault.kind == "gateway-html" and fault.status not in GATEWAYS:
            raise InvalidError(
                f"a gateway answers one of {', '.join(map(str, GATEWAYS))}, not {fault.status!r}",
                f"{where}status",
                map(str, GATEWAYS),
            )
        check_status(provider, fault.status, f"{where}status")
    if fault.kind in ("latency", "drip") and not fault.ms + fault.jitter_ms:
        raise InvalidError(f"fault {fault.kind!r} needs ms, a number of milliseconds", f"{where}ms")


def _check_value(name: str, value: Any, field: str) -> None:
    if name == "probability":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise InvalidError(f"probability is {value!r}; it must be a number from 0 to 1", field)
    else:
        most = LONGEST_MS if name in ("ms", "jitter_ms") else 10**9
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise InvalidError(f"{name} is {value!r}; it must be a whole number from 0 to {most}", field)


class Disturbance:
    """The faults of one account, and what they remember: how often each was asked and came, and the quotas.

    What they remember is plain JSON, so that it can be saved, restored, and kept elsewhere.
    """

    def __init__(self, faults: tuple[Fault, ...], memory: list[Memory] | None = None) -> None:
        self.faults = faults
        self.memory = memory or [{"asked": 0, "came": 0, "windows": {}} for _ in faults]
        self._lock = Lock()

    @staticmethod
    def read(faults: tuple[Fault, ...], saved: Any, where: str) -> list[Memory]:
        """What `plain` wrote for the same faults, or nothing where they had not been asked yet."""
        if saved in (None, []):
            return []
        if not isinstance(saved, list) or len(saved) != len(faults) or not all(map(_is_memory, saved)):
            raise InvalidError(f"{where} is a list with asked, came and windows of each fault", where)
        return [{**memory, "windows": {k: list(v) for k, v in memory["windows"].items()}} for memory in saved]

    def plain(self) -> list[Memory]:
        """What the faults remember, as a copy in JSON values."""
        with self._lock:
            return self.read(self.faults, self.memory, "")

    def reply(self, request: Request, account: Account, handler: Handler) -> Reply:
        """The handler's answer to one request, disturbed."""
        reply = handler(request, account)
        for place, fault in enumerate(self.faults):
            if fault.kind == "rate-limit":
                reply = self._counted(fault, self.memory[place], reply, request, account)
            else:
                chance = self._hit(place, fault, account)
                if chance is not None:
                    reply = EFFECTS[fault.kind](fault, reply, request, account, chance)
        return replace(reply, keep=False)

    def _hit(self, place: int, fault: Fault, account: Account) -> Chance | None:
        """Further draws if this request is disturbed, None if it is not."""
        memory = self.memory[place]
        with self._lock:
            memory["asked"] += 1
            if fault.times is not None and memory["came"] >= fault.times:
                return None
            chance = Chance("fault", account.provider, account.seed, place, memory["asked"])
            if chance.below(CHANCES) >= fault.probability * CHANCES:
                return None
            memory["came"] += 1
            return chance

    def _counted(
        self, fault: Fault, memory: Memory, reply: Reply, request: Request, account: Account
    ) -> Reply:
        if reply.status in UNCOUNTED:
            return reply
        quotas = _quotas(fault, account.provider)
        second = account.now.timestamp()
        with self._lock:
            windows = {length: self._window(memory, length, second) for length in quotas}
            over = [length for length, limit in quotas.items() if windows[length][1] >= limit]
            if not over:
                for window in windows.values():
                    window[1] += 1
            left = {length: max(0, quotas[length] - int(window[1])) for length, window in windows.items()}
            # The longest wait decides: until then some window stays full.
            full = max(over, key=lambda length: windows[length][0] + length, default=0)
            wait = max(1, ceil(windows[full][0] + full - second)) if full else 0
        if full:
            reply = _too_many(request, account, full, quotas[full], wait)
        return replace(reply, headers=_with_quota(reply, account.provider, quotas, left))

    def _window(self, memory: Memory, length: int, second: float) -> list[float]:
        """Begin and count of the window that this second lies in; a new one begins with its first request."""
        window: list[float] = memory["windows"].setdefault(str(length), [second, 0])
        # A clock that was turned back begins a new window as well.
        if not window[0] <= second < window[0] + length:
            window[:] = [second, 0]
        return window


def _is_memory(value: Any) -> bool:
    if not isinstance(value, Mapping) or value.keys() != {"asked", "came", "windows"}:
        return False
    windows = value["windows"]
    return (
        all(type(value[name]) is int and value[name] >= 0 for name in ("asked", "came"))
        and isinstance(windows, Mapping)
        and all(
            isinstance(window, list) and len(window) == 2 and all(type(one) in (int, float) for one in window)
            for window in windows.values()
        )
    )


NAMES = {60: "minute", 3600: "hour", 86400: "day"}


def _quotas(fault: Fault, provider: str) -> dict[int, int]:
    """The limit of each window in seconds: as the fault says, else as the vendor publishes it."""
    if provider == "lyrcs" and not fault.limit:
        from usage_mockserver.providers.lyrcs import LIMITS

        lengths = {name: length for length, name in NAMES.items()}
        return {lengths[name]: limit for name, limit in LIMITS}
    return {fault.window or 60: fault.limit or load(provider).service.per_minute}


def _too_many(request: Request, account: Account, window: int, limit: int, wait: int) -> Reply:
    reply = refusal(account.provider, 429, request, account)
    if account.provider == "lyrcs":
        body = json.loads(reply.body)
        period = NAMES.get(window, f"{window} seconds")
        body["message"] = f"Rate limit exceeded: {limit} requests per {period}"
        reply = replace(reply, body=json_bytes({**body, "retry_after": wait}))
    return replace(reply, headers=(*reply.headers, ("retry-after", str(wait))))


def _with_quota(
    reply: Reply, provider: str, quotas: Mapping[int, int], left: Mapping[int, int]
) -> tuple[tuple[str, str], ...]:
    """The reply's headers with the quota as it is now, where the vendor publishes such headers."""
    if provider not in ("lyrcs", "surnex"):
        return reply.headers
    kept = [pair for pair in reply.headers if not pair[0].startswith("x-ratelimit-")]
    found: list[tuple[str, str]] = []
    for kind, values in (("limit", quotas), ("remaining", left)):
        for length, value in values.items():
            unit = f"-{NAMES.get(length, length)}" if provider == "lyrcs" else ""
            found.append((f"x-ratelimit-{kind}{unit}", str(value)))
    return (*kept, *found)


Effect = Callable[[Fault, Reply, Request, Account, Chance], Reply]


def _late(fault: Fault, reply: Reply, _: Request, __: Account, chance: Chance) -> Reply:
    wait = fault.ms + chance.between(0, fault.jitter_ms)
    return replace(reply, delay=reply.delay + wait / 1000)


def _refused(fault: Fault, reply: Reply, request: Request, account: Account, _: Chance) -> Reply:
    return replace(refusal(account.provider, fault.status, request, account), delay=reply.delay)


def _gateway(fault: Fault, reply: Reply, _: Request, __: Account, ___: Chance) -> Reply:
    return replace(gateway_page(fault.status or 502), delay=reply.delay)


def _broken(_: Fault, reply: Reply, __: Request, ___: Account, ____: Chance) -> Reply:
    # Without its last character no object, list or text is JSON any more.
    return replace(reply, body=reply.body[:-1])


def _reset(_: Fault, reply: Reply, __: Request, ___: Account, ____: Chance) -> Reply:
    return replace(reply, transport=replace(reply.transport or Transport(), reset=True))


def _cut(fault: Fault, reply: Reply, _: Request, __: Account, ___: Chance) -> Reply:
    if not reply.body:
        return reply
    cut = min(fault.size, len(reply.body) - 1)
    return replace(reply, transport=replace(reply.transport or Transport(), cut=cut))


def _dripping(fault: Fault, reply: Reply, _: Request, __: Account, ___: Chance) -> Reply:
    transport = replace(reply.transport or Transport(), step=max(1, fault.size), pause=fault.ms / 1000)
    return replace(reply, transport=transport)


EFFECTS: Mapping[str, Effect] = {
    "latency": _late,
    "status": _refused,
    "gateway-html": _gateway,
    "invalid-json": _broken,
    "reset": _reset,
    "truncate": _cut,
    "drip": _dripping,
}
