"""Run a suite on a model: everything that is measured, as one dictionary for JSON."""

from __future__ import annotations

import sys
import time
from typing import Any

from speech_lstm.evaluation import acceptance
from speech_lstm.evaluation.commands import CommandTest
from speech_lstm.evaluation.conditions import Surroundings
from speech_lstm.evaluation.measures import Observation, acceptance_curve, gathered
from speech_lstm.evaluation.phones import observe_phones
from speech_lstm.evaluation.suite import Suite
from speech_lstm.evaluation.wake import WakeTest
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.model.model import Model


def run_suite(
    suite: Suite, model: Model, options: RecognizerOptions | None = None, limit: int | None = None
) -> dict[str, Any]:
    """Measure a model. limit: clips of each corpus, or kind of trial, at most, where the suite has more.

    Says on stderr what each test cost. The same suite, model and machine give the same results.
    """
    clock = _Clock()
    recognition = options or RecognizerOptions()
    probe = Recognizer(["yes"], model=model, options=recognition)
    blank_offset = probe.decoder.options.blank_offset

    def most(clips: int) -> int:
        return clips if limit is None else min(clips, limit)

    around = Surroundings(suite, model)
    clock.say("late streams")
    observations: list[Observation] = []
    curves: dict[str, Any] = {}
    results: dict[str, Any] = {
        "suite": suite.path.name,
        "limit": limit,
        "model": {
            "file": model.path.name,
            "bytes": model.path.stat().st_size,
            "architecture": model.metadata.architecture,
            "parameters": model.metadata.parameters,
            "threshold": probe.interpreter.threshold,
            "blank_offset": blank_offset,
        },
    }
    if suite.phones:
        observations += observe_phones(suite, suite.phones, model, around, blank_offset, most(suite.phones.clips))
        clock.say("phones")
    for name in suite.commands:
        test = CommandTest.load(name, suite, model, recognition)
        observations += test.observe(around, limit)
        curves[name] = {condition.name: acceptance_curve(heard) for condition, heard in test.heard.items()}
        clock.say(name)
    if suite.wake:
        wake = WakeTest(suite, suite.wake, model, around, most(suite.wake.negative_clips))
        observations += wake.observe(most(suite.wake.clips))
        results["wake words"] = wake.found
        clock.say("wake words")
    if suite.acceptance:
        clips = most(suite.acceptance.clips)
        results["acceptance"] = acceptance.measured(suite, suite.acceptance, model, recognition, clips)
        clock.say("acceptance")
    results["rows"] = gathered(observations, suite)
    results["curves"] = curves
    clock.say("intervals")
    return results


class _Clock:
    """CPU seconds of the parts of a run."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def say(self, part: str) -> None:
        """That a part is over."""
        now = time.process_time()
        print(f"{part}: {now - self._last:.1f} CPU seconds", file=sys.stderr)
        self._last = now
