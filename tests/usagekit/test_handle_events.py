"""The handle of an account: what a test puts into it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from usage_mockserver.providers.varg import Job

pytestmark = pytest.mark.usage(now="2026-03-15T12:00:00Z", scenario="empty")

MARCH = {"from": "2026-03-01", "to": "2026-03-15"}
SPOKEN = {"start_date": "2026-03-01", "end_date": "2026-03-15"}


def cents(varg):
    return varg.client.get("/v1/usage", params=MARCH).json()["total_cents"]


def minutes(supertone):
    rows = supertone.client.get("/v1/voice-usage", params=SPOKEN).json()["usages"]
    return sum(row["total_minutes_used"] for row in rows)


def test_one_event_by_keywords_is_now_unless_said_otherwise(supertone):
    (event,) = supertone.add(minutes=3)
    assert event.at == supertone.clock.now()
    supertone.add(at="2026-03-01T12:00:00Z", minutes=4, language="ko")
    rows = supertone.client.get("/v1/voice-usage", params=SPOKEN).json()["usages"]
    assert [(row["date"], row["language"], row["total_minutes_used"]) for row in rows] == [
        ("2026-03-01", "ko", 4),
        ("2026-03-15", "en", 3),
    ]


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-02",
        "2026-03-02T00:00:00Z",
        "2026-03-02T01:00:00+01:00",
        dt.date(2026, 3, 2),
        dt.datetime(2026, 3, 2),
        dt.datetime(2026, 3, 2, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ],
)
def test_an_instant_may_be_written_in_many_ways(varg, at):
    (event,) = varg.add(at=at)
    assert event.at == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def test_copies_are_events_of_their_own(varg):
    assert len(varg.add(cost_cents=7, copies=3)) == 3
    assert len(varg.add(copies=2)) == 2
    assert varg.add(cost_cents=1, copies=0) == []
    assert cents(varg) == 3 * 7 + 2 * 25


def test_events_come_as_objects_mappings_and_iterables_of_them(varg):
    job = Job(at=dt.datetime(2026, 3, 3, tzinfo=dt.UTC), cost_cents=1)
    given = varg.add(
        job, {"cost_cents": 2}, [{"kind": "varg.job", "cost_cents": 4}, job], (one for one in [job])
    )
    assert [event.cost_cents for event in given] == [1, 2, 4, 1, 1]
    assert varg.add([]) == []
    assert cents(varg) == 9


def test_the_kind_is_the_first_that_has_the_fields(somya, lyrcs, surnex):
    def names(events):
        return [type(event).__name__ for event in events]

    assert names([*somya.add(characters=5), *somya.add(seconds=5), *somya.add(copies=1)]) == [
        "Tts",
        "Asr",
        "Tts",
    ]
    assert names([*somya.add(kind="asr"), *somya.add(kind="somya.asr")]) == ["Asr", "Asr"]
    assert names([*lyrcs.add(language="Tamil"), *lyrcs.add(count=5)]) == ["Job", "Call"]
    assert names([*surnex.add(provider="x"), *surnex.add(kind="snapshot", status="complete")]) == [
        "Call",
        "Snapshot",
    ]


@pytest.mark.parametrize(
    ("fields", "kind", "sentence"),
    [
        (
            {"minute": 3},
            TypeError,
            "supertone.speech has no field 'minute'; did you mean 'minutes'? It has at, ",
        ),
        ({"zzz": 3}, TypeError, "supertone.speech has no field 'zzz'; it has at, voice_id, minutes"),
        ({"url": 3}, TypeError, "no field 'url'; did you mean 'thumbnail_url'? It has at, "),
        ({"minutes": "x"}, ValueError, "supertone.speech: minutes is 'x'; it must be a number"),
        ({"minutes": -1}, ValueError, "minutes is -1; it must be from 0"),
        ({"at": "noon"}, ValueError, "supertone.speech: at: 'noon' is not an instant; write 2026-03-01"),
        ({"at": 7}, TypeError, "at is a datetime, a date or a text such as 2026-03-01, not 7"),
        ({"kind": "speach"}, ValueError, "has no kind of event 'speach'; did you mean 'speech'?"),
        ({"copies": -1}, ValueError, "copies is -1; it must be a whole number from 0"),
        ({"copies": True}, ValueError, "copies is True"),
        ({}, TypeError, "add() was given no event; supertone.add(copies=1) adds one with all defaults"),
    ],
)
def test_a_wrong_field_or_value_is_named_and_nothing_is_added(supertone, fields, kind, sentence):
    with pytest.raises(kind) as caught:
        supertone.add(**fields)
    assert sentence in str(caught.value)
    with pytest.raises((TypeError, ValueError)):
        supertone.add([{"minutes": 1}, fields or {"no": 1}])
    assert minutes(supertone) == 0


@pytest.mark.parametrize("given", [7, "text", b"bytes", None, [[7]]])
def test_what_is_no_event_is_refused(varg, given):
    with pytest.raises(
        TypeError, match=r"varg takes events \(usage_mockserver\.providers\.varg\.Job\), mappings"
    ):
        varg.add({"cost_cents": 1}, given)
    assert cents(varg) == 0


def test_of_several_events_the_wrong_one_is_told(varg):
    rows = [{"cost_cents": 1}, {"cost_cents": 2}]
    with pytest.raises(ValueError, match=r"^event 4: varg\.job: cost_cents is 'x'; it must be a number$"):
        varg.add({"cost_cents": 3}, [rows, {"cost_cents": "x"}])
    with pytest.raises(
        TypeError, match=r"^event 3: varg\.job has no field 'cost'; did you mean 'cost_cents'\?"
    ):
        varg.add([*rows, {"cost": 5}])
    with pytest.raises(ValueError, match=r"^varg\.job: cost_cents is 'x'"):
        varg.add({"cost_cents": "x"})
    assert cents(varg) == 0


def test_a_mistake_of_the_iterable_itself_is_shown_as_it_is(varg):
    with pytest.raises(ValueError, match=r"^invalid literal") as caught:
        varg.add({"cost_cents": int(text)} for text in ("1", "x"))
    assert not caught.value.__suppress_context__
    assert cents(varg) == 0


@pytest.mark.parametrize("number", [Decimal(40), Fraction(40), 40.0])
def test_a_number_of_another_type_is_that_number(varg, supertone, number):
    assert varg.add(cost_cents=number)[0].cost_cents == cents(varg) == 40
    supertone.add(minutes=Decimal("2.5"))
    assert minutes(supertone) == 2.5
    with pytest.raises(ValueError, match="cost_cents is nan"):
        varg.add(cost_cents=Decimal("NaN"))


def test_a_name_of_a_file_is_sent_to_where_files_are_read(varg):
    with pytest.raises(TypeError, match=r"not 'events\.csv'; for a file there is add_from\(\)$"):
        varg.add("events.csv")


def test_events_and_fields_are_not_mixed(varg):
    with pytest.raises(TypeError, match="not both"):
        varg.add({"cost_cents": 1}, cost_cents=2)
    with pytest.raises(TypeError, match="not both"):
        varg.add({"cost_cents": 1}, copies=2)


def test_an_event_of_another_provider_is_refused(varg, supertone):
    with pytest.raises(TypeError, match="varg takes events"):
        varg.add(supertone.add(minutes=1))


def test_the_other_kind_is_mentioned_where_a_value_does_not_fit(surnex):
    with pytest.raises(
        ValueError, match=r"surnex\.call: status is .*kind='snapshot' has such fields as well"
    ):
        surnex.add(status="complete")


def test_an_event_ahead_of_the_clock_waits_for_it(varg):
    varg.add(at="2026-03-15T18:00:00Z", cost_cents=5)
    assert cents(varg) == 0
    varg.clock.advance(hours=6)
    assert cents(varg) == 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("jobs.jsonl", '{"at": "2026-03-02T00:00:00Z", "cost_cents": 4}\n{"at": "2026-03-03T00:00:00Z"}\n'),
        ("jobs.csv", "at,cost_cents\n2026-03-02T00:00:00Z,4\n2026-03-03T00:00:00Z,\n"),
    ],
)
def test_a_file_is_added_whole_or_not_at_all(varg, tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text + text.splitlines()[-1].replace("2026-03-03T00:00:00Z", "soon"))
    with pytest.raises(ValueError, match=rf"{name}, line \d: field 'at': at is 'soon'"):
        varg.add_from(file)
    assert cents(varg) == 0
    file.write_text(text)
    assert [event.cost_cents for event in varg.add_from(str(file))] == [4, 25]
    assert cents(varg) == 29


@pytest.mark.usage(scenario="busy")
def test_clear_leaves_no_usage_at_all_and_what_is_added_then_is_all_there_is(usage):
    usage.varg.add(cost_cents=10**6)
    assert cents(usage.varg) > 10**6
    usage.varg.clear()
    assert cents(usage.varg) == 0
    usage.varg.add(cost_cents=3)
    assert cents(usage.varg) == 3
    assert minutes(usage.supertone) > 0
    usage.varg.reset()
    assert 0 < cents(usage.varg) != 3
