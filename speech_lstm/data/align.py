"""Forced alignment by a CTC model: which pronunciation of each word was said, when, and how well it fits the sound.

The best path (Viterbi 1967) through the CTC topology of the transcript, where a word may be said in any way that the
lexicon has. The times of a phone are those of its frames, which are few: CTC models answer in spikes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech_lstm.data.corpus import Utterance
from speech_lstm.runtime.audio import Samples, read_audio, refuse
from speech_lstm.runtime.content import read_content
from speech_lstm.runtime.errors import AudioError, PronunciationError, SpeechLstmError
from speech_lstm.runtime.lexicon.lexicon import Lexicon, Pronunciation
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.model.model import Model


@dataclass(frozen=True)
class Alignment:
    """The phones of an utterance in the order they were said."""

    phones: tuple[tuple[str, float, float], ...]
    """Phone, start and end in seconds."""
    misfit: float
    """Nats per phone that the transcript scores below whatever the model would hear freely; near 0 where they agree."""


@dataclass(frozen=True)
class Trellis:
    """A transcript as a graph of states: one for each phone of each pronunciation, and blanks between them."""

    tokens: NDArray[np.intp]
    """[states]: what each state emits."""
    sources: NDArray[np.intp]
    """[states, most]: states that lead to each one, itself first; filled up with the number of states."""
    first: NDArray[np.bool_]
    """[states]: where a path may begin."""
    last: NDArray[np.bool_]
    """[states]: where a path may end."""


def build_trellis(words: Sequence[Sequence[Pronunciation]], tokens: Sequence[str]) -> Trellis:
    """The CTC topology (Graves et al. 2006) of words that may each be said in several ways.

    tokens: of the model, blank first. ValueError for a phone that is none of them.
    """
    number = {token: index for index, token in enumerate(tokens)}
    emits, sources, first = [0], [[0]], [True]

    def add(token: int, before: Iterable[int], begins: bool) -> int:
        state = len(emits)
        allowed = [s for s in before if not emits[s] or emits[s] != token]  # the same phone again needs a blank between
        emits.append(token)
        sources.append([state, *allowed])
        first.append(begins)
        return state

    ends = [0]  # states after which the next word may begin: a blank, and the last phones of the word before
    for position, pronunciations in enumerate(words):
        lasts = []
        for pronunciation in pronunciations:
            before, begins = ends, position == 0
            for index, phone in enumerate(pronunciation):
                if phone not in number:
                    raise ValueError(f"{phone!r} is not a token of the model")
                state = add(number[phone], before, begins)
                last_phone = index == len(pronunciation) - 1
                before, begins = [state] if last_phone else [state, add(0, [state], False)], False
            lasts.append(before[0])
        ends = [add(0, lasts, False), *lasts]
    most = max(map(len, sources))
    filled = np.full((len(emits), most), len(emits))
    for state, row in enumerate(sources):
        filled[state, : len(row)] = row
    last = np.zeros(len(emits), bool)
    last[ends] = True
    return Trellis(np.array(emits), filled, np.array(first), last)


def best_path(log_probs: NDArray[np.float32], trellis: Trellis) -> tuple[NDArray[np.intp], float]:
    """States of the best path, [frames], and its log-probability; -inf where the frames are too few.

    log_probs: float32 [frames, tokens].
    """
    emitted = log_probs[:, trellis.tokens]
    score = np.append(np.where(trellis.first, emitted[0], -np.inf), -np.inf)
    rows = np.arange(len(trellis.tokens))
    choices = np.zeros(emitted.shape, np.int16)
    for frame in range(1, len(emitted)):
        reached = score[trellis.sources]
        choices[frame] = best = reached.argmax(1)
        score[:-1] = reached[rows, best] + emitted[frame]
    final = np.where(trellis.last, score[:-1], -np.inf)
    state = int(final.argmax())
    total, path = float(final[state]), np.empty(len(emitted), np.intp)
    for frame in range(len(emitted) - 1, -1, -1):
        path[frame] = state
        state = int(trellis.sources[state, choices[frame, state]])
    return path, total


def align(model: Model, audio: Samples, text: str, lexicon: Lexicon) -> Alignment | None:
    """The phones of an utterance; None without words, or with more of them than the audio has frames for.

    audio: float32 [samples], 16 kHz. PronunciationError for a word that cannot be said.
    """
    words = spoken_words(text)
    if not words:
        return None
    log_probs = model.log_probs(audio)
    tokens = model.metadata.tokens
    trellis = build_trellis([lexicon.pronunciations(word) for word in words], tokens)
    path, score = best_path(log_probs, trellis)
    if not np.isfinite(score):
        return None
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], len(path))
    seconds = model.metadata.frame_seconds
    phones = tuple(
        (tokens[trellis.tokens[path[start]]], round(float(start * seconds), 3), round(float(end * seconds), 3))
        for start, end in zip(starts, ends, strict=True)
        if trellis.tokens[path[start]]
    )
    return Alignment(phones, (float(log_probs.max(1).sum()) - score) / len(phones))


def align_to_file(
    utterances: Iterable[Utterance], out: Path, model: str = "default", workers: int = 1
) -> tuple[int, int]:
    """Append the alignments that the file lacks, one JSON object a line as `dataset.read_alignments` takes them.

    Paths are written as `Utterance.path` has them. Returns how many were aligned and how many left out.
    Audio that cannot be read is reported on stderr with its path.
    """
    done = _complete_rows(out)
    todo = [utterance for utterance in utterances if str(utterance.path) not in done]
    aligned = 0
    with out.open("a", encoding="utf-8") as file:
        for utterance, found in zip(todo, _align_all(todo, model, workers), strict=True):
            if isinstance(found, str):
                print(f"skipped: {found}", file=sys.stderr)
            elif found:
                row = {"path": str(utterance.path), "phones": found.phones, "misfit": round(found.misfit, 3)}
                file.write(json.dumps(row) + "\n")
                file.flush()
                aligned += 1
    return aligned, len(todo) - aligned


def _complete_rows(out: Path) -> set[str]:
    """The audio paths that a file has; half a line left by an interrupted run is cut off."""
    if not out.exists():
        return set()
    content = read_content(out)
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        out.write_bytes(whole)
    try:
        return {json.loads(line)["path"] for line in whole.splitlines()}
    except (ValueError, KeyError, TypeError):
        raise SpeechLstmError(f"{out}: holds something else than alignments; give another file") from None


def _align_all(utterances: list[Utterance], model: str, workers: int) -> Iterator[Alignment | str | None]:
    if workers == 1:
        _begin(model)
        yield from map(_align_one, utterances)
    else:
        with ProcessPoolExecutor(workers, initializer=_begin, initargs=(model,)) as pool:
            yield from pool.map(_align_one, utterances, chunksize=16)


_tools: list[tuple[Model, Lexicon]] = []  # of this process


def _begin(model: str) -> None:
    _tools[:] = [(Model.load(model, device="cpu"), Lexicon())]


def _align_one(utterance: Utterance) -> Alignment | str | None:
    """The alignment, None without one, or what is wrong with the audio or the words."""
    model, lexicon = _tools[0]
    try:
        return align(model, read_audio(utterance.path, report=refuse), utterance.text, lexicon)
    except (AudioError, PronunciationError) as error:
        return str(error) if str(utterance.path) in str(error) else f"{utterance.path}: {error}"
