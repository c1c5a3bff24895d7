"""Train and measure the grapheme-to-phoneme model of the runtime on the CMU dictionary.

    python -m speech_lstm.assets.g2p_training                 trains, measures, writes runtime/data/g2p.npz
    python -m speech_lstm.assets.g2p_training --no-output --order 8 --threshold 0   measures another setting
    python -m speech_lstm.assets.g2p_training --no-output --compare   also measures a context tree and shorter n-grams

The model is a joint n-gram over aligned letters and phones (`runtime.lexicon.joint_ngram`) with interpolated modified
Kneser-Ney smoothing (Chen and Goodman 1998), pruned by relative entropy (Stolcke 1998). One word in twenty, chosen by
hash, is never trained on: the phone error rate is the edit distance to the closest of a word's pronunciations.

Measured on the 6,144 held-out words, in percent (CPU time on one busy core):

| model | phone error | word error | better of two | file | ms a word |
|---|---|---|---|---|---|
| order 8, not pruned | 6.12 | 25.7 | 3.38 | 2.44 MB | 0.78 |
| **order 7, threshold 1.5e-7** | **6.29** | **26.5** | **3.41** | **0.80 MB** | **0.68** |
| order 7, threshold 3e-7 | 6.49 | 27.4 | 3.61 | 0.55 MB | 0.67 |
| order 6, threshold 3e-7 | 6.46 | 27.0 | 3.60 | 0.56 MB | 0.68 |
| order 7, threshold 1e-6 | 7.33 | 30.5 | 4.22 | 0.26 MB | 0.69 |
| order 6, not pruned | 6.22 | 25.9 | 3.45 | | 0.66 |
| order 4, not pruned | 7.27 | 30.0 | 3.96 | | 0.67 |
| order 3, not pruned | 10.08 | 40.7 | 6.12 | | 0.63 |
| order 2, not pruned | 18.64 | 65.7 | 13.38 | | 0.58 |
| context tree (`g2p_context_tree`), one guess | 8.55 | 38.4 | | | 0.06 |

Order and threshold were chosen on these words too. On the 732 of them that are two known words in one, the rule that
said both parts had 9.38 % phone error and the model has 3.48 %.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from speech_lstm.assets.g2p_alignment import align
from speech_lstm.assets.g2p_context_tree import ContextTree
from speech_lstm.runtime.lexicon.dictionary import DICTIONARY
from speech_lstm.runtime.lexicon.joint_ngram import ARRAYS, BACKOFF_ZERO, BEGIN, COST_STEP, END, MODEL, JointNgram

Gram = tuple[int, ...]
RAREST_UNIT = 3
"""Words with a unit seen fewer times are left out; their spelling is no guide to others."""


def read_dictionary(path: Path = DICTIONARY) -> dict[str, list[str]]:
    """Word -> phone codes of its pronunciations."""
    lines = path.read_text(encoding="ascii").splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines if not line.startswith("#")}


def held_out(word: str) -> bool:
    """Whether a dictionary word is for measuring: one in twenty."""
    return zlib.crc32(word.encode()) % 20 == 0


@dataclass(frozen=True)
class NgramModel:
    """`prob[n]`: probability of each n-gram's last unit (n from 1); `backoff`: weight of shorter histories."""

    units: tuple[str, ...]
    prob: tuple[dict[Gram, float], ...]
    backoff: dict[Gram, float]
    history_prob: dict[Gram, float]
    """Share of the training positions that have this history."""


def estimate(words: Sequence[tuple[tuple[str, str], ...]], order: int) -> NgramModel:
    """Interpolated modified Kneser-Ney over words as sequences of (letter, phone code) units."""
    frequency = Counter(unit for word in words for unit in word)
    words = [word for word in words if min(frequency[unit] for unit in word) >= RAREST_UNIT]
    units = sorted({unit for word in words for unit in word})
    number_of = {unit: number for number, unit in enumerate(units, start=END + 1)}
    sequences = [(BEGIN, *(number_of[unit] for unit in word), END) for word in words]
    raw = [Counter(s[i : i + n] for s in sequences for i in range(len(s) - n + 1)) for n in range(order + 1)]
    seen = [*(_continuation_counts(raw[n], raw[n + 1]) for n in range(order)), raw[order]]
    del seen[1][(BEGIN,)]
    prob: list[dict[Gram, float]] = [{}]
    backoff: dict[Gram, float] = {}
    for n in range(1, order + 1):
        discounts = _discounts(seen[n]) if n > 1 else (0.5, 0.5, 0.5)
        total: Counter[Gram] = Counter()
        spared: dict[Gram, float] = defaultdict(float)  # mass taken from the n-grams of a history
        for gram, count in seen[n].items():
            total[gram[:-1]] += count
            spared[gram[:-1]] += discounts[min(count, 3) - 1]
        backoff.update({history: spared[history] / total[history] for history in total})
        level = {}
        for gram, count in seen[n].items():
            lower = prob[n - 1][gram[1:]] if n > 1 else 1 / (len(units) + 1)
            level[gram] = (count - discounts[min(count, 3) - 1]) / total[gram[:-1]] + backoff[gram[:-1]] * lower
        prob.append(level)
    positions = sum(len(sequence) - 1 for sequence in sequences)
    history_prob = {gram: count / positions for n in range(order) for gram, count in raw[n].items()}
    texts = tuple(letter + code for letter, code in units)
    return NgramModel(texts, tuple(prob), backoff, history_prob)


