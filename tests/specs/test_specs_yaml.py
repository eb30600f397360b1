"""The YAML reader: what it takes, and that nothing hostile takes its time."""

import time
from pathlib import Path

import pytest

from usage_specs import SpecError, safe_yaml

FLAT_BOMB = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n"
MERGE_BOMB = "a: &a {x: 1}\nb: {<<: [*a,*a,*a]}\n"
BARE_MERGE = "a:\n  <<: {x: 1}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("2026-01-31", "2026-01-31", id="a date stays text"),
        pytest.param("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z", id="an instant stays text"),
        pytest.param("0.1.0", "0.1.0", id="a version stays text"),
        pytest.param("off", "off", id="off is a word"),
        pytest.param("no", "no", id="no is a word"),
        pytest.param("12:30:45", "12:30:45", id="no number to the base of sixty"),
        pytest.param("true", True, id="true"),
        pytest.param("null", None, id="null"),
        pytest.param('"null"', "null", id="null in quotes is text"),
        pytest.param("'4'", "4", id="a number in quotes is text"),
        pytest.param("-12", -12, id="whole number"),
        pytest.param("190.5", 190.5, id="decimal number"),
        pytest.param("5e3", 5000.0, id="exponent"),
        pytest.param("200: a", {"200": "a"}, id="a key is always text"),
        pytest.param("[a, [1], {b: 2}]", ["a", [1], {"b": 2}], id="nested"),
        pytest.param("[[]]", [[]], id="empty list"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_plain_values_are_read(text, value):
    found = safe_yaml.parse(text, "f.yaml")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(FLAT_BOMB, "line 1: anchor &a", id="alias bomb"),
        pytest.param("a: *x\n", "line 1: alias *x", id="alias without an anchor"),
        pytest.param("*x : 1\n", "line 1: alias *x", id="alias as a key"),
        pytest.param(MERGE_BOMB, "line 1: anchor &a", id="merge bomb"),
        pytest.param(BARE_MERGE, "line 2: merge key <<", id="merge key"),
        pytest.param("[" * 100_000, "line 1: nested deeper than 60", id="100,000 brackets"),
        pytest.param("{a: " * 100_000, "line 1: nested deeper than 60", id="100,000 braces"),
        pytest.param("- " * 100_000, "line 1: nested deeper than 60", id="100,000 dashes"),
        pytest.param("? " * 100_000, "line 1: a key that is not text", id="100,000 questions"),
        pytest.param("[" + "a," * 200_000 + "]", "more than 100000 values", id="200,000 values"),
        pytest.param("a" * 1_048_577, "larger than 1048576 bytes", id="over 1 MiB"),
        pytest.param("!!python/object/apply:os.getcwd []", "tag tag:yaml.org,2002:python/", id="code"),
        pytest.param("a: !x 1", "tag !x", id="tag of its own"),
        pytest.param("a: 1\nb: 2\n'a': 3\n", "line 3: duplicate key 'a'", id="duplicate key"),
        pytest.param("a: 1\n---\nb: 2\n", "line 2: a second document", id="two documents"),
        pytest.param("{[a]: b}", "a key that is not text", id="list as a key"),
        pytest.param("a: 1e999", "number 1e999 is out of range", id="infinite number"),
        pytest.param("a: [1\nb: 2\n", "line 2: did not find expected ',' or ']'", id="syntax"),
        pytest.param("a: \x00", "control characters are not allowed", id="control character"),
    ],
)
def test_hostile_text_is_refused_at_once_with_file_and_line(text, reason):
    begin = time.perf_counter()
    with pytest.raises(SpecError) as refusal:
        safe_yaml.parse(text, "folder/f.yaml")
    assert str(refusal.value).startswith("folder/f.yaml:")
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert time.perf_counter() - begin < 10


@pytest.mark.parametrize(
    ("depth", "fine"),
    [
        pytest.param(60, True, id="sixty levels are read"),
        pytest.param(61, False, id="sixty-one are not"),
    ],
)
def test_the_depth_limit_is_sixty(depth, fine):
    text = "[" * depth + "]" * depth
    if fine:
        assert safe_yaml.parse(text, "f.yaml") is not None
    else:
        with pytest.raises(SpecError, match="deeper than 60"):
            safe_yaml.parse(text, "f.yaml")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"a: \xff", "not UTF-8 at byte 3", id="not UTF-8"),
        pytest.param("é".encode() * 524_289, "larger than 1048576 bytes", id="too large"),
        pytest.param(None, "cannot be read: No such file or directory", id="not there"),
    ],
)
def test_an_unreadable_file_is_refused_by_name(tmp_path: Path, raw, reason):
    path = tmp_path / "some.yaml"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(SpecError) as refusal:
        safe_yaml.read(path)
    assert str(refusal.value) == f"{path}: {reason}"


def test_a_number_of_thousands_of_digits_costs_nothing_and_stays_text():
    assert safe_yaml.parse("9" * 5_000, "f.yaml") == "9" * 5_000
