"""Accepted findings: set aside with a reason, back once they expire, never by a misspelt word."""

import json
import os
from dataclasses import replace
from datetime import date

import pytest

from usage_contracts import baseline, files
from usage_contracts.baseline import Entry, apply, read, update
from usage_contracts.verdict import Exit, Outcome, Report, Verdict, judge
from usage_specs import SpecError, load

TODAY = date(2026, 6, 1)
HELD, BROKEN, OTHER, IDLE = "varg.json", "varg.schema", "varg.key-required", "varg.answered"
ASSUMED = "varg.job-id-unique"


def verdict(name, outcome):
    found = judge(name, False, (), observed="x") if outcome in {Outcome.BROKEN, Outcome.DIFFERS} else None
    return Verdict(
        load("varg").behaviours[name],
        outcome,
        1,
        found,
        "not asked" if outcome is Outcome.NOT_EXERCISED else "",
    )


def report(**changes):
    verdicts = (
        verdict(HELD, Outcome.HELD),
        verdict(BROKEN, Outcome.BROKEN),
        verdict(ASSUMED, Outcome.DIFFERS),
        verdict(IDLE, Outcome.NOT_EXERCISED),
    )
    return replace(Report("varg", "http://a", 1, verdicts, Exit.BROKEN, "the document is broken"), **changes)


def accepting(*names, expires=TODAY, reason="the vendor knows"):
    return {name: Entry(name, reason, expires) for name in names}


def outcome(report, name):
    return next(one for one in report.verdicts if one.behaviour.id == name)


def test_an_accepted_finding_no_longer_fails_the_run_and_is_still_told():
    found = apply(report(), accepting(BROKEN), TODAY)
    assert found.exit_status == 0
    assert outcome(found, BROKEN).outcome is Outcome.ACCEPTED
    assert outcome(found, BROKEN).finding is not None
    assert outcome(found, BROKEN).reason == "the vendor knows (until 2026-06-01)"
    assert found.notes == ()


@pytest.mark.parametrize(
    ("expires", "status"),
    [
        pytest.param(date(2026, 6, 2), 0, id="tomorrow"),
        pytest.param(date(2026, 6, 1), 0, id="today is the last day"),
        pytest.param(date(2026, 5, 31), 1, id="yesterday was the last day"),
    ],
)
def test_a_finding_counts_again_the_day_after_it_expires(expires, status):
    found = apply(report(), accepting(BROKEN, expires=expires), TODAY)
    assert found.exit_status == status
    assert bool(found.notes) is (status == 1)


def test_an_expired_entry_is_told_with_its_reason():
    (note,) = apply(report(), accepting(BROKEN, expires=date(2026, 5, 31)), TODAY).notes
    assert note == "the baseline accepted varg.schema until 2026-05-31: it counts again (the vendor knows)"


def test_another_breach_still_fails_the_run():
    broken = report(verdicts=(*report().verdicts, verdict(OTHER, Outcome.BROKEN)))
    found = apply(broken, accepting(BROKEN), TODAY)
    assert (found.exit_status, found.reason) == (1, "the document is broken")


def test_without_its_breach_a_run_ends_as_it_would_have():
    empty = report(otherwise=(Exit.UNTESTED, "the account shows no usage"))
    found = apply(empty, accepting(BROKEN), TODAY)
    assert (found.exit_status, found.reason) == (4, "the account shows no usage")


def test_a_strict_run_needs_its_assumptions_accepted_too():
    strict = report(strict=True)
    assert apply(strict, accepting(BROKEN), TODAY).exit_status == 1
    assert apply(strict, accepting(BROKEN, ASSUMED), TODAY).exit_status == 0


@pytest.mark.parametrize("name", [HELD, IDLE])
def test_an_entry_that_accepts_nothing_is_told_unless_nobody_could_know(name):
    notes = apply(report(), accepting(name), TODAY).notes
    assert notes == (
        ("the baseline accepts varg.json, which held: the entry can go",) if name == HELD else ()
    )


def test_entries_of_other_providers_say_nothing():
    assert apply(report(), accepting("somya.schema"), TODAY) == report()


def test_a_run_that_was_not_broken_stays_as_it_ended():
    down = report(
        verdicts=(verdict(IDLE, Outcome.NOT_EXERCISED),), ended=Exit.UNREACHED, reason="no connection"
    )
    assert apply(down, accepting(BROKEN), TODAY) == down


# --- files --------------------------------------------------------------------------------------------

YAML = """
version: 1
accepted:
  - provider: varg
    behaviour: varg.schema
    reason: ticket 12
    expires: 2026-06-30
"""


