"""Calendar dates: what is read as one, and what is remembered of it."""

from datetime import date

import pytest

from usage_mockserver import dates
from usage_mockserver.dates import read_day


@pytest.mark.parametrize("again", ["first", "again"])
@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("0001-01-01", date.min),
        ("9999-12-31", date.max),
        ("2026-02-30", None),
        ("0000-01-01", None),
        ("2026-3-01", None),
        ("2026-03-01 ", None),
        ("2026-03-1\n", None),
        ("\N{FULLWIDTH DIGIT TWO}026-03-01", None),
        ("", None),
    ],
)
def test_dates_are_read_the_same_each_time(text, day, again):
    assert read_day(text) == day


def test_long_texts_are_not_remembered():
    before = dates._read.cache_info().currsize
    assert all(read_day("2026-03-01" + "x" * length) is None for length in range(1, 100))
    assert dates._read.cache_info().currsize == before
