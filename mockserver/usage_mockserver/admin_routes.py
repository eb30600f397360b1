"""What the control plane can do: journal, state and sessions, and the table of all its routes."""

from __future__ import annotations

import json
from typing import Any

from usage_mockserver import admin_accounts as accounts
from usage_mockserver.admin_call import Call, Live, RefusedCallError, Route, UnknownError
from usage_mockserver.app import App, Receive, Send
from usage_mockserver.delivery import until_gone
from usage_mockserver.http import Reply
from usage_mockserver.invalid import InvalidError
from usage_mockserver.journal import Entry
from usage_mockserver.providers import NAMES
from usage_mockserver.state.operations import Forget, Reset, Restore, StateError

PAGE, LARGEST_PAGE = 100, 1000
STREAMS = 32
# A watcher that left without a word is only noticed by what is written to it.
BEAT, HEARTBEAT = 0.1, 1.0
SESSION_FIELD = "X-Usagekit-Session"
FILTERS = ("provider", "method", "path", "status", "behaviour")


def health(_: Call) -> Any:
    """The process lives."""
    return {"status": "ok"}


def ready(call: Call) -> Any:
    """The fakes answer."""
    found = {"status": "ready", "providers": list(call.providers)}
    # Without the state that replicas share the fakes still answer, so to take this one out would help nobody.
    shared = {"state": call.sessions.shared} if call.sessions.shared else {}
    try:
        return {**found, "sessions": len(call.sessions.names), **shared}
    except StateError:
        return {**found, "sessions": None, "state": "lost"}


# -- journal --------------------------------------------------------------------------------------------


def journal(call: Call) -> Any:
    """The requests that were answered, oldest first; `after` is the number of the last one known."""
    call.only("after", "limit", *FILTERS)
    after, limit = call.number("after", 0, 10**15), call.number("limit", PAGE, LARGEST_PAGE)
    book = call.app.journal
    found = book.entries(after, **_filters(call))
    return {"entries": [entry.as_json() for entry in found[:limit]], "total": book.total}


def count_journal(call: Call) -> Any:
    """How many of the requests in the journal match."""
    call.only(*FILTERS)
    return {"count": call.app.journal.count(**_filters(call))}


def clear_journal(call: Call) -> Any:
    """Forget the requests so far; their numbers go on."""
    count = call.app.journal.count()
    call.app.journal.clear()
    return {"removed": count}


