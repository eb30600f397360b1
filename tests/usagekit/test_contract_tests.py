"""`usagekit.pytest.contract_tests`: an item per behaviour, one run for all of them, nothing vacuous passes."""

from __future__ import annotations

import multiprocessing
import os
import threading
from xml.etree import ElementTree as ET

import pytest

import usage_contracts.promises.lyrcs
import usage_contracts.reports.words  # noqa: F401
import usagekit.checking
import usagekit.known
import usagekit.pytest
from usage_contracts.verdict import Outcome
from usage_mockserver import providers
from usage_mockserver.server import serve
from usage_specs import load
from usagekit.fakes import clock_at
from usagekit.findings import Finding
from usagekit.once import first_of

# A run inside this process forgets the modules that it loaded; loaded again, their classes are other classes.
providers.load("lyrcs")

BEHAVIOURS = load("lyrcs").behaviours
NOW = "2026-03-15"
KEY = load("lyrcs").service.demo_key
OFF = [
    word for name in ("schemathesis", "hypothesispytest", "anyio", "asyncio") for word in ("-p", f"no:{name}")
]
STRICT = ("--strict-markers", "-W", "error", *OFF)
HEAD = "import pytest\nfrom usagekit.pytest import contract_tests\n"


@pytest.fixture(scope="module", autouse=True)
def _loaded():
    # What a run imports as late as it fails is to stay loaded too.
    usagekit.check("lyrcs", url="http://127.0.0.1:9")


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a project of one test file in this process, warnings as errors."""
    monkeypatch.delenv("LYRCS_API_KEY", raising=False)

    def run_file(source, *args):
        pytester.makepyfile(test_it=HEAD + source)
        return pytester.runpytest_inprocess(*STRICT, *args, no_reraise_ctrlc=True)

    return run_file


def fake(mutant=""):
    app = usagekit.create_app("lyrcs", keys=[KEY], now=NOW)
    if mutant:
        app.world.change("lyrcs", mutant=mutant)
    return app


@pytest.fixture(scope="module")
def alone():
    """The report of a run over a sound fake."""
    return usagekit.check("lyrcs", app=fake(), options=usagekit.checking.Options(now=clock_at(NOW).frozen))


@pytest.fixture
def journal_and_url():
    app = fake()
    with serve(app) as running:
        yield app.journal, running.url


@pytest.fixture
def broken_url():
    with serve(fake("key-not-required")) as running:
        yield running.url


def counted(result):
    """How many items passed, failed and were skipped."""
    outcomes = result.parseoutcomes()
    return tuple(outcomes.get(name, 0) for name in ("passed", "failed", "skipped"))


def told(file):
    """What a JUnit file says of each item: its name, and its failure's or skip's words."""
    cases = ET.parse(file).iter("testcase")
    return {
        case.get("name"): [(one.tag, one.get("message")) for one in case if one.tag != "properties"]
        for case in cases
    }


def test_every_behaviour_is_an_item_and_all_of_them_are_one_run(run, journal_and_url, alone):
    journal, url = journal_and_url
    result = run(f"TestLyrcs = contract_tests('lyrcs', url='{url}', now='{NOW}')", "-v")

    held = len(alone.of(Outcome.HELD))
    assert counted(result) == (held, 0, len(BEHAVIOURS) - held)
    result.stdout.fnmatch_lines("test_it.py::TestLyrcs::test_behaviour[[]lyrcs.schema[]] PASSED*")
    assert journal.total == alone.requests


def test_a_broken_behaviour_fails_in_the_words_of_the_report(run, broken_url):
    result = run(f"TestLyrcs = contract_tests('lyrcs', url='{broken_url}', now='{NOW}')", "-rs")

    passed, failed, _ = counted(result)
    assert (passed > 10, failed) == (True, 1)
    page = result.stdout.str()
    lines = page[page.index("lyrcs.key-required does not hold") :].splitlines()
    assert lines[1] == "claim: A request without a key is refused with 401."
    assert lines[2].startswith(
        "evidence: stated, Every endpoint but /health and /languages needs the bearer key"
    )
    assert lines[3].startswith("observed: no key got status 200: {")
    assert lines[4:6] == ["allowed: 401 (403 is tolerated)", f"curl -i {broken_url}/api/v1/usage"]
    assert "Traceback" not in page
    assert "pytest.fail" not in page


def test_an_assumption_that_differs_is_skipped_unless_strict(run):
    result = run(
        f"""
