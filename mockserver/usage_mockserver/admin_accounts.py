"""What the control plane can do to accounts: settings, clocks, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from usage_mockserver.admin_call import Call, UnknownError
from usage_mockserver.clock import Clock, read_instant
from usage_mockserver.event_plain import event_id, instant_text, kinds, plain_event
from usage_mockserver.event_reader import EventReader
from usage_mockserver.invalid import InvalidError, meant
from usage_mockserver.refusals import statuses
from usage_mockserver.scenarios import SCENARIOS
from usage_mockserver.settings import READERS, Settings, plain_clock, plain_settings, read_settings, read_span
from usage_mockserver.state.operations import Add, Change, Clear, Remove
from usage_mockserver.switches import completed
from usage_specs import load

PAGE, LARGEST_PAGE = 100, 1000
NAMED_EVENTS = 100
"""So many ids at most stand in the answer to added events."""


# -- what there is --------------------------------------------------------------------------------------


def providers(call: Call) -> Any:
    """What is served where, and what can be set."""
    found = [_provider(call, name) for name in call.providers]
    return found[0] if "provider" in call.values else {"providers": found}


def _provider(call: Call, name: str) -> dict[str, Any]:
    spec = load(name)
    service = spec.service
    found = call.sessions.find(call.session) or call.sessions.host
    chosen = found.world.settings[name]
    values = completed(name, chosen.switches, chosen.scenario)
    return {
        "name": name,
        "title": service.title,
        "url": f"{base_url(call)}/{name}",
        "path": service.path,
        "host": service.host,
        "headers": [{"name": way.header, "scheme": way.scheme} for way in service.credentials],
        "variable": service.variable,
        "scenarios": dict(SCENARIOS),
        "switches": {
            switch.name: {"value": values[switch.name], "choices": list(switch.choices)}
            for switch in spec.switches.values()
        },
        "statuses": list(statuses(name)),
        "events": {kind: dict(one.types) for kind, one in kinds(name).items()},
    }


def base_url(call: Call) -> str:
    """Where the selected session is reached."""
    return f"{call.origin}/~{call.session}" if call.session else call.origin


# -- settings -------------------------------------------------------------------------------------------


def settings(call: Call) -> Any:
    """The settings of each provider, or of one."""
    world = call.app.world
    found = {name: plain_settings(world.settings[name]) for name in call.providers}
    return found[call.providers[0]] if "provider" in call.values else found


def put_settings(call: Call) -> Any:
    """What is not sent goes back to how the server was started."""
    return _set(call, whole=True)


def patch_settings(call: Call) -> Any:
    """What is not sent stays."""
    return _set(call, whole=False)


def _set(call: Call, *, whole: bool) -> Any:
    sent = call.object(*READERS, *(() if "provider" in call.values else call.providers))
    by_name = bool(sent) and "provider" not in call.values and set(sent) <= set(call.providers)
    if not by_name and not set(sent) <= set(READERS):
        raise InvalidError(
            "settings are those of all, or go by provider; not both", min(set(sent) - set(READERS))
        )
    app = call.app
    new: dict[str, tuple[Settings, bool]] = {}
    for name in call.providers:
        if by_name and name not in sent:
            continue
        base = app.world.beginning(name) if whole else app.world.settings[name]
        if whole and "switches" in (sent[name] if by_name else sent):
            base = replace(base, switches={})
        try:
            one = sent[name] if by_name else sent
            new[name] = read_settings(name, one, base), whole or "faults" in one
        except InvalidError as error:
            raise InvalidError(
                error.message, f"{name}.{error.field}" if by_name else error.field, error.allowed
            ) from None
    # Faults that are set begin to count anew.
    call.commit(*[Change(name, chosen, faults) for name, (chosen, faults) in new.items()])
    return settings(call)


# -- clock ----------------------------------------------------------------------------------------------


def clocks(call: Call) -> Any:
    """What time it is in each account, or in one."""
    found = {name: _told(call.app.world.settings[name].clock) for name in call.providers}
    return found[call.providers[0]] if "provider" in call.values else found


def _told(clock: Clock) -> dict[str, Any]:
    return {"now": instant_text(clock.now()), **plain_clock(clock)}


CLOCK_MOVES = ("travel_to", "advance", "real")
SPANS = ("days", "hours", "minutes", "seconds")


def move_clocks(call: Call) -> Any:
    """Stop the clock at an instant, move it on, or let it show the real time."""
    sent = call.object(*CLOCK_MOVES)
    if len(sent) != 1:
        raise InvalidError("say one of travel_to, advance and real", "", CLOCK_MOVES)
    held = call.app.world.settings
    moved = {name: replace(held[name], clock=_moved(held[name].clock, sent)) for name in call.providers}
    call.commit(*[Change(name, new) for name, new in moved.items()])
    return clocks(call)


def _moved(clock: Clock, sent: Mapping[str, Any]) -> Clock:
    try:
        if "travel_to" in sent:
            found = clock.travel_to(read_instant(sent["travel_to"]))
        elif "advance" in sent:
            found = clock.advance(_span(sent["advance"]))
        elif sent["real"] is True:
            found = Clock(source=clock.source)
        else:
            raise InvalidError("real is true or not there", "real")
        found.now()
    except InvalidError:
        raise
    except (TypeError, ValueError):
        message = f"travel_to is {sent['travel_to']!r}; write 2026-03-01 or 2026-03-01T12:30:00Z (UTC)"
        raise InvalidError(message, "travel_to") from None
    except OverflowError:
        raise InvalidError(
            "the clock ends with the year 9999 and begins with the year 1", "advance"
        ) from None
    return found


def _span(sent: Any) -> timedelta:
    if not isinstance(sent, Mapping):
        return read_span(sent, "advance")
    for name in sent:
        if name not in SPANS:
            raise InvalidError(f"advance has no {name!r}; {meant(name, SPANS)}", "advance", SPANS)
    lengths = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
    total = [
        read_span(value, f"advance.{name}").total_seconds() * lengths[name] for name, value in sent.items()
    ]
    return read_span(sum(total), "advance")


# -- events ---------------------------------------------------------------------------------------------


def events(call: Call) -> Any:
    """Added events in order of their instants, provider by provider."""
    call.only("offset", "limit")
    offset, limit = call.number("offset", 0, 10**9), call.number("limit", PAGE, LARGEST_PAGE)
    found: list[dict[str, Any]] = []
    total = 0
    for name in call.providers:
        added = call.app.world.added(name)
        if added is None:
            continue
        page = added.page(max(0, offset - total), limit - len(found)) if len(found) < limit else []
        found += [_event(name, event) for event in page]
        total += added.count
    return {"events": found, "total": total}


def _event(provider: str, event: Any) -> dict[str, Any]:
    return {"id": event_id(provider, event), **plain_event(provider, event)}


def add_events(call: Call) -> Any:
    """Add one event, or all of a list or none."""
    reader = EventReader(call.values.get("provider") and call.providers[0], call.providers)
    found: dict[str, list[Any]] = {}
    sent = call.body if isinstance(call.body, list) else [call.body]
    for place, record in enumerate(sent):
        try:
            owner, event = reader.read(record)
        except InvalidError as error:
            where = f"[{place}]." if isinstance(call.body, list) else ""
            raise InvalidError(error.message, where + error.field, error.allowed) from None
        found.setdefault(owner, []).append(event)
    return add_lines(call, found)


def add_lines(call: Call, found: dict[str, list[Any]]) -> Any:
    """Add events that were read already."""
    call.commit(*[Add(name, some) for name, some in found.items()])
    count = sum(map(len, found.values()))
    named = [event_id(name, event) for name, some in found.items() for event in some[:NAMED_EVENTS]]
    return {
        "added": count,
        "by_provider": {name: len(some) for name, some in found.items()},
        **({"ids": named} if count <= NAMED_EVENTS else {}),
    }


def event(call: Call) -> Any:
    """One added event."""
    return _event(call.providers[0], _found(call))


def remove_event(call: Call) -> Any:
    """Take one added event away."""
    call.commit(Remove(call.providers[0], _found(call)))
    return {"removed": 1}


def _found(call: Call) -> Any:
    found = call.app.world.find(call.providers[0], call.values["id"])
    if found is None:
        raise UnknownError(f"no added event has the id {call.values['id'][:100]!r}", "id")
    return found


def clear_events(call: Call) -> Any:
    """Take all added events away."""
    added = [call.app.world.added(name) for name in call.providers]
    call.commit(*[Clear(name) for name in call.providers])
    return {"removed": sum(one.count for one in added if one is not None)}
