"""What every writer makes of real runs: nothing lost, no secret told, and valid for whoever reads it."""

import base64
import html
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import httpx2
import jsonschema_rs
import pytest

import usage_contracts.reports as package
from tests.contracts.in_process import run
from usage_contracts.masking import Mask
from usage_contracts.reports import FORMATS, github, text, words
from usage_contracts.reports import html as page_writer
from usage_contracts.reports.chart import chart
from usage_contracts.target import Answer, Call
from usage_contracts.verdict import Exit, Outcome, Report, Verdict, judge
from usage_specs import PROVIDERS, load

MASK = Mask("nobody has this key")
KEY = 'cnry_Zq7/+w=&"9<Kx~mB4tYv'
HOSTILE = (
    "\ufffe\x1b[31m\x00]]><script>alert(1)</script>\ud800\n::error::x|`` [a](http://evil.test) @all & {{7*7}}"
)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def texts_for_minutes(_, reply):
    """Figures as text: the schema is broken."""
    body = json.loads(reply.body)
    for row in body.get("usages", ()):
        row["total_minutes_used"] = str(row["total_minutes_used"])
    return httpx2.Response(reply.status, json=body)


def open_door(_, reply):
    """No key is needed."""
    return httpx2.Response(200 if reply.status == 401 else reply.status, json=json.loads(reply.body))


def gateway(*_):
    return httpx2.Response(502, html="<html>bad gateway</html>")


@pytest.fixture(scope="module")
def reports():
    """Two broken, one clean, one that could not be judged, one locked out."""
    return [
        run("supertone", spoil=texts_for_minutes),
        run("varg", spoil=open_door),
        run("lyrcs"),
        run("surnex", spoil=gateway),
        run("somya", spoil=lambda *_: httpx2.Response(401, json={"detail": "no"})),
    ]


@pytest.fixture(scope="module")
def differing():
    """A run whose assumption does not hold, strict and not."""
    found = run("varg", spoil=one_id)
    assert [verdict.behaviour.id for verdict in found.of(Outcome.DIFFERS)] == ["varg.job-id-unique"]
    return [found, replace(found, strict=True, ended=Exit.BROKEN)]


def one_id(_, reply):
    """A job may stand twice under one id: only an assumption is against it."""
    body = json.loads(reply.body)
    for row in body.get("usage", ()):
        row["job_id"] = "same"
    return httpx2.Response(reply.status, json=body)


def by_hand(provider="supertone", **changes):
    """A report in which everything that may be said is said, in the worst of words."""
    behaviours = list(load(provider).behaviours.values())
    outcomes = [Outcome.BROKEN, Outcome.DIFFERS, Outcome.ACCEPTED, Outcome.HELD, Outcome.NOT_EXERCISED]
    calls = (Call((("start_date", "2026-01-01"), ("end_date", HOSTILE[:6]))), Call(raw="a=%zz;b````"))
    answers = (
        Answer(calls[0], 200, {"x": HOSTILE}, HOSTILE.encode("utf-8", "replace")),
        Answer(calls[1], trouble=HOSTILE),
    )
    verdicts = []
    for n, behaviour in enumerate(behaviours):
        outcome = outcomes[n % 5]
        found = judge(behaviour.id, False, answers, observed=HOSTILE, allowed=HOSTILE) if n % 5 < 3 else None
        verdicts.append(Verdict(behaviour, outcome, n, found, HOSTILE if n % 5 in {2, 4} else ""))
    told = Report(
        provider,
        "http://127.0.0.1:9000",
        7,
        tuple(verdicts),
        Exit.BROKEN,
        HOSTILE,
        12,
        3.4,
        (HOSTILE,),
        calls,
    )
    return replace(told, **changes)


def written(name, reports, mask=MASK):
    return FORMATS[name](reports, mask=mask)


# --- every format -------------------------------------------------------------------------------------


