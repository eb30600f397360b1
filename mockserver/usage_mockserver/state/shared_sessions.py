"""Sessions that all replicas have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from usage_mockserver.app import App, Receive, Scope, Send, problem
from usage_mockserver.journal import BYTES, ENTRIES
from usage_mockserver.kept import KeptReplies, Spelled, wire
from usage_mockserver.sessions import JOURNAL_BYTES, KEPT_BYTES, NAME, SESSIONS, Control, Sessions
from usage_mockserver.state.operations import Operation, StaleError, StateError
from usage_mockserver.state.shared_app import GoneError, SharedApp
from usage_mockserver.state.shared_journal import SharedJournal
from usage_mockserver.state.store import Store
from usage_mockserver.world import World

if TYPE_CHECKING:
    from usage_mockserver.framing import Head

TRIES = 20
T = TypeVar("T")


class SharedSessions(Sessions):
    """The host and every session as copies of what the store holds; each is made here when first asked for.

    `fakes` is how all of them behave, and whose world is the one that they begin with.
    """

    def __init__(
        self,
        fakes: App,
        store: Store,
        *,
        control: Control | None = None,
        most: int = SESSIONS,
        journal_entries: int = ENTRIES,
    ) -> None:
        self._store = store
        self._fakes = fakes
        self._journal_entries = journal_entries
        host = self._made("", fakes.world, BYTES, KeptReplies())
        super().__init__(host, control=control, most=most)

    def _made(self, name: str, world: World, journal_bytes: int, kept: KeptReplies) -> SharedApp:
        journal = SharedJournal(self._store, name, entries=self._journal_entries, size=journal_bytes)
        made = partial(SharedApp, store=self._store, name=name)
        found = self._fakes.beside(world, journal, kept, made)
        assert isinstance(found, SharedApp)
        return found

    # -- who there is -----------------------------------------------------------------------------------

    def open(self, name: str = "") -> tuple[str, App]:
        """The session of this name for all replicas, made if there is none; one without a name is new."""
        if name and not NAME.fullmatch(name):
            return super().open(name)
        name = self._store.open(name, self.most)
        return name, self._copy(name)

    def close(self, name: str) -> bool:
        """Forget this session everywhere; False when there is none."""
        super().close(name)
        return self._store.close(name)

    def find(self, name: str) -> App | None:
        """The application of a session, the host for "", None when there is none anywhere."""
        found = super().find(name)
        if found is None and NAME.fullmatch(name) and self._store.exists(name):
            found = self._copy(name)
        return found

    def _copy(self, name: str) -> App:
        held = super().find(name)
        if held is not None:
            return held
        app = self._made(name, self._fakes.world.fork(), JOURNAL_BYTES, KeptReplies(KEPT_BYTES))
        app.catch_up()
        self._keep(name, app)
        return app

    @property
    def names(self) -> list[str]:
        """The sessions of all replicas, the one not used for longest first."""
        return self._store.names()

    @property
    def shared(self) -> str:
        """What becomes of the state that replicas share: "shared", or "lost" for now."""
        return "lost" if self._store.lost else "shared"

    # -- requests ---------------------------------------------------------------------------------------

    def perform(self, name: str, run: Callable[[], T]) -> T:
        """Run a control call against the present state of this session, again when it was overtaken."""
        for _ in range(TRIES):
            try:
                app = self.find(name)
                if isinstance(app, SharedApp):
                    app.catch_up()
                return run()
            except StaleError:
                continue
            except GoneError as gone:
                super().close(str(gone))
        raise StateError("The shared state changes all the time; ask again.")

    def commit(self, app: App, *operations: Operation) -> None:
        """Do all of these to a session for everybody, or nothing."""
        if isinstance(app, SharedApp):
            app.commit(operations)

    def respond(self, head: Head) -> Spelled | None:
        """The answer to a plain head, None where it has to go the long way."""
        try:
            return super().respond(head)
        except (GoneError, StateError):
            return None

    def repeat(self, head: bytes) -> Spelled | None:
        """What was answered to the same bytes before, if it still holds."""
        try:
            return super().repeat(head)
        except StateError:
            return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3: the control plane, a session, or the host."""
        try:
            await super().__call__(scope, receive, send)
        except GoneError as gone:
            # Nothing was sent yet, so that the same question is asked again, and now nobody has that name.
            super().close(str(gone))
            await super().__call__(scope, receive, send)
        except StateError as error:
            reply = problem(error.status, error.message, keep=False)
            fields, body = wire(reply, scope["method"], (("retry-after", "1"),))
            await send({"type": "http.response.start", "status": reply.status, "headers": list(fields)})
            await send({"type": "http.response.body", "body": body})
