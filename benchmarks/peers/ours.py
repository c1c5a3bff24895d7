"""This package as a peer among the others."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.peer import RATE, Audio, Found, Heard, Job, Peer, blocks


class SpeechLstm(Peer):
    """This package: commands while a button is pressed, 80 ms at a time, or the detector of wake words, which the
    network feeds 160 ms at a time, as in a stream where other speech goes on (`Session.blocks`).
    """

    name = "speech-lstm"
    rates = (0.05, 0.16, 1.6, 5.0, 16.0, 50.0)
    """False alarms an hour that the detector is set to for the curve; sensitivity 0.5 is 0.5."""
    usual = -log(0.5)

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        from speech_lstm.runtime.live.recognizer import Recognizer
        from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
        from speech_lstm.runtime.live.session_options import SessionOptions
        from speech_lstm.runtime.model.model import Model

        self.model = Model.load(job["model"], "cpu")
        self.block = RecognizerOptions().block_samples(self.model.metadata)
        if job["kind"] == "commands":
            session = SessionOptions(push_to_talk=True, total_seconds=20.0)
            options = RecognizerOptions(alternatives=0, session=session)
            self.recognizer = Recognizer(job["grammar"], model=self.model, options=options)
        else:
            self._start_wake_words()

    def _start_wake_words(self) -> None:
        from speech_lstm.runtime.lexicon.lexicon import Lexicon
        from speech_lstm.runtime.wake.wakeword import WakeWordDetector, WakeWordSearch

        self.detector = WakeWordDetector(self.job["phrases"], Lexicon(), self.model.metadata.tokens).start()
        self.others: dict[float, WakeWordSearch] = {}
        self.state = self.model.initial_state()
        self.frames = 0
        self.left: Audio = np.zeros(0, np.int16)
        self.rows: Any = None

    def files(self) -> list[Path]:
        """The model, the lexicon and what else is beside it."""
        from speech_lstm.runtime.lexicon import lexicon

        data = Path(lexicon.__file__).parents[1] / "data"
        return [self.model.path, *(path for path in data.iterdir() if path.is_file())]

    def hear(self, audio: Audio) -> Heard:
        """The first command of a stream whose button is down."""
        stream = self.recognizer.stream()
        stream.press()
        events = [event for block in blocks(audio, self.block) for event in stream.accept(block)]
        stream.release()
        events += stream.accept(np.zeros(RATE // 2, np.int16)) + stream.finish()
        results = [event.result for event in events if hasattr(event, "result")]
        return _result(next((r for r in results if r.accepted), None))

    def listen(self, audio: Audio) -> list[Found]:
        """The network and the detector as it comes."""
        unit, per_frame = 2 * self.block, self.model.metadata.samples_per_frame
        whole = np.concatenate([self.left, audio])
        self.left = whole[len(whole) // unit * unit :]
        self.begin = self.frames
        rows = []
        found = []
        for block in blocks(whole[: len(whole) // unit * unit], unit):
            log_probs, self.state = self.model.run((block[None] / 32768).astype(np.float32), self.state)
            found += self.detector.detect(log_probs[0])
            rows.append(log_probs[0])
        self.rows = np.concatenate(rows)
        self.frames += len(self.rows)
        return [Found(f.phrase, self.usual, (f.last_frame - self.begin) * per_frame / RATE) for f in found]

    def more(self, audio: Audio) -> list[Found]:
        """The detector at other settings, on what the network gave."""
        if not self.others:
            self._start_others()
        per_frame = self.model.metadata.samples_per_frame
        return [
            Found(f.phrase, -log(rate), (f.last_frame - self.begin) * per_frame / RATE)
            for rate, search in self.others.items()
            for f in search.detect(self.rows)
        ]

    def _start_others(self) -> None:
        from speech_lstm.runtime.lexicon.lexicon import Lexicon
        from speech_lstm.runtime.wake.false_alarms import alarm_curve
        from speech_lstm.runtime.wake.wakeword import WakeWordDetector

        phrases, lexicon, tokens = self.job["phrases"], Lexicon(), self.model.metadata.tokens
        curves = {phrase: alarm_curve(phrase, lexicon, tokens) for phrase in phrases}
        for rate in self.rates:
            limits = {phrase: curve.threshold(rate) for phrase, curve in curves.items()}
            self.others[rate] = WakeWordDetector(phrases, lexicon, tokens, thresholds=limits).start()


class SpeechLstmClips(SpeechLstm):
    """The same, whole clips at a time."""

    name = "speech-lstm, whole clips"
    kinds = ("commands",)

    def hear(self, audio: Audio) -> Heard:
        """`Recognizer.recognize`."""
        return _result(self.recognizer.recognize(audio))


def _result(result: Any) -> Heard:
    if result is None:
        return Heard(False)
    slots = {slot.name: slot.value for slot in result.slot_details}
    return Heard(result.accepted, result.text, result.intent, slots)
