"""The journal: bounded, cheap, and no credential in it in any spelling."""

from __future__ import annotations

import threading
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from usage_mockserver.journal import MASK, Journal, Record, make_record

KEY = "sk_live/4711+canary=="


def record(
    path: str = "/v1/usage", query: list[tuple[str, str]] | None = None, key: str = KEY, **more: str
) -> Record:
    headers = {"x-api-key": key, **more} if key else dict(more)
    return make_record("somya", "GET", path, query or [], 200, behaviour="somya.totals", headers=headers)


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(KEY, id="raw"),
        pytest.param(quote(KEY, safe=""), id="percent"),
        pytest.param(quote(KEY, safe="").lower(), id="percent in small letters"),
        pytest.param(quote(quote(KEY, safe=""), safe=""), id="percent twice"),
        pytest.param("".join(f"%{byte:02x}" for byte in KEY.encode()), id="every byte percent"),
        pytest.param(b64encode(KEY.encode()).decode(), id="base64"),
        pytest.param(urlsafe_b64encode(KEY.encode()).decode().rstrip("="), id="base64 for addresses"),
        pytest.param(b64encode(f"user:{KEY}".encode()).decode(), id="base64 behind a name"),
        pytest.param(b64encode(f"me:{KEY}:x".encode()).decode(), id="base64 amid others"),
        pytest.param(b64encode(f"m:{KEY}".encode()).decode(), id="base64, third shift"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "before-{}-behind"])
def test_key_is_masked_in_path_and_query(spelled: str, around: str) -> None:
    text = around.format(spelled)
    made = record(f"/v1/{text}", [("note", text), (text, "1")])
    middle = spelled[8:-8]
    assert middle not in repr(made)
    assert KEY not in repr(made)
    assert MASK in made.path
    assert MASK in made.query[0][1]
    assert MASK in made.query[1][0]


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({"authorization": f"Bearer {KEY}"}, (("authorization", "Bearer [masked]"),)),
        ({"authorization": KEY}, (("authorization", "[masked]"),)),
        ({"authorization": "Basic dXNlcjpwYXNz"}, (("authorization", "Basic [masked]"),)),
        ({"x-sup-api-key": KEY}, (("x-sup-api-key", "[masked]"),)),
        ({"cookie": f"session={KEY}"}, (("cookie", "[masked]"),)),
        ({"accept": "*/*"}, ()),
    ],
)
def test_scheme_is_kept_and_key_is_not(headers: dict[str, str], shown: tuple[tuple[str, str], ...]) -> None:
    made = make_record(
        "varg", "GET", "/v1/usage", [("q", KEY if "authorization" in headers else "")], 401, headers=headers
    )
    assert made.credentials == shown


def test_key_given_as_a_parameter_is_masked_without_any_header() -> None:
    made = record(key="", query=[("api_key", KEY), ("from", "2026-03-01"), ("again", KEY)])
    assert made.query == (("api_key", MASK), ("from", "2026-03-01"), ("again", MASK))


def test_configured_key_is_masked_although_nobody_presented_it() -> None:
    made = make_record("varg", "GET", f"/{KEY}", [], 404, headers={}, configured=(KEY,))
    assert made.path == MASK or MASK in made.path


def test_filter_values_are_not_masked() -> None:
    made = record(query=[("api_key_id", "3fa85f64-5717-4562-b3fc-2c963f66afa6"), ("source", "web")])
    assert made.query == (("api_key_id", "3fa85f64-5717-4562-b3fc-2c963f66afa6"), ("source", "web"))


def test_short_key_is_masked_as_a_whole_value_only() -> None:
    made = record(key="web", query=[("source", "web"), ("name", "webhook")])
    assert made.query == (("source", MASK), ("name", "webhook"))


def test_longer_of_two_keys_is_masked_whole() -> None:
    made = record(key="abcdef", query=[("note", "+abcdefgh+")], authorization="Bearer abcdefgh")
    assert made.query == (("note", f"+{MASK}+"),)


def test_oldest_entries_make_room_by_number() -> None:
    journal = Journal(entries=3)
    for path in "abcde":
        journal.add(record(path))
    assert [entry.record.path for entry in journal.entries()] == ["c", "d", "e"]
    assert [entry.number for entry in journal.entries()] == [3, 4, 5]
    assert journal.total == 5


def test_oldest_entries_make_room_by_size() -> None:
    journal = Journal(size=100_000)
    for _ in range(50):
        journal.add(record(query=[("x", "y" * 10_000)]))
    assert 1 <= journal.count() <= 3


def test_an_entry_too_large_for_the_journal_is_not_kept() -> None:
    journal = Journal(size=10_000)
    journal.add(record(query=[("x", "y" * 10_000)]))
    assert journal.count() == 0


def test_journal_of_no_entries_is_off() -> None:
    journal = Journal(entries=0)
    journal.add(record())
    assert journal.count() == 0
    assert journal.total == 1


def test_entries_are_filtered_by_any_field_and_number() -> None:
    journal = Journal()
    for path, status in (("/a", 200), ("/b", 401), ("/a", 401)):
        journal.add(make_record("somya", "GET", path, [], status, headers={}))
    assert journal.count(path="/a") == 2
    assert journal.count(path="/a", status=401) == 1
    assert [entry.number for entry in journal.entries(after=1, status=401)] == [2, 3]
    assert journal.count(provider="varg") == 0


def test_unknown_filter_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no field 'colour'; known: provider, method"):
        Journal().entries(colour="red")


def test_cleared_journal_counts_on() -> None:
    journal = Journal()
    journal.add(record())
    journal.clear()
    journal.add(record())
    assert [entry.number for entry in journal.entries()] == [2]


def test_entry_tells_the_time_in_utc() -> None:
    journal = Journal()
    journal.add(record())
    at = journal.entries()[0].at
    assert at.tzinfo is UTC
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


def test_entry_as_json() -> None:
    journal = Journal()
    journal.add(record("/v1/usage", [("from", "2026-03-01"), ("from", "2026-03-02")]))
    shown = journal.entries()[0].as_json()
    assert shown.pop("at").endswith("Z")
    assert shown == {
        "number": 1,
        "provider": "somya",
        "method": "GET",
        "path": "/v1/usage",
        "query": [["from", "2026-03-01"], ["from", "2026-03-02"]],
        "status": 200,
        "behaviour": "somya.totals",
        "credentials": {"x-api-key": "[masked]"},
        "message": "",
    }


def test_writing_and_reading_at_once_is_safe() -> None:
    journal = Journal(entries=50)
    made = record()
    writers = [threading.Thread(target=lambda: [journal.add(made) for _ in range(2000)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        numbers = [entry.number for entry in journal.entries()]
        assert numbers == sorted(set(numbers))
    assert journal.total == 8000
    assert journal.count() == 50


@pytest.mark.parametrize("status", [200, 399, 400, 599])
def test_what_an_error_said_is_noted_without_the_key_and_not_at_length(status: int) -> None:
    body = f"no such key {KEY}: {'x' * 450} {KEY[:-1]} {KEY} and more".encode()
    made = make_record("varg", "GET", "/v1/usage", [], status, headers={"x-api-key": KEY}, body=body)
    if status < 400:
        assert made.message == ""
    else:
        assert made.message.startswith("no such key [masked]: xxx")
        assert len(made.message) == 500
        assert KEY not in made.message
        assert made.size >= make_record("varg", "GET", "/", [], 200, headers={}).size + 4 * 500
