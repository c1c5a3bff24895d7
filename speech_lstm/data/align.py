"""Forced alignment: when each phone of a transcript was said, as training's frame labels need it.

Uses PocketSphinx and the US English models inside its package (Huggins-Daines et al., ICASSP 2006), so it wants a
transcript of words that its dictionary has; other utterances train on CTC alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from speech_lstm.data.corpus import Utterance
from speech_lstm.runtime.audio import Samples, read_audio
from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import PHONES

FRAMES = 100  # of PocketSphinx, a second
SHORTEST = 4000  # samples; it cannot decode much less

Alignment = list[tuple[str, float, float]]
"""Phones in the order they were said, with start and end in seconds; silence is left out."""


class Aligner:
    """A PocketSphinx decoder that aligns one utterance after another."""

    def __init__(self) -> None:
        self._decoder = _decoder()

    def align(self, audio: Samples, text: str) -> Alignment | None:
        """The phones of an utterance; None when a word is unknown or the audio does not fit the words.

        audio: float32 [samples], 16 kHz.
        """
        words = spoken_words(text)
        if not words or len(audio) < SHORTEST:
            return None
        if any(self._decoder.lookup_word(word) is None for word in words):
            return None
        pcm = np.round(np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._decode(pcm)  # the words
            self._decoder.set_alignment()
            self._decode(pcm)  # their phones
            entries = [phone for word in self._decoder.get_alignment() for phone in word]
        except (RuntimeError, TypeError):  # no alignment: a failed decoder is not usable again
            self._decoder = _decoder()
            return None
        frames = [(entry.name, entry.start, entry.start + entry.duration) for entry in entries]
        return [(name, start / FRAMES, end / FRAMES) for name, start, end in frames if name in PHONES]

    def _decode(self, pcm: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()


def _decoder() -> Any:
    from pocketsphinx import Decoder

    return Decoder(lm=None, loglevel="FATAL")


def align_to_file(utterances: Iterable[Utterance], out: Path, workers: int = 1) -> tuple[int, int]:
    """Append the alignments that the file lacks, one JSON object a line as `dataset.read_alignments` takes them.

    Paths are written as `Utterance.path` has them. Returns how many were aligned and how many left out.
    Audio that cannot be read is reported on stderr with its path.
    """
    done = _complete_rows(out)
    todo = [utterance for utterance in utterances if str(utterance.path) not in done]
    aligned = 0
    with out.open("a", encoding="utf-8") as file:
        for utterance, phones in zip(todo, _align_all(todo, workers), strict=True):
            if isinstance(phones, str):
                print(f"skipped: {phones}", file=sys.stderr)
            elif phones:
                file.write(json.dumps({"path": str(utterance.path), "phones": phones}) + "\n")
                file.flush()
                aligned += 1
    return aligned, len(todo) - aligned


def _complete_rows(out: Path) -> set[str]:
    """The audio paths that a file has; half a line left by an interrupted run is cut off."""
    if not out.exists():
        return set()
    content = out.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        out.write_bytes(whole)
    return {json.loads(line)["path"] for line in whole.splitlines()}


def _align_all(utterances: list[Utterance], workers: int) -> Iterator[Alignment | str | None]:
    if workers == 1:
        yield from map(_align_one, utterances)
    else:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(_align_one, utterances, chunksize=16)


_aligners: list[Aligner] = []  # of this process, made at its first utterance


def _align_one(utterance: Utterance) -> Alignment | str | None:
    """The alignment, None without one, or what is wrong with the audio."""
    if not _aligners:
        _aligners.append(Aligner())
    try:
        audio = read_audio(utterance.path)
    except AudioError as error:
        return str(error)
    return _aligners[0].align(audio, utterance.text)
