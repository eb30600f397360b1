"""Redis lost, slow, full, emptied, read-only, or never there: what still answers, and what is said."""

from __future__ import annotations

import logging
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from click.testing import CliRunner, Result

from tests.state.redis_server import RedisServer, free_port
from tests.state.replicas import ASKED, Memory, Replica
from tests.state.test_shared_changes import CALL, EVENT, compare, lines, posted
from usagekit.cli import main

PATIENCE = 20.0


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def unavailable(who: Replica) -> None:
    """Nothing that needs the state is answered, and everybody is told when to come again."""
    for method, path, sent in (
        ("GET", "settings", None),
        ("PATCH", "settings", {"seed": 2}),
        ("POST", "events", EVENT),
        ("GET", "journal", None),
        ("GET", "sessions", None),
        ("POST", "sessions", {}),
        ("POST", "reset", None),
    ):
        answer = who.control(method, path, sent)
        assert (answer.status, answer.fields["retry-after"]) == (503, "1"), path
        assert answer.json["error"]["message"].startswith("The shared state cannot be reached")


# -- lost -----------------------------------------------------------------------------------------------


def test_answers_go_on_while_redis_is_lost_and_catch_up_when_it_is_back(own_redis, replica, caplog) -> None:
    caplog.set_level(logging.WARNING, "usagekit")
    one, other = replica(own_redis.url), replica(own_redis.url)
    one.control("PATCH", "settings", {"scenario": "sparse"})
    before = other.ask_all()
    own_redis.kill()
    assert other.ask_all() == before
    unavailable(other)
    assert other.control("GET", "health").json == {"status": "ok"}
    ready = other.control("GET", "ready").json
    assert (ready["status"], ready["state"], ready["sessions"]) == ("ready", "lost", None)
    assert other.control("GET", "docs").status == 200
    assert other.request("GET", "/varg/v1/usage", x_usagekit_session="mine").status == 503
    assert len(caplog.messages) == 1
    own_redis.start()
    until(lambda: other.sessions.shared == "shared")
    # It came back empty, so all of them begin anew, whoever is asked first.
    memory = Memory()
    assert other.ask_all() == memory.ask_all()
    assert one.control("GET", "settings").json == memory.control("GET", "settings").json
    assert [text.partition("s/s ")[2][:7] for text in caplog.messages if "is back" in text]
    memory.close()


def test_what_is_written_while_one_replica_is_cut_off_it_sees_when_it_is_back(own_redis, replica) -> None:
    with proxy(own_redis) as (url, network):
        one, other = replica(url), replica(own_redis.url)
        assert one.ask("varg") == other.ask("varg")
        network.cut = True
        network.drop()
        one.ask("varg")
        other.control("PATCH", "settings", {"scenario": "empty"})
        other.control("POST", "events", EVENT)
        assert one.ask("varg")[:2] != other.ask("varg")[:2]
        network.cut = False
        until(lambda: one.sessions.shared == "shared")
        assert one.ask_all() == other.ask_all()


def test_a_connection_that_redis_closed_is_replaced_without_a_word(own_redis, replica, caplog) -> None:
    one = replica(own_redis.url)
    one.control("PATCH", "settings", {"seed": 4})
    for _ in range(3):
        own_redis.ask("CLIENT", "KILL", "TYPE", "normal")
        assert one.control("GET", "settings/varg").json["seed"] == 4
        own_redis.ask("CLIENT", "KILL", "TYPE", "normal")
        one.ask("varg")
    assert one.control("GET", "journal").json["total"] == 3
    assert caplog.messages == []


def test_scripts_that_redis_forgot_are_told_again(pair, redis) -> None:
    for _ in range(2):
        redis.ask("SCRIPT", "FLUSH")
        pair[0].control("PATCH", "settings", {"seed": 4})
        redis.ask("SCRIPT", "FLUSH")
        assert pair[1].ask("varg").status == 200
    assert pair[0].control("GET", "journal").json["total"] == 2


def test_who_is_begun_while_redis_is_away_answers_and_joins_the_others_later(own_redis, replica) -> None:
    one = replica(own_redis.url)
    own_redis.freeze()
    late, memory = replica(own_redis.url), Memory()
    assert late.ask_all() == memory.ask_all()
    memory.close()
    unavailable(late)
    own_redis.thaw()
    until(lambda: late.sessions.shared == one.sessions.shared == "shared")
    one.control("PATCH", "settings", {"scenario": "empty"})
    assert late.ask_all() == one.ask_all()


# -- slow -----------------------------------------------------------------------------------------------