def _continuation_counts(raw: Counter[Gram], longer: Counter[Gram]) -> Counter[Gram]:
    """Different units before an n-gram; n-grams at the beginning of a word keep their count, nothing comes before."""
    counts = Counter(gram[1:] for gram in longer)
    counts.update({gram: count for gram, count in raw.items() if gram[:1] == (BEGIN,)})
    return counts


def _discounts(counts: Counter[Gram]) -> tuple[float, float, float]:
    """What is taken from counts of 1, 2, and 3 or more (Chen and Goodman 1998, equation 26)."""
    ones, twos, threes, fours = (sum(count == k for count in counts.values()) for k in (1, 2, 3, 4))
    y = ones / (ones + 2 * twos)
    return 1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes


def prune(model: NgramModel, threshold: float) -> NgramModel:
    """Without the n-grams whose loss raises the relative entropy by less than `threshold` (Stolcke 1998, section 3).

    The probability of a history is its count in training, as Kneser-Ney's lower orders are no marginals.
    """
    prob = [dict(level) for level in model.prob]
    backoff = dict(model.backoff)

    def probability(history: Gram, unit: int) -> float:
        weight = 1.0
        while (*history, unit) not in prob[len(history) + 1]:
            weight *= backoff.get(history, 1.0)
            history = history[1:]
        return weight * prob[len(history) + 1][(*history, unit)]

    for n in range(len(prob) - 1, 1, -1):
        needed = {gram[:-1] for gram in prob[n + 1]} if n + 1 < len(prob) else set()
        of_history: dict[Gram, list[Gram]] = defaultdict(list)
        for gram in prob[n]:
            of_history[gram[:-1]].append(gram)
        for history, grams in of_history.items():
            lower = {gram: probability(history[1:], gram[-1]) for gram in grams}
            rest = max(1 - sum(prob[n][gram] for gram in grams), 1e-9)
            rest_lower = max(1 - sum(lower.values()), 1e-9)
            old = math.log(rest / rest_lower)
            for gram in grams:
                p = prob[n][gram]
                new = math.log((rest + p) / (rest_lower + lower[gram]))
                rise = p * (math.log(p / lower[gram]) - new) + rest * (old - new)
                if gram not in needed and model.history_prob[history] * rise < threshold:
                    del prob[n][gram]
            kept = [gram for gram in grams if gram in prob[n]]
            rest = max(1 - sum(prob[n][gram] for gram in kept), 1e-9)
            backoff[history] = rest / max(1 - sum(lower[gram] for gram in kept), 1e-9)
    return NgramModel(model.units, tuple(prob), backoff, model.history_prob)


def pack(model: NgramModel) -> dict[str, np.ndarray]:
    """The arrays of the model file, see `JointNgram`."""
    children: dict[Gram, list[int]] = defaultdict(list)
    for level in model.prob:
        for gram in level:
            children[gram[:-1]].append(gram[-1])
    children[()].append(BEGIN)  # never predicted, but a history
    nodes: list[Gram] = [()]
    for node in nodes:  # grows while it is read
        nodes.extend((*node, unit) for unit in sorted(children.get(node, ())))

    def stored(probability: float) -> int:
        return round(-math.log(probability) / COST_STEP)

    cost = [stored(model.prob[len(node)].get(node, 1.0)) if node else 0 for node in nodes]
    backoff = [BACKOFF_ZERO + stored(model.backoff.get(node, 1.0)) for node in nodes]
    arrays = {
        "unit": [node[-1] if node else 0 for node in nodes],
        "cost": np.clip(cost, 0, 255),
        "backoff": np.where([node in children for node in nodes], np.clip(backoff, 0, 255), 0),
        "children": [len(children.get(node, ())) for node in nodes],
    }
    packed = {name: np.asarray(arrays[name]).astype(np.uint8) for name in ARRAYS}
    return {"units": np.frombuffer(" ".join(model.units).encode("ascii"), dtype=np.uint8), **packed}


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """The model file that `JointNgram.load` reads."""
    np.savez_compressed(path, allow_pickle=False, **arrays)


