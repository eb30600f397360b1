"""`usagekit check` as a person types it: exit statuses, one sentence for what is wrong, no key anywhere."""

from __future__ import annotations

import io
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from usage_mockserver.server import serve
from usage_mockserver.world import Settings, World
from usage_specs import load
from usagekit.checking import CheckError, Options, check
from usagekit.cli import main
from usagekit.terminal import counted

KEY = load("varg").service.demo_key


def run(*words: str, **environment: str):
    """One command line in this process."""
    return CliRunner(env=environment).invoke(main, ["check", *words])


@pytest.fixture(scope="module")
def varg():
    with serve(World(["varg"], Settings(keys=(KEY,)))) as running:
        yield running.url


def test_a_server_that_keeps_its_document_ends_in_zero(varg):
    result = run("varg", "--url", varg, VARG_API_KEY=KEY)

    assert result.exit_code == 0
    assert "varg.total-is-sum" in result.stdout


def test_without_a_url_a_fake_is_started():
    result = run("lyrcs", "supertone", "--examples", "1")

    assert result.exit_code == 0
    assert "usagekit check lyrcs supertone" in result.stdout


def test_a_broken_server_ends_in_one_and_quotes_the_sentence():
    world = World(["varg"], Settings(keys=(KEY,)))
    world.change("varg", mutant="last-day-dropped")
    with serve(world) as running:
        result = run("varg", "--url", running.url)

    assert result.exit_code == 1
    assert "End date (inclusive)" in result.stdout
    assert f'curl -i -H "authorization: Bearer $VARG_API_KEY" \'{running.url}/v1/usage?' in result.stdout


def test_a_forgotten_prefix_is_told_beside_what_else_it_could_be(varg):
    result = run("varg", "--url", f"{varg}/elsewhere")

    assert result.exit_code == 3
    assert "it has moved since the document was read, or the URL lacks a" in result.stdout