class Network:
    """What is between a replica and Redis."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.cut = False
        self.ended = False
        self.sockets: list[socket.socket] = []

    def drop(self) -> None:
        for sock in self.sockets:
            with closing(sock):
                pass

    def carry(self, client: socket.socket, target: str) -> None:
        with suppress(OSError, ValueError), closing(client), closing(socket.socket(socket.AF_UNIX)) as server:
            server.connect(target)
            self.sockets.append(client)
            while not (self.ended or self.cut):
                readable, _, _ = select.select([client, server], [], [], 0.05)
                for sock in readable:
                    data = sock.recv(65536)
                    if not data:
                        return
                    if sock is server:
                        time.sleep(self.delay)
                    (client if sock is server else server).sendall(data)

    def accept(self, listener: socket.socket, target: str) -> None:
        carriers = []
        while not self.ended:
            with suppress(TimeoutError):
                client, _ = listener.accept()
                if self.cut:
                    client.close()
                    continue
                carriers.append(threading.Thread(target=self.carry, args=(client, target)))
                carriers[-1].start()
        for carrier in carriers:
            carrier.join()


@contextmanager
def proxy(redis: RedisServer) -> Iterator[tuple[str, Network]]:
    """A TCP address that leads to this Redis, answers coming back as late as wanted."""
    network = Network()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(0.05)
        acceptor = threading.Thread(target=network.accept, args=(listener, redis.socket))
        acceptor.start()
        try:
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", network
        finally:
            network.ended = True
            acceptor.join()


def test_no_request_waits_longer_than_the_timeout_for_a_slow_redis(redis, replica) -> None:
    with proxy(redis) as (url, network):
        one = replica(url)
        before = one.ask_all()
        network.delay = 2.0
        began = time.monotonic()
        assert one.ask_all() == before
        # One of the five found out, after half a second; the others did not wait at all.
        assert 0.4 < time.monotonic() - began < 1.5
        unavailable(one)
        network.delay = 0.0
        until(lambda: one.sessions.shared == "shared")
        assert one.control("PATCH", "settings", {"seed": 3}).status == 200


def test_a_frozen_redis_is_given_up_and_taken_back(own_redis, replica) -> None:
    one = replica(own_redis.url)
    before = one.ask_all()
    own_redis.freeze()
    began = time.monotonic()
    assert one.ask_all() == before
    unavailable(one)
    assert time.monotonic() - began < 2
    own_redis.thaw()
    until(lambda: one.sessions.shared == "shared")
    assert one.control("PATCH", "settings", {"seed": 3}).status == 200


def test_a_change_whose_outcome_is_unknown_is_told_so_and_is_the_same_for_all(redis, replica) -> None:
    with proxy(redis) as (url, network):
        one, other = replica(url), replica(redis.url)
        assert one.ask("varg") == other.ask("varg")
        one.control("GET", "settings")
        genuine = one.store.commit

        def late(*args):
            network.delay = 2.0
            return genuine(*args)

        one.store.commit = late
        answer = one.control("PATCH", "settings", {"scenario": "empty"})
        assert answer.status == 503
        assert "whether it was made is not known" in answer.json["error"]["message"]
        one.store.commit = genuine
        network.delay = 0.0
        until(lambda: one.sessions.shared == "shared")
        assert one.ask_all() == other.ask_all()
        assert one.control("GET", "settings") == other.control("GET", "settings")


# -- full, read-only, emptied ---------------------------------------------------------------------------


def test_a_full_redis_refuses_changes_whole_and_answers_go_on(own_redis, replica, memory, caplog) -> None:
    caplog.set_level(logging.WARNING, "usagekit")
    one, other = replica(own_redis.url), replica(own_redis.url)
    for who in (one, memory):
        who.control("POST", "events", [EVENT, CALL])
    compare(other, memory)
    own_redis.ask("CONFIG", "SET", "maxmemory", "1")
    for method, path, sent in (
        ("PATCH", "settings", {"seed": 2}),
        ("POST", "events", EVENT),
        ("POST", "reset", None),
        ("PUT", "sessions/mine", {}),
    ):
        answer = one.control(method, path, sent)
        assert answer.status == 507
        assert answer.json["error"]["message"].startswith("The shared state is full")
    for name in ASKED:
        assert one.served(name) == other.served(name) == memory.served(name)
    assert len([text for text in caplog.messages if "without being noted" in text]) == 2
    own_redis.ask("CONFIG", "SET", "maxmemory", "0")
    memory.control("DELETE", "journal")
    one.control("DELETE", "journal")
    assert one.control("GET", "settings") == memory.control("GET", "settings")
    assert one.ask_all() == other.ask_all() == memory.ask_all()


def test_many_events_for_which_there_is_no_room_leave_nothing_behind(own_redis, replica, memory) -> None:
    one, other = replica(own_redis.url), replica(own_redis.url)
    before = other.ask_all()
    used = int(own_redis.ask("INFO", "memory")["used_memory"])
    own_redis.ask("CONFIG", "SET", "maxmemory", str(used + 150_000))
    answer = posted(one, lines(30_000))
    assert answer.status == 507
    own_redis.ask("CONFIG", "SET", "maxmemory", "0")
    assert own_redis.ask("KEYS", "usagekit:[eu][vp]*") == []
    for who in (one, other):
        assert who.control("GET", "events").json["total"] == 0
        assert who.ask_all() == before


def test_a_redis_that_becomes_read_only_refuses_changes_and_answers_go_on(own_redis, replica) -> None:
    one = replica(own_redis.url)
    before = one.ask_all()
    own_redis.ask("CONFIG", "SET", "replica-serve-stale-data", "yes")
    own_redis.ask("REPLICAOF", "127.0.0.1", "1")
    answer = one.control("PATCH", "settings", {"seed": 2})
    assert (answer.status, "read-only" in answer.json["error"]["message"]) == (503, True)
    assert one.ask_all() == before
    own_redis.ask("REPLICAOF", "NO", "ONE")
    assert one.control("PATCH", "settings", {"seed": 2}).status == 200


def test_an_emptied_redis_means_a_new_beginning_for_all(pair, redis, memory) -> None:
    one, other = pair
    for turn in range(3):
        one.control("PATCH", "settings", {"scenario": "empty"})
        one.control("POST", "events", [EVENT, CALL])
        one.control("PUT", "sessions/mine", {})
        assert other.ask_all() == one.ask_all() != memory.ask_all()
        redis.ask("FLUSHALL")
        # Who changes something first must not bring back a part of what was.
        assert pair[turn % 2].control("PATCH", "settings/somya", {"scenario": "sparse"}).status == 200
        assert pair[turn % 2].control("GET", "events").json["total"] == 0
        memory.control("PATCH", "settings/somya", {"scenario": "sparse"})
        assert other.ask_all() == one.ask_all() == memory.ask_all()
        assert other.control("GET", "sessions").json["sessions"] == []
        assert one.request("GET", "/varg/v1/usage", x_usagekit_session="mine").status == 404


@pytest.mark.parametrize("key", ["usagekit:origin", "usagekit:versions"])
def test_who_removes_our_first_keys_gets_a_new_beginning_and_no_half_state(pair, redis, memory, key) -> None:
    pair[0].control("PATCH", "settings", {"scenario": "empty"})
    pair[0].control("POST", "events", [EVENT, CALL])
    redis.ask("DEL", key)
    pair[1].control("GET", "settings")
    assert pair[0].ask_all() == pair[1].ask_all() == memory.ask_all()


def test_an_older_state_that_comes_back_is_taken_over(redis, replica) -> None:
    one, other = replica(redis.url), replica(redis.url)
    one.control("POST", "events", EVENT)
    other.ask("varg")
    kept = {key: redis.ask("DUMP", key) for key in redis.ask("KEYS", "*")}
    one.control("POST", "events", [EVENT, CALL])
    one.control("PATCH", "settings", {"seed": 9})
    other.ask("varg")
    redis.ask("FLUSHALL")
    for key, value in kept.items():
        redis.ask("RESTORE", key, 0, value)
    for who in (one, other):
        assert who.control("GET", "events").json["total"] == 1
        assert who.control("GET", "settings/varg").json["seed"] == 1
    one.control("POST", "events", CALL)
    assert other.control("GET", "events").json["total"] == 2


def test_what_cannot_be_read_is_said_and_answers_go_on(pair, redis) -> None:
    before = pair[1].ask_all()
    pair[0].control("PATCH", "settings", {"seed": 2})
    redis.ask("HSET", "usagekit:settings:", "varg", "{")
    answer = pair[1].control("GET", "settings")
    assert (answer.status, answer.json["error"]["message"]) == (
        503,
        "The shared state holds settings that cannot be read here: JSONDecodeError",
    )
    assert pair[1].ask_all() == before


# -- never there ----------------------------------------------------------------------------------------


def started(url: str, *more: str) -> Result:
    args = ["serve", "--port", "0", "--state", url, *more]
    return CliRunner().invoke(main, args, prog_name="usagekit")


@contextmanager
def speaking(answer: bytes) -> Iterator[int]:
    """The port of somebody who says this to everybody, or nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def speak() -> None:
            try:
                while True:
                    client, _ = listener.accept()
                    client.sendall(answer)
                    kept.append(client)
            except OSError:
                pass

        kept: list[socket.socket] = []
        thread = threading.Thread(target=speak)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for client in kept:
                client.close()


