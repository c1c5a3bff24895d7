"""Trials for confidence: a clip and phrases to recognise in it, where it is known what the right answer is.

Words among all words; short sentences among others, alone or with near misses of them; the same without what was said;
sentences where single words are expected; noise, silence and music. All that is said is heard as recorded, and in noise
as well if wanted. Half of the speakers and noises are for calibration, the others are held out to measure it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from speech_lstm.data.corpus import read_lines
from speech_lstm.evaluation.conditions import in_noise
from speech_lstm.evaluation.sounds import music, silence
from speech_lstm.runtime.audio import Samples, read_audio
from speech_lstm.runtime.decoding.other_words import Vocabulary
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.lexicon.closed import hears_words
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model

PHRASES = 20  # sentences in a grammar
MAX_WORDS = 12  # of a sentence; commands are not longer
NEAR_MISSES = 3  # of what was said, in a grammar that also has it
ALIKE = 8  # words from which the one of a near miss is drawn
SOUNDS = 25  # clips of each synthesised sound
SYNTHESISED = (("silence", silence), ("music", music))
LEAST_DISTANCE = 2  # phones in which it differs: with one even people mishear it


@dataclass(frozen=True)
class Trial:
    """A clip and a grammar. `said` is "" for noise; log_probs: float32 [frames, tokens]. `kind`: for the table.

    `snr_db`: of the noise it was put in, None for none.
    """

    kind: str
    log_probs: NDArray[np.float32]
    phrases: tuple[str, ...]
    said: str
    snr_db: float | None = None

    @property
    def inside(self) -> bool:
        """Whether the grammar has what was said."""
        return self.said in self.phrases


def make_trials(
    model: Model,
    words: Sequence[Path],
    sentences: Sequence[Path],
    noise: Sequence[Path],
    clips: int,
    held_out: bool = False,
    seed: int = 0,
    snr_db: Sequence[float] = (),
) -> list[Trial]:
    """Trials from the dev rows of manifests (all rows of those without a split), at most `clips` rows of each kind.

    noise: manifests, or audio files. held_out: from the speakers, or files where none is named, that calibration does
    not use. snr_db: ratios at which all that is said is heard in that noise, besides as it was recorded. A model of
    whole words has no trials with sentences in the grammar. Raises ValueError where there is no noise for `snr_db`.
    """
    tokens = model.metadata.tokens
    closed = hears_words(tokens)
    rng = random.Random(seed)
    trials = []
    spoken, read = ([row for row in dev_rows(paths) if row["text"]] for paths in (words, sentences))
    sounds = dev_rows(path for path in noise if path.suffix == ".jsonl")
    sounds += [{"audio_filepath": path} for path in noise if path.suffix != ".jsonl"]
    read = [row for row in read if len(row["text"].split()) <= MAX_WORDS]
    spoken = [row for row in spoken if not closed or row["text"] in tokens]
    commands = tokens[1:-1] if closed else tuple(sorted({row["text"] for row in spoken}))
    texts = sorted({row["text"] for row in read})
    alike = AlikeWords(word for text in texts for word in text.split())

    def others(said: str) -> tuple[str, ...]:
        rest = [text for text in texts if text != said]
        return tuple(rng.sample(rest, min(PHRASES, len(rest))))

    recordings = [row["audio_filepath"] for row in _sample(sounds, clips, held_out, random.Random(seed))]
    if snr_db and not recordings:
        raise ValueError("clips cannot be put in noise without dev recordings of noise")
    noises = [read_audio(path) for path in recordings] if snr_db else []
    drawn = np.random.default_rng(seed)
    for row in _sample(spoken, clips, held_out, rng):
        said = row["text"]
        rest = tuple(text for text in commands if text != said)
        for snr, audio in _heard_in(noises, snr_db, row["audio_filepath"], drawn):
            heard = posteriors(model, audio)
            trials.append(Trial("word", heard, commands, said, snr))
            trials.append(Trial("word outside", heard, rest, said, snr))
    for row in _sample(read, clips, held_out, rng):
        said = row["text"]
        grammars = {"sentence where words are expected": commands}
        if closed:
            if set(said.split()) & set(commands):
                continue
        else:
            misses = [alike.near_miss(said, rng) for _ in range(NEAR_MISSES)]
            rest = others(said)
            grammars |= {
                "sentence": (*rest, said),
                "sentence outside": rest,
                "sentence among near misses": (*rest, *misses, said),
                "near miss": (*rest, misses[0]),
            }
            if said in commands:
                del grammars["sentence where words are expected"]
        for snr, audio in _heard_in(noises, snr_db, row["audio_filepath"], drawn):
            heard = posteriors(model, audio)
            trials += [Trial(kind, heard, phrases, said, snr) for kind, phrases in grammars.items()]
    synthesis = np.random.default_rng([seed, held_out])
    no_speech: list[tuple[str, Path | Samples]] = [("noise", path) for path in recordings]
    no_speech += [(kind, make(synthesis)) for kind, make in SYNTHESISED for _ in range(min(clips, SOUNDS))]
    for kind, clip in no_speech:
        heard = posteriors(model, clip)
        trials.append(Trial(kind, heard, commands, ""))
        if not closed:
            trials.append(Trial(kind, heard, others(""), ""))
    return trials


def _heard_in(
    noises: Sequence[Samples], snr_db: Sequence[float], path: Path, rng: np.random.Generator
) -> Iterator[tuple[float | None, Samples]]:
    """A clip as it was recorded, and in one of the noises at each ratio: float32 [samples]."""
    audio = read_audio(path)
    yield None, audio
    for snr in snr_db:
        noise = noises[int(rng.integers(len(noises)))]
        yield snr, in_noise(audio, np.roll(noise, int(rng.integers(len(noise)))), snr)


def posteriors(
    model: Model, clip: str | Path | Samples, state: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """float32 [frames, tokens] of a file or of float32 [samples] with the silence that recognition puts after it.

    state: that the model begins with, float32 [1, state size]; None: a fresh one.
    """
    audio = read_audio(clip) if isinstance(clip, str | Path) else clip
    return model.log_probs(audio, state)


def dev_rows(manifests: Iterable[Path], guessed: bool = False) -> list[dict[str, Any]]:
    """Rows of the dev split, or without one. Unless `guessed`, only those whose words are in the dictionary: guesses
    would blur the calibration.
    """
    lexicon, rows = Lexicon(), []
    for manifest in manifests:
        for number, line in enumerate(read_lines(manifest), 1):
            try:
                row = json.loads(line)
                if row.get("split", "dev") != "dev":
                    continue
                if guessed or not any(map(lexicon.is_guessed, spoken_words(row["text"]))):
                    rows.append({**row, "audio_filepath": manifest.parent / row["audio_filepath"]})
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SpeechLstmError(f"{manifest}:{number}: not a manifest row ({error!r})") from error
    return rows


def is_held_out(row: dict[str, Any]) -> bool:
    """Whether a row is for measuring and not for calibration: by speaker, or by file name where none is named."""
    speaker = row.get("speaker") or Path(row["audio_filepath"]).name
    return crc32(speaker.encode()) % 2 == 1


def _sample(rows: list[dict[str, Any]], clips: int, held_out: bool, rng: random.Random) -> list[dict[str, Any]]:
    chosen = [row for row in rows if is_held_out(row) == held_out]
    return rng.sample(chosen, min(clips, len(chosen)))


class AlikeWords:
    """Words of a vocabulary that sound like a given one, by edit distance of phones."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._lexicon = Lexicon()
        said = [(word, phones) for word in sorted(set(vocabulary)) for phones in self._lexicon.pronunciations(word)]
        self._words = [word for word, _ in said]
        self._ways = Vocabulary([_tokens(phones) for _, phones in said])
        self._found: dict[str, tuple[str, ...]] = {}

    def near_miss(self, text: str, rng: random.Random) -> str:
        """The text with one word, of at least three phones if there is such a one, replaced by one that sounds alike.

        The text itself where no other word has as many phones in common as that.
        """
        words = text.split()
        long = [place for place, word in enumerate(words) if len(self._lexicon.pronunciations(word)[0]) >= 3]
        place = rng.choice(long or range(len(words)))
        found = self.alike(words[place])
        return " ".join([*words[:place], rng.choice(found), *words[place + 1 :]]) if found else text

    def alike(self, word: str) -> tuple[str, ...]:
        """The `ALIKE` nearest words that differ in at least `LEAST_DISTANCE` phones whichever way they are said."""
        if word not in self._found:
            distances = np.min(
                [self._ways.distances(_tokens(way)) for way in self._lexicon.pronunciations(word)], axis=0
            )
            least: dict[str, int] = {}
            for other, distance in zip(self._words, distances.tolist(), strict=True):
                least[other] = min(distance, least.get(other, distance))
            nearest = sorted((distance, other) for other, distance in least.items() if distance >= LEAST_DISTANCE)
            self._found[word] = tuple(other for _, other in nearest[:ALIKE])
        return self._found[word]


def _tokens(phones: Sequence[str]) -> tuple[int, ...]:
    return tuple(map(TOKENS.index, phones))