def test_a_port_where_nobody_listens_ends_in_three():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = run("supertone", "--url", f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert result.exit_code == 3
    assert "no connection" in result.stdout


def test_a_server_that_never_answers_ends_in_three():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = run("lyrcs", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.1")

    assert result.exit_code == 3
    assert "no answer in time" in result.stdout


class Refusing(BaseHTTPRequestHandler):
    """Answers 401 to everything, with the key it was shown all over the place."""

    def do_GET(self):
        shown = self.headers.get("authorization", "")
        body = json.dumps({"error": shown, "message": shown[::1] * 2}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("x-echo", shown)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def refusing():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_refuses_everything_ends_in_four(refusing):
    result = run("varg", "--url", refusing)

    assert result.exit_code == 4
    assert "401" in result.stdout


def test_an_empty_account_ends_in_four():
    assert run("somya", "--scenario", "empty").exit_code == 4


SECRET = "varg_s3cr3t-canary-0123456789"


def test_the_key_is_in_no_artefact(refusing, tmp_path):
    formats = ("text", "json", "junit", "html", "github", "sarif")
    words = [word for name in formats for word in ("--format", name, "--output", str(tmp_path / name))]
    result = run("varg", "--url", refusing, "--no-live", *words, VARG_API_KEY=SECRET)

    written = "".join((tmp_path / name).read_text("utf-8") for name in formats)
    assert len(written) > 1000
    assert SECRET not in written + result.output
    assert "canary" not in written + result.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["supertome"], "did you mean 'supertone'", id="a misspelt provider"),
        pytest.param([], "name at least one provider", id="no provider"),
        pytest.param(["varg", "--url", "127.0.0.1:80"], "is no URL of a server", id="no scheme"),
        pytest.param(["varg", "--url", "ftp://127.0.0.1"], "is no URL of a server", id="another scheme"),
        pytest.param(
            ["varg", "--url", "http://u:p@127.0.0.1"], "--key-env or --key-file", id="a key in the URL"
        ),
        pytest.param(["varg", "--url", "http://127.0.0.1/?a=b"], "has a query", id="a query in the URL"),
        pytest.param(
            ["varg", "--url", "http://127.0.0.1:99999"], "Port out of range", id="a port that is none"
        ),
        pytest.param(
            ["varg", "--url", "https://gateway.invalid"], "set VARG_API_KEY", id="no key beyond loopback"
        ),
        pytest.param(["varg", "--url", "http://[::1"], "Invalid IPv6 URL", id="half an address"),
        pytest.param(
            ["varg", "--url", "http://[::1", "--key", KEY], "Invalid IPv6 URL", id="the same with a key"
        ),
        pytest.param(
            ["varg", "lyrcs", "somya", "--url", "http://127.0.0.1:9"],
            "varg and somya would both be asked at http://127.0.0.1:9/v1/usage; write {provider}",
            id="one place for two",
        ),
        pytest.param(["varg", "--timeout", "nan"], "nan is no number of seconds", id="no number"),
        pytest.param(["varg", "--key", ""], "--key: the key is no key", id="an empty key"),
        pytest.param(["varg", "--key-env", ""], "not set, or empty", id="no variable's name"),
        pytest.param(
            ["surnex", "--known", "project=1"],
            "there is no parameter 'project'; did you mean 'project_id'?",
            id="an unknown filter",
        ),
        pytest.param(["varg", "--now", "soon"], "write 2026-03-01", id="no instant"),
        pytest.param(["varg", "--scenario", "bussy"], "did you mean 'busy'", id="a misspelt scenario"),
        pytest.param(
            ["varg", "--key-file", "/nowhere/key"], "cannot be read", id="a key file that is not there"
        ),
        pytest.param(
            ["varg", "--key-env", "NOT_SET_ANYWHERE"], "that variable is not set", id="no such variable"
        ),
        pytest.param(["varg", "--key", "short"], "it needs 8 or more", id="a key too short"),
        pytest.param(["varg", "--key", KEY, "--key-env", "HOME"], "both give the key", id="two keys"),
        pytest.param(["varg", "--format", "txt"], "txt", id="an unknown format"),
        pytest.param(
            ["varg", "--output", "a", "--output", "b"], "one format per file", id="too many outputs"
        ),
        pytest.param(["varg", "--output", "/nowhere/at/all"], "does not exist", id="no such folder"),
        pytest.param(
            ["varg", "--key", KEY], "--key needs --live, --url or --app", id="a key for a fake of ours"
        ),
        pytest.param(
            ["varg", "--probe-auth"], "--probe-auth needs --live, --url or --app", id="nothing to probe"
        ),
        pytest.param(["varg", "--live"], "set VARG_API_KEY", id="a live run without a key"),
        pytest.param(["varg", "--known", "project_id"], "write NAME=VALUE", id="a filter without a value"),
        pytest.param(["varg", "--max-requests", "0"], "0 is not in the range", id="no request at all"),
        pytest.param(["varg", "--baseline-update"], "needs --baseline", id="a baseline without a file"),
        pytest.param(["varg", "--strickt"], "did you mean --strict", id="a misspelt option"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_exit_two(words, sentence, capfd):
    result = run(*words)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.startswith("usagekit: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output


def test_a_dry_run_prints_what_may_be_sent_and_sends_nothing(monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)
    result = run("varg", "lyrcs", "--dry-run")

    lines = [line.strip() for line in result.stdout.splitlines()]
    calls = [line for line in lines if line.startswith("curl ")]
    assert result.exit_code == 0
    assert "varg: at most 40 requests" in result.stdout
    assert "lyrcs: at most 12 requests" in result.stdout
    assert all(
        "https://api.varg.ai/v1/usage" in call or "https://lyrcs.ai/api/v1/usage" in call for call in calls
    )
    assert not any("-X" in call for call in calls)


def test_a_dry_run_has_the_time_that_is_given_and_says_what_it_is_a_plan_of():
    words = ("supertone", "--now", "2024-02-20", "--url", "http://127.0.0.1:9", "--dry-run")
    result = run(*words)

    assert "start_date=2024-01-20&end_date=2024-02-18" in result.stdout
    assert "On loopback this is the plan with --live" in result.stdout
    assert "On loopback" not in run(*words, "--live").stdout


def test_a_variable_may_end_in_a_line_break(refusing):
    result = run("varg", "--url", refusing, "--no-live", "--key-env", "OURS", OURS=f"{KEY}\n")

    assert result.exit_code == 4


@pytest.mark.parametrize(("most", "shown"), [(None, "varg: 7 requests"), (40, "varg: 7 of 40 requests")])
def test_who_waits_sees_how_many_requests_were_sent(most, shown, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    with counted("varg", most) as told:
        told(7)

    assert shown in terminal.getvalue()


def test_a_live_run_without_a_url_asks_the_vendor_and_never_a_fake_of_ours(monkeypatch):
    asked = []

    def remember(provider, **how):
        asked.append((provider, how["url"], how["key"]))
        raise CheckError("not asked in a test")

    monkeypatch.setattr("usagekit.commands.check.check", remember)
    run("varg", "--live", VARG_API_KEY=KEY)

    assert asked == [("varg", "https://api.varg.ai", KEY)]


def test_a_run_tells_each_request_that_it_sends(varg):
    heard = []
    report = check("varg", url=varg, key=KEY, options=Options(told=heard.append, examples=1))

    assert heard == list(range(1, report.requests + 1))


def test_a_key_on_the_command_line_is_warned_about_beyond_loopback(monkeypatch):
    def refuse(*_, **__):
        raise CheckError("not asked in a test")

    monkeypatch.setattr("usagekit.commands.check.check", refuse)
    result = run("varg", "--url", "https://gateway.invalid", "--key", KEY)

    assert "--key can be read by everybody on this machine" in result.stderr


def test_a_baseline_accepts_what_is_known(tmp_path):
    world = World(["varg"], Settings(keys=(KEY,)))
    world.change("varg", mutant="last-day-dropped")
    file = str(tmp_path / "known.yaml")
    with serve(world) as running:
        written = run(
            "varg",
            "--url",
            running.url,
            "--baseline",
            file,
            "--baseline-update",
            "--baseline-reason",
            "known",
        )
        accepted = run("varg", "--url", running.url, "--baseline", file)

    assert (written.exit_code, accepted.exit_code) == (0, 0)
    assert "accepted" in accepted.stdout
