"""A short form of `python -m benchmarks.fuzz`: mutated files end in results or errors of the package; the harness
notices what does not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz import harness
from benchmarks.fuzz.mutate import mutated


@pytest.mark.parametrize(("target", "count"), [("audio", 400)])
def test_mutated_files_end_in_results_or_errors(target: str, count: int, tmp_path: Path) -> None:
    report = harness.fuzz(target, 0, count, seed=1, keep=tmp_path)
    assert not report.failures and not report.printed
    assert report.cases == sum(report.outcomes.values()) == count
    assert len(report.outcomes) >= 2, "some are heard, some are not"


FAULTY = """
import os
from benchmarks.fuzz.harness import Sample


class Target:
    def __init__(self):
        self.count = 0

    def samples(self):
        return [Sample("a", b"0" * 50), Sample("b", b"1" * 50)]

    def attempt(self, name, content):
        self.count += 1
        if self.count == 3:
            raise KeyError("a bug")
        if self.count == 4:
            os.write(1, b"a note")
        if self.count == 5:
            os.abort()
        return "fine"


make = Target
"""


def test_the_harness_finds_bugs_and_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faulty_target.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    report = harness.fuzz("faulty_target", 10, 6, keep=tmp_path / "kept")
    assert [number for number, _ in report.failures] == [12, 14]
    assert "KeyError: 'a bug' (faulty_target.py:" in report.failures[0][1] and "exit code -6" in report.failures[1][1]
    assert report.cases == 6 and report.outcomes == {"fine": 4} and report.printed == "a note"
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["12-a", "14-a"]


def test_mutations_are_the_same_for_the_same_numbers() -> None:
    content = bytes(range(256)) * 4
    first, second, other = (mutated(content, [content], np.random.default_rng([0, n])) for n in (5, 5, 6))
    assert first == second != other and first != content
    assert all(isinstance(mutated(b"", [b"x"], np.random.default_rng(n)), bytes) for n in range(50))
