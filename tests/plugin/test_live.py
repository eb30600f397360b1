"""--usage-live: the handle points to the real service; here something else answers in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import usagekit
from usage_mockserver.server import Running

Run = Callable[..., pytest.RunResult]

ASKING = """
    import pytest

    def test_it(varg):
        answer = varg.client.get(varg.path)
        assert answer.status_code == 200
        assert answer.request.headers["authorization"] == "Bearer varg_of_the_user"
        assert (varg.key, varg.url) == ("varg_of_the_user", "{url}")
    """


@pytest.fixture
def real() -> Iterator[Running]:
    """A server in the place of the real Varg, which knows one key."""
    with usagekit.serve("varg", keys=["varg_of_the_user"]) as running:
        yield running


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's key in the environment."""
    monkeypatch.setenv("VARG_API_KEY", "varg_of_the_user")


def asked(real: Running) -> int:
    return int(real.app.journal.total)


@pytest.mark.usefixtures("key")
def test_a_live_handle_asks_the_service_with_the_users_key(run: Run, real: Running) -> None:
    run(ASKING.format(url=real.url), f"--usage-live-for=varg={real.url}").assert_outcomes(passed=1)
    assert asked(real) == 1


@pytest.mark.usefixtures("key")
def test_the_production_address_is_the_default(run: Run) -> None:
    source = """
        def test_it(varg, usage_live):
            assert varg.url + varg.path == "https://api.varg.ai/v1/usage"
            assert usage_live.names == {names}
        """
    everything = {"somya", "supertone", "varg", "surnex", "lyrcs"}
    run(source.format(names=everything), "--usage-live").assert_outcomes(passed=1)
    run(source.format(names={"varg"}), "--usage-live-for", "varg").assert_outcomes(passed=1)


@pytest.mark.parametrize("value", [None, "", " "])
def test_without_a_key_the_test_is_skipped_and_the_variable_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("VARG_API_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("VARG_API_KEY", value)
    result = run("def test_it(varg): raise AssertionError", "--usage-live", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*varg is the real service here, and its key is not in VARG_API_KEY*"])


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("varg.add(cost_cents=3)", "varg is the real service here, and .add() needs the fake"),
        ("varg.add_from('x')", ".add_from() needs the fake"),
        ("varg.clear()", ".clear() needs the fake"),
        ("varg.scenario('empty')", ".scenario() needs the fake"),
        ("varg.switch(order='x')", ".switch() needs the fake"),
        ("varg.fault(429)", ".fault() needs the fake"),
        ("varg.mutant(None)", ".mutant() needs the fake"),
        ("varg.clock.now()", ".clock needs the fake"),
        ("varg.reset()", ".reset() needs the fake"),
        ("varg.requests.assert_not_called()", ".requests needs the fake"),
        ("varg.expect_no_errors()", ".expect_no_errors() needs the fake"),
        ("usage.requests", "this needs the fakes of all providers, and varg is the real service here"),
        ("usage.clock.advance(days=1)", "this needs the fakes of all providers"),
        ("usage.world", "this needs the fakes of all providers"),
    ],
)
def test_what_needs_the_fake_is_skipped(run: Run, statement: str, what: str) -> None:
    source = f"def test_it(usage, varg):\n    {statement}\n    raise AssertionError"
    result = run(source, "--usage-live-for=varg", "-rs")
    result.assert_outcomes(skipped=1)
    assert what in result.stdout.str()


@pytest.mark.usefixtures("key")
def test_several_real_services_are_named(run: Run) -> None:
    result = run(
        "def test_it(usage): usage.requests", "--usage-live-for=varg", "--usage-live-for=lyrcs", "-rs"
    )
    result.stdout.fnmatch_lines(["*and varg, lyrcs are the real services here*"])


@pytest.mark.usefixtures("key")
def test_a_marked_test_is_skipped_because_it_chooses_its_account(run: Run) -> None:
    source = "import pytest\n@pytest.mark.usage(scenario='empty')\ndef test_it(varg): raise AssertionError"
    result = run(source, "--usage-live", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*@pytest.mark.usage, which needs the fakes*"])


@pytest.mark.usefixtures("key")
def test_the_other_providers_stay_fakes(run: Run, real: Running) -> None:
    source = """
        import os
        import httpx2

        def test_it(varg, lyrcs, usage_env, usage_intercept):
            lyrcs.clear()
            lyrcs.add(seconds=60)
            assert lyrcs.client.get(lyrcs.path).json()["total_jobs"] == 1
            assert httpx2.get("https://lyrcs.ai/api/v1/usage", headers=lyrcs.headers).json()["total_jobs"] == 1
            assert os.environ["VARG_BASE_URL"] == varg.url
            assert os.environ["LYRCS_BASE_URL"] == lyrcs.url
            assert [account.name for account in usage_intercept] == ["somya", "supertone", "surnex", "lyrcs"]
        """
    run(source, f"--usage-live-for=varg={real.url}").assert_outcomes(passed=1)
    assert asked(real) == 0


@pytest.mark.usefixtures("key")
def test_no_more_is_sent_than_allowed_in_the_whole_run(run: Run, real: Running) -> None:
    source = """
        import asyncio
        import pytest

        @pytest.mark.parametrize("number", range(5))
        def test_it(varg, number):
            varg.client.get(varg.path)
            asyncio.run(varg.aclient.get(varg.path))

        def test_other_methods(varg):
            varg.client.post(varg.path)
        """
    result = run(source, f"--usage-live-for=varg={real.url}", "--usage-live-requests=5")
    result.assert_outcomes(passed=2, failed=4)
    assert asked(real) == 5
    assert "all 5 requests are used up" in result.stdout.str()
    assert "POST is never sent to a real service" in result.stdout.str()
    assert "varg_of_the_user" not in result.stdout.str()
