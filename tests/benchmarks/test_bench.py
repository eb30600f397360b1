"""The command line of the bench, with parts that take no time."""

from __future__ import annotations

import json
import os
import signal

import pytest

from benchmarks import bench, machine, tables
from benchmarks.figures import Figures
from benchmarks.processes import Failed
from usage_specs import PROVIDERS


def fast(figures, effort, tell):
    tell("a part")
    for place, provider in enumerate(PROVIDERS):
        for turn in range(effort.rounds):
            figures.add("query", place + turn / 10, "ratio", provider=provider, bar=3.0)
    figures.add("start, CPU", 0.2, "s", bar=0.6)
    figures.add("rate", 12_345.0, "1/s", provider="varg")


def slow(figures, effort, tell):
    fast(Figures(), effort, tell)
    figures.add("start, CPU", 2.0, "s", bar=0.6)


def failing(figures, effort, tell):
    raise Failed("no server")


def interrupted(figures, effort, tell):
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs the bench in a folder of its own: exit status, what it printed, what it told on stderr."""
    monkeypatch.setattr(bench, "PARTS", {"fast": fast, "slow": slow, "prove": failing})
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench.load, "tool", lambda _: False)

    def run(*words):
        try:
            status = bench.main(["--folder", str(tmp_path), *words])
        except SystemExit as ended:
            status = ended.code
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_whole_run_writes_its_table_and_its_figures(run, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PARTS", {"fast": fast})
    status, out, err = run()
    assert (status, names(tmp_path)) == (0, ["RESULTS.md", "latest.json"])
    assert "somya: query" in out
    assert "0.2 (0..0.4) ratio   <= 3  met" in out
    assert "surnex" in out
    assert "MISSED" in out
    assert "fast: a part" in err
    results = (tmp_path / "RESULTS.md").read_text()
    head, _, row = results.partition("| query |")
    assert head.splitlines()[-2:] == [
        "|  | unit | somya | supertone | varg | surnex | lyrcs | bar |  |",
        "| --- | --- | --: | --: | --: | --: | --: | --- | --- |",
    ]
    assert row.splitlines()[0] == (
        " times bare uvicorn | 0.2 (0..0.4) | 1.2 (1..1.4) | 2.2 (2..2.4) | 3.2 (3..3.4) | 4.2 (4..4.4) "
        "| <= 3 | MISSED by surnex, lyrcs |"
    )
    assert "| start, CPU | s | 0.2 | <= 0.6 | met |" in results
    assert "4 of 6 bars are met. Missed: query (surnex, lyrcs)." in results
    assert "| rate | 1/s |  |  | 12,345 |  |  |" in results
    saved = json.loads((tmp_path / "latest.json").read_text())
    assert saved["figures"][0]["samples"] == [0.0, 0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("words", [["--quick"], ["--only", "fast"]])
def test_a_part_of_a_run_writes_nothing(run, tmp_path, words):
    assert run(*words)[0] == 0
    assert names(tmp_path) == []


def test_the_baseline_is_kept_and_compared_with(run, tmp_path):
    assert run("--only", "fast", "--save-baseline")[0] == 0
    assert names(tmp_path) == ["baseline.json"]
    status, out, _ = run("--only", "fast")
    assert "0 worse and 0 better" in out
    assert status == 0
    status, out, _ = run("--only", "slow", "--strict")
    assert "slower: start, CPU (all): 0.2 (0.2..0.2) -> 2 (2..2) s, 10.00 times" in out
    assert status == 1


def test_strict_counts_missed_bars_too(run):
    assert run("--only", "slow")[0] == 0
    assert run("--only", "slow", "--strict")[0] == 1


def test_what_fails_is_told_and_the_rest_is_still_measured(run, tmp_path):
    status, out, _ = run("--only", "prove", "fast")
    assert status == 3
    assert "prove could not be measured: no server\nnothing was written" in out
    assert "start, CPU" in out
    assert names(tmp_path) == []


def test_an_interrupt_leaves_no_file(run, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(bench, "PARTS", {"fast": fast, "interrupted": interrupted})
    assert run() == (130, "", "fast: a part\nbench: interrupted; nothing was written\n")
    assert names(tmp_path) == []
    assert signal.getsignal(signal.SIGTERM) is before


def readme(folder):
    file = folder / "README.md"
    file.write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
    return file


def test_the_table_goes_between_the_marks(run, tmp_path):
    file = readme(tmp_path)
    assert run("--only", "fast", "--write", str(file))[0] == 0
    text = file.read_text()
    assert text.startswith(f"before\n{bench.BEGIN}\n")
    assert text.endswith(f"{bench.END}\nafter\n")
    assert "| query | times bare uvicorn |" in text
    assert "old" not in text
    assert "12,345" not in text


def test_a_saved_run_is_told_again(run, tmp_path, monkeypatch):
    monkeypatch.setattr(bench, "PARTS", {"fast": fast})
    run()
    (tmp_path / "RESULTS.md").unlink()
    monkeypatch.setattr(bench, "PARTS", {"fast": failing})
    _, out, _ = run("--again", "--write", str(readme(tmp_path)))
    assert "varg: rate" in out
    assert "| query | times bare uvicorn |" in (tmp_path / "README.md").read_text()
    assert names(tmp_path) == ["README.md", "latest.json"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "fats"], "there is no part 'fats'; did you mean 'fast'?"),
        (["--rounds", "0"], "'0' is no number of rounds; 1 to 100 are"),
        (["--rounds", "x"], "'x' is no number of rounds; 1 to 100 are"),
        (["--quick", "--save-baseline"], "--quick is too little for --save-baseline"),
        (["--write", "nowhere.md"], "it has no lines <!-- bench: begin -->"),
    ],
)
def test_a_wrong_call_is_one_sentence(run, words, told):
    status, _, err = run(*words)
    assert status == 2
    assert told in err


def test_a_broken_file_is_one_sentence(run, tmp_path):
    status, _, err = run("--again")
    assert (status, err) == (3, "bench: latest.json cannot be read: No such file or directory\n")
    (tmp_path / "baseline.json").write_text("{}")
    status, _, err = run("--only", "fast")
    assert status == 3
    assert "baseline.json is no run of this bench" in err


def test_the_machine_is_described_without_its_name_and_its_paths():
    import socket

    text = "\n".join(machine.sentences(machine.describe("wrk"))) + json.dumps(machine.describe("wrk"))
    assert "cores" in text
    assert "uvicorn" in text
    assert socket.gethostname() not in text
    assert str(bench.HERE.parent) not in text


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.12345, "0.123"), (12.345, "12.3"), (123.4, "123"), (12345.6, "12,346"), (-2.5, "-2.5")],
)
def test_three_digits_count(value, told):
    assert tables.number(value) == told