@dataclass(frozen=True)
class Score:
    """Errors over the held-out words: phones, words, the same for the better of two guesses; and the CPU time."""

    words: int
    phone_error: float
    word_error: float
    phone_error_of_two: float
    word_error_of_two: float
    ms_per_word: float

    def __str__(self) -> str:
        return (
            f"{self.words} words: phone error {self.phone_error:.2%}, word error {self.word_error:.2%}, better of two "
            f"{self.phone_error_of_two:.2%} and {self.word_error_of_two:.2%}, {self.ms_per_word:.2f} ms a word"
        )


def score(guess: Callable[[str], Sequence[str]], dictionary: dict[str, list[str]]) -> Score:
    """Measure a function from words to phone codes, best first, on held-out words."""
    words = [word for word in dictionary if held_out(word)]
    started = time.process_time()
    guesses = [guess(word) for word in words]
    seconds = time.process_time() - started
    phones = 0
    errors = np.zeros(2, dtype=int)
    wrong = np.zeros(2, dtype=int)
    for word, given in zip(words, guesses, strict=True):
        for number in (1, 2):
            compared = itertools.product(dictionary[word], given[:number])
            pairs = [(Levenshtein.distance(code, mine), len(code)) for code, mine in compared]
            distance, length = min(pairs, key=lambda pair: pair[0] / pair[1])
            errors[number - 1] += distance
            wrong[number - 1] += distance > 0
            phones += length * (number == 1)
    rates = (errors / phones).tolist() + (wrong / len(words)).tolist()
    return Score(len(words), rates[0], rates[2], rates[1], rates[3], 1000 * seconds / len(words))


def decoder_of(model: NgramModel) -> JointNgram:
    """The model as the runtime reads it."""
    arrays = pack(model)
    return JointNgram(list(model.units), *(arrays[name] for name in ARRAYS))


def compare(words: Sequence[tuple[tuple[str, str], ...]], dictionary: dict[str, list[str]]) -> None:
    """Print the scores of the context tree and of n-grams that are not pruned."""
    tree = ContextTree(words)
    print("context tree:", score(lambda word: [tree.guess(word)], dictionary))
    for order in (2, 3, 4, 6):
        decoder = decoder_of(estimate(words, order))
        print(f"order {order}, not pruned:", score(partial(_codes, decoder), dictionary))


def _codes(decoder: JointNgram, word: str) -> list[str]:
    return [code for code, _ in decoder.best(word)]


def main() -> None:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(description="Train the grapheme-to-phoneme model on the CMU dictionary.")
    parser.add_argument("--order", type=int, default=7, help="longest n-gram (default: %(default)s)")
    parser.add_argument("--threshold", type=float, default=1.5e-7, help="rise of entropy that pruning allows")
    parser.add_argument("--output", type=Path, default=MODEL, help="file to write (default: %(default)s)")
    parser.add_argument("--no-output", action="store_true", help="only measure")
    parser.add_argument("--compare", action="store_true", help="measure other methods too, a few minutes more")
    args = parser.parse_args()

    dictionary = read_dictionary()
    entries = [(word, code) for word, codes in dictionary.items() if not held_out(word) for code in codes]
    aligned = [
        tuple(zip(word, codes, strict=True))
        for (word, _), codes in zip(entries, align(entries), strict=True)
        if codes is not None
    ]
    print(f"{len(entries)} pronunciations, {len(entries) - len(aligned)} of them do not match their spelling")
    if args.compare:
        compare(aligned, dictionary)
    model = estimate(aligned, args.order)
    print("n-grams by order:", *(len(level) for level in model.prob[1:]))
    if args.threshold:
        model = prune(model, args.threshold)
        print("after pruning:   ", *(len(level) for level in model.prob[1:]))
    print(score(partial(_codes, decoder_of(model)), dictionary))
    if not args.no_output:
        write(args.output, pack(model))
        print(f"wrote {args.output}, {args.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
