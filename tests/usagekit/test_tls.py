"""TLS as a user meets it: the production host names answer, the authority is known, and nothing of it stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from click.testing import CliRunner, Result

import usagekit
from usage_mockserver.server import serve
from usage_mockserver.world import World
from usage_specs import PROVIDERS, load
from usagekit.cli import main
from usagekit.tls import NotOursError, throw_away

pytest.importorskip("trustme", reason="TLS needs the extra [tls]")

PATIENCE = 30.0
KEYS = {"authorization": "Bearer varg_usagekit_demo"}


def invoked(*args: str) -> Result:
    return CliRunner().invoke(main, ["serve", "--tls", "--port", "0", *args], prog_name="usagekit")


def certificate(url: str, context: ssl.SSLContext, name: str = "api.varg.ai") -> dict[str, object]:
    host, _, port = url.removeprefix("https://").rpartition(":")
    plain = socket.create_connection((host, int(port)), timeout=PATIENCE)
    with context.wrap_socket(plain, server_hostname=name) as peer:
        return dict(peer.getpeercert() or {})


# -- from Python ----------------------------------------------------------------------------------------


def test_a_server_speaks_tls_and_its_authority_ends_with_it() -> None:
    with usagekit.serve("varg", scenario="empty", tls=True) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        assert server.ca_file is not None
        assert "PRIVATE" not in server.ca_file.read_text()
        request = urllib.request.Request(f"{server.url}/v1/usage", headers=KEYS)
        answer = urllib.request.urlopen(request, context=server.ssl_context()).read()
        assert json.loads(answer) == {"usage": [], "total_cents": 0}
        folder = server.ca_file.parent
    assert not folder.exists()


def test_the_certificate_names_every_way_in_and_is_short_lived() -> None:
    with usagekit.serve(tls=True) as server:
        found = certificate(server.url, server.ssl_context())
    names = {(kind, name.upper()) for kind, name in found["subjectAltName"]}
    hosts = {load(name).service.host for name in PROVIDERS} | {"localhost"}
    assert {("DNS", host.upper()) for host in hosts} <= names
    assert {("IP Address", "127.0.0.1"), ("IP Address", "0:0:0:0:0:0:0:1")} <= names
    begin, end = (ssl.cert_time_to_seconds(str(found[name])) for name in ("notBefore", "notAfter"))
    assert end - begin < 825 * 24 * 3600


def test_further_names_are_certified_and_no_others() -> None:
    with throw_away(["fakes.test", "[fe80::1]"]) as tls, serve(World(["varg"]), tls=tls) as server:
        for name in ("fakes.test", "fe80::1"):
            assert certificate(server.url, server.ssl_context(), name)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'elsewhere\.test'"):
            certificate(server.url, server.ssl_context(), "elsewhere.test")


def test_two_servers_do_not_vouch_for_each_other() -> None:
    with usagekit.serve("varg", tls=True) as one, usagekit.serve("varg", tls=True) as other:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(other.url, context=one.ssl_context())
        assert urllib.request.urlopen(other.url, context=other.ssl_context()).status == 200


def test_a_server_without_tls_has_no_context_to_give() -> None:
    with usagekit.serve("varg") as server:
        assert server.ca_file is None
        with pytest.raises(ValueError, match="plain HTTP"):
            server.ssl_context()


def test_the_file_is_taken_away_after_an_exception(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    with pytest.raises(KeyError), throw_away(ca_file=file):
        raise KeyError(file.stat().st_size)
    assert list(tmp_path.iterdir()) == []


def test_what_others_wrote_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "bundle.pem"
    with throw_away(ca_file=file):
        ours = file.read_text()
    for text in ("-----BEGIN CERTIFICATE-----\nsomebody's\n", ours + ours):
        file.write_text(text)
        with pytest.raises(NotOursError), throw_away(ca_file=file):
            pass
        assert file.read_text() == text
    for text in ("", ours):
        file.write_text(text)
        with throw_away(ca_file=file):
            assert file.read_text() not in ("", ours)
        assert not file.exists()


# -- from the command line ------------------------------------------------------------------------------


class Served:
    """The running command, and what it printed at its start."""

    def __init__(self, *args: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "usagekit", "serve", "--tls", "--port", "0", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={name: value for name, value in os.environ.items() if not name.startswith("USAGEKIT_")},
        )
        assert self.process.stdout is not None
        self.lines = [""]
        while self.lines[-1] != "Ctrl-C stops it." and self.process.poll() is None:
            self.lines.append(self.process.stdout.readline().strip())

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stopped(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_every_printed_curl_line_is_answered_and_nothing_stays(tmp_path: Path) -> None:
    with Served(cwd=tmp_path) as served:
        commands = [line for line in served.lines if line.startswith("curl --resolve")]
        assert [load(name).service.host in commands[at] for at, name in enumerate(PROVIDERS)] == [True] * 5
        ask = " ; ".join(
            command.replace("curl", "curl -q -sS -o out.json -w '%{http_code} '") for command in commands
        )
        environ = {**os.environ, "NO_PROXY": "*"}
        done = subprocess.run(
            ["/bin/sh", "-c", ask], capture_output=True, text=True, check=False, cwd=tmp_path, env=environ
        )
        assert (done.stdout.split(), done.stderr) == (["200"] * 5, "")
        ca_file = Path(next(line for line in served.lines if line.startswith("Node")).partition("=")[2])
        assert ca_file.exists()
        assert served.stopped() == (0, "", "")
    assert not ca_file.parent.exists()


CLIENTS = """
import asyncio, json, sys, urllib.request
import aiohttp, httpx, httpx2, requests

