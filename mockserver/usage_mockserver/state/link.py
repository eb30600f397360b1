"""The connection to Redis: short waits, one sentence for what fails, and a way back that nobody waits for."""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import Event, Lock, RLock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from usage_mockserver.state.address import Address
from usage_mockserver.state.operations import StateError
from usage_mockserver.state.scripts import Script

if TYPE_CHECKING:
    from redis.connection import ConnectionPool

TIMEOUT = 1.0
"""Seconds that an answer of Redis may take; so long one request is held up when Redis is lost, and no more."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
STEADY = 30.0
"""Seconds after which a connection counts as sound, so that its loss is no continuation of the one before."""

log = logging.getLogger("usagekit")
Command = tuple[Any, ...]
# The methods of redis.connection.Connection that send and read have no types.
Connection = Any


class Link:
    """One connection, used by one process; StateError says why Redis does not answer.

    Once it is lost, asking fails at once, while a thread looks for Redis until it is back.
    """

    def __init__(self, address: Address, *, timeout: float = TIMEOUT) -> None:
        self._shown = address.shown
        self._timeout = timeout
        self._pool = _pool(address, timeout)
        self._connection: Connection | None = None
        self._failures = _failures()
        self._lock, self._turn = Lock(), RLock()
        self._closed, self._tried = Event(), Event()
        self._failure: BaseException = TimeoutError()
        self._seeker: Thread | None = None
        self._pause, self._since = SHORTEST_PAUSE, 0.0
        self.lost = False

    def open(self) -> None:
        """Connect now."""
        try:
            self._connection = self._connected()
        except self._failures as error:
            raise StateError(_reason(error)) from None

    def close(self) -> None:
        """Give the connection back, and stop looking for another."""
        self._closed.set()
        seeker = self._seeker
        if seeker is not None:
            seeker.join(self._timeout * 4)
        if self._connection is not None:
            self._connection.disconnect()

    def ask(self, *commands: Command) -> list[Any]:
        """The answers to these commands, which go out together; a command that Redis refuses is a StateError."""
        if self.lost:
            raise StateError(AWAY)
        with self._lock:
            connection = self._ready()
            try:
                connection.send_packed_command(connection.pack_commands(commands), check_health=False)
                found = [_read(connection) for _ in commands]
            except self._failures as error:
                connection.disconnect()
                self._lose(error)
                raise StateError(f"{AWAY} If this was a change, whether it was made is not known.") from None
        for answer in found:
            if isinstance(answer, Exception):
                raise answer
        return found

    def run(self, script: Script, keys: list[str], *arguments: Any) -> Any:
        """What a script returns."""
        try:
            return self.ask(("EVALSHA", script.digest, len(keys), *keys, *arguments))[0]
        except UnknownScriptError:
            return self.ask(("EVAL", script.source, len(keys), *keys, *arguments))[0]

    # -- there and away ---------------------------------------------------------------------------------

    def _connected(self) -> Connection:
        connection: Connection = self._pool.make_connection()
        connection.connect()
        connection.send_command("PING")
        connection.read_response()
        return connection

    def _ready(self) -> Connection:
        """A connection that can be written to; one that Redis closed meanwhile is replaced, if that is quick."""
        connection = self._connection
        if connection is not None:
            # Something to read, where nothing was asked, is the end of the connection.
            with suppress(*self._failures):
                if not connection.can_read(0):
                    return connection
            connection.disconnect()
        self._drop()
        self._tried.wait(self._timeout)
        if self._connection is not None:
            return self._connection
        self._lose(self._failure)
        raise StateError(AWAY)

    def _drop(self) -> None:
        with self._turn:
            self._connection = None
            self._seek()

    def _lose(self, error: BaseException) -> None:
        with self._turn:
            if not self.lost:
                self.lost = True
                log.warning("the state at %s is lost: %s; answers go on", self._shown, _reason(error))
            self._drop()

    def _seek(self) -> None:
        with self._turn:
            if self._seeker is not None:
                return
            steady = monotonic() - self._since > STEADY
            self._pause = SHORTEST_PAUSE if steady else min(self._pause * 2, LONGEST_PAUSE)
            self._tried.clear()
            self._failure = TimeoutError()
            self._seeker = Thread(target=self._look, name="usagekit-state", daemon=True)
            self._seeker.start()

    def _look(self) -> None:
        # Where Redis is there but too slow for us, to ask it again at once would hold up request after request.
        if self.lost and self._closed.wait(self._pause):
            return
        while not self._closed.is_set():
            try:
                connection = self._connected()
            except self._failures as error:
                self._failure = error
                self._tried.set()
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
                self._closed.wait(self._pause)
                continue
            with self._turn:
                self._connection, self._since, self._seeker = connection, monotonic(), None
                if self.lost:
                    self.lost = False
                    log.warning("the state at %s is back", self._shown)
                self._tried.set()
            return


AWAY = "The shared state cannot be reached at the moment."


def _failures() -> tuple[type[Exception], ...]:
    """What goes wrong with a connection; ValueError is how an answer that is not Redis' may look to the parser."""
    from redis.exceptions import RedisError

    return (RedisError, OSError, ValueError)


class UnknownScriptError(StateError):
    """Redis was told to run a script that it does not remember."""


def _pool(address: Address, timeout: float) -> ConnectionPool:
    from redis.backoff import NoBackoff
    from redis.connection import ConnectionPool
    from redis.retry import Retry

    return ConnectionPool.from_url(
        address.url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def _read(connection: Connection) -> Any:
    """One answer, or what is wrong with the command; what is wrong with the connection is raised."""
    from redis.exceptions import NoScriptError, ResponseError

    try:
        found = connection.read_response()
    except NoScriptError as error:
        return UnknownScriptError(str(error))
    except ResponseError as error:
        return _refused(error)
    # In the answers of a transaction a refusal stands like any other.
    refused = [one for one in found if isinstance(one, ResponseError)] if isinstance(found, list) else []
    return _refused(refused[0]) if refused else found


def _refused(error: Exception) -> StateError:
    """What Redis does not do, in a sentence for whoever asked for it."""
    from redis.exceptions import OutOfMemoryError, ReadOnlyError

    text = str(error)
    if isinstance(error, OutOfMemoryError) or "OOM command" in text:
        return StateError("The shared state is full: Redis has no memory left; nothing was changed.", 507)
    if isinstance(error, ReadOnlyError) or "READONLY" in text:
        return StateError("The shared state cannot be changed: Redis is a read-only replica there.")
    return StateError(f"The shared state refused this: {text[:200]}")


def _reason(error: BaseException) -> str:
    """Why a connection failed, in few words and without any credential."""
    from redis import exceptions

    if isinstance(error, (exceptions.AuthenticationError, exceptions.NoPermissionError)):
        return "Redis does not accept this user and password, or wants some"
    if isinstance(error, (exceptions.TimeoutError, TimeoutError)):
        return "no answer in time"
    if isinstance(error, exceptions.BusyLoadingError):
        return "Redis is still loading its data"
    if isinstance(error, exceptions.InvalidResponse):
        return "what answers there is not Redis"
    return str(error).rstrip(".") or type(error).__name__
