"""The garbage collector stands still while events are made, and runs again afterwards, whatever happened."""

import gc

import pytest

from usage_mockserver.collector import Pauses
from usage_mockserver.event_files import EventFileError, read_files


@pytest.fixture(autouse=True)
def running():
    assert gc.isenabled()
    yield
    assert gc.isenabled()


def test_the_last_to_end_lets_it_run_again():
    pauses = Pauses()
    with pauses.paused():
        with pauses.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_lets_it_run_again():
    pauses = Pauses()
    with pytest.raises(KeyError), pauses.paused():
        raise KeyError
    assert gc.isenabled()


def test_who_has_stopped_it_finds_it_stopped():
    gc.disable()
    try:
        with Pauses().paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_bad_file_leaves_it_running(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text('{"kind": "varg.job", "at": "2026-03-01T00:00:00Z"}\n{', encoding="utf-8")
    with pytest.raises(EventFileError):
        read_files([(None, file)])
    assert gc.isenabled()
