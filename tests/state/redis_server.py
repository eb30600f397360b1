"""A real Redis for the tests: on a Unix socket in a temporary folder, or skipped with the reason."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest

PATIENCE = 20.0


def program() -> str:
    """Where redis-server is; without it these tests skip, but never in CI."""
    found = shutil.which("redis-server")
    if found is None:
        reason = "redis-server is not installed (apt-get install redis-server)"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(f"{reason}, and CI must not skip these tests", pytrace=False)
        pytest.skip(reason)
    return found


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        return int(sock.getsockname()[1])


class RedisServer:
    """One server process; `url` is for `--state`."""

    def __init__(self, *options: str, tcp: bool = False) -> None:
        # Not below pytest's folder: the name of a Unix socket has at most 107 bytes.
        self._folder = tempfile.mkdtemp(prefix="usagekit-redis-")
        self.socket = str(Path(self._folder) / "s")
        self.port = free_port() if tcp else 0
        self.url = f"redis://127.0.0.1:{self.port}/0" if tcp else f"unix://{self.socket}"
        self._options = options
        self.start()

    def start(self) -> None:
        fixed = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.socket, "--save", ""]
        self._process = subprocess.Popen(
            [program(), *fixed, "--dir", self._folder, *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        with closing(socket.socket(socket.AF_UNIX)) as sock:
            try:
                sock.connect(self.socket)
                sock.sendall(b"PING\r\n")
                return bool(sock.recv(1))
            except OSError:
                return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: object):
        """What a client of our own gets for a command."""
        import redis

        with redis.Redis(unix_socket_path=self.socket) as client:
            return client.execute_command(*command)

    def stop(self) -> None:
        self.thaw()
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
