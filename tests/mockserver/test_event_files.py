"""Files of events: what is written is read back the same, and one bad line refuses everything."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usage_mockserver.checked import MOST
from usage_mockserver.event_files import FORMATS, EventFileError, columns, read_files, written
from usage_mockserver.event_plain import event_id, kinds, plain_event
from usage_mockserver.http import Request
from usage_mockserver.providers import NAMES, load
from usage_mockserver.providers.lyrcs import Call as LyrcsCall
from usage_mockserver.providers.lyrcs import Job as LyrcsJob
from usage_mockserver.providers.somya_events import KEY_IDS, Asr, Tts
from usage_mockserver.providers.supertone import Speech
from usage_mockserver.providers.surnex_events import CALLS_PER_DAY, PROJECTS, STATES, Call, Snapshot
from usage_mockserver.providers.varg import CAPABILITIES, Job
from usage_mockserver.scenarios import seeded_days
from usage_mockserver.world import World

AT = "2026-03-02T12:00:00Z"


def saved(path: Path, provider: str, events, form: str) -> Path:
    file = path / f"{provider}.{form}"
    with file.open("w", encoding="utf-8", newline="") as opened:
        opened.writelines(written(provider, events, form))
    return file


def a_week(provider: str) -> list:
    days = seeded_days(provider, 1, "busy")
    found = [event for back in range(7) for event in days(date(2026, 3, 2) + timedelta(days=back))]
    assert len(found) > (CALLS_PER_DAY if provider == "surnex" else 5)
    return [*found, *load(provider).DOCS]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("provider", NAMES)
def test_the_seeded_ledger_goes_round_exactly(tmp_path, provider, form):
    events = a_week(provider)
    file = saved(tmp_path, provider, events, form)
    found = read_files([(None, file)])
    assert found == {provider: events}
    assert [repr(event) for event in found[provider]] == [repr(event) for event in events]


def test_a_file_gives_the_same_answers_as_the_account_it_came_from(tmp_path):
    events = [
        event
        for back in range(7)
        for event in seeded_days("varg", 1, "busy")(date(2026, 3, 2) + timedelta(back))
    ]
    world, copy = World(["varg"]), World(["varg"])
    copy.change("varg", scenario="empty")
    copy.add("varg", read_files([(None, saved(tmp_path, "varg", events, "csv"))])["varg"])
    asked = Request(
        "GET", "/v1/usage", "from=2026-03-02&to=2026-03-08", {"authorization": "Bearer varg_usagekit_demo"}
    )
    assert copy.answer("varg", asked) == world.answer("varg", asked)


ATS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda at: at.replace(tzinfo=UTC, fold=0))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
AMOUNTS = st.integers(0, MOST) | st.floats(0, MOST, allow_nan=False)
WHOLES = st.integers(0, MOST)
EVENTS = {
    "somya": st.builds(Tts, ATS, WHOLES, st.none() | st.sampled_from(KEY_IDS))
    | st.builds(Asr, ATS, AMOUNTS, st.none() | st.sampled_from(KEY_IDS)),
    "supertone": st.builds(
        Speech, ATS, TEXTS, AMOUNTS, *[st.none() | TEXTS] * 5
    ),
    "varg": st.builds(Job, ATS, TEXTS, st.sampled_from(CAPABILITIES), AMOUNTS, st.booleans(), TEXTS | st.just("")),
    "surnex": st.builds(
        Call, ATS, TEXTS, TEXTS, st.integers(200, 299) | st.integers(400, 599), WHOLES, AMOUNTS,
        st.none() | st.sampled_from(PROJECTS),
    )
    | st.builds(Snapshot, ATS, st.sampled_from(STATES), st.none() | st.sampled_from(PROJECTS)),
    "lyrcs": st.builds(
        LyrcsJob, ATS, TEXTS, AMOUNTS, st.sampled_from(["completed", "processing", "failed"]), st.booleans(), WHOLES
    )
    | st.builds(LyrcsCall, ATS, WHOLES),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("provider", NAMES)
def test_any_event_goes_round_exactly(tmp_path_factory, provider, form):
    folder = tmp_path_factory.mktemp("events")

    @settings(deadline=None)
    @given(st.lists(EVENTS[provider], max_size=5))
    def check(events):
        found = read_files([(None, saved(folder, provider, events, form))]).get(provider, [])
        assert [repr(event) for event in found] == [repr(event) for event in events]
        assert [event_id(provider, event) for event in found] == [
            event_id(provider, event) for event in events
        ]

    check()


@pytest.mark.parametrize("provider", NAMES)
def test_every_field_of_every_kind_has_a_column(provider):
    names = {name for kind in kinds(provider).values() for name in kind.types}
    assert set(columns(provider)) == {"kind", *names}
    assert columns(provider)[:2] == ["kind", "at"]


def test_plain_events_name_their_kind_and_instant():
    event = Call(datetime(2026, 3, 2, 12, 0, 0, 250000, tzinfo=UTC))
    plain = plain_event("surnex", event)
    assert (plain["kind"], plain["at"], plain["provider"]) == (
        "surnex.call", "2026-03-02T12:00:00.250000Z", "dataforseo"
    )  # fmt: skip


def test_files_of_several_providers_may_be_one(tmp_path):
    file = tmp_path / "all.jsonl"
    file.write_text(
        "".join("".join(written(name, a_week(name), "jsonl")) for name in NAMES), encoding="utf-8"
    )
    assert read_files([(None, file)]) == {name: a_week(name) for name in NAMES}


def test_a_hand_written_file_may_leave_out_what_has_a_default(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(
        "at,cost_cents\n2026-03-02T12:00:00Z,30\n2026-03-02T14:00:00+02:00,\n", encoding="utf-8-sig"
    )
    found = read_files([("varg", file)])["varg"]
    assert all(event.at.tzinfo is UTC for event in found)
    assert found == [
        Job(datetime(2026, 3, 2, 12, tzinfo=UTC), cost_cents=30),
        Job(datetime(2026, 3, 2, 12, tzinfo=UTC)),
    ]


def test_an_empty_cell_is_unknown_where_a_field_may_be(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(f"provider,at,style,language\nsupertone,{AT},,ko\n", encoding="utf-8")
    [found] = read_files([(None, file)])["supertone"]
    assert (found.style, found.language, found.model) == (None, "ko", "sona_speech_1")


def test_blank_lines_and_a_missing_last_end_are_nothing(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text(f'\n{{"at":"{AT}"}}\r\n   \n{{"at":"{AT}"}}', encoding="utf-8-sig")
    assert len(read_files([("varg", file)])["varg"]) == 2


@pytest.mark.parametrize("name", ["none.jsonl", "none.csv"])
def test_an_empty_file_holds_no_events(tmp_path, name):
    (tmp_path / name).touch()
    assert read_files([("varg", tmp_path / name)]) == {}


GOOD = f'{{"at":"{AT}"}}\n'
WRONG = [
    ("x.jsonl", GOOD + f'{{"at":"{AT}","cost_cent":1}}', 2, "cost_cent", "did you mean 'cost_cents'?"),
    ("x.jsonl", GOOD + '{"at":"yesterday"}', 2, "at", "2026-03-01T12:30:00Z"),
    ("x.jsonl", GOOD + f'{{"at":"{AT}"', 2, "", "is not JSON"),
    ("x.jsonl", GOOD + '{"at":\n', 2, "", "the line is not JSON: Expecting value at column 7"),
    ("x.jsonl", GOOD + "NaN", 2, "", "not JSON"),
    ("x.jsonl", GOOD + '"text"', 2, "", "an event is an object"),
    ("x.jsonl", GOOD + " " * 70_000, 2, "", "longer than 65536 bytes"),
    ("x.jsonl", b"\xff\n", 1, "", "not UTF-8"),
    ("x.jsonl", f'{{"at":"{AT}","kind":"lyrcs.job"}}', 1, "kind", "these are events of varg"),
    ("x.csv", "at,cost_cent\n", 1, "cost_cent", "did you mean 'cost_cents'?"),
    ("x.csv", "at,at\n", 1, "at", "there twice"),
    ("x.csv", f"at,cost_cents\n{AT},1\n{AT}\n", 3, "", "1 cells, the header 2"),
    ("x.csv", f"at,cost_cents\n{AT},1\n{AT},ten\n", 3, "cost_cents", "must be a number"),
    ("x.csv", f"at,cost_cents\n{AT},0x10\n", 2, "cost_cents", "must be a number"),
    ("x.csv", f"at,cost_cents\n{AT},nan\n", 2, "cost_cents", "must be a number"),
    ("x.csv", f"at,cost_cents\n{AT},٣\n", 2, "cost_cents", "must be a number"),
    ("x.csv", f"at,cache_hit\n{AT},yes\n", 2, "cache_hit", "true or false"),
    ("x.csv", f"at,count\n{AT},5\n", 2, "count", "varg.job has no field 'count'"),
    ("x.csv", f'at,model\n{AT},"open\n', 2, "", "not CSV"),
    ("x.csv", b"at,model\n2026-03-02T12:00:00Z,\xff\n", 2, "", "not UTF-8"),
    ("x.csv", b"at,model\n" + b"2026-03-02T12:00:00Z,m\n" * 5000 + b"\xff", 5002, "", "not UTF-8"),
    ("x.csv", "at;model\n", 1, "", "the header is 'at;model'; its names are separated by commas"),
    ("x.csv", "at\tmodel\n", 1, "", "separated by commas"),
    # Another provider's `count` would be nearer.
    ("x.csv", "at,cout\n", 1, "cout", "known: kind, provider, at, model, capability, cost_cents"),
    ("x.csv", "cost_cents\n1\n", 2, "at", "at is missing; it must be an instant"),
]


@pytest.mark.parametrize(("name", "content", "line", "field", "says"), WRONG)
def test_a_wrong_line_is_named_with_file_line_and_field(tmp_path, name, content, line, field, says):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EventFileError) as caught:
        read_files([("varg", file)])
    error = caught.value
    assert (error.where, error.line, error.field) == (str(file), line, field)
    assert str(error).startswith(f"{file}, line {line}: ")
    assert says in str(error)


def test_a_wrong_second_file_leaves_the_first_unread_too(tmp_path):
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_text(GOOD)
    bad.write_text("{}")
    with pytest.raises(EventFileError, match=r"bad.jsonl, line 1: field 'at'"):
        read_files([("varg", good), ("varg", bad)])


def test_a_line_that_says_nothing_of_its_provider_lists_the_ways(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_text(GOOD)
    with pytest.raises(EventFileError, match=r"one of somya.tts, somya.asr, supertone.speech, varg.job"):
        read_files([(None, file)])


def test_csv_is_what_the_standard_library_reads(tmp_path):
    file = saved(tmp_path, "supertone", [Speech(datetime(2026, 3, 2, tzinfo=UTC), 'a"b,c\nd')], "csv")
    with file.open(newline="", encoding="utf-8") as opened:
        [row] = csv.DictReader(opened)
    assert (row["voice_id"], row["name"]) == ('a"b,c\nd', "")


def test_json_lines_are_one_object_each(tmp_path):
    file = saved(tmp_path, "supertone", [Speech(datetime(2026, 3, 2, tzinfo=UTC), "a\nb\u2028")], "jsonl")
    [line] = file.read_bytes().splitlines()
    assert json.loads(line)["voice_id"] == "a\nb\u2028"
