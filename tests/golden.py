"""Golden vectors for every runtime, of Python, the browser and C: `python -m tests.golden` makes them again.

In `tests/data/golden`: compiled grammars (`*.json`), clips as little-endian int16 at 16 kHz (`*.s16`), what the models
make of them (`*.f32`, float32 [frames, tokens]), and `golden.json` with what is recognised in those log-probabilities.
See the README there.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import speech_lstm as sl
from speech_lstm import models
from speech_lstm.runtime.live.session import Session
from speech_lstm.runtime.live.session_options import SessionOptions

DATA = Path(__file__).parent / "data"
FOLDER = DATA / "golden"
RATE = 16000
PRECISIONS = ("int8", "fp32")
GRAMMARS = {
    "words": (DATA / "words.txt", ["backward", "(hey|okay) computer"]),
    "sentences": (DATA / "sentences.txt", None),
    "commands": (FOLDER / "commands.yaml", None),
}
"""Sources and wake words."""
CLIPS = (
    "words/backward_sc-171edea9", "words/forward_sc-32ad5b65", "words/left_sc-db9d52d2", "words/stop_sc-fa52ddf6",
    "words/zero_sc-22aa3665", "words/yes_an4-mdxs", "words/help_an4-fnsv", "words/happy_sc-67c7fecb",
    "sentences/two_six_eight_three_an4-fejs", "sentences/john_can_draw_the_so-0103", "noise/dog_bark_4-183992-A",
)  # fmt: skip
MOST_SECONDS = 4.0
STREAMS: dict[str, tuple[str | float, ...]] = {
    "morning": (
        0.5, "backward", 0.3, "left", 1.0, "stop", 1.0, "dog", 0.4, "forward", 0.9, "backward", 1.2, "help", 0.8,
        "yes", 0.1,
    ),
    "silence": (0.4, "backward", 6.0, "zero", 0.5),
}  # fmt: skip
"""Clips and seconds of silence, one after another."""
SESSIONS: tuple[dict[str, Any], ...] = (
    {"stream": "morning", "grammar": "words", "wake": True},
    {"stream": "morning", "grammar": "words", "wake": False},
    {"stream": "morning", "grammar": "commands", "wake": False},
    {"stream": "silence", "grammar": "words", "wake": True},
    {"stream": "morning", "grammar": "commands", "wake": False, "options": {"push_to_talk": True, "partials": False},
     "buttons": [[40, "press"], [60, "press"], [88, "release"], [120, "press"], [125, "release"], [128, "press"],
                 [130, "release"], [160, "press"]]},
    {"stream": "morning", "grammar": "sentences", "wake": False},
    {"stream": "morning", "grammar": "sentences", "wake": False,
     "options": {"total_seconds": 0.8, "pause_seconds": 0.8}},
)  # fmt: skip
"""`options`: of `SessionOptions`, others are the defaults. `buttons`: before which frame."""
BLOCK = 1280
"""Samples that the model gets at a time in streams."""


def name_of(clip: str) -> str:
    return Path(clip).name.split("_")[0]


def recognizer(grammar: str, precision: str = "int8") -> sl.Recognizer:
    """For a compiled grammar of the folder."""
    model = models.find("default", "cuda" if precision == "fp32" else "cpu")
    assert model is not None and precision in model.name
    return sl.Recognizer(FOLDER / f"{grammar}.json", model=model, device="cpu")


def stored(name: str) -> NDArray[np.float32]:
    """float32 [frames, tokens]."""
    return np.fromfile(FOLDER / f"{name}.f32", "<f4").astype(np.float32).reshape(-1, 40)


def audio_of(name: str) -> NDArray[np.float32]:
    """float32 [samples] of a clip or stream."""
    if name not in STREAMS:
        return np.fromfile(FOLDER / f"{name}.s16", "<i2").astype(np.float32) / np.float32(32768)
    parts = (
        audio_of(part) if isinstance(part, str) else np.zeros(round(part * RATE), np.float32) for part in STREAMS[name]
    )
    return np.concatenate(list(parts))


def log_probs(name: str, precision: str, model: sl.Model) -> NDArray[np.float32]:
    """What a model makes of a clip, in one call, or of a stream, block by block, with the silence after it."""
    return model.log_probs(audio_of(name), block_samples=BLOCK if name in STREAMS else None)


def events(session: dict[str, Any], recognizer: sl.Recognizer) -> list[dict[str, Any]]:
    """What happens in a session that hears the stored log-probabilities."""
    options = SessionOptions(**session.get("options", {}))
    wake = recognizer.wake_detector.start if session["wake"] and recognizer.wake_detector else None
    heard = Session(recognizer.for_session(), options, recognizer.options.alternatives, wake)
    buttons = dict(session.get("buttons", ()))
    found = []
    for number, frame in enumerate(stored(f"{session['stream']}-int8")):
        if number in buttons:
            getattr(heard, buttons[number])()
        found += heard.advance(frame[None])
    heard.end_at(len(audio_of(session["stream"])) / RATE)
    return [event.to_dict() for event in [*found, *heard.finish()]]


def detections(recognizer: sl.Recognizer, stream: str) -> list[dict[str, Any]]:
    """What the wake word search hears in a stream."""
    assert recognizer.wake_detector is not None
    found = recognizer.wake_detector.start().detect(stored(f"{stream}-int8"))
    return [asdict(detection) for detection in found]


def make() -> None:
    """All files, from the shipped models."""
    for name, (source, wake_words) in GRAMMARS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sl.WakeWordWarning)
            text = sl.Recognizer(source, wake_words, device="cpu").compiled_grammar()
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    for clip in CLIPS:
        audio = sl.read_audio(DATA / f"{clip}.opus")[: round(MOST_SECONDS * RATE)]
        (np.round(audio * 32768).clip(-32768, 32767).astype("<i2")).tofile(FOLDER / f"{name_of(clip)}.s16")
    clips = [name_of(clip) for clip in CLIPS]
    results = []
    for precision in PRECISIONS:
        model = recognizer("words", precision).model
        for name in [*clips, *(STREAMS if precision == "int8" else ())]:
            log_probs(name, precision, model).astype("<f4").tofile(FOLDER / f"{name}-{precision}.f32")
        for grammar in GRAMMARS:
            tool = recognizer(grammar, precision)
            for name in clips:
                result = tool.decode(stored(f"{name}-{precision}"), len(audio_of(name)) / RATE)
                results.append({"clip": name, "precision": precision, "grammar": grammar, "result": result.to_dict()})
    golden = {
        "clips": clips,
        "streams": STREAMS,
        "block_samples": BLOCK,
        "alternatives": 2,
        "session_options": asdict(SessionOptions()),
        "results": results,
        "sessions": [{**each, "events": events(each, recognizer(each["grammar"]))} for each in SESSIONS],
        "detections": {stream: detections(recognizer("words"), stream) for stream in STREAMS},
    }
    lines = ",\n".join(f"{json.dumps(key)}: {_rows(value)}" for key, value in golden.items())
    (FOLDER / "golden.json").write_text(f"{{{lines}}}\n", encoding="utf-8")


def _rows(value: object) -> str:
    """A row for each entry of a list, so that differences can be read."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(entry) for entry in value) + "\n]"


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("usage: python -m tests.golden")
    make()