from starlette.responses import JSONResponse
from usagekit import create_app

fake = create_app("lyrcs", now="{NOW}")

async def app(scope, receive, send):
    if dict(scope.get("headers", [])).get(b"authorization") == b"Bearer {KEY}":
        await fake(scope, receive, send)
    elif scope["type"] == "http":
        await JSONResponse({{"detail": "not that key"}}, 401)(scope, receive, send)

TestLyrcs = contract_tests("lyrcs", app=app, now="{NOW}")
TestStrict = contract_tests("lyrcs", app=app, now="{NOW}", strict=True)
""",
        "-rsf",
        "-k",
        "lyrcs.error-shape",
    )

    assert counted(result) == (0, 1, 1)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED *differs from an assumption; observed: *; ours: An error is *",
            "FAILED *TestStrict*error-shape*",
        ]
    )


def test_what_was_not_exercised_is_skipped_with_its_reason(run):
    result = run(
        f"TestLyrcs = contract_tests('lyrcs', now='{NOW}')",
        "-rs",
        "-k",
        "lyrcs.failed-jobs-counted or lyrcs.duration-is-sum",
    )

    assert counted(result) == (0, 0, 2)
    result.stdout.fnmatch_lines("SKIPPED *: not exercised: an answer does not list the jobs")


def test_a_run_that_is_cut_short_says_so_where_it_matters(run):
    result = run(f"TestLyrcs = contract_tests('lyrcs', now='{NOW}', max_requests=2)", "-rs")

    assert result.parseoutcomes()["skipped"] > 0
    result.stdout.fnmatch_lines("SKIPPED *stopped early: all 2 requests are used up")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param("url='http://127.0.0.1:9'", "is inconclusive: *no connection*", id="nobody listens"),
        pytest.param("scenario='empty'", "is untested: the account shows no usage*", id="an empty account"),
        pytest.param("app=refuses", "is untested: every answer was a 401*", id="every answer a 401"),
    ],
)
def test_a_run_that_tested_nothing_is_never_green(words, sentence, run):
    refuses = """
def refuses(environ, start_response):
    start_response("401 Unauthorized", [("content-type", "application/json")])
    return [b'{"error": {"code": "unauthorized", "message": "no"}}']
"""
    result = run(f"{refuses}\nTestLyrcs = contract_tests('lyrcs', now='{NOW}', {words})", "-rf")

    passed, failed, skipped = counted(result)
    assert (passed, failed, skipped) == (0, len(BEHAVIOURS), 0)
    result.stdout.fnmatch_lines(f"Lyrcs at http://127.0.0.1*/api/v1/usage {sentence}")
    assert len(result.outlines) < 4 * len(BEHAVIOURS), "one sentence for each item"


def test_a_service_beyond_loopback_without_a_key_is_skipped(run):
    result = run("TestLyrcs = contract_tests('lyrcs', url='https://gateway.invalid')", "-rs")

    assert counted(result) == (0, 0, len(BEHAVIOURS))
    result.stdout.fnmatch_lines("SKIPPED *a key is needed beyond loopback: set LYRCS_API_KEY*")


def test_a_variable_without_a_key_is_skipped(run):
    result = run("TestLyrcs = contract_tests('lyrcs', key_env='NOT_SET_ANYWHERE')", "-rs", "-k", "schema")

    result.stdout.fnmatch_lines("SKIPPED *the variable NOT_SET_ANYWHERE holds no key")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("key={key!r}", id="given"),
        pytest.param("key_env='MY_KEY'", id="in a variable"),
        pytest.param("", id="in the vendor's variable"),
    ],
)
def test_the_key_is_presented_and_in_no_output(words, run, pytester, monkeypatch):
    secret = "lyrcs_sk_live_s3cr3t-canary-0123456789"
    monkeypatch.setenv("MY_KEY", secret)
    source = f"""
