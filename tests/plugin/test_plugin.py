"""The pytest plugin as another project meets it: whole pytest runs over small projects."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

import pytest_usagekit

Run = Callable[..., pytest.RunResult]


def test_every_provider_answers_its_own_fixture(run: Run) -> None:
    result = run(
        """
        import httpx2
        import pytest

        @pytest.mark.parametrize("name", ["somya", "supertone", "varg", "surnex", "lyrcs"])
        def test_provider(name, request):
            account = request.getfixturevalue(name)
            first, last = ("start_date", "end_date") if name == "supertone" else ("from", "to")
            query = {first: "2026-03-01", last: "2026-03-07"}
            assert account.client.get(account.path, params=query).status_code == 200
            bare = httpx2.get(account.url + account.path, params=query, headers=account.headers)
            assert bare.status_code == 200
            assert account.key in list(account.headers.values())[0]
            assert httpx2.get(account.url + account.path, params=query).status_code == 401
        """
    )
    result.assert_outcomes(passed=5)


def test_usage_and_a_provider_are_one_account(run: Run) -> None:
    result = run(
        """
        def test_same(usage, supertone, varg):
            assert usage.supertone is supertone
            assert usage.varg is varg
            assert supertone.url == usage.url + "/supertone"
            assert [account.name for account in usage] == ["somya", "supertone", "varg", "surnex", "lyrcs"]
        """
    )
    result.assert_outcomes(passed=1)


def test_each_test_has_accounts_that_no_other_test_sees(run: Run) -> None:
    result = run(
        """
        import httpx2

        seen = []

        def test_empty(usage):
            usage.world.change("lyrcs", scenario="empty")
            assert usage.lyrcs.client.get("/api/v1/usage").json()["total_jobs"] == 0
            seen.append(usage.lyrcs)

        def test_other(lyrcs):
            assert lyrcs.client.get("/api/v1/usage").json()["total_jobs"] > 0
            gone = httpx2.get(seen[0].url + "/api/v1/usage", headers=seen[0].headers)
            assert gone.status_code == 404
            assert "usagekit" in gone.json()

        def test_server(usage_server, lyrcs):
            shared = httpx2.get(usage_server.url + "/lyrcs/api/v1/usage", headers=lyrcs.headers)
            assert shared.json()["total_jobs"] > 0
        """
    )
    result.assert_outcomes(passed=3)


def test_a_marker_chooses_seed_clock_and_scenario_the_closest_first(run: Run) -> None:
    result = run(
        """
        import pytest

        def jobs(account):
            return account.client.get("/api/v1/usage").json()["total_jobs"]

        @pytest.mark.usage(now="2026-03-01", seed=3)
        class TestMarked:
            def test_class(self, lyrcs, usage):
                assert str(usage.world.account("lyrcs").now) == "2026-03-01 00:00:00+00:00"
                assert usage.world.account("lyrcs").seed == 3

            @pytest.mark.usage(seed=4, scenario="empty")
            def test_closest(self, lyrcs, usage):
                account = usage.world.account("lyrcs")
                assert (account.seed, account.now.year) == (4, 2026)
                assert jobs(lyrcs) == 0

        def test_unmarked(lyrcs):
            assert jobs(lyrcs) > 0
        """
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("sceanrio='empty'", "takes seed=, now= and scenario=, not 'sceanrio'"),
        ("7", "takes seed=, now= and scenario=, not the positional 7"),
        ("scenario='emtpy'", "unknown scenario 'emtpy'; did you mean 'empty'?"),
        ("now='yesterday'", "'yesterday' is not an instant; write 2026-03-01"),
        ("now=5", "now is a datetime, a date or a text such as 2026-03-01, not 5"),
        ("seed='5'", "seed is a whole number, not '5'"),
        ("seed=True", "seed is a whole number, not True"),
    ],
)
def test_a_wrong_marker_is_an_error_in_one_sentence(run: Run, marker: str, sentence: str) -> None:
    result = run(
        f"""
        import pytest

        @pytest.mark.usage({marker})
        def test_it(usage):
            pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*@pytest.mark.usage*{sentence}*".replace("[", "[[]")])
    assert "Traceback" not in result.stdout.str()
    assert "During handling" not in result.stdout.str()


SEED_AND_NOW = """
    def test_it(usage):
        account = usage.world.account("varg")
        assert account.seed == {seed}
        assert account.now.isoformat() == "{now}"
    """


def test_options_choose_seed_and_clock(run: Run) -> None:
    result = run(
        SEED_AND_NOW.format(seed=7, now="2026-03-01T12:30:00+00:00"),
        "--usage-seed=7",
        "--usage-now=2026-03-01T12:30:00Z",
    )
    result.assert_outcomes(passed=1)


def test_session_fixtures_choose_seed_and_clock(run: Run) -> None:
    result = run(
        SEED_AND_NOW.format(seed=9, now="2026-03-01T00:00:00+00:00"),
        "--usage-seed=7",
        conftest="""
        import datetime
        import pytest

        @pytest.fixture(scope="session")
        def usage_seed():
            return 9

        @pytest.fixture(scope="session")
        def usage_now():
            return datetime.date(2026, 3, 1)
        """,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("option", ["--usage-now=noon", "--usage-seed=many"])
def test_a_wrong_option_is_a_usage_error(run: Run, option: str) -> None:
    result = run("def test_it(): pass", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert option.partition("=")[0] in result.stderr.str()


def test_the_plugin_may_also_be_named_by_hand(run: Run) -> None:
    result = run(
        "def test_it(supertone): assert supertone.key",
        "-p",
        "pytest_usagekit",
        conftest="pytest_plugins = ['pytest_usagekit']",
    )
    result.assert_outcomes(passed=1)


def test_the_plugin_can_be_switched_off(run: Run) -> None:
    result = run("def test_it(supertone): pass", "-p", "no:pytest_usagekit")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'supertone' not found*"])


def test_a_fixture_of_that_name_in_the_project_is_told_of(run: Run) -> None:
    result = run(
        """
        import pytest

        class TestOther:
            @pytest.fixture
            def usage(self):
                return {"cpu": 3}

            def test_account(self, varg): pass

            def test_interception(self, usage_intercept): pass

            def test_environment(self, usage_env): pass

            def test_own(self, usage):
                assert usage == {"cpu": 3}

        class TestBuiltUpon:
            @pytest.fixture
            def usage(self, usage):
                usage.varg.clear()
                return usage

            def test_account(self, varg):
                assert varg.client.get("/v1/usage").json()["usage"] == []
        """
    )
    result.assert_outcomes(passed=2, errors=3)
    assert result.stdout.str().count("another one of that name, which gave {'cpu': 3}; call that one") >= 3


def test_fixtures_are_prefixed_or_provider_names_and_never_autouse(run: Run) -> None:
    result = run("", "--fixtures", "-v")
    plain = {"usage", "somya", "supertone", "varg", "surnex", "lyrcs"}
    ours = [line.split()[0] for line in result.outlines if "pytest_usagekit.py:" in line]
    assert len(ours) == 13
    assert [name for name in ours if name not in plain and not name.startswith("usage_")] == []
    assert "autouse=True" not in inspect.getsource(pytest_usagekit)


def test_workers_of_xdist_do_not_meet(pytester: pytest.Pytester, others_off: list[str]) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(40))
        def test_it(number, lyrcs, usage):
            scenario = "empty" if number % 2 else "busy"
            usage.world.change("lyrcs", scenario=scenario)
            jobs = lyrcs.client.get("/api/v1/usage").json()["total_jobs"]
            assert (jobs == 0) == (scenario == "empty")
        """
    )
    result = pytester.runpytest_subprocess("-q", "-n", "2", *others_off)
    result.assert_outcomes(passed=40)


def test_no_thread_is_left_after_the_session(run: Run) -> None:
    before = set(threading.enumerate())
    run("def test_it(surnex): assert surnex.client.get(surnex.path).status_code == 200").assert_outcomes(
        passed=1
    )
    assert set(threading.enumerate()) == before


def test_an_unused_plugin_loads_nothing_but_pytest() -> None:
    code = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import pytest_usagekit\n"
        "new = set(sys.modules) - before - {'pytest_usagekit'}\n"
        "print(*sorted(new))"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (asked.stdout.strip(), asked.stderr) == ("", "")


def test_a_run_without_our_fixtures_loads_none_of_our_packages(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it():
            heavy = ("usage_specs", "usage_mockserver", "usagekit", "yaml", "fastapi", "httpx2")
            assert [name for name in heavy if name in sys.modules] == []
        """
    )
    env = dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    asked = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "pytest_usagekit",
            "--strict-markers",
            "-m",
            "not usage",
        ],
        env=env,
        cwd=pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in asked.stdout, asked.stdout
