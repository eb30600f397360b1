"""A WSGI application behind an HTTP client: each answer in a thread of its own, with a time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from threading import Thread
from typing import Any

import httpx2

from usage_contracts.transport import MAX_BODY
from usagekit.mishaps import Stuck, told

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WsgiTransport(httpx2.BaseTransport):
    """An httpx2 transport that asks a WSGI application.

    What a server would do is done: an exception that escapes before the first byte of the body is a 500 that
    names it, later it is a broken connection. An answer takes at most `seconds`.
    """

    def __init__(self, app: Wsgi, *, seconds: float = 10.0) -> None:
        self._app = app
        self._seconds = seconds
        self._stuck = Stuck()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The application's answer; httpx2's own exceptions for what would be network trouble."""
        answer: Future[httpx2.Response] = Future()
        # A thread for each, as development servers have; a daemon, which cannot keep the process when stuck.
        thread = Thread(target=self._answer, args=[request, answer], name="usagekit-application", daemon=True)
        thread.start()
        try:
            response = answer.result(self._seconds)
        except TimeoutError:
            raise self._stuck.at(request, self._seconds) from None
        thread.join()
        return response

    def _answer(self, request: httpx2.Request, answer: Future[httpx2.Response]) -> None:
        try:
            answer.set_result(_asked(self._app, request))
        except BaseException as error:  # noqa: BLE001 - whoever waits for the answer gets it
            answer.set_exception(error)


class _Begun:
    """The beginning of an answer, and what the old `write` callable was given."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] | None = None
        self.written: list[bytes] = []

    def wrap(self, app: Wsgi, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        """The application's body; httpx2 would lose `write`, and headers that are not ASCII."""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], None]:
            del exc_info
            self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            start_response(status, [])
            return self.written.append

        result = app(environ, start)
        try:
            for piece in result:
                yield from self._taken()
                yield piece
            yield from self._taken()
            if self.headers is None:
                raise RuntimeError("start_response was never called")
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _taken(self) -> Iterator[bytes]:
        while self.written:
            yield self.written.pop(0)


def _asked(app: Wsgi, request: httpx2.Request) -> httpx2.Response:
    begun = _Begun()
    inner = httpx2.WSGITransport(app=lambda environ, start: begun.wrap(app, environ, start))
    try:
        response = inner.handle_request(request)
    except BaseException as error:  # noqa: BLE001 - SystemExit too is the application's failure
        return httpx2.Response(500, text=f"the application raised {told(error)}")
    assert isinstance(response.stream, httpx2.SyncByteStream)
    body = bytearray()
    try:
        with closing(response.stream) as stream:
            for piece in stream:
                body += piece
                if len(body) > MAX_BODY:
                    break
    except BaseException as error:  # noqa: BLE001 - SystemExit too is the application's failure
        raise httpx2.RemoteProtocolError(f"the application raised {told(error)}") from None
    sent = b"" if request.method == "HEAD" else bytes(body)
    return httpx2.Response(response.status_code, headers=begun.headers, stream=httpx2.ByteStream(sent))