seen = []
async def echoes(scope, receive, send):
    if scope["type"] == "http":
        value = dict(scope["headers"]).get(b"authorization", b"")
        seen.append(value)
        status = 200 if b"canary" in value else 401
        await send({{"type": "http.response.start", "status": status, "headers": []}})
        await send({{"type": "http.response.body", "body": value}})

TestLyrcs = contract_tests("lyrcs", app=echoes, {words.format(key=secret)})
TestShort = contract_tests("lyrcs", app=echoes, key="short")

def test_key():
    assert b"Bearer {secret}" in seen
"""
    if not words:
        monkeypatch.setenv("LYRCS_API_KEY", secret)
    pytester.makepyfile(test_it=HEAD + source)
    result = pytester.runpytest_inprocess(*STRICT, "-l", "--junitxml=junit.xml", "-rA")

    assert "PASSED test_it.py::test_key" in result.stdout.str()
    page = result.stdout.str() + (pytester.path / "junit.xml").read_text("utf-8")
    assert "wrong-key-refused does not hold" in page
    assert "Bearer ***" in page
    assert "the key is no key: it needs 8" in page
    assert "canary" not in page


TARGETS = """
from types import SimpleNamespace
from usagekit import create_app

@pytest.fixture
def my_url():
    return "http://URL"

@pytest.fixture
def my_app():
    return create_app("lyrcs", now="2026-03-15")

@pytest.fixture
def my_server(my_url):
    return SimpleNamespace(url=my_url, key="lyrcs_sk_live_usagekit_demo")

@pytest.fixture
def not_today():
    pytest.skip("no gateway today")

@pytest.fixture
def nonsense():
    return 7

@pytest.fixture
def broken():
    raise RuntimeError("no gateway was started")
"""


def test_a_fixture_gives_the_target(run, journal_and_url):
    targets = TARGETS.replace("http://URL", journal_and_url[1])
    result = run(
        f"""
{targets}
TestUrl = contract_tests("lyrcs", target="my_url", now="{NOW}")
TestApp = contract_tests("lyrcs", target="my_app", now="{NOW}")
TestServer = contract_tests("lyrcs", target="my_server", now="{NOW}")
TestAccount = contract_tests("lyrcs", target="lyrcs")
TestSkipped = contract_tests("lyrcs", target="not_today")
TestNonsense = contract_tests("lyrcs", target="nonsense")
TestMissing = contract_tests("lyrcs", target="my_ulr")
TestBroken = contract_tests("lyrcs", target="broken")
""",
        "-rsf",
        "-k",
        "lyrcs.schema",
    )

    assert counted(result) == (4, 3, 1)
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED *no gateway today",
            "*the fixture 'broken' failed: RuntimeError: no gateway was started (test_it.py:*)",
            "*the fixture 'nonsense' gave a int; give a URL, *",
            "*there is no fixture 'my_ulr'",
        ]
    )


def test_a_fixture_with_parameters_gives_a_run_for_each(run, broken_url, journal_and_url):
    result = run(
        f"""
@pytest.fixture(params=["{journal_and_url[1]}", "{broken_url}"], ids=["sound", "broken"])
def my_url(request):
    return request.param

@pytest.mark.usefixtures("my_url")
class TestEach(contract_tests("lyrcs", target="my_url", now="{NOW}")):
    pass
