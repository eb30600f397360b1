"""Several processes that answer on one socket, and the one that watches over them."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NoReturn

CRASHES, CRASH_SECONDS = 5, 30.0
"""So many workers may end by themselves in so many seconds; more, and there is no sense in starting others."""

PATIENCE = 5.0
"""Seconds that a worker has to end, a little more than a server takes to cut off what does not."""

ENDING = (signal.SIGINT, signal.SIGTERM)
READY = b"."

log = logging.getLogger("usagekit")
Work = Callable[[Callable[[], None]], None]
"""What a worker does until it is told to end by a signal; it calls its argument once it takes requests."""


class WorkersError(Exception):
    """Workers that end as soon as they are started."""


def run_workers(
    count: int,
    work: Work,
    *,
    on_ready: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
) -> None:
    """Have so many processes do this work until SIGINT or SIGTERM, then return once all of them have ended.

    One that ends by itself is replaced. To be called from the main thread, before there are others. `on_ready` is
    called here, once, when all of them are ready, and `on_end` before they are told to end. WorkersError says that
    they cannot be kept alive.
    """
    with _signals() as wake:
        crew = _Crew(count, work, wake, on_end)
        try:
            crew.run(on_ready)
        finally:
            crew.end()


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that can be read when a signal has come, each as a byte with its number."""
    mine, theirs = socket.socketpair()
    for sock in (mine, theirs):
        sock.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (*ENDING, signal.SIGCHLD)}
    wakeup = signal.set_wakeup_fd(theirs.fileno())
    try:
        yield mine
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        mine.close()
        theirs.close()


class _Crew:
    """The workers that there are, and the pipes that join them to this process."""

    def __init__(self, count: int, work: Work, wake: socket.socket, on_end: Callable[[], None]) -> None:
        self._count, self._work, self._wake, self._on_end = count, work, wake, on_end
        self._workers: set[int] = set()
        self._crashes: deque[float] = deque(maxlen=CRASHES)
        self._ready, self._tell = os.pipe()
        # Its writing end is held by this process alone and never written to: whoever reads its end is orphaned.
        self._life, self._alive = os.pipe()
        self._told = 0

    # -- watching over them -----------------------------------------------------------------------------

    def run(self, on_ready: Callable[[], None]) -> None:
        """Start them, and replace those that end, until a signal says that it is over."""
        for _ in range(self._count):
            self._start()
        waiting, wake = self._count, self._wake.fileno()
        while not self._told:
            readable, _, _ = select.select([wake, self._ready], [], [])
            if self._ready in readable:
                waiting -= len(os.read(self._ready, 64))
                if waiting == 0:
                    on_ready()
            if wake in readable:
                self._hear()
            self._replace()

    def _hear(self) -> None:
        """Hand on the signals that end us, each as often as it came: the second time means at once."""
        with suppress(BlockingIOError):
            for number in self._wake.recv(64):
                if number in ENDING:
                    if not self._told:
                        self._on_end()
                    self._told += 1
                    self._signal(signal.SIGTERM)

    def _replace(self) -> None:
        for status in self._buried():
            if self._told:
                continue
            how = f"signal {-status}" if status < 0 else f"status {status}"
            log.error("a worker ended by itself (%s)", how)
            if len(self._crashes) == CRASHES and monotonic() - self._crashes[0] < CRASH_SECONDS:
                raise WorkersError(f"{CRASHES} workers ended by themselves within {CRASH_SECONDS:g} s")
            self._crashes.append(monotonic())
            self._start()

    def _buried(self) -> Iterator[int]:
        """The exit status of each worker that has ended since."""
        for worker in list(self._workers):
            found, status = os.waitpid(worker, os.WNOHANG)
            if found:
                self._workers.discard(worker)
                yield os.waitstatus_to_exitcode(status)

    def _signal(self, number: int) -> None:
        for worker in self._workers:
            with suppress(ProcessLookupError):
                os.kill(worker, number)

    def end(self) -> None:
        """Wait for the end of all of them, and bring it about where it does not come."""
        if not self._told:
            self._signal(signal.SIGTERM)
        deadline = monotonic() + PATIENCE
        while self._workers and monotonic() < deadline:
            select.select([self._wake], [], [], 0.05)
            self._hear()
            list(self._buried())
        self._signal(signal.SIGKILL)
        for worker in self._workers:
            os.waitpid(worker, 0)
        for descriptor in (self._ready, self._tell, self._life, self._alive):
            os.close(descriptor)

    # -- being one --------------------------------------------------------------------------------------

    def _start(self) -> None:
        # A signal that came between the fork and the first line of the child would be lost on both.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        worker = os.fork()
        if not worker:
            self._live(blocked)
        self._workers.add(worker)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def _live(self, blocked: Iterable[int]) -> NoReturn:
        """Work, and never come back to what called `run_workers`."""
        status = 1
        try:
            # Ctrl-C reaches every process of the terminal's group, and would come a second time from our parent.
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (*ENDING, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            os.close(self._alive)
            os.close(self._ready)
            threading.Thread(target=_end_with, args=(self._life,), daemon=True).start()
            self._work(self._tell_ready)
            status = 0
        # Whatever it is: a worker must not go on as if it were its parent.
        except BaseException as error:  # noqa: BLE001
            log.error("a worker failed: %s: %s", type(error).__name__, error)
        finally:
            logging.shutdown()
            os._exit(status)

    def _tell_ready(self) -> None:
        os.write(self._tell, READY)


def _end_with(life: int) -> None:
    """End this process in order when the one that holds the other end has gone, however it went."""
    os.read(life, 1)
    os.kill(os.getpid(), signal.SIGTERM)
