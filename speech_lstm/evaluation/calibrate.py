"""Fit the confidence of a model on development data: blank offset first, then the logistic regression over margins.

Right answers: single words in a grammar of all of them, and sentences among others and among near misses. Wrong ones:
what was misheard there, the same clips with what was said taken out of the grammar, and noise (`trials`). All that is
said is heard as recorded and in noise (`SNR_DB`). Every kind of trial has the same weight. Prints and writes JSON for
the exported metadata:

    python -m speech_lstm.evaluation.calibrate MODEL --words MANIFEST --sentences MANIFEST --noise MANIFEST -o fit.json
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_lstm.evaluation.trials import Trial, make_trials
from speech_lstm.runtime.decoding.confidence import FEATURES, FLOOR, ConfidenceModel, command_features
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.decoding.graph import DecodingGraph, compile_graph
from speech_lstm.runtime.decoding.hypothesis import Sentence
from speech_lstm.runtime.decoding.other_words import LEAST_LEAD
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.closed import lexicon_for
from speech_lstm.runtime.live.interpreter import MOST_RIVALS
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.model.model import Model

BLANK_OFFSETS = (-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
SNR_DB = (15.0, 6.0)
"""Ratios of speech to noise in which everything is heard once more."""
WRONG_TARGETS = {"accept": 0.05, "open": 0.03}
"""Of other speech and noise, every kind as frequent as the others, accepted at the threshold: `accept` after a wake
word or a button, where a command is likely; `open` where everything that is said may be one."""
OFFSET_SLACK = 0.01  # less than that in recognised trials is chance; a large offset hears noise as phones, or no words
FEW = 15  # right or wrong trials of a kind that are too few to weigh as much as the other kinds
NEAR_MISS = "near miss"  # of these so many sound right that the threshold is not made for them


@dataclass(frozen=True)
class Calibration:
    """What was fitted, and how good it is on the trials it was fitted on."""

    confidence: ConfidenceModel
    blank_offset: float
    fold_threshold: float
    """As the metadata of the model had it."""
    thresholds: dict[str, float]
    """For each of `WRONG_TARGETS`."""
    right_recognised: float
    """Share of the trials with the phrase in the grammar in which it was the best."""
    right_accepted: float
    """Share of them that are recognised and accepted at the threshold `accept`; so are the following."""
    wrong_accepted: float
    """Share of the other trials, without near misses, accepted."""
    near_misses_accepted: float
    """Share of the near misses accepted."""

    def to_dict(self) -> dict[str, Any]:
        """Entries for `ModelMetadata`, and the shares."""
        return {
            "calibration": self.confidence.to_metadata(),
            "decoder": {"blank_offset": self.blank_offset, "fold_threshold": self.fold_threshold},
            "thresholds": self.thresholds,
            "right_recognised": self.right_recognised,
            "right_accepted": self.right_accepted,
            "wrong_accepted": self.wrong_accepted,
            "near_misses_accepted": self.near_misses_accepted,
        }


def fit(trials: Sequence[Trial], metadata: ModelMetadata, options: DecoderOptions | None = None) -> Calibration:
    """Choose the blank offset nearest to 0 that recognises about as much as any, then fit confidence and threshold.

    metadata: of the model that made the trials. Raises ValueError without trials of both kinds, right and wrong.
    """
    inside = [trial for trial in trials if trial.inside]
    if not inside or len(inside) == len(trials):
        raise ValueError("calibration needs clips whose words are in the grammar and clips whose words are not")
    base = options or DecoderOptions.tuned(metadata)
    graphs = _Graphs(metadata)
    recognised = {
        offset: np.mean([graphs.text(trial, replace(base, blank_offset=offset)) == trial.said for trial in inside])
        for offset in BLANK_OFFSETS
    }
    enough = max(recognised.values()) - OFFSET_SLACK
    offset = min((offset for offset, share in recognised.items() if share >= enough), key=abs)
    best = [graphs.best(trial, replace(base, blank_offset=offset)) for trial in trials]
    features = np.array([row for row, _ in best])
    right = np.array([text == trial.said for trial, (_, text) in zip(trials, best, strict=True)])
    kinds = np.array([f"{trial.kind}, {trial.snr_db} dB" for trial in trials])
    known = np.array([trial.inside for trial in trials])
    confidence = logistic_regression(features, right, equal_weights(kinds, right))
    probability = np.array([confidence.probability(row) for row in features])
    near = np.array([trial.kind == NEAR_MISS for trial in trials])
    other = ~known & ~near
    thresholds = {
        name: round(accepting_threshold(probability[other], kinds[other], share), 4)
        for name, share in WRONG_TARGETS.items()
    }
    accepted = probability > thresholds["accept"]
    return Calibration(
        confidence,
        offset,
        base.fold_threshold,
        thresholds,
        right_recognised=float(right[known].mean()),
        right_accepted=float((right & accepted)[known].mean()),
        wrong_accepted=float(accepted[other].mean()),
        near_misses_accepted=float(accepted[near].mean()) if near.any() else 0.0,
    )


def accepting_threshold(probability: NDArray[np.float64], kinds: NDArray[np.str_], share: float) -> float:
    """Above it is that share of the trials, where every kind is as frequent as the others."""
    names, which, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    order = np.argsort(-probability)
    above = np.cumsum(1 / (len(names) * counts[which[order]]))
    return float(probability[order][np.searchsorted(above, share)])


def equal_weights(kinds: NDArray[np.str_], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[n], sum 1: half for each class, and within it the same for every kind of at least `FEW` trials; 0 for others."""
    weights = np.zeros(len(kinds))
    for label in (True, False):
        groups = [(kinds == kind) & (labels == label) for kind in np.unique(kinds)]
        large = [group for group in groups if group.sum() >= FEW] or [labels == label]
        for group in large:
            weights[group] = 0.5 / len(large) / max(1, group.sum())
    return weights


