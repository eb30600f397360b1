"""Options, ini keys and session fixtures: who wins, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

TOLD = """
    def test_it(usage):
        account = usage.world.account("varg")
        told = [account.seed, account.scenario, account.now.isoformat()]
        assert told == {told}
    """
INI = "usage_seed = 5\nusage_now = 2026-03-01\nusage_scenario = sparse"


def test_ini_keys_choose_and_flags_win_over_them(run: Run) -> None:
    run(TOLD.format(told=[5, "sparse", "2026-03-01T00:00:00+00:00"]), ini=INI).assert_outcomes(passed=1)
    told = TOLD.format(told=[6, "docs", "2026-04-01T12:00:00+00:00"])
    flags = ("--usage-seed=6", "--usage-scenario=docs", "--usage-now=2026-04-01T12:00:00Z")
    run(told, *flags, ini=INI).assert_outcomes(passed=1)


def test_a_session_fixture_wins_over_both_and_a_marker_over_it(run: Run) -> None:
    conftest = """
        import pytest

        @pytest.fixture(scope="session")
        def usage_scenario():
            return "empty"
        """
    told = [5, "empty", "2026-03-01T00:00:00+00:00"]
    run(TOLD.format(told=told), ini=INI, conftest=conftest).assert_outcomes(passed=1)
    marked = "import pytest\n    pytestmark = pytest.mark.usage(scenario='docs')\n" + TOLD
    told[1] = "docs"
    run("    " + marked.format(told=told), ini=INI, conftest=conftest).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--usage-now=noon", "--usage-now: 'noon' is not an instant; write 2026-03-01"),
        ("--usage-seed=many", "--usage-seed: 'many' is not a whole number"),
        ("--usage-scenario=emtpy", "--usage-scenario: there is no scenario 'emtpy'; did you mean 'empty'?"),
        ("--usage-live-for=vrag", "--usage-live-for: there is no provider 'vrag'; did you mean 'varg'?"),
        ("--usage-live-for=varg=nowhere", "--usage-live-for: 'nowhere' is no URL of a server; write http"),
        ("--usage-live-requests=some", "--usage-live-requests: 'some' is not a whole number"),
    ],
)
def test_a_wrong_option_is_a_usage_error_in_one_sentence(run: Run, option: str, sentence: str) -> None:
    result = run("def test_it(): pass", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {sentence}" in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_a_wrong_ini_key_is_a_usage_error_that_names_the_file(run: Run) -> None:
    result = run("def test_it(): pass", ini="usage_scenario = bussy")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: usage_scenario in *tox.ini: *'bussy'; did you mean 'busy'?*"])


def test_a_wrong_session_fixture_fails_in_one_sentence(run: Run) -> None:
    conftest = """
        import pytest

        @pytest.fixture(scope="session")
        def usage_scenario():
            return "bussy"
        """
    result = run("def test_it(varg): pass", conftest=conftest)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*usage_seed, usage_now or usage_scenario: *did you mean 'busy'?*"])


def test_what_is_expected_fails_the_test_and_not_its_teardown(run: Run) -> None:
    result = run(
        """
        import httpx2
        import pytest

        def test_clean(varg):
            varg.expect_no_errors()
            varg.client.get("/v1/usage")

        def test_fails(varg, lyrcs):
            varg.expect_no_errors()
            lyrcs.expect_no_errors(except_for=[404])
            assert varg.client.get("/v1/usage?from=x").status_code == 400
            lyrcs.client.get("/nope")

        def test_fails_by_itself(varg):
            varg.expect_no_errors()
            varg.client.get("/nope")
            assert 1 == 2

        @pytest.fixture
        def asking_late(varg):
            yield
            varg.client.get("/late")

        def test_late(varg, asking_late):
            varg.expect_no_errors()
        """
    )
    result.assert_outcomes(passed=2, failed=2, errors=1)
    text = result.stdout.str()
    assert "varg answered with an error:\n  GET /v1/usage?from=x -> 400\n" in text
    assert '"message":"from must be a date (YYYY-MM-DD)"' in text
    assert "GET /late -> 404" in text
    assert text.count("  GET /nope -> 404") == 1
    assert "Traceback" not in text
