"""What counts as slower, and that a saved run is the run."""

from __future__ import annotations

import json

import pytest

from benchmarks import comparison
from benchmarks.comparison import BadBaseline, Run
from benchmarks.figures import Figures

HERE = {
    "cpu": "a",
    "cores": 2,
    "system": "s",
    "python": "3.11",
    "client": "wrk",
    "packages": {"uvicorn": "1"},
}
ELSEWHERE = {**HERE, "cores": 4}


def run(samples, unit="ratio", machine=HERE, name="x"):
    figures = Figures()
    for value in samples:
        figures.add(name, value, unit, provider="varg", bar=1.25)
    return Run(machine, {"rounds": len(samples)}, figures)


STEADY = [1.0, 1.01, 1.02, 1.03, 1.04]


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        pytest.param(STEADY, STEADY, False, id="the same"),
        pytest.param(STEADY, [1.05, 1.06, 1.07, 1.08, 1.09], False, id="surely more, but not by a tenth"),
        pytest.param(STEADY, [1.2, 1.21, 1.22, 1.23, 1.24], True, id="surely more"),
        pytest.param([1.2, 1.21, 1.22, 1.23, 1.24], STEADY, True, id="surely less"),
        pytest.param(STEADY, [1.03, 1.4, 1.4, 1.4, 1.4], False, id="one round reaches into the other run"),
        pytest.param([1.0, 1.0, 1.0], [1.3, 1.3, 1.3], False, id="too few rounds for so little"),
        pytest.param([1.0], [1.6], True, id="one round each, by more than half"),
        pytest.param([0.0], [0.0], False, id="nothing, as before"),
    ],
)
def test_a_change_is_more_than_the_noise(before, now, changed):
    assert comparison.changed(before, now) is changed


@pytest.mark.parametrize(
    ("unit", "machine", "worse"),
    [
        ("ratio", HERE, [True]),
        ("ratio", ELSEWHERE, [True]),
        ("", ELSEWHERE, [True]),
        ("us", HERE, [True]),
        ("us", ELSEWHERE, []),
        ("MB", {**HERE, "cpu": "b"}, []),
        ("us", {**HERE, "python": "3.14"}, [True]),
        ("1/s", HERE, [False]),
    ],
)
def test_absolute_figures_are_compared_on_the_same_machine_only(unit, machine, worse):
    before, now = run(STEADY, unit), run([2 * value for value in STEADY], unit, machine)
    assert [change.worse for change in comparison.changes(before, now)] == worse
    assert [change.worse for change in comparison.changes(now, before)] == [not one for one in worse]


def test_the_report_names_what_got_slower_and_what_differs_about_the_machine():
    before = run(STEADY)
    now = run(
        [2 * value for value in STEADY], machine={**ELSEWHERE, "packages": {"uvicorn": "2", "h11": "1"}}
    )
    assert comparison.report(before, now) == [
        "not the same as then: cores: 2 then, 4 now",
        "not the same as then: h11: not there then, 1 now",
        "not the same as then: uvicorn: 1 then, 2 now",
        "another machine: only ratios and counts are compared",
        "slower: x (varg): 1.02 (1..1.04) -> 2.04 (2..2.08) ratio, 2.00 times",
        "1 worse and 0 better than the baseline, by more than the noise",
    ]


def test_a_figure_that_one_run_lacks_is_not_compared():
    assert list(comparison.changes(run(STEADY, name="y"), run([9.0] * 5))) == []
    assert list(comparison.changes(run([1.0] * 5, "s"), run([9.0] * 5, "ms"))) == []


def test_a_saved_run_is_read_as_it_was(tmp_path):
    saved = run(STEADY)
    comparison.write(tmp_path / "one.json", saved)
    found = comparison.read(tmp_path / "one.json")
    assert (found.machine, found.effort) == (saved.machine, saved.effort)
    assert found.figures.as_json() == saved.figures.as_json()
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "one.json is no run of this bench"),
        ("[]", "one.json is no run of this bench"),
        ('{"version": 1}', "'machine'"),
        (json.dumps({"version": 1, "machine": {}, "effort": {}, "figures": [{"name": "x"}]}), "'provider'"),
        ('{"version": 99}', "is of version 99, and this bench reads 1"),
        (None, "one.json cannot be read: No such file"),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path, text, told):
    if text is not None:
        (tmp_path / "one.json").write_text(text)
    with pytest.raises(BadBaseline, match=told):
        comparison.read(tmp_path / "one.json")


def test_a_file_is_never_half_written(tmp_path):
    target = tmp_path / "one.json"
    target.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        comparison.save(target, "after \ud800")
    assert target.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]
