"""Applications of this process as targets: which interface they speak, and a transport that asks them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usage_mockserver.invalid import InvalidError, meant
from usagekit.mishaps import told

if TYPE_CHECKING:
    import httpx2

INTERFACES = ("auto", "asgi", "wsgi")
"""What an application may be said to speak; `auto` looks at its parameters."""

ORIGIN = "http://127.0.0.1:8000"
"""Where an application is asked when nobody says: the place at which `uvicorn module:app` serves it too."""

ARGUMENTS = {"asgi": 3, "wsgi": 2}
MEANT = {"asgi": "(scope, receive, send)", "wsgi": "(environ, start_response)"}

Application = Callable[..., Any]


def imported(text: str, *, factory: bool = False) -> Application:
    """The application that `package.module:name` names, found from the working directory as uvicorn does.

    `factory` says that the name is a function without parameters which makes it. InvalidError says in one
    sentence what is wrong.
    """
    from uvicorn.importer import ImportFromStringError, import_from_string

    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    module, _, name = text.partition(":")
    if not module or not name:
        raise InvalidError(f"{text!r} names no application; write package.module:app")
    try:
        found = import_from_string(text)
    except ImportFromStringError as error:
        raise InvalidError(f"{text!r}: {_not_found(module, name, str(error))}") from None
    except Exception as error:  # noqa: BLE001 - whatever the user's module does wrong is one sentence
        raise InvalidError(f"{text!r}: importing {module} failed: {told(error)}") from None
    try:
        return found() if factory else found  # type: ignore[no-any-return]
    except Exception as error:  # noqa: BLE001 - the same for what makes the application
        raise InvalidError(f"{text!r}: {name}() failed: {told(error)}") from None


def _not_found(module: str, name: str, complaint: str) -> str:
    if module not in sys.modules:
        return f"there is no module {module!r} here"
    first = name.partition(".")[0]
    names = [one for one in vars(sys.modules[module]) if not one.startswith("_")]
    return (
        f"{module} has no {first!r}; {meant(first, names)}" if first not in names else complaint.rstrip(".")
    )


def interface_of(app: object, interface: str = "auto") -> str:
    """`asgi` or `wsgi`, by what the application can be called with; InvalidError when that does not tell."""
    if interface not in INTERFACES:
        raise InvalidError(f"there is no interface {interface!r}; {meant(interface, INTERFACES)}")
    if not callable(app):
        raise InvalidError(f"the application is a {type(app).__name__}, which cannot be called")
    if interface != "auto":
        return interface
    called = app if inspect.isroutine(app) or inspect.isclass(app) else app.__call__
    if inspect.iscoroutinefunction(called) and _takes(app, ARGUMENTS["asgi"]):
        return "asgi"
    fitting = [name for name, count in ARGUMENTS.items() if _takes(app, count)]
    if len(fitting) == 1 and not (inspect.iscoroutinefunction(called) and fitting == ["wsgi"]):
        return fitting[0]
    if _takes(app, 0) and not fitting:
        raise InvalidError(f"{_name(app)} takes no arguments, so it is no application; perhaps it makes one")
    takes = " and ".join(f"{MEANT[name]} of {name.upper()}" for name in fitting or ARGUMENTS)
    verdict = "takes both" if fitting else "takes neither"
    raise InvalidError(f"{_name(app)} {verdict} {takes}; say interface 'asgi' or 'wsgi'")


def _takes(app: object, count: int) -> bool:
    assert callable(app)
    try:
        inspect.signature(app).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def _name(app: object) -> str:
    return f"{getattr(app, '__name__', type(app).__name__)!r}"


def transport_for(app: Application, interface: str, *, seconds: float) -> httpx2.BaseTransport:
    """A transport that asks this application; `seconds` bounds each answer, its start and its stop.

    It starts an ASGI application's lifespan with the first request, and ends it when it is closed.
    """
    if interface == "asgi":
        from usagekit.asgi import AsgiTransport

        return AsgiTransport(app, seconds=seconds)
    from usagekit.wsgi import WsgiTransport

    return WsgiTransport(app, seconds=seconds)
