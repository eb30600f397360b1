"""The small parts of the judge: JSON, dates, days, sums."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_contracts.calendar_days import clock_changes, leap_day, month_start, sunday
from usage_contracts.dates import iso_date, iso_instant
from usage_contracts.jsontext import NotJson, read_json
from usage_contracts.measures import differences, excesses, total


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"", "Expecting value"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "limit"),
        (b"{'a': 1}", "Expecting property name"),
    ],
)
def test_what_is_no_json_says_why(body, words):
    with pytest.raises(NotJson, match=words):
        read_json(body)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-29", date(2024, 2, 29)),
        ("2023-02-29", None),
        ("2024-2-9", None),
        ("20240229", None),
        ("2024-02-29\n", None),
        ("２０２４-02-29", None),
        ("2024-02-29T00:00:00Z", None),
        (20240229, None),
        (None, None),
    ],
)
def test_a_date_is_four_two_two_digits(text, day):
    assert iso_date(text) == day


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-02-13T10:00:00Z", datetime(2026, 2, 13, 10, tzinfo=UTC)),
        ("2026-02-13T10:00:00.123456789Z", datetime(2026, 2, 13, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-02-13T19:00:00+09:00", datetime(2026, 2, 13, 10, tzinfo=UTC)),
        ("2026-02-13 10:00:00Z", None),
        ("2026-02-13T10:00:00", None),
        ("2026-02-30T10:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_an_instant_is_rfc_3339(text, instant):
    assert iso_instant(text) == instant


def test_days_on_which_clocks_change():
    assert sunday(2026, 3, nth=-1) == date(2026, 3, 29)
    assert sunday(2026, 11, nth=1) == date(2026, 11, 1)
    assert sunday(2026, 12, nth=-1) == date(2026, 12, 27)
    assert list(clock_changes(date(2026, 6, 1))) == [
        date(2025, 11, 2),
        date(2025, 10, 26),
        date(2026, 3, 29),
        date(2026, 3, 8),
    ]


def test_leap_days_skip_the_years_that_have_none():
    assert leap_day(date(2026, 1, 1)) == date(2024, 2, 29)
    assert leap_day(date(2024, 2, 29)) == date(2020, 2, 29)
    assert leap_day(date(1903, 1, 1)) == date(1896, 2, 29)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
def test_month_starts_are_first_days_going_back_one_by_one(day, back):
    found = month_start(day, back)

    assert found.day == 1
    assert (day.year - found.year) * 12 + day.month - found.month == back


def test_figures_compare_but_for_rounding():
    assert differences({"a": 0.1 + 0.2, "b": 0}, {"a": 0.3}) == []
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 1}) == ["b", "c"]
    assert excesses({"a": 2, "b": 1}, {"a": 1, "b": 1}) == ["a"]
    assert total([{"a": 1}, {"a": 2, "b": 3}]) == {"a": 3, "b": 3}
