"""The fakes behind an HTTP client, without a socket."""

from __future__ import annotations

import httpx2

from usage_mockserver.app import App


class InProcess(httpx2.BaseTransport):
    """An httpx2 transport that asks an app of this process."""

    def __init__(self, app: App) -> None:
        self._app = app

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The fake's answer to one request."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = self._app.handle(
            request.method, headers.get("host", ""), path, query, headers, request.url.scheme
        )
        body = b"" if request.method == "HEAD" else reply.body
        return httpx2.Response(reply.status, headers=list(reply.headers), content=body)