def test_the_formats_are_those_that_the_command_offers():
    assert sorted(FORMATS) == ["github", "html", "json", "junit", "sarif", "text"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_names_what_is_broken_with_its_sentence_and_a_line_to_paste(name, reports):
    told = html.unescape(written(name, reports)).replace('\\"', '"')
    assert "Missing or invalid API key" in " ".join(told.split())
    assert "varg.key-required" in told or 'classname="usagekit.varg" name="key-required"' in told
    assert "curl -i http://127.0.0.1/v1/usage" in told


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_text_that_can_be_written_whatever_a_server_says(name):
    told = written(name, [by_hand()])
    told.encode("utf-8")
    assert told.endswith("\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", told)


@pytest.mark.parametrize("name", FORMATS)
def test_no_report_is_no_trouble(name):
    written(name, [])


IMPORTS = """
import sys
from usage_contracts.masking import Mask
from usage_contracts.reports import FORMATS
FORMATS[sys.argv[1]]([], mask=Mask())
sys.exit(sys.argv[2] in sys.modules)
"""


@pytest.mark.parametrize(
    ("name", "other"),
    [("text", "jinja2"), ("junit", "rich"), ("json", "rich"), ("sarif", "jinja2"), ("github", "rich")],
)
def test_a_format_imports_only_what_it_writes_with(name, other):
    assert subprocess.run([sys.executable, "-c", IMPORTS, name, other], check=False).returncode == 0


# --- the key ------------------------------------------------------------------------------------------


def spellings(key):
    """Every way in which a server may say the key back."""
    yield from (
        key,
        key.swapcase(),
        key[:-1],
        f"{key}wrong",
        quote(key, safe=""),
        quote(key),
        json.dumps(key),
    )
    yield "".join(f"%{byte:02x}" for byte in key.encode())
    yield "".join(f"\\u{ord(sign):04x}" for sign in key)
    yield from (html.escape(key), "".join(f"&#{ord(sign)};" for sign in key))
    for before in ("", "u", "me", "me:"):
        yield base64.b64encode(f"{before}{key}".encode()).decode()
        yield base64.urlsafe_b64encode(f"{before}{key}!".encode()).decode()


def traces(key):
    """What must not be found: spellings, and of base64 the part that is the key's own."""
    for told in spellings(key):
        yield told[4:-4] if re.fullmatch(r"[\w+/=-]+", told) else told


def tells(told, key):
    """The spellings of the key that stand in a text, also once the text's own escapes are undone."""
    undone = {
        told,
        html.unescape(told),
        told.replace("\\\\", "\\").replace('\\"', '"'),
        " ".join(told.split()),
    }
    undone.add(re.sub(r"\s*\n\s*", "", told))
    return [
        trace for trace in traces(key) for form in undone if trace in form or trace.lower() in form.lower()
    ]


def echo(_, reply):
    """A server that says the key back wherever it can, in words and in headers."""
    body = {"error": list(spellings(KEY)), "usages": list(spellings(KEY)), KEY: KEY}
    headers = [("x-echo", quote(KEY)), ("location", f"/{quote(KEY)}")]
    return httpx2.Response(200 if reply.status != 200 else 500, json=body, headers=headers)


def whispering(request, reply):
    """A server that is right but for a row in which the key stands."""
    body = json.loads(reply.body)
    if isinstance(body.get("usages"), list):
        body["usages"] = [{"date": KEY, "voice_id": list(spellings(KEY)), "total_minutes_used": KEY}]
    return httpx2.Response(reply.status, json=body)


def parrot():
    """A report made by hand that echoes the key in every field that comes from outside."""
    told = " ".join(spellings(KEY))
    call = Call((("start_date", KEY), (KEY, told)))
    raw = Call(raw=quote(KEY))
    answers = (Answer(call, 200, {KEY: told}, told.encode()), Answer(raw, trouble=told))
    behaviours = list(load("supertone").behaviours.values())
    broken = [
        Verdict(one, outcome, 1, judge(one.id, False, answers, observed=told, allowed=told), told)
        for one, outcome in zip(behaviours, (Outcome.BROKEN, Outcome.DIFFERS, Outcome.ACCEPTED), strict=False)
    ]
    idle = [Verdict(one, Outcome.NOT_EXERCISED, reason=told) for one in behaviours[3:]]
    return Report(
        "supertone",
        f"http://{quote(KEY)}:80",
        1,
        (*broken, *idle),
        Exit.BROKEN,
        told,
        notes=(told,),
        calls=(call, raw),
    )


@pytest.fixture(scope="module")
def echoing():
    found = [parrot(), replace(parrot(), ended=Exit.UNREACHED)]
    return found + [run("supertone", spoil=spoil, key=KEY) for spoil in (echo, whispering)]


WRITERS = {**FORMATS, "step summary": github.summary, "summary": text.summary}


@pytest.mark.parametrize("name", WRITERS)
def test_no_writer_tells_the_key_in_any_encoding(name, echoing):
    assert any(tells(repr(report), KEY) for report in echoing)
    for report in echoing:
        assert tells(WRITERS[name]([report], mask=Mask(KEY)), KEY) == []


def test_a_narrow_page_does_not_break_the_key_past_its_mask(echoing):
    for colour in (False, True):
        told = text.write(echoing, mask=Mask(KEY), colour=colour, width=60)
        assert tells(re.sub(r"\x1b\[[0-9;]*m", "", told), KEY) == []


def test_the_command_to_repeat_tells_no_key(reports):
    command = f"usagekit check supertone --key {shlex.quote(KEY)}"
    assert tells(text.write(reports, mask=Mask(KEY), command=command), KEY) == []


def test_the_canary_sings_without_a_mask(echoing):
    for name, writer in WRITERS.items():
        assert tells(writer(echoing, mask=Mask()), KEY), name


# --- text ---------------------------------------------------------------------------------------------


def test_text_tells_the_broken_before_the_held(reports):
    told = text.write(reports[1:2], mask=MASK)
    verdicts = re.findall(r"^(broken|held) ", told, re.MULTILINE)
    assert verdicts == sorted(verdicts)
    assert verdicts[0] == "broken"
    assert verdicts.count("held") == len(reports[1].of(Outcome.HELD))


def test_text_gives_a_finding_whole(reports):
    told = " ".join(text.write(reports[:1], mask=MASK).split())
    finding = reports[0].of(Outcome.BROKEN)[0].finding
    assert "BROKEN supertone.schema (stated)" in told
    assert "“required: - date - voice_id - total_minutes_used” (supertone/source.md)" in told
    assert " ".join(finding.observed.split()) in told
    assert f"allowed {finding.allowed}" in told


def test_lines_to_paste_are_never_broken(reports):
    lines = [line for line in text.write(reports, mask=MASK, width=60).splitlines() if "curl -i" in line]
    assert lines
    for line in lines:
        assert shlex.split(line)[-1].startswith("http://127.0.0.1/")


def test_text_ends_with_status_effort_and_the_command(reports):
    told = text.write(reports[:1], mask=MASK).rstrip().splitlines()
    assert re.fullmatch(
        r"broken: 1 of \d+ behaviours does not hold \(exit status 1\); \d+ requests, .* s, seed 1", told[-2]
    )
    assert told[-1] == "again: usagekit check supertone --url http://127.0.0.1 --seed 1"
    assert text.write(reports[:1], mask=MASK, command="usagekit check supertone").endswith(
        "again: usagekit check supertone\n\n"
    )


def test_text_is_plain_unless_colour_is_asked_for(reports, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    plain = text.write(reports, mask=MASK)
    assert "\x1b" not in plain
    coloured = text.write(reports, mask=MASK, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("width", [1, 60, 80, 200])
def test_text_keeps_to_its_width(width, reports):
    told = text.write(reports, mask=MASK, width=width)
    long = [line for line in told.splitlines() if len(line) > max(width, text.LEAST)]
    assert not [line for line in long if not re.match(r"  curl|again:|\w+  http", line)]


def test_text_gives_a_reason_for_all_that_was_not_exercised(reports):
    told = " ".join(text.write(reports[3:4], mask=MASK).split())
    for verdict in reports[3].of(Outcome.NOT_EXERCISED):
        assert verdict.behaviour.id.partition(".")[2] in told
        assert verdict.reason in told


def test_markup_in_an_answer_is_words():
    behaviour = load("varg").behaviours["varg.schema"]
    finding = judge(behaviour.id, False, (), observed="[bold]x[/bold] :smile: [link=http://e.test]y[/link]")
    report = Report("varg", "http://a", 1, (Verdict(behaviour, Outcome.BROKEN, 1, finding),), Exit.BROKEN)
    assert "[bold]x[/bold] :smile: [link=http://e.test]y[/link]" in text.write(
        [report], mask=MASK, colour=True
    )


def test_the_summary_is_a_line_for_each_report_and_each_breach(reports):
    told = text.summary(reports, mask=MASK).splitlines()
    assert [line.split()[0] for line in told if not line.startswith(" ")] == [
        report.provider for report in reports
    ]
    assert sum(line.strip().startswith("varg.") for line in told) == len(reports[1].failing)


# --- json ---------------------------------------------------------------------------------------------

SCHEMA = json.loads((Path(package.__file__).parent / "report.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def valid():
    return jsonschema_rs.validator_for(SCHEMA)


def test_json_is_as_its_schema_says(valid, reports, differing):
    document = json.loads(written("json", [*reports, *differing, by_hand()]))
    assert [str(error) for error in valid.iter_errors(document)] == []
    assert document["version"] == 1
    assert document["exit_status"] == 1


def test_json_holds_every_verdict_and_call(reports):
    document = json.loads(written("json", reports))
    for told, report in zip(document["reports"], reports, strict=True):
        assert [one["behaviour"] for one in told["verdicts"]] == [v.behaviour.id for v in report.verdicts]
        assert sum(told["counts"].values()) == len(report.verdicts)
        assert [one["query"] for one in told["calls"]] == [call.query for call in report.calls]
        assert (told["ended"], told["exit_status"]) == (report.ended.value, report.exit_status)


def drop(name):
    return lambda document: document["reports"][0].pop(name)


def spoil(path, value):
    def change(document):
        *way, last = path
        for step in way:
            document = document[step]
        document[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        drop("verdicts"),
        drop("notes"),
        spoil(["version"], 2),
        spoil(["exit_status"], 2),
        spoil(["reports", 0, "ended"], "fine"),
        spoil(["reports", 0, "seed"], "1"),
        spoil(["reports", 0, "counts", "extra"], 1),
        spoil(["reports", 0, "verdicts", 0, "evidence"], "guessed"),
        spoil(["reports", 0, "verdicts", 0, "finding"], None),
        spoil(["reports", 0, "verdicts", 1, "finding"], {"observed": "", "allowed": "", "answers": []}),
        spoil(["reports", 0, "calls", 0, "key"], "sk_secret"),
    ],
)
def test_the_schema_refuses_other_documents(valid, change, reports):
    document = json.loads(written("json", reports))
    assert valid.is_valid(document)
    change(document)
    assert not valid.is_valid(document)


# --- junit --------------------------------------------------------------------------------------------


def suites(reports):
    told = FORMATS["junit"](reports, mask=MASK, now=NOW)
    return ET.fromstring(told.encode()).findall("testsuite")


def test_junit_keeps_the_published_schema(reports, differing):
    etree = pytest.importorskip("lxml.etree", reason="lxml is a development package")
    schema = etree.XMLSchema(etree.parse(Path(__file__).parent / "junit.xsd"))
    for told in ([*reports, *differing], [by_hand()], []):
        schema.assertValid(etree.fromstring(written("junit", told).encode()))
    spoiled = written("junit", reports).replace(' time="', ' tme="', 1)
    assert not schema.validate(etree.fromstring(spoiled.encode()))


def test_junit_has_a_case_for_each_behaviour_and_counts_them(reports):
    for suite, report in zip(suites(reports), reports, strict=True):
        cases = suite.findall("testcase")
        names = [verdict.behaviour.id.partition(".")[2] for verdict in report.verdicts]
        assert [case.get("name") for case in cases] == [*names, "run"]
        assert int(suite.get("tests")) == len(cases)
        assert (
            int(suite.get("failures"))
            == len(report.of(Outcome.BROKEN))
            == len(suite.findall("testcase/failure"))
        )
        assert int(suite.get("skipped")) == len(report.of(Outcome.NOT_EXERCISED))
        assert int(suite.get("errors")) == (report.exit_status in {3, 4})


def test_junit_tells_a_breach_with_quote_and_line_and_a_skip_with_its_reason(reports):
    suite = suites(reports)[0]
    failure = suite.find("testcase[@name='schema']/failure")
    assert "“required: - date - voice_id - total_minutes_used”" in failure.text
    assert 'curl -i -H "x-sup-api-key: $SUPERTONE_API_KEY"' in failure.text
    skipped = suite.find("testcase[@name='cloned-voices']/skipped")
    assert (
        skipped.get("message")
        == "not exercised: an answer does not tell which voices the account cloned and used"
    )


def test_junit_is_xml_whatever_a_server_says():
    (suite,) = suites([by_hand()])
    assert "]]><script>" in suite.find("testcase/failure").text


def test_junit_dates_a_run_by_its_beginning():
    assert suites([by_hand(seconds=60.0)])[0].get("timestamp") == "2026-11-20T11:59:00"


def test_junit_fails_where_a_strict_run_fails(differing):
    lenient, strict = suites(differing)
    assert lenient.find("testcase[@name='job-id-unique']/skipped").get("message") == "differs"
    assert strict.find("testcase[@name='job-id-unique']/failure") is not None


# --- html ---------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags, links and ids of a page, and whether its tags are balanced."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, source):
        super().__init__()
        self.tags, self.links, self.ids, self.open, self.attributes = [], [], [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        for name, value in attrs:
            if name in {"href", "src", "data", "action", "srcset"}:
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_loads_nothing_and_runs_nothing(reports):
    told = written("html", [*reports, by_hand()])
    page = Page(told)
    assert page.open == []
    assert not set(page.tags) & {"script", "img", "link", "iframe", "object", "form", "base"}
    assert all(link.startswith("#") for link in page.links)
    assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")]
    style = told.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_lets_a_browser_take_its_own_style_only(reports):
    told = written("html", reports)
    style = told.partition("<style>")[2].partition("</style>")[0]
    allowed = base64.b64encode(sha256(style.encode()).digest()).decode()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', told)[1])
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{allowed}';")


def test_every_link_of_the_page_leads_somewhere_and_names_are_unique(reports):
    page = Page(written("html", [*reports, reports[0]]))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_the_page_has_every_behaviour_with_its_quote(reports):
    told = html.unescape(re.sub(r"</?code>", "`", written("html", reports)))
    for report in reports:
        for verdict in report.verdicts:
            assert verdict.behaviour.claim in told
            assert " ".join(verdict.behaviour.quote.split()) in " ".join(told.split())


def test_the_page_escapes_what_a_server_says():
    told = written("html", [by_hand()])
    assert "<script>" not in told
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in told
    assert "{{7*7}}" in told


def test_the_register_may_hold_code_and_no_markup():
    assert (
        page_writer._coded("a <b> `<i>` & `c`") == "a &lt;b&gt; <code>&lt;i&gt;</code> &amp; <code>c</code>"
    )


@pytest.mark.parametrize(
    ("picked", "headline"),
    [
        ([2], "All {held} exercised behaviours held"),
        ([0], "1 behaviour broken"),
        ([0, 1], "{broken} behaviours broken"),
        ([2, 3, 4], "2 of 3 runs could not be judged"),
    ],
)
def test_the_headline_says_what_matters_most(picked, headline, reports):
    chosen = [reports[n] for n in picked]
    held = sum(len(report.of(Outcome.HELD)) for report in chosen)
    broken = sum(len(report.failing) for report in chosen)
    assert f"<h1>{headline.format(held=held, broken=broken)}</h1>" in written("html", chosen)


# --- the chart ----------------------------------------------------------------------------------------


def asked(first=None, last=None, **more):
    params = [("from", first), ("to", last)]
    return Call(tuple((name, value) for name, value in params if value is not None), **more)


def test_the_chart_places_windows_in_time():
    found = chart(
        [
            asked("2026-01-01", "2026-01-31"),
            asked("2026-01-31", "2026-01-31"),
            asked("2016-01-01", "2016-01-02"),
        ]
    )
    wide, day, old = found.bars
    assert old.left < wide.left < day.left
    assert wide.left + wide.width == pytest.approx(day.left, abs=0.6)
    assert [bar.top for bar in found.bars] == sorted(bar.top for bar in found.bars)
    assert "2026-01-31" in [tick.label for tick in found.ticks]
    assert all(bar.left >= 0 and bar.left + bar.width <= 100.01 for bar in found.bars)


def test_the_chart_tells_windows_apart():
    calls = [
        asked("2026-01-01", "2026-01-31"),
        asked("2026-01-01"),
        asked("2026-01-31", "2026-01-01"),
        asked("2026-01-01", "2026-01-31", key="wrong"),
        asked("2026-01-02", "2026-01-31"),
        asked("2026-01-01", "yesterday"),
        asked("2026-01-01", "2026-01-01"),
    ]
    found = chart(calls, shown=[calls[4]])
    assert [bar.kind for bar in found.bars] == ["plain", "open", "reversed", "key", "broken", "open", "plain"]


@pytest.mark.parametrize("calls", [[], [Call()], [asked("x", "y")], [asked("2026-01-01")] * 3])
def test_no_chart_without_two_windows(calls):
    assert chart(calls) is None


@pytest.mark.parametrize(
    "pair", [("0001-01-01", "9999-12-31"), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")]
)
def test_the_chart_survives_the_ends_of_time(pair):
    found = chart([asked(*pair), asked(pair[0])])
    assert all(0 <= bar.left <= 100 and 0 < bar.width <= 100 for bar in found.bars)


def test_every_run_that_asks_for_dates_has_its_chart(reports):
    assert written("html", reports).count('<svg class="windows"') >= 3


# --- github -------------------------------------------------------------------------------------------


def test_github_says_each_finding_in_one_command(reports, differing):
    reports = [*reports, *differing]
    lines = written("github", reports).splitlines()
    assert all(re.match(r"::(error|notice) title=[^:,]*::", line) for line in lines)
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == sum(len(report.failing) + (report.exit_status in {3, 4}) for report in reports)


def test_github_escapes_what_would_end_a_command():
    for line in written("github", [by_hand()]).splitlines():
        assert re.match(r"::(error|notice) title=", line)
    assert "100%25" in github._data("100%")
    assert github._command("error", "a:b,c", "x\r\ny") == "::error title=a%3Ab%2Cc::x%0D%0Ay"


def test_the_step_summary_has_a_row_for_each_run(reports):
    told = github.summary(reports, mask=MASK)
    rows = [line for line in told.splitlines() if line.startswith("| ") and "---" not in line]
    assert len({row.count("|") for row in rows}) == 1
    assert len(rows) == len(reports) + 1
    assert "### ❌ varg.key-required (stated)" in told


def test_the_step_summary_shows_an_answer_as_words():
    told = github.summary([by_hand()], mask=MASK)
    outside = re.sub(r"(?ms)^```+sh$.*?^```+$", "", told)
    assert "<script" not in outside
    assert "@all" not in outside
    assert "](http" not in outside
    assert "`````sh\ncurl" in told


# --- sarif --------------------------------------------------------------------------------------------


def test_sarif_has_the_members_that_the_standard_requires(reports, differing):
    log = json.loads(written("sarif", [*reports, *differing, by_hand()]))
    assert log["version"] == "2.1.0"
    assert set(log) == {"$schema", "version", "runs"}
    for told in log["runs"]:
        rules = told["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
        assert isinstance(told["invocations"][0]["executionSuccessful"], bool)
        for result in told["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in {"none", "note", "warning", "error"}
            assert result["message"]["text"]
            assert "](" not in result["message"]["text"]
            place = result["locations"][0]["physicalLocation"]
            assert place["region"]["startLine"] >= 1
            assert place["artifactLocation"]["uriBaseId"] in told["originalUriBaseIds"]
            assert all(
                re.fullmatch("[0-9a-f]{32}", value) for value in result["partialFingerprints"].values()
            )


def test_sarif_results_are_what_was_found(reports, differing):
    log = json.loads(written("sarif", [*reports, *differing, by_hand()]))
    for told, report in zip(log["runs"], [*reports, *differing, by_hand()], strict=True):
        found = [verdict for verdict in report.verdicts if verdict.finding]
        assert sorted(one["ruleId"] for one in told["results"]) == sorted(v.behaviour.id for v in found)
        errors = [one for one in told["results"] if one["level"] == "error" and "suppressions" not in one]
        assert len(errors) == len(report.failing) or report.seed == 7
        suppressed = [one["ruleId"] for one in told["results"] if "suppressions" in one]
        assert suppressed == [verdict.behaviour.id for verdict in report.of(Outcome.ACCEPTED)]


def test_a_fingerprint_stays_from_run_to_run(reports):
    once, again = (
        json.loads(written("sarif", [report]))
        for report in (reports[1], replace(reports[1], seed=2, origin="http://b"))
    )
    marks = [[one["partialFingerprints"] for one in log["runs"][0]["results"]] for log in (once, again)]
    assert marks[0] == marks[1]


def test_a_result_points_at_its_sentence(reports):
    log = json.loads(written("sarif", reports))
    result = log["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "supertone/source.md"
    lines = load("supertone").source.splitlines()
    assert "required:" in lines[place["region"]["startLine"] - 1]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_vendored_sentence_has_its_line(provider):
    spec = load(provider)
    vendored = [one for one in spec.behaviours.values() if one.where == words.SOURCE]
    assert vendored
    assert all(words.line(spec, one) for one in vendored)


# --- words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        ([], 0),
        ([Exit.CLEAN], 0),
        ([Exit.CLEAN, Exit.UNTESTED], 4),
        ([Exit.UNTESTED, Exit.UNREACHED], 3),
        ([Exit.UNTESTED, Exit.UNREACHED, Exit.BROKEN], 1),
    ],
)
def test_the_worst_of_several_runs_is_the_status_of_all(ended, status):
    assert words.worst([by_hand(ended=one) for one in ended]) == status


def test_only_vendored_words_stand_in_quotation_marks():
    known = load("varg").behaviours
    assert words.quoted(known["varg.bounds-intersect"]).startswith("our choice: ")
    assert words.quoted(known["varg.wrong-key-refused"]).startswith("“")
    assert words.quoted(known["varg.not-found-body"]) == "the error table of v1 (vargHQ/docs)"