def written(tmp_path, text, name="baseline.yaml"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_file_is_read_as_yaml_or_json(tmp_path):
    entry = Entry("varg.schema", "ticket 12", date(2026, 6, 30))
    assert read(written(tmp_path, YAML)) == {"varg.schema": entry}
    one = {"provider": "varg", "behaviour": "varg.schema", "reason": "ticket 12", "expires": "2026-06-30"}
    text = json.dumps({"version": 1, "accepted": [one]}, indent="\t")
    assert read(written(tmp_path, text, "baseline.json")) == {"varg.schema": entry}
    assert read(written(tmp_path, "version: 1\naccepted: []\n")) == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("reason:", "raeson:", "accepted[0].raeson: unknown key; did you mean 'reason'?"),
        ("accepted:", "acepted:", "acepted: unknown key; did you mean 'accepted'?"),
        ("    reason: ticket 12\n", "", "accepted[0].reason: missing key"),
        ("    expires: 2026-06-30\n", "", "accepted[0].expires: missing key"),
        ("ticket 12", '""', "accepted[0].reason: must not be empty"),
        ("2026-06-30", "next week", "accepted[0].expires: must be a day such as 2026-06-30, not 'next week'"),
        ("2026-06-30", "2026-02-30", "accepted[0].expires: must be a day"),
        (
            "provider: varg",
            "provider: vrag",
            "accepted[0].provider: 'vrag' is no provider; did you mean 'varg'?",
        ),
        ("varg.schema", "varg.shema", "no behaviour 'varg.shema'; did you mean 'varg.schema'?"),
        ("varg.schema", "somya.schema", "varg has no behaviour 'somya.schema'; did you mean 'varg.schema'?"),
        ("version: 1", "version: 2", "version: must be 1"),
        ("version: 1", "", "version: missing key"),
        (YAML, "- 1", "the file: must be a mapping"),
        (YAML, "a: [", ""),
    ],
)
def test_a_file_that_is_not_understood_is_refused_by_file_and_key(old, new, told, tmp_path):
    assert old in YAML
    path = written(tmp_path, YAML.replace(old, new))
    with pytest.raises(SpecError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:")
    assert told in str(caught.value)


def test_an_entry_may_stand_once(tmp_path):
    twice = YAML + YAML.partition("accepted:")[2]
    with pytest.raises(SpecError, match=r"'varg\.schema' stands twice"):
        read(written(tmp_path, twice))


@pytest.mark.parametrize("text", ["{", '{"version": NaN}', '{"version": 1, "version": 1}', "[" * 100_000])
def test_bad_json_is_refused(text, tmp_path):
    with pytest.raises(SpecError, match="not JSON"):
        read(written(tmp_path, text, "baseline.json"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["baseline.yaml", "baseline.json"])
def test_an_update_accepts_what_fails_and_can_be_read_back(name, tmp_path):
    path = tmp_path / name
    made = update(path, [report()], today=TODAY)
    assert made == read(path) == accepting(BROKEN, reason=baseline.UNEXPLAINED, expires=date(2026, 7, 1))
    assert apply(report(), made, TODAY).exit_status == 0


def test_an_update_of_a_strict_run_accepts_assumptions_too(tmp_path):
    assert set(update(tmp_path / "b.yaml", [report(strict=True)], today=TODAY)) == {BROKEN, ASSUMED}


def test_an_update_keeps_reasons_and_dates_that_have_not_passed(tmp_path):
    path = written(tmp_path, YAML)
    assert update(path, [report()], today=TODAY)[BROKEN] == Entry(BROKEN, "ticket 12", date(2026, 6, 30))
    later = update(path, [report()], today=date(2026, 8, 1), days=10)
    assert later[BROKEN] == Entry(BROKEN, "ticket 12", date(2026, 8, 11))


def test_an_update_drops_what_held_and_keeps_what_it_cannot_know(tmp_path):
    lines = "".join(
        f"  - {{provider: {name.partition('.')[0]}, behaviour: {name}, reason: r, expires: 2026-06-30}}\n"
        for name in (HELD, IDLE, "somya.schema")
    )
    path = written(tmp_path, f"version: 1\naccepted:\n{lines}")
    assert list(update(path, [report()], today=TODAY)) == ["somya.schema", IDLE, BROKEN]


def test_an_update_with_nothing_to_accept_leaves_an_empty_list(tmp_path):
    path = tmp_path / "b.yaml"
    assert update(path, [report(verdicts=(verdict(HELD, Outcome.HELD),))], today=TODAY) == {}
    assert read(path) == {}


def test_an_update_of_a_file_that_is_not_understood_leaves_it(tmp_path):
    path = written(tmp_path, "accepted: oops")
    with pytest.raises(SpecError):
        update(path, [report()], today=TODAY)
    assert path.read_text() == "accepted: oops"


# --- whole files --------------------------------------------------------------------------------------


def test_a_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = written(tmp_path, "old")

    def fail(*_):
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        files.write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_is_its_owners_and_an_old_one_keeps_its_mode(tmp_path):
    old = written(tmp_path, "old")
    old.chmod(0o640)
    for name, private, mode in (("new", True, 0o600), ("shared", False, 0o644), (old.name, True, 0o640)):
        files.write_whole(tmp_path / name, "x", private=private)
        assert (tmp_path / name).stat().st_mode & 0o777 == mode


def test_a_link_stays_a_link(tmp_path):
    target = written(tmp_path, "old")
    link = tmp_path / "link"
    link.symlink_to(target)
    files.write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_what_is_no_file_is_written_to(tmp_path):
    files.write_whole(type(tmp_path)(os.devnull), "x")
    with pytest.raises(OSError, match="directory"):
        files.write_whole(tmp_path, "x")
    with pytest.raises(FileNotFoundError):
        files.write_whole(tmp_path / "none" / "x", "x")
