"""The short form of `python -m benchmarks.fuzz grammar|model|mended`: a result or SpeechLstmError for any file."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.fuzz.harness import case, make
from speech_lstm.runtime.errors import GrammarError, ModelError, PronunciationError


@pytest.mark.parametrize(("target", "count"), [("grammar", 300), ("model", 60), ("mended", 40)])
def test_mutated_files_give_results_or_our_errors(target: str, count: int) -> None:
    fuzzed = make(target)
    samples = fuzzed.samples()
    outcomes: Counter[str] = Counter()
    for number in range(count):
        sample = case(samples, 7, number)
        try:
            outcomes[fuzzed.attempt(sample.name, sample.content)] += 1
        except (GrammarError, PronunciationError, ModelError) as error:
            assert len(str(error)) < 5000
            outcomes[type(error).__name__] += 1
    assert sum(outcomes.values()) == count and len(outcomes) >= (2 if target == "grammar" else 1), outcomes


def test_files_that_are_fine_pass() -> None:
    for target in ("model", "mended"):
        fuzzed = make(target)
        for sample in fuzzed.samples():
            assert fuzzed.attempt(sample.name, sample.content) == "a model"
