"""How one fake account behaves, as values of Python and as plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from usage_mockserver.clock import Clock, read_instant
from usage_mockserver.event_plain import instant_text
from usage_mockserver.faults import KINDS, MOST_FAULTS, Fault, check_fault
from usage_mockserver.invalid import InvalidError, check_name, meant
from usage_mockserver.scenarios import SCENARIOS
from usage_mockserver.switches import completed
from usage_specs import load

MOST_SEED = 2**63
MOST_DAYS = 36_600


@dataclass(frozen=True, slots=True)
class Settings:
    """How one fake account behaves; plain data, replaced as a whole."""

    seed: int = 1
    scenario: str = "busy"
    clock: Clock = field(default_factory=Clock)
    switches: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    mutant: str = ""
    manners: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def disturbed(self) -> bool:
        """Whether answers may come late, broken or not at all."""
        return bool(self.faults or self.manners)


FAULT_FIELDS = tuple(one.name for one in fields(Fault))


def check_settings(provider: str, settings: Settings) -> None:
    """Refuse unknown names and impossible values with ValueError."""
    check_name("scenario", settings.scenario, SCENARIOS, "scenario")
    completed(provider, settings.switches, settings.scenario)
    for place, fault in enumerate(settings.faults):
        check_fault(provider, fault, f"faults[{place}].")
    if settings.mutant:
        from usage_mockserver.mutants import find

        find(provider, settings.mutant)
    if settings.manners:
        from usage_mockserver.manners import find_manner

        for name in settings.manners:
            find_manner(provider, name)


def plain_settings(settings: Settings) -> dict[str, Any]:
    """The settings as JSON values, without the keys, which are credentials."""
    return {
        "seed": settings.seed,
        "scenario": settings.scenario,
        "clock": plain_clock(settings.clock),
        "switches": dict(settings.switches),
        "mutant": settings.mutant,
        "manners": list(settings.manners),
        "faults": [plain_fault(fault) for fault in settings.faults],
    }


def plain_clock(clock: Clock) -> dict[str, Any]:
    """Where a standing clock stands, or how far a running one is ahead."""
    if clock.frozen is not None:
        return {"frozen": instant_text(clock.frozen)}
    return {"offset_seconds": clock.offset.total_seconds()}


def plain_fault(fault: Fault) -> dict[str, Any]:
    """The fault's kind, and every other field that was set."""
    found = {name: getattr(fault, name) for name in FAULT_FIELDS}
    blank = Fault(fault.kind)
    return {name: value for name, value in found.items() if name == "kind" or value != getattr(blank, name)}


def read_settings(provider: str, sent: Any, base: Settings) -> Settings:
    """The base with what was sent in its place; InvalidError names the field at fault.

    Switches are put on top of those of the base, and one that is null goes back to its default.
    """
    if not isinstance(sent, Mapping):
        raise InvalidError("settings are an object", "", READERS)
    changes = {}
    for name, value in sent.items():
        if name not in READERS:
            raise InvalidError(f"there is no setting {name!r}; {meant(name, READERS)}", str(name), READERS)
        changes[name] = READERS[name](provider, value, base)
    new = replace(base, **changes)
    # Here and not before: which values a switch has may depend on the scenario.
    check_settings(provider, new)
    return new


def _seed(_: str, value: Any, __: Settings) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -MOST_SEED <= value < MOST_SEED:
        raise InvalidError(f"seed is {value!r}; it must be a whole number of at most 64 bits", "seed")
    return value


def _scenario(_: str, value: Any, __: Settings) -> str:
    return check_name("scenario", value, SCENARIOS, "scenario")


def read_clock(value: Any, base: Clock) -> Clock:
    """A clock as `plain_clock` writes it, or an instant where it is to stand, or null for the real time."""
    if value is None:
        return replace(base, frozen=None, offset=timedelta())
    if isinstance(value, str):
        value = {"frozen": value}
    names = ("frozen", "offset_seconds")
    if not isinstance(value, Mapping) or len(value) != 1 or next(iter(value)) not in names:
        raise InvalidError("clock is an instant, or an object with frozen or offset_seconds", "clock", names)
    if "offset_seconds" in value:
        span = read_span(value["offset_seconds"], "clock.offset_seconds")
        return replace(base, frozen=None, offset=span)
    text = value["frozen"]
    try:
        return base.travel_to(read_instant(text))
    except (ValueError, TypeError):
        message = f"{text!r} is not an instant; write 2026-03-01 or 2026-03-01T12:30:00Z (UTC)"
        raise InvalidError(message, "clock.frozen") from None


def read_span(seconds: Any, field: str) -> timedelta:
    """A length of time in seconds, at most a hundred years either way."""
    known = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not known or not abs(seconds) <= MOST_DAYS * 86_400:
        raise InvalidError(f"{field} is {seconds!r}; it must be seconds, at most a hundred years", field)
    return timedelta(seconds=seconds)


def _clock(_: str, value: Any, base: Settings) -> Clock:
    return read_clock(value, base.clock)


def _switches(provider: str, value: Any, base: Settings) -> dict[str, str]:
    known = load(provider).switches
    if not isinstance(value, Mapping):
        raise InvalidError("switches is an object of names and values", "switches", known)
    chosen = dict(base.switches)
    for name, choice in value.items():
        check_name(f"switch of {provider}", name, known, "switches")
        if choice is None:
            chosen.pop(name, None)
        else:
            chosen[name] = check_name(f"value of {name}", choice, known[name].choices, f"switches.{name}")
    return chosen


def _mutant(provider: str, value: Any, _: Settings) -> str:
    if value in (None, ""):
        return ""
    from usage_mockserver.mutants import CATALOGUE

    return check_name(f"mutant of {provider}", value, CATALOGUE[provider], "mutant")


def _manners(provider: str, value: Any, _: Settings) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise InvalidError("manners is a list of names", "manners")
    if not value:
        return ()
    from usage_mockserver.manners import MANNERS

    known = [manner.name for manner in MANNERS if provider in manner.providers]
    return tuple(check_name(f"manner of {provider}", name, known, "manners") for name in value)


def _faults(provider: str, value: Any, _: Settings) -> tuple[Fault, ...]:
    if not isinstance(value, list):
        raise InvalidError("faults is a list of objects such as {'kind': 'latency', 'ms': 200}", "faults")
    if len(value) > MOST_FAULTS:
        raise InvalidError(f"there may be {MOST_FAULTS} faults, not {len(value)}", "faults")
    return tuple(read_fault(provider, one, f"faults[{place}].") for place, one in enumerate(value))


def read_fault(provider: str, value: Any, where: str = "") -> Fault:
    """A fault as `plain_fault` writes it; `where` is put before the name of a field at fault."""
    if not isinstance(value, Mapping):
        raise InvalidError(f"a fault is an object with a kind, not {value!r}"[:200], where.rstrip("."), KINDS)
    for name in value:
        if name not in FAULT_FIELDS:
            message = f"a fault has no field {name!r}; {meant(name, FAULT_FIELDS)}"
            raise InvalidError(message, f"{where}{name}", FAULT_FIELDS)
    fault = Fault(**{"kind": "", **value})
    check_fault(provider, fault, where)
    return fault


READERS: Mapping[str, Callable[[str, Any, Settings], Any]] = {
    "seed": _seed,
    "scenario": _scenario,
    "clock": _clock,
    "switches": _switches,
    "mutant": _mutant,
    "manners": _manners,
    "faults": _faults,
}
"""Every setting that can be changed from outside, and how it is read."""