def refused(result: Result, says: str, status: int = 3) -> None:
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.startswith("usagekit: ")
    assert result.stderr.count("\n") == 1
    assert says in result.stderr
    assert "canary" not in result.stderr


def test_nobody_there_is_status_3() -> None:
    port = free_port()
    result = started(f"redis://:canary@127.0.0.1:{port}/0")
    refused(result, f"--state redis://127.0.0.1:{port}/0: Error 111 connecting to 127.0.0.1:{port}")
    refused(started("unix:///nowhere/at/all"), "--state unix:///nowhere/at/all: Error 2")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is not Redis"),
        (b"$x\r\n", "invalid literal"),
        (b"", "no answer in time"),
    ],
)
def test_another_kind_of_server_is_status_3(answer: bytes, says: str) -> None:
    with speaking(answer) as port:
        refused(started(f"redis://127.0.0.1:{port}"), says)


def test_a_missing_or_wrong_password_is_status_3_and_never_printed(own_redis) -> None:
    own_redis.ask("CONFIG", "SET", "requirepass", "right")
    says = "Redis does not accept this user and password, or wants some"
    refused(started(own_redis.url), says)
    refused(started(own_redis.url.replace("unix://", "unix://me:canary@")), says)


@pytest.mark.parametrize("begun", [False, True])
def test_a_read_only_redis_is_status_3(own_redis, replica, begun: bool) -> None:
    if begun:
        replica(own_redis.url).control("GET", "settings")
    own_redis.ask("REPLICAOF", "127.0.0.1", "1")
    refused(started(own_redis.url, "--now", "2026-03-18T15:00:00Z"), "Redis is a read-only replica there")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--seed", "2"], "settings.somya.seed is 1 there and 2 here"),
        (["--switch", "varg.order=oldest"], "settings.varg.switches.order is null there"),
        (["varg"], "providers is "),
    ],
)
def test_servers_that_begin_otherwise_do_not_share_a_state(
    redis, replica, more: list[str], says: str
) -> None:
    replica(redis.url).control("GET", "settings")
    result = started(redis.url, "--now", "2026-03-18T15:00:00Z", *more)
    refused(result, says)
    assert "start them alike, or give this one another ?prefix= (it is usagekit), or delete" in result.stderr


