"""Replicas with nothing in common give the same bytes: the account is a function, and no place or process is in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

QUESTIONS = 10_000
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_ten_thousand_random_questions_are_answered_alike_in_two_processes() -> None:
    surroundings = (
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/St_Johns", "PYTHONUTF8": "1", "PYTHONOPTIMIZE": "1"},
    )
    replicas = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.state.questions", str(QUESTIONS)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **some},
        )
        for some in surroundings
    ]
    one, other = (replica.communicate()[0].splitlines() for replica in replicas)
    assert len(one) == QUESTIONS
    # What differs, by place and not as two texts of 10,000 lines.
    assert [place for place in range(QUESTIONS) if one[place] != other[place]] == []
    statuses = Counter(line.split(" ")[0] for line in one)
    assert statuses["200"] > QUESTIONS / 2
    assert len(set(one)) > QUESTIONS / 3
    assert {"400", "401", "404", "422"} <= statuses.keys()