def _filters(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = {name: call.query[name] for name in FILTERS if name in call.query}
    if "status" in found:
        found["status"] = call.number("status", 0, 999)
    if found.get("provider") and found["provider"] not in NAMES:
        raise InvalidError(f"there is no provider {found['provider'][:100]!r}", "provider", NAMES)
    return found


def stream_journal(call: Call) -> Live:
    """Requests as server-sent events while they are answered, those after `after` or `Last-Event-ID` first."""
    call.only("after", *FILTERS)
    app, only = call.app, _filters(call)
    last = call.fields.get("last-event-id", "")
    known = call.query.get("after") or (last if last.isascii() and last.isdigit() and len(last) < 16 else "")
    after = call.number("after", 0, 10**15) if "after" in call.query else int(known or app.journal.total)

    if call.sessions.watchers >= STREAMS:
        raise RefusedCallError(429, f"{STREAMS} watch already; that is as many as may.")

    async def run(receive: Receive, send: Send) -> None:
        call.sessions.watchers += 1
        try:
            await _follow(call, app, after, only, receive, send)
        finally:
            call.sessions.watchers -= 1

    return Live(run)


EVENT_STREAM = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


async def _follow(
    call: Call, app: App, after: int, only: dict[str, Any], receive: Receive, send: Send
) -> None:
    async def write(text: str, *, more: bool = True) -> None:
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

    await send({"type": "http.response.start", "status": 200, "headers": list(EVENT_STREAM)})
    await write(": the journal follows\n\n")
    quiet, seen = 0.0, 0
    async with until_gone(receive) as wait:
        # Asked for and not told: whoever answers requests must not wait for whoever watches.
        while not call.sessions.leaving and call.sessions.find(call.session) is app:
            entries, after, seen = _new_entries(app, after, seen, only)
            for entry in entries:
                await write(_told(entry))
            quiet = 0.0 if entries else quiet + BEAT
            if quiet >= HEARTBEAT:
                quiet = 0.0
                await write(": nothing new\n\n")
            if await wait(BEAT):
                return
    await write("", more=False)


def _new_entries(app: App, after: int, seen: int, only: dict[str, Any]) -> tuple[list[Entry], int, int]:
    """The entries after a number, the number to go on after, and the number of all so far, of which `seen` were."""
    try:
        total = app.journal.total
        # A shared journal that was emptied from outside numbers anew.
        after = 0 if total < seen else after
        entries = app.journal.entries(after, **only) if total > after else []
    except StateError:
        # One that is away: whoever watches is told what it holds once it is back.
        return [], after, seen
    return entries, max(entries[-1].number if entries else total, after), total


def _told(entry: Entry) -> str:
    return (
        f"id: {entry.number}\nevent: request\ndata: {json.dumps(entry.as_json(), separators=(',', ':'))}\n\n"
    )


# -- state ----------------------------------------------------------------------------------------------


def reset(call: Call) -> Any:
    """Go back to how the server was started: settings, events, counters; of all providers also the journal."""
    call.object()
    forget = () if "provider" in call.values else (Forget(),)
    call.commit(*[Reset(name) for name in call.providers], *forget)
    return {"reset": list(call.providers)}


def snapshot(call: Call) -> Any:
    """The whole state as JSON that `restore` takes, without the keys."""
    return call.app.world.snapshot()


def restore(call: Call) -> Any:
    """Take over the state of a snapshot, all of it or nothing."""
    call.commit(Restore(call.app.world.read(call.body)))
    return {"restored": list(call.body["providers"])}


# -- sessions -------------------------------------------------------------------------------------------


def sessions(call: Call) -> Any:
    """Every session, the one not used for longest first."""
    return {"sessions": [_session(call, name) for name in call.sessions.names], "most": call.sessions.most}


def _session(call: Call, name: str) -> dict[str, Any]:
    found = call.sessions.find(name)
    return {
        "name": name,
        "url": f"{call.origin}/~{name}",
        "header": {SESSION_FIELD: name},
        "requests": found.journal.total if found is not None else 0,
    }


def open_session(call: Call) -> Any:
    """Make a session as the server was started; without a name it gets one that nobody has."""
    name = call.object("name").get("name", "")
    if not isinstance(name, str):
        raise InvalidError("name is a text", "name")
    return _session(call, call.sessions.open(name)[0])


def put_session(call: Call) -> Any:
    """Make the session of this name, if there is none."""
    call.object()
    return _session(call, call.sessions.open(call.values["name"])[0])


def session(call: Call) -> Any:
    """One session."""
    return _session(call, _known(call))


def close_session(call: Call) -> Any:
    """Forget one session and everything in it."""
    call.sessions.close(_known(call))
    return {"closed": 1}


def close_sessions(call: Call) -> Any:
    """Forget all sessions."""
    return {"closed": sum(call.sessions.close(name) for name in call.sessions.names)}


def _known(call: Call) -> str:
    name = call.values["name"]
    if name not in call.sessions.names:
        raise UnknownError(f"there is no session {name[:100]!r}", "name", call.sessions.names[:100])
    return name


# -- its own description --------------------------------------------------------------------------------


def openapi(call: Call) -> Any:
    """This interface as an OpenAPI document."""
    from usage_mockserver.admin_openapi import document

    return document(ROUTES, call.origin)


def page(_: Call) -> Reply:
    """This interface as a page for people."""
    from usage_mockserver.admin_openapi import html_page

    return html_page(ROUTES)


SHOWN = ("after", "limit", *FILTERS)
ROUTES: tuple[Route, ...] = (
    Route("GET", "", page, "This page.", stateless=True),
    Route("GET", "docs", page, "This page.", stateless=True),
    Route("GET", "openapi.json", openapi, "This interface as OpenAPI 3.1.", stateless=True),
    Route("GET", "health", health, "Whether the process lives.", stateless=True),
    Route("GET", "ready", ready, "Whether the fakes answer.", stateless=True),
    Route("GET", "providers", accounts.providers, "What is served where, and what can be set."),
    Route("GET", "providers/{provider}", accounts.providers, "The same of one provider."),
    Route("GET", "settings", accounts.settings, "The settings by provider.", gives="SettingsByProvider"),
    Route(
        "PUT",
        "settings",
        accounts.put_settings,
        "Set those of all providers, or by provider; what is not sent is as at the start.",
        takes="SomeSettings",
        gives="SettingsByProvider",
    ),
    Route(
        "PATCH",
        "settings",
        accounts.patch_settings,
        "Change those of all providers, or by provider; what is not sent stays.",
        takes="SomeSettings",
        gives="SettingsByProvider",
    ),
    Route("GET", "settings/{provider}", accounts.settings, "The settings of one provider.", gives="Settings"),
    Route(
        "PUT",
        "settings/{provider}",
        accounts.put_settings,
        "Set them; what is not sent is as at the start.",
        takes="Settings",
        gives="Settings",
    ),
    Route(
        "PATCH",
        "settings/{provider}",
        accounts.patch_settings,
        "Change them; what is not sent stays.",
        takes="Settings",
        gives="Settings",
    ),
    Route("GET", "clock", accounts.clocks, "What time it is, by provider."),
    Route("POST", "clock", accounts.move_clocks, "Move all clocks.", takes="ClockMove"),
    Route("GET", "clock/{provider}", accounts.clocks, "What time it is in one account.", gives="Clock"),
    Route(
        "POST", "clock/{provider}", accounts.move_clocks, "Move one clock.", takes="ClockMove", gives="Clock"
    ),
    Route(
        "GET",
        "events",
        accounts.events,
        "Added events in order of their instants.",
        gives="Events",
        parameters=("offset", "limit"),
    ),
    Route(
        "POST",
        "events",
        accounts.add_events,
        "Add one event, a list, or JSON lines: all or none.",
        takes="EventOrEvents",
        gives="Added",
        status=201,
        lines=accounts.add_lines,
    ),
    Route("DELETE", "events", accounts.clear_events, "Take all added events away."),
    Route(
        "GET",
        "events/{provider}",
        accounts.events,
        "Added events of one provider.",
        gives="Events",
        parameters=("offset", "limit"),
    ),
    Route(
        "POST",
        "events/{provider}",
        accounts.add_events,
        "Add events of one provider: all or none.",
        takes="EventOrEvents",
        gives="Added",
        status=201,
        lines=accounts.add_lines,
    ),
    Route("DELETE", "events/{provider}", accounts.clear_events, "Take those of one provider away."),
    Route("GET", "events/{provider}/{id}", accounts.event, "One added event.", gives="Event"),
    Route("DELETE", "events/{provider}/{id}", accounts.remove_event, "Take one added event away."),
    Route(
        "GET",
        "journal",
        journal,
        "What was asked and how it was answered.",
        gives="Journal",
        parameters=SHOWN,
    ),
    Route("DELETE", "journal", clear_journal, "Forget the requests so far."),
    Route("GET", "journal/count", count_journal, "How many requests match.", parameters=FILTERS),
    Route(
        "GET",
        "journal/stream",
        stream_journal,
        "Requests as server-sent events while they are answered.",
        parameters=("after", *FILTERS),
    ),
    Route("POST", "reset", reset, "Go back to how the server was started; the journal is emptied."),
    Route("POST", "reset/{provider}", reset, "The same for one provider; the journal stays."),
    Route("GET", "snapshot", snapshot, "The whole state, without keys.", gives="Snapshot"),
    Route("POST", "restore", restore, "Take over the state of a snapshot: all or nothing.", takes="Snapshot"),
    Route("GET", "sessions", sessions, "Every session."),
    Route(
        "POST", "sessions", open_session, "Make a session.", takes="NewSession", gives="Session", status=201
    ),
    Route("DELETE", "sessions", close_sessions, "Forget all sessions."),
    Route("GET", "sessions/{name}", session, "One session.", gives="Session"),
    Route("PUT", "sessions/{name}", put_session, "Make this session if there is none.", gives="Session"),
    Route("DELETE", "sessions/{name}", close_session, "Forget one session and everything in it."),
)
"""Every route; the description that is served is made from this table."""
