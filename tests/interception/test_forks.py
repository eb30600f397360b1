"""Processes that are made inside of an interception."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

import usagekit
from tests.interception.clients import CLIENTS
from usagekit.interception import patches, scope

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    # Newer Pythons warn of threads, and a worker of pytest-xdist has some of its own.
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]

URL = "https://lyrcs.ai/api/v1/usage"
KEY = {"authorization": "Bearer lyrcs_sk_live_usagekit_demo"}
NOW = "2026-03-15T12:00:00Z"


def in_a_fork(function):
    """What the function returns in a fork of this process, as JSON; the error it raises is the test's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = json.dumps([True, function()])
        except BaseException as error:  # noqa: BLE001
            told = json.dumps([False, repr(error)])
        os.write(writing, told.encode())
        # Nothing of pytest must run twice.
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    assert told, "the child did not end by itself"
    well, found = json.loads(told)
    assert well, found
    return found


def asked():
    with CLIENTS["requests"]() as client:
        return client.ask("GET", URL, KEY).status


@pytest.mark.parametrize("name", CLIENTS)
def test_a_fork_is_intercepted_as_its_parent_is_and_apart_from_it(name):
    def child():
        with CLIENTS[name]() as client:
            status = client.ask("GET", URL, KEY).status
        return [status, len(usage.requests)]

    with usagekit.intercept(now=NOW) as usage:
        assert asked() == 200
        assert in_a_fork(child) == [200, 2]
        assert len(usage.requests) == 1
        assert asked() == 200
    assert (patches.patched(), scope.visible()) == ([], ())


def test_a_fork_may_close_what_its_parent_opened_and_open_its_own():
    def child():
        opened.__exit__(None, None, None)
        left = [name for _, name in patches.patched()]
        with usagekit.intercept(now=NOW) as mine:
            status = asked()
        return [left, status, len(mine.requests), len(patches.patched())]

    opened = usagekit.intercept(now=NOW)
    with opened as usage:
        assert in_a_fork(child) == [[], 200, 1, 0]
        assert asked() == 200
        assert len(usage.requests) == 1


def test_a_fork_in_the_midst_of_another_thread_that_opens_one():
    """That thread does not live on in the child, and its lock must not stay closed there."""
    held, go_on = threading.Event(), threading.Event()

    def opening():
        with patches._lock:
            held.set()
            go_on.wait(0.2)

    def child():
        # Ends a child that waits for nobody.
        signal.alarm(20)
        with usagekit.intercept(now=NOW):
            return asked()

    thread = threading.Thread(target=opening)
    thread.start()
    held.wait(60)
    assert in_a_fork(child) == 200
    go_on.set()
    thread.join()


def test_a_new_interpreter_is_not_intercepted():
    code = "from usagekit.interception import patches, scope; print(patches.patched(), scope.visible())"
    with usagekit.intercept(now=NOW):
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[] ()\n"