url, found = sys.argv[1], {}
with urllib.request.urlopen(url) as answer:
    found["urllib"] = answer.status
found["httpx"] = httpx.get(url).status_code
found["httpx2"] = httpx2.get(url).status_code
found["requests"] = requests.get(url).status_code

async def main():
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found["aiohttp"] = answer.status

asyncio.run(main())
print(json.dumps(found))
"""


def test_the_printed_variables_make_clients_trust_it(tmp_path: Path) -> None:
    ca_file = tmp_path / "folder with blanks" / "ca.pem"
    ca_file.parent.mkdir()
    with Served("--tls-ca", str(ca_file), cwd=tmp_path) as served:
        url = served.lines[1].rpartition(" ")[2]
        said = {line.partition("=")[0].split()[-1] for line in served.lines if str(ca_file) in line}
        assert {"NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"} <= said
        environ = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        environ |= {"SSL_CERT_FILE": str(ca_file), "REQUESTS_CA_BUNDLE": str(ca_file)}
        done = subprocess.run(
            [sys.executable, "-c", CLIENTS, url], capture_output=True, text=True, check=False, env=environ
        )
        assert done.returncode == 0, done.stderr
        assert set(json.loads(done.stdout).values()) == {200}
        assert served.stopped() == (0, "", "")
    assert list(ca_file.parent.iterdir()) == []


def test_prefix_host_and_control_plane_are_as_over_plain_http() -> None:
    with usagekit.serve(tls=True) as server:
        context = server.ssl_context()

        def status(path: str, **fields: str) -> int:
            request = urllib.request.Request(server.url + path, headers={**KEYS, **fields})
            try:
                return int(urllib.request.urlopen(request, context=context).status)
            except HTTPError as error:
                return error.code

        assert status("/varg/v1/usage") == 200
        assert status("/v1/usage", Host=f"api.varg.ai:{server.port}") == 200
        assert status("/v1/usage", Host="api.varg.ai", authorization="Bearer wrong") == 401
        assert status("/v1/usage", Host="elsewhere.example") == 400


# -- what goes wrong ------------------------------------------------------------------------------------


def sentence(result: Result, status: int) -> str:
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.startswith("usagekit: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_without_the_extra_it_is_one_sentence_and_status_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    assert "pip install 'usagekit[tls]'" in sentence(invoked(), 3)
    with pytest.raises(ModuleNotFoundError, match="usagekit\\[tls\\]"), usagekit.serve(tls=True):
        pass


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "ca.pem"
    assert f"--tls-ca {file}: No such file or directory" in sentence(invoked("--tls-ca", str(file)), 2)


def test_a_file_of_others_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "bundle.pem"
    file.write_text("mine\n")
    assert f"--tls-ca {file}: it exists, and no" in sentence(invoked("--tls-ca", str(file)), 2)
    assert file.read_text() == "mine\n"


def test_a_name_that_no_certificate_can_hold_is_status_2() -> None:
    assert "--allow-host: " in sentence(invoked("--allow-host", "under_score"), 2)


def test_a_file_without_tls_is_a_wrong_call(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["serve", "--tls-ca", str(tmp_path / "ca.pem")], prog_name="usagekit")
    assert "--tls-ca goes with --tls" in sentence(result, 2)