def test_a_redis_that_throws_keys_away_is_warned_of(own_redis, replica, caplog) -> None:
    own_redis.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    replica(own_redis.url).store.check()
    assert caplog.messages == []
    own_redis.ask("CONFIG", "SET", "maxmemory", "100mb")
    replica(own_redis.url).store.check()
    assert "set maxmemory-policy noeviction" in caplog.text


def test_prefixes_keep_servers_apart(redis, replica) -> None:
    one, other = replica(redis.url), replica(f"{redis.url}?prefix=other", seed=5)
    one.control("PATCH", "settings", {"scenario": "empty"})
    assert other.control("GET", "settings/varg").json["scenario"] == "busy"


def test_somebody_elses_state_in_mid_run_is_not_taken_over(pair, redis, replica) -> None:
    before = pair[0].ask_all()
    redis.ask("FLUSHALL")
    replica(redis.url, seed=5).control("PATCH", "settings", {"scenario": "empty"})
    answer = pair[0].control("GET", "settings")
    assert answer.status == 503
    assert "started otherwise (settings.somya.seed is 5 there and 1 here)" in answer.json["error"]["message"]
    assert pair[0].ask_all() == before


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis", "it is no URL; write redis://HOST:PORT/DATABASE"),
        ("http://canary@localhost", "there is no scheme 'http'; known: redis, rediss, unix"),
        ("redis://", "it names no host and port"),
        ("redis://:canary@:1/0", "it names no host and port"),
        ("redis://localhost:x", "it is no URL"),
        ("redis://localhost/one", "the database is 'one'; it must be a number"),
        ("redis://localhost?db=one", "db is 'one'; it must be a number"),
        ("redis://localhost?prefx=a", "the URL has no parameter 'prefx'; did you mean 'prefix'?"),
        ("redis://localhost?prefix=a:b", "prefix is 'a:b'; letters, digits"),
        ("unix://", "it names no socket"),
    ],
)
def test_a_wrong_url_is_status_2(url: str, says: str) -> None:
    refused(started(url), f"--state: {says}", 2)
    assert refused(CliRunner().invoke(main, ["serve"], env={"USAGEKIT_STATE": url}), says, 2) is None


def test_without_the_client_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr("usagekit.commands.sharing.find_spec", lambda _: None)
    refused(started("redis://localhost"), "pip install 'usagekit[redis]'")
