"""Query strings, JSON and decimals as JavaScript services read and write them."""

import json
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage_mockserver.decimals import decimal_text
from usage_mockserver.http import Request, decoded_path, grouped, json_bytes, number, pairs


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a=1&b=2", [("a", "1"), ("b", "2")], id="two"),
        pytest.param(
            "a=1&a=2&b=&a=", [("a", "1"), ("a", "2"), ("b", ""), ("a", "")], id="repeated and empty"
        ),
        pytest.param("a", [("a", "")], id="no equals sign"),
        pytest.param("=v", [("", "v")], id="no name"),
        pytest.param("&&a=1&", [("a", "1")], id="empty pairs"),
        pytest.param("a=b=c", [("a", "b=c")], id="second equals sign"),
        pytest.param("a=1+2&b+c=3", [("a", "1 2"), ("b c", "3")], id="plus is a space"),
        pytest.param("a=%2B%26%3d", [("a", "+&=")], id="escaped"),
        pytest.param("a=%&b=%4&c=%zz", [("a", "%"), ("b", "%4"), ("c", "%zz")], id="broken percent"),
        pytest.param("a=%ff%C3%A9", [("a", "\ufffdé")], id="invalid UTF-8"),
        pytest.param("a=%00%0A", [("a", "\0\n")], id="NUL and newline"),
        pytest.param("a=%252B", [("a", "%2B")], id="decoded once"),
        pytest.param("a=é\udcff", [("a", "é\udcff")], id="raw bytes"),
        pytest.param("a;b=1", [("a;b", "1")], id="semicolon"),
        pytest.param("a[]=1", [("a[]", "1")], id="brackets"),
    ],
)
def test_pairs(query, found):
    assert list(pairs(query)) == found


def test_at_most_a_thousand_pairs_are_read():
    assert len(pairs("&".join(f"p{n}=v" for n in range(2000)))) == 1000
    assert pairs("&".join(f"p{n}=v" for n in range(1001)))[-1] == ("p999", "v")


@given(st.text())
def test_no_query_is_too_strange(query):
    values = grouped(query)
    assert sum(map(len, values.values())) == len(pairs(query))


def test_grouped_keeps_the_order_of_values():
    assert grouped("a=2&b=3&a=1") == {"a": ["2", "1"], "b": ["3"]}


def test_target_is_path_and_raw_query():
    assert Request("GET", "/v1/x", "a=%20").target == "/v1/x?a=%20"
    assert Request("GET", "/v1/x").target == "/v1/x"


@pytest.mark.parametrize(
    ("raw", "path"), [("/a%20b", "/a b"), ("/%2525", "/%25"), ("/%ff", "/\ufffd"), ("/+", "/+"), ("/%", "/%")]
)
def test_decoded_path(raw, path):
    assert decoded_path(raw) == path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True]}, b'{"a":[1,2.5,null,true]}'),
        ("é😀", '"é😀"'.encode()),
        ("\udcff\x00\"\\", b'"\\udcff\\u0000\\"\\\\"'),
    ],
)  # fmt: skip
def test_json_bytes(value, text):
    assert json_bytes(value) == text
    assert json.loads(text) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_has_no_nan(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        json_bytes(value)


@pytest.mark.parametrize(
    ("value", "shown"), [(12.0, "12"), (190.5, "190.5"), (0.0, "0"), (-0.0, "0"), (3, "3")]
)
def test_whole_floats_have_no_fraction(value, shown):
    assert str(number(value)) == shown


@pytest.mark.parametrize(
    ("units", "places", "text"),
    [
        (0, 8, "0"),
        (1, 8, "0.00000001"),
        (1_243_251_349, 8, "12.43251349"),
        (1_250_000_000, 8, "12.5"),
        (100_000_000, 8, "1"),
        (190_000, 6, "0.19"),
        (19_050, 2, "190.5"),
        (10**20, 2, "1000000000000000000"),
    ],
)
def test_decimal_text(units, places, text):
    assert decimal_text(units, places) == text


@given(st.integers(0, 10**24), st.integers(1, 9))
def test_decimal_text_is_exact_and_has_no_idle_zeros(units, places):
    text = decimal_text(units, places)
    assert Decimal(text) == Decimal(units).scaleb(-places)
    assert "." not in text or text[-1] != "0"
