"""The parts of `usagekit demo` that a whole run does not show."""

from __future__ import annotations

import shutil

import pytest

from usagekit.commands import demo
from usagekit.fakes import make_world, serve

ASKED = "curl '{url}/v1/usage?from=2026-03-01&to=2026-03-02' -H 'authorization: Bearer varg_usagekit_demo'"


@pytest.mark.skipif(shutil.which("curl") is None, reason="compares with curl")
def test_without_curl_the_same_is_asked_from_python(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve("varg", now="2026-03-15") as running:
        asked = ASKED.format(url=running.url)
        by_curl = demo.answer_to(asked)
        monkeypatch.setattr(shutil, "which", lambda _: None)
        by_python = demo.answer_to(asked)
    assert by_curl.startswith('{"usage":[{"job_id":')
    assert by_python == f"(asked from Python, there is no curl here) {by_curl}"


def test_a_proxy_does_not_come_between(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serve("varg", now="2026-03-15") as running:
        assert demo.answer_to(ASKED.format(url=running.url)).startswith("{")


def test_long_answers_are_cut_and_say_so() -> None:
    assert demo.shortened("a\n b\n") == "a b"
    assert demo.shortened("x" * 201) == "x" * 200 + " ... (201 characters)"


def test_a_world_names_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"unknown provider 'supertnoe'; did you mean 'supertone'\?"):
        make_world("supertnoe")
    with pytest.raises(ValueError, match=r"unknown scenario 'x'; known: busy, sparse, empty, docs"):
        make_world(scenario="x")
