"""An ASGI application behind an HTTP client: one event loop in one thread, its lifespan, a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from threading import Thread
from typing import Any

import httpx2

from usage_contracts.transport import MAX_BODY
from usagekit.mishaps import Stuck, told

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

GRACE = 1.0
"""Seconds that an application has to let go when its time is up, before it counts as stuck."""


class AsgiTransport(httpx2.BaseTransport):
    """An httpx2 transport that asks an ASGI 3 application.

    What a server would do is done: an exception that escapes before the answer has begun is a 500 that names
    it, later it is a broken connection. An answer takes at most `seconds`; an application that does not start
    cannot be connected to.
    """

    def __init__(self, app: Asgi, *, seconds: float = 10.0) -> None:
        self._app = app
        self._seconds = seconds
        self._inner = httpx2.ASGITransport(app=self._guarded)
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._patience = seconds + GRACE
        self._thread: Thread | None = None
        self._over = asyncio.Event()
        self._state: dict[str, Any] = {}
        self._stuck = Stuck()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The application's answer; httpx2's own exceptions for what would be network trouble."""
        loop = self._loop()
        answer = asyncio.run_coroutine_threadsafe(self._answer(request), loop)
        try:
            return answer.result(self._seconds + GRACE)
        except TimeoutError:
            answer.cancel()
            raise self._stuck.at(request, self._seconds) from None

    def close(self) -> None:
        """End the lifespan, the loop and the thread; an application that is stuck is left behind."""
        if self._thread is None:
            return
        if self._started.done() and self._started.exception() is None:
            self._started.result().call_soon_threadsafe(self._over.set)
        self._thread.join(self._seconds + GRACE)
        self._thread = None

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self._thread is None:
            # A daemon: an application that never comes back must not keep the process.
            self._thread = Thread(
                target=asyncio.run, args=[self._serve()], name="usagekit-application", daemon=True
            )
            self._thread.start()
        try:
            return self._started.result(self._patience)
        except TimeoutError:
            # What has not started by now is not waited for again with every request.
            self._patience = 0.0
            raise httpx2.ConnectError(f"the application did not start in {self._seconds:g} s") from None
        except NotStarted as error:
            raise httpx2.ConnectError(f"the application did not start: {error}") from None

    async def _serve(self) -> None:
        lifespan = Lifespan(self._app)
        try:
            async with asyncio.timeout(self._seconds):
                self._state = await lifespan.start()
        except TimeoutError:
            self._started.set_exception(NotStarted(f"its start took over {self._seconds:g} s"))
            return
        except NotStarted as error:
            self._started.set_exception(error)
            return
        self._started.set_result(asyncio.get_running_loop())
        await self._over.wait()
        try:
            async with asyncio.timeout(self._seconds):
                await lifespan.stop()
        except TimeoutError:
            # The report is about answers; what is still running ends with the loop.
            return

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._inner.handle_async_request(request)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"over {self._seconds:g} s", request=request) from None
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        body = b"".join([piece async for piece in response.stream])
        headers = response.headers.raw
        return httpx2.Response(response.status_code, headers=headers, stream=httpx2.ByteStream(body))

    async def _guarded(self, scope: Message, receive: Receive, send: Send) -> None:
        answer = _Sent(send)
        if self._state:
            scope["state"] = self._state.copy()
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit would end the loop, not the request
            await answer.finish(f"the application raised {told(error)}")
        else:
            await answer.finish("the application returned without an answer")


class _Sent:
    """What an application has sent of one answer: nothing, its beginning, or all of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = self._whole = False
        self._size = 0

    async def send(self, message: Message) -> None:
        """Pass a message on; RuntimeError for one that has no place here."""
        begins = message["type"] == "http.response.start"
        if self._whole or begins == self._begun:
            raise RuntimeError(f"unexpected ASGI message {message['type']!r}")
        self._begun = True
        self._size += len(message.get("body", b""))
        if self._size > MAX_BODY:
            # That it is too long is all that a run wants to know of such an answer.
            self._whole = True
            await self._send({**message, "more_body": False})
            raise RuntimeError("the answer is longer than anybody reads")
        await self._send(message)
        self._whole = not begins and not message.get("more_body", False)
        # Where nothing waits, a time limit could not end an answer without end.
        await asyncio.sleep(0)

    async def finish(self, complaint: str) -> None:
        """End an answer as a server does whose application has not."""
        if self._whole:
            return
        if self._begun:
            raise httpx2.RemoteProtocolError(complaint)
        kind = [(b"content-type", b"text/plain; charset=utf-8")]
        await self.send({"type": "http.response.start", "status": 500, "headers": kind})
        await self.send({"type": "http.response.body", "body": complaint.encode("utf-8", "replace")})


class NotStarted(Exception):
    """An application that said it could not start, and why."""


class Lifespan:
    """An application's start and stop; one that knows no lifespan is let be, as servers do."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._knows = False

    async def start(self) -> dict[str, Any]:
        """The state that requests get a copy of; NotStarted when the application says it failed."""
        state: dict[str, Any] = {}
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        self._task = asyncio.create_task(self._live(scope))
        said = await self._tell("startup")
        if said["type"] == "lifespan.startup.failed":
            # Frameworks put a whole traceback here; its last line is the sentence.
            lines = str(said.get("message", "")).strip().splitlines()
            raise NotStarted(lines[-1] if lines else "it gave no reason")
        self._knows = said["type"] == "lifespan.startup.complete"
        return state if self._knows else {}

    async def stop(self) -> None:
        """Tell the application that it is over, and wait until it is."""
        if self._knows and self._task is not None:
            await self._tell("shutdown")
            await self._task

    async def _tell(self, what: str) -> Message:
        await self._asked.put({"type": f"lifespan.{what}"})
        return await self._said.get()

    async def _live(self, scope: Message) -> None:
        try:
            await self._app(scope, self._asked.get, self._said.put)
        except asyncio.CancelledError:
            raise
        except BaseException:  # noqa: BLE001 - how an application without a lifespan turns it down
            self._knows = False
        finally:
            await self._said.put({"type": "over"})
