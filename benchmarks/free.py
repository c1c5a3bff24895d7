"""Word errors and CPU of free transcription on manifests, by corpus.

    python -m benchmarks.free data/librispeech/manifest.jsonl data/an4/manifest.jsonl --limit 200

Every option of `FreeSearchOptions` may be given, to tune them on dev. Errors are substitutions, deletions and
insertions of a clip's words; CPU is that of the search alone, of one pass. `--fit` fits the confidence of words to the
same clips.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from speech_lstm.data.corpus import read_manifest
from speech_lstm.evaluation.trials import posteriors
from speech_lstm.runtime.free.bigrams import Bigrams
from speech_lstm.runtime.free.search import FreeSearchOptions
from speech_lstm.runtime.free.transcription import Features, FreeDecoder, default_options, word_confidence
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.model.model import Model


@dataclass
class Counts:
    """Of one corpus."""

    clips: int = 0
    words: int = 0
    substituted: int = 0
    deleted: int = 0
    inserted: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def wrong(self) -> int:
        """Words in error."""
        return self.substituted + self.deleted + self.inserted

    def __str__(self) -> str:
        """For people."""
        shares = (f"{count / self.words:.1%} {name}" for name, count in self._kinds())
        return (
            f"{self.clips} clips, {self.words} words: {self.wrong / self.words:.1%} wrong ({', '.join(shares)}); "
            f"search {1000 * self.cpu / self.seconds:.1f} ms of CPU a second of audio"
        )

    def _kinds(self) -> tuple[tuple[str, int], ...]:
        return ("substituted", self.substituted), ("deleted", self.deleted), ("inserted", self.inserted)


def matched(said: Sequence[str], heard: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """Pairs of places with the same or exchanged words on a cheapest alignment, and its cost (Levenshtein)."""
    pairs = [
        pair
        for step in Levenshtein.opcodes(said, heard)
        if step.tag in ("equal", "replace")
        for pair in zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True)
    ]
    return pairs, Levenshtein.distance(said, heard)


def add(counts: Counts, said: Sequence[str], heard: Sequence[str]) -> list[bool]:
    """Count one clip. Returns whether each word heard is right."""
    pairs, _ = matched(said, heard)
    right = {j for i, j in pairs if said[i] == heard[j]}
    counts.clips += 1
    counts.words += len(said)
    counts.substituted += len(pairs) - len(right)
    counts.deleted += len(said) - len(pairs)
    counts.inserted += len(heard) - len(pairs)
    return [j in right for j in range(len(heard))]


def fit_logistic(features: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Intercept and weights of a logistic regression, by Newton steps."""
    inputs = np.column_stack((np.ones(len(features)), features))
    weights = np.zeros(inputs.shape[1])
    for _ in range(25):
        probability = 1 / (1 + np.exp(-inputs @ weights))
        hessian = (inputs * (probability * (1 - probability))[:, None]).T @ inputs
        weights += np.linalg.solve(hessian + 1e-6 * np.eye(len(weights)), inputs.T @ (right - probability))
    return weights


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--model", default="default", help="a name, or an .onnx file")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, help="clips of a corpus, evenly spread over it")
    parser.add_argument("--bigrams", type=Path, help="what speech_lstm.assets.language_model wrote (default: shipped)")
    parser.add_argument("--show", action="store_true", help="print what was said and what was heard")
    parser.add_argument("--fit", action="store_true", help="fit the confidence of words")
    for option in fields(FreeSearchOptions):
        kind = int if isinstance(option.default, int) else float
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=kind)
    args = parser.parse_args()
    model = Model.load(Path(args.model) if args.model.endswith(".onnx") else args.model, "cpu")
    bigrams = Bigrams.load(args.bigrams) if args.bigrams else None
    metadata = model.metadata
    features: list[Features] = []

    def confidence(of: Features) -> float:
        features.append(of)
        return word_confidence(of)

    given = {option.name: getattr(args, option.name) for option in fields(FreeSearchOptions)}
    options = replace(default_options(metadata), **{name: value for name, value in given.items() if value is not None})
    decoder = FreeDecoder.load(metadata, options, bigrams)
    decoder = replace(decoder, confidence=confidence)
    total = Counts()
    right: list[bool] = []
    for manifest in args.manifests:
        utterances = [utterance for utterance in read_manifest(manifest, args.split) if utterance.text]
        if args.limit and args.limit < len(utterances):
            utterances = [utterances[index * len(utterances) // args.limit] for index in range(args.limit)]
        counts = Counts()
        for utterance in utterances:
            log_probs = posteriors(model, utterance.path)
            said = spoken_words(utterance.text)
            start = time.process_time()
            transcription = decoder.start()
            results = (*transcription.advance(log_probs), *transcription.finish(math.inf))
            counts.cpu += time.process_time() - start
            counts.seconds += len(log_probs) * metadata.frame_seconds
            words = [word for result in results for word in result.words]
            right += add(counts, said, [word.text for word in words])
            if args.show:
                print(f"said  {' '.join(said)}\nheard {' '.join(word.text for word in words)}")
        print(f"{manifest.parent.name}: {counts}")
        for field in fields(Counts):
            setattr(total, field.name, getattr(total, field.name) + getattr(counts, field.name))
    print(f"all: {total}")
    sure = np.array([word_confidence(of) for of in features])
    known = np.array(right)
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            share, mean = known[inside].mean(), sure[inside].mean()
            print(f"words of confidence {low} to {high}: {inside.sum()}, mean {mean:.0%}, {share:.0%} right")
    if args.fit:
        intercept, *weights = fit_logistic(np.array(features), known)
        print(f"INTERCEPT = {intercept:.3f}\nWEIGHTS = ({', '.join(f'{weight:.3f}' for weight in weights)})")


if __name__ == "__main__":
    main()