class _Graphs:
    """Decoding graphs of the trials' grammars, each compiled once."""

    def __init__(self, metadata: ModelMetadata) -> None:
        self._metadata, self._lexicon = metadata, lexicon_for(metadata.tokens)
        self._graphs: dict[tuple[str, ...], DecodingGraph] = {}

    def text(self, trial: Trial, options: DecoderOptions) -> str | None:
        """The best phrase."""
        best = next(self._sentences(trial, options)[0], None)
        return best.text if best else None

    def best(self, trial: Trial, options: DecoderOptions) -> tuple[tuple[float, ...], str | None]:
        """`FEATURES` and text of the best phrase; its rival is the next one that can be told apart."""
        sentences, num_frames = self._sentences(trial, options)
        best = next(sentences, None)
        if best is None:
            return (FLOOR, FLOOR, 0.0, FLOOR, 0.0, 0.0, 2 * FLOOR, FLOOR, 2 * FLOOR, LEAST_LEAD), None
        rival = next((other for other in islice(sentences, MOST_RIVALS) if other.phones != best.phones), None)
        lead = best.score - rival.score if rival else math.inf
        return command_features(best.hypothesis, num_frames, self._metadata.frame_seconds, lead, best.leads), best.text

    def _sentences(self, trial: Trial, options: DecoderOptions) -> tuple[Iterator[Sentence], int]:
        """Phrases, best first, and the number of frames."""
        key = tuple(sorted(trial.phrases))
        if key not in self._graphs:
            self._graphs[key] = compile_graph(Grammar.from_phrases(key).graph, self._lexicon, self._metadata.tokens)
        decoder = Decoder(self._graphs[key], options)
        state = decoder.start()
        decoder.advance(state, trial.log_probs)
        return decoder.sentences(state), state.now.num_frames


def logistic_regression(
    features: NDArray[np.float64], labels: NDArray[np.bool_], share: NDArray[np.float64]
) -> ConfidenceModel:
    """The likeliest model without a negative weight: every feature is better when it is higher, a rival never helps.

    features: [n, len(FEATURES)]; labels: [n]; share: [n], weights of the rows, sum 1. Features whose weight comes out
    negative are left out, the most negative one first.
    """
    used = [column for column, spread in enumerate(np.ptp(features, axis=0)) if spread > 0]
    while True:
        intercept, *weights = _least_squares(features[:, used], labels, share)
        if not used or min(weights) >= 0:
            break
        del used[int(np.argmin(weights))]
    weight_of = dict(zip(used, weights, strict=True))
    return ConfidenceModel(intercept, tuple(weight_of.get(column, 0.0) for column in range(features.shape[1])))


def _least_squares(
    features: NDArray[np.float64],
    labels: NDArray[np.bool_],
    share: NDArray[np.float64],
    prior: float = 0.1,
    steps: int = 50,
) -> list[float]:
    """Intercept and weights by iteratively reweighted least squares (Bishop 2006, section 4.3.3).

    prior: precision of a normal prior of the weights, which keeps them finite when the classes can be separated. With
    many rows hardly anything of it is felt, not even by features as small as `filler`.
    """
    inputs = np.column_stack([np.ones(len(features)), features])
    ridge = prior / len(features)
    weights = np.zeros(inputs.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (share * (labels - p)) - ridge * weights
        hessian = (inputs * (share * p * (1 - p))[:, None]).T @ inputs + ridge * np.eye(len(weights))
        change = np.linalg.solve(hessian, gradient)
        weights = weights + change
        if np.abs(change).max() < 1e-8:
            break
    return list(map(float, weights))


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate one model; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m speech_lstm.evaluation.calibrate", description="Fit the confidence of a model."
    )
    parser.add_argument("model", help="an .onnx file or the name of a shipped model")
    for kind in ("words", "sentences", "noise"):
        parser.add_argument(f"--{kind}", nargs="+", type=Path, required=True, metavar="MANIFEST")
    parser.add_argument("--clips", type=int, default=250, help="of each kind, at most (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="JSON")
    args = parser.parse_args(arguments)
    model = Model.load(args.model, "cpu")
    try:
        trials = make_trials(model, args.words, args.sentences, args.noise, args.clips, snr_db=SNR_DB)
        result = fit(trials, model.metadata)
    except ValueError as error:
        parser.error(str(error))
    args.output.write_text(json.dumps(result.to_dict(), indent=1) + "\n", encoding="utf-8")
    print(f"{len(trials)} trials, {len(FEATURES)} features -> {args.output}", file=sys.stderr)
    print(json.dumps(result.to_dict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