""",
        "-v",
        "-k",
        "lyrcs.key-required",
    )

    result.stdout.fnmatch_lines_random(["*sound*PASSED*", "*broken*FAILED*"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("'lyrsc'", "did you mean 'lyrcs'"),
        ("'lyrcs', strickt=True", "there is no option 'strickt'; did you mean 'strict'?"),
        ("'lyrcs', scenario='bussy'", "there is no scenario 'bussy'; did you mean 'busy'?"),
        ("'lyrcs', now='soon'", "now: "),
        ("'lyrcs', max_requests=0", "max_requests is 0; a run needs one request or more"),
        ("'lyrcs', max_requests='x'", "max_requests is 'x'; it must be a whole number"),
        ("'lyrcs', seed=True", "seed is True; it must be a whole number"),
        ("'lyrcs', live='yes'", "live is 'yes'; it must be True or False"),
        ("'lyrcs', timeout='3'", "timeout is '3'; it must be a number of seconds"),
        ("'lyrcs', url='http://127.0.0.1', target='mine'", "target names a fixture"),
    ],
)
def test_a_wrong_call_is_one_sentence_at_collection(words, sentence, run):
    result = run(f"TestLyrcs = contract_tests({words})")

    assert result.ret == 2
    page = result.stdout.str()
    assert sentence in page
    assert "Traceback" not in page
    assert "pytest.py" not in page


def test_on_several_machines_a_group_keeps_the_run_in_one_place():
    marks = usagekit.pytest.contract_tests("lyrcs").pytestmark

    assert [(mark.name, mark.args) for mark in marks] == [("xdist_group", ("usage-lyrcs",))]


def test_marks_choose_and_strict_markers_are_content_without_the_plugin(run):
    source = f"TestLyrcs = pytest.mark.filterwarnings('error')(contract_tests('lyrcs', now='{NOW}'))"
    stated = [one for one in BEHAVIOURS.values() if one.evidence.value == "stated"]
    chosen = run(source, "--collect-only", "-q", "-m", "usage_contract(evidence='stated')")

    assert f"{len(stated)}/{len(BEHAVIOURS)} tests collected" in chosen.stdout.str()
    bare = run(source, "-p", "no:pytest_usagekit", "-p", "no:xdist", "-k", "lyrcs.schema")
    assert counted(bare) == (1, 0, 0)


def test_a_session_keeps_nothing_for_the_next(run, journal_and_url, alone):
    journal, url = journal_and_url
    source = f"TestLyrcs = contract_tests('lyrcs', url='{url}', now='{NOW}')"
    for _ in range(2):
        assert counted(run(source, "-k", "lyrcs.schema")) == (1, 0, 0)

    assert journal.total == 2 * alone.requests


@pytest.mark.slow
def test_workers_share_one_run(pytester, journal_and_url, alone, monkeypatch):
    monkeypatch.setenv("LYRCS_API_KEY", KEY)
    journal, url = journal_and_url
    source = f"TestLyrcs = contract_tests('lyrcs', url='{url}', now='{NOW}', max_requests=600)"
    pytester.makepyfile(test_it=HEAD + source)
    result = pytester.runpytest_subprocess(*STRICT, "-n", "4", "--junitxml=many.xml")

    held = len(alone.of(Outcome.HELD))
    assert counted(result) == (held, 0, len(BEHAVIOURS) - held)
    assert journal.total == alone.requests
    pytester.runpytest_inprocess(*STRICT, "--junitxml=one.xml")
    named = {name.partition("@")[0]: words for name, words in told(pytester.path / "many.xml").items()}
    assert named == told(pytester.path / "one.xml")


FOUND = {"lyrcs.schema": Finding("failed", "because"), "lyrcs.json": Finding("passed")}
LOST = {"lyrcs.schema": Finding("failed", "lost")}


def test_the_first_process_does_it_and_the_others_read_it(tmp_path):
    done = []

    def do():
        done.append(1)
        return FOUND

    assert [first_of(tmp_path / "one", do, dict) for _ in range(3)] == [FOUND] * 3
    assert len(done) == 1


def dies(place):
    first_of(place, lambda: os._exit(9), dict)


def test_a_process_that_dies_leaves_no_lock_and_its_requests_stay_spent(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=dies, args=[tmp_path / "one"])
    process.start()
    process.join(60)

    assert process.exitcode == 9
    assert first_of(tmp_path / "one", pytest.fail, lambda: LOST) == LOST


def test_an_interrupt_leaves_no_lock(tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first_of(tmp_path / "one", interrupted, dict)
    assert first_of(tmp_path / "one", pytest.fail, lambda: LOST) == LOST


def test_an_interrupted_session_leaves_no_thread(run):
    before = set(threading.enumerate())
    result = run(
        """
import asyncio, signal, threading

async def app(scope, receive, send):
    if scope["type"] == "http":
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        await asyncio.sleep(3600)

TestLyrcs = contract_tests("lyrcs", app=app)
"""
    )

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert set(threading.enumerate()) == before
