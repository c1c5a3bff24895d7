"""Makes docs/demo.svg: the screen of `speech-lstm listen` after it heard bundled recordings in real time.

python docs/record_demo.py      needs the [mic] extra
"""

import io
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from rich.console import Console

import speech_lstm as sl
from speech_lstm.cli.listen import Tap
from speech_lstm.cli.screen import Screen
from speech_lstm.runtime.live.listen import hear, play

ROOT = Path(__file__).parents[1]
SAID = ("zero", "backward", "left", "right", "happy", "one", "forward")
GRAMMAR = sl.Grammar.from_phrases(
    ["Move: [go] {direction}", "Dial: {number}", "Feel: {mood}"],
    lists={
        "direction": ["forward", "backward", "left", "right", "up", "down"],
        "number": ["zero", "one", "two", "three", "four", "five"],
        "mood": ["happy", "wow"],
    },
)


def main() -> None:
    """Play, and save the last view before the end."""
    words = [sl.read_audio(next((ROOT / "tests/data/words").glob(f"{word}_*"))) for word in SAID]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        soundfile.write(path, np.concatenate([np.pad(word, (0, 6400)) for word in words]), 16000)
        recognizer = sl.Recognizer(grammar=GRAMMAR, device="cpu")
        with Screen("said.wav") as screen:
            stream = recognizer.stream()
            tap = Tap(play(path), stream, [screen])
            for event in hear(stream, tap):
                screen.event(event, time.perf_counter() - tap.arrived)
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(screen.render())
    console.save_svg(str(ROOT / "docs" / "demo.svg"), title="speech-lstm listen --grammar robot.txt --wav said.wav")


if __name__ == "__main__":
    main()
