"""Fit the confidence of a model on development data: blank offset first, then the logistic regression over margins.

Right answers: Speech Commands words in a grammar of all of them, and sentences among other sentences. Wrong ones: the
same clips with what was said taken out of the grammar, and noise. Prints and writes JSON for the exported metadata:

    python -m speech_lstm.calibrate model.onnx --words MANIFEST --sentences MANIFEST --noise MANIFEST -o fit.json
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.audio import SAMPLE_RATE, read_audio
from speech_lstm.runtime.confidence import FEATURES, FLOOR, ConfidenceModel, command_features
from speech_lstm.runtime.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.graph import compile_graph
from speech_lstm.runtime.lexicon import Lexicon
from speech_lstm.runtime.model import Model
from speech_lstm.runtime.text import spoken_words

BLANK_OFFSETS = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
TAIL_SECONDS = 0.4  # silence after a clip, as `RecognizerOptions.tail_seconds`
PHRASES = 35  # sentences in a grammar
WRONG_TARGET = 0.05  # of the wrong ones, accepted at the threshold


@dataclass(frozen=True)
class Trial:
    """A clip and a grammar. `said` is "" for noise; log_probs: float32 [frames, tokens]."""

    log_probs: NDArray[np.float32]
    phrases: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Calibration:
    """What was fitted, and how good it is on the trials it was fitted on."""

    confidence: ConfidenceModel
    blank_offset: float
    threshold: float
    right_recognised: float
    """Share of the trials with the phrase in the grammar in which it was the best."""
    right_accepted: float
    """Share of them that are recognised and accepted at the threshold."""
    wrong_accepted: float
    """Share of the other trials accepted at the threshold."""

    def to_dict(self) -> dict[str, Any]:
        """Entries for `ModelMetadata`, and the shares."""
        return {
            "calibration": self.confidence.to_metadata(),
            "decoder": {"blank_offset": self.blank_offset},
            "thresholds": {"accept": self.threshold},
            "right_recognised": self.right_recognised,
            "right_accepted": self.right_accepted,
            "wrong_accepted": self.wrong_accepted,
        }


def make_trials(
    model: Model, words: Sequence[Path], sentences: Sequence[Path], noise: Sequence[Path], clips: int, seed: int = 0
) -> list[Trial]:
    """Trials from the dev rows of manifests (all rows of those without a split), at most `clips` rows of each kind."""
    rng = random.Random(seed)
    trials = []
    kinds = [(_dev_rows(paths), size) for paths, size in ((words, None), (sentences, PHRASES), (noise, None))]
    pool = [sorted({row["text"] for row in rows if row["text"]}) for rows, _ in kinds]
    for (rows, size), texts in zip(kinds, pool, strict=True):
        for row in rng.sample(rows, min(clips, len(rows))):
            log_probs = posteriors(model, row["audio_filepath"])
            said = row["text"]
            if not said:
                trials += [Trial(log_probs, tuple(phrases), "") for phrases in (pool[0], rng.sample(pool[1], PHRASES))]
                continue
            others = [text for text in texts if text != said]
            chosen = tuple(others if size is None else rng.sample(others, min(size, len(others))))
            trials += [Trial(log_probs, (*chosen, said), said), Trial(log_probs, chosen, said)]
    return trials


def posteriors(model: Model, path: str | Path) -> NDArray[np.float32]:
    """float32 [frames, tokens] of a clip with the silence that recognition puts after it."""
    audio = read_audio(path)
    tail = round(TAIL_SECONDS * SAMPLE_RATE)
    padded = np.pad(audio, (0, tail + -(len(audio) + tail) % model.metadata.chunk_samples))
    return model.run(padded[None], model.initial_state())[0][0]


def fit(trials: Sequence[Trial], tokens: Sequence[str], options: DecoderOptions | None = None) -> Calibration:
    """Choose the blank offset that recognises most, then fit the confidence and the threshold.

    Raises ValueError without trials of both kinds, right and wrong.
    """
    inside = [trial for trial in trials if trial.said in trial.phrases]
    if not inside or len(inside) == len(trials):
        raise ValueError("calibration needs clips whose words are in the grammar and clips whose words are not")
    base = options or DecoderOptions()
    decoders = _Decoders(tokens)
    scored = {offset: decoders.run(inside, replace(base, blank_offset=offset)) for offset in BLANK_OFFSETS}
    offset = max(BLANK_OFFSETS, key=lambda value: float(np.mean(scored[value][1])))
    features, right = decoders.run(trials, replace(base, blank_offset=offset))
    confidence = logistic_regression(features, right)
    probability = np.array([confidence.probability(row) for row in features])
    known = np.array([trial.said in trial.phrases for trial in trials])
    threshold = float(np.quantile(probability[~known], 1 - WRONG_TARGET))
    accepted = probability > threshold
    return Calibration(
        confidence,
        offset,
        round(threshold, 4),
        right_recognised=float(right[known].mean()),
        right_accepted=float((right & accepted)[known].mean()),
        wrong_accepted=float(accepted[~known].mean()),
    )


class _Decoders:
    """Decoding graphs of the trials' grammars, each compiled once."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens, self._lexicon = tokens, Lexicon()
        self._graphs: dict[tuple[str, ...], Any] = {}

    def run(self, trials: Iterable[Trial], options: DecoderOptions) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """float64 [trials, features], and bool [trials]: whether the best hypothesis is what was said."""
        features, right = [], []
        for trial in trials:
            key = tuple(sorted(trial.phrases))
            if key not in self._graphs:
                self._graphs[key] = compile_graph(Grammar.from_phrases(key).graph, self._lexicon, self._tokens)
            decoder = Decoder(self._graphs[key], options)
            state = decoder.start()
            decoder.advance(state, trial.log_probs)
            found = decoder.hypotheses(state)
            words = bool(found and found[0].words)
            nothing = (FLOOR, FLOOR, 0.0, FLOOR, 0.0)
            features.append(command_features(found[0], state.num_frames) if words else nothing)
            right.append(bool(found) and found[0].text == trial.said)
        return np.array(features), np.array(right)


