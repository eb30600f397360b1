"""Events read from lines that say much the same: as quickly as may be, and never less checked."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_mockserver.event_files import read_json_line
from usage_mockserver.event_plain import kinds, plain_event
from usage_mockserver.event_reader import EventReader
from usage_mockserver.invalid import InvalidError
from usage_mockserver.scenarios import seeded_ledger
from usage_specs import PROVIDERS

KINDS = [(provider, kind) for provider in PROVIDERS for kind in kinds(provider).values()]
RIGHT = {
    "somya.tts": {"characters": 12, "api_key_id": "0A0A0A0A-0000-4000-8000-000000000001"},
    "somya.asr": {"seconds": 1.5, "api_key_id": None},
    "supertone.speech": {"minutes": 0.25, "voice_id": "v", "name": "Ada", "style": None},
    "varg.job": {"cost_cents": 3, "model": "m", "capability": "image", "cache_hit": True, "job_id": "j"},
    "surnex.call": {"provider": "p", "status": 200, "latency_ms": 5, "cost_usd": 0.5, "project_id": None},
    "surnex.snapshot": {"status": "failed"},
    "lyrcs.job": {"language": "Tamil", "seconds": 7, "status": "failed", "align": False, "calls": 1},
    "lyrcs.call": {"count": 2},
}
# Values that equal right ones, that come near them, or that belong nowhere.
STRANGE = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    0.0,
    200.0,
    -1,
    2.5,
    1e308,
    10**13,
    10**400,
    float("nan"),
    "",
    "1",
    "Tamil",
    "image",
]
STRANGE += [" ", "\ud800", "failed", "0a0a0a0a-0000-4000-8000-000000000001", [], {}, [1], {"a": 1}]


def outcome(reader, record):
    try:
        provider, event = reader.read(record)
    except InvalidError as error:
        return error.message, error.field
    plain = plain_event(provider, event)
    return provider, type(event), plain, [type(value) for value in plain.values()]


@pytest.mark.parametrize(("provider", "kind"), KINDS, ids=lambda one: getattr(one, "name", one))
def test_what_a_line_says_is_the_same_after_others_like_it(provider, kind):
    title = f"{provider}.{kind.name}"
    right = {"kind": title, "at": "2026-03-01T12:30:00Z", **RIGHT[title]}
    reader = EventReader()
    reader.read(right)
    for name in [*right, "none"]:
        for value in STRANGE:
            record = {**right, name: value}
            assert outcome(reader, record) == outcome(EventReader(), record), (name, value)
            # Also the second time, and when the right one came in between.
            assert outcome(reader, record) == outcome(EventReader(), record), (name, value)
            assert outcome(reader, right) == outcome(EventReader(), right)
    for name in right:
        short = {key: value for key, value in right.items() if key != name}
        for _ in range(3):
            assert outcome(reader, short) == outcome(EventReader(), short), name


def test_a_provider_beside_the_kind_must_go_with_it_every_time():
    reader = EventReader()
    right = {"kind": "varg.job", "provider": "varg", "at": "2026-03-01T00:00:00Z"}
    for _ in range(3):
        assert reader.read(right)[0] == "varg"
        with pytest.raises(InvalidError, match="provider does not go with an event of varg"):
            reader.read({**right, "provider": "somya"})


def test_a_job_id_is_a_text():
    with pytest.raises(InvalidError, match="job_id is 5; it must be a text"):
        EventReader().read({"kind": "varg.job", "at": "2026-03-01T00:00:00Z", "job_id": 5})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_seeded_events_are_read_as_they_were(provider):
    ledger = seeded_ledger(provider, 1, "busy")
    day = datetime(2026, 3, 5, tzinfo=UTC).toordinal()
    events = [event for ordinal in range(day, day + 20) for event in ledger.day(ordinal)]
    reader = EventReader()
    assert [reader.read(plain_event(provider, event))[1] for event in events] == events


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_a_line_is_what_the_standard_library_reads(value):
    line = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(line.decode(), parse_constant=pytest.fail)
    except (UnicodeDecodeError, pytest.fail.Exception):
        with pytest.raises(InvalidError):
            read_json_line(line)
        return
    found = read_json_line(line)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    "number", ["1e999", "-0", "-0.0", "1E5", "0.1e-400", "5e-324", "123456789.123456789123456789"]
)
def test_numbers_are_those_of_the_standard_library(number):
    assert repr(read_json_line(number.encode())) == repr(json.loads(number))


@pytest.mark.parametrize(
    "line", [b"NaN", b"[01]", b"[1.]", b"[+1]", b"['a']", b"{} {}", b'"\xff"', b"[" * 9999]
)
def test_what_is_no_json_is_refused_with_a_reason(line):
    with pytest.raises(InvalidError, match=r"the line is not|nested too deeply"):
        read_json_line(line)
