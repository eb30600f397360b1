"""The yardstick: uvicorn with an application that does nothing but send bytes that are there already."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn

from usage_mockserver.server import bind


def main(file: str) -> None:
    """Serve the bodies of a JSON file, by path, on a free port, and print its number."""
    bodies = {path: body.encode() for path, body in json.loads(Path(file).read_text("utf-8")).items()}

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG001
        body = bodies[scope["path"]]
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(app, access_log=False, log_level="error", lifespan="off", ws="none")
    # Not uvicorn's own bind_socket: for what that makes asyncio leaves Nagle's algorithm on.
    sock = bind("127.0.0.1", 0)
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main(sys.argv[1])