def logistic_regression(
    features: NDArray[np.float64], labels: NDArray[np.bool_], ridge: float = 1e-3, steps: int = 50
) -> ConfidenceModel:
    """Iteratively reweighted least squares (Bishop 2006, section 4.3.3), both classes with the same total weight.

    features: [n, len(FEATURES)]; labels: [n]. ridge keeps the weights finite when the classes can be separated.
    """
    inputs = np.column_stack([np.ones(len(features)), features])
    share = np.where(labels, 0.5 / max(1, labels.sum()), 0.5 / max(1, (~labels).sum()))
    weights = np.zeros(inputs.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (share * (labels - p)) - ridge * weights
        hessian = (inputs * (share * p * (1 - p))[:, None]).T @ inputs + ridge * np.eye(len(weights))
        change = np.linalg.solve(hessian, gradient)
        weights = weights + change
        if np.abs(change).max() < 1e-8:
            break
    return ConfidenceModel(float(weights[0]), tuple(map(float, weights[1:])))


def _dev_rows(manifests: Iterable[Path]) -> list[dict[str, Any]]:
    """Rows of the dev split, or without one, whose words the dictionary knows; guesses would blur the calibration."""
    lexicon, rows = Lexicon(), []
    for manifest in manifests:
        for line in manifest.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            guessed = any(map(lexicon.is_guessed, spoken_words(row["text"])))
            if row.get("split", "dev") == "dev" and not guessed:
                rows.append({**row, "audio_filepath": manifest.parent / row["audio_filepath"]})
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate one model; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m speech_lstm.calibrate", description="Fit the confidence of a model."
    )
    parser.add_argument("model", help="an .onnx file or the name of a shipped model")
    for kind in ("words", "sentences", "noise"):
        parser.add_argument(f"--{kind}", nargs="+", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--clips", type=int, default=400, help="of each kind, at most (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="JSON")
    args = parser.parse_args(arguments)
    model = Model.load(args.model, "cpu")
    trials = make_trials(model, args.words, args.sentences, args.noise, args.clips)
    result = fit(trials, model.metadata.tokens)
    args.output.write_text(json.dumps(result.to_dict(), indent=1) + "\n", encoding="utf-8")
    print(f"{len(trials)} trials, {len(FEATURES)} features -> {args.output}", file=sys.stderr)
    print(json.dumps(result.to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
