"""Make the word bigram of free transcription (`runtime/data/bigrams.npz`) from the texts of the training corpora.

    python -m speech_lstm.assets.language_model MANIFEST... [--sentences TEXT...] [--words 30000] -o FILE

A few hundred thousand words of text are too few for a bigram of ordinary English, so it is mixed with the general one
that PocketSphinx brings along (BSD, extra `[train]`), which also fills the vocabulary. Every sentence counts once, and
sentences which a manifest has in another split than train as well do not count. Words must be in the dictionary.
The bigram of the texts is by absolute discounting, interpolated with the number of histories that a word follows
(Kneser and Ney 1995). Pairs are listed by what they are worth (Stolcke 1998), as many as asked for.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speech_lstm.data.corpus import read_manifest
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.free.bigrams import MOST_WORDS, Bigrams
from speech_lstm.runtime.lexicon.dictionary import dictionary_pronunciations
from speech_lstm.runtime.lexicon.text import spoken_words

Words = tuple[str, ...]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

BOUNDARY = ""
DISCOUNT = 0.75
TEXT_SHARE = 0.4
"""Of the mixture; the rest is PocketSphinx's."""

WRITE_ARPA = """
import sys, pocketsphinx as ps
config, logarithms = ps.Config(), ps.LogMath(1.0001)
ps.NGramModel(config, logarithms, ps.get_model_path("en-us/en-us.lm.bin")).write(sys.argv[1])
"""


class Ngrams:
    """Unigrams and bigrams with back-off as dictionaries of probabilities, the boundary as `BOUNDARY`."""

    def __init__(self) -> None:
        self.unigrams: dict[str, float] = {}
        self.backoffs: dict[str, float] = {}
        self.bigrams: dict[tuple[str, str], float] = {}


def training_sentences(manifests: Iterable[Path], texts: Iterable[Path]) -> set[Words]:
    """The different sentences of split train and of text files, without those that another split has as well."""
    train: set[Words] = set()
    other: set[Words] = set()
    for manifest in manifests:
        for utterance in read_manifest(manifest):
            (train if utterance.split == "train" else other).add(spoken_words(utterance.text))
    for path in texts:
        train.update(spoken_words(line) for line in path.read_text(encoding="utf-8").splitlines())
    return train - other - {()}


def count_ngrams(sentences: Iterable[Words]) -> Ngrams:
    """Kneser-Ney bigrams of sentences; the discounted mass is what `backoffs` hold."""
    pairs: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        padded = (BOUNDARY, *sentence, BOUNDARY)
        pairs.update(itertools.pairwise(padded))
    total: Counter[str] = Counter()
    follows: Counter[str] = Counter()
    different: Counter[str] = Counter()
    for (history, word), count in pairs.items():
        total[history] += count
        different[history] += 1
        follows[word] += 1
    ngrams = Ngrams()
    ngrams.unigrams = {word: count / len(pairs) for word, count in follows.items()}
    ngrams.backoffs = {history: DISCOUNT * different[history] / count for history, count in total.items()}
    ngrams.bigrams = {
        (history, word): (count - DISCOUNT) / total[history] + ngrams.backoffs[history] * ngrams.unigrams[word]
        for (history, word), count in pairs.items()
    }
    return ngrams


def pocketsphinx_ngrams() -> Ngrams:
    """The general model of PocketSphinx, up to bigrams. SpeechLstmError where it does not come out whole."""
    with tempfile.TemporaryDirectory() as folder:
        arpa = Path(folder) / "en-us.arpa"
        # PocketSphinx 5.0 crashes as it comes to the trigrams, with 4 KB unwritten: in a process of its own no harm.
        subprocess.run([sys.executable, "-c", WRITE_ARPA, str(arpa)], check=False)
        with arpa.open(encoding="utf-8", errors="replace") as lines:
            ngrams = read_arpa(lines)
    return ngrams


def read_arpa(lines: Iterable[str]) -> Ngrams:
    """Unigrams and bigrams of a file in ARPA format, whose numbers are logarithms to base 10. SpeechLstmError if over
    one bigram in a hundred that it announces is not there."""
    ngrams, order, pairs = Ngrams(), 0, 0
    for line in lines:
        fields = line.split()
        if line.startswith("\\"):
            order = int(line[1]) if line[1].isdigit() else 0
        elif line.startswith("ngram 2="):
            pairs = int(line[8:])
        elif order == 1 and len(fields) >= 2:
            word = _boundary(fields[1])
            if fields[1] != "<s>":
                ngrams.unigrams[word] = 10 ** float(fields[0])
            if fields[1] != "</s>":
                ngrams.backoffs[word] = 10 ** float(fields[2]) if len(fields) > 2 else 1.0
        elif order == 2 and len(fields) >= 3:
            ngrams.bigrams[_boundary(fields[1]), _boundary(fields[2])] = 10 ** float(fields[0])
    if len(ngrams.bigrams) < 0.99 * pairs:
        raise SpeechLstmError(f"the ARPA file announces {pairs} bigrams and has {len(ngrams.bigrams)}")
    return ngrams


def _boundary(word: str) -> str:
    return BOUNDARY if word in ("<s>", "</s>") else word


def mix(parts: Sequence[tuple[float, Ngrams]], num_words: int, num_pairs: int) -> Bigrams:
    """The linear mixture of models with these shares, on its likeliest words that the dictionary has."""
    unigrams: dict[str, float] = {}
    for share, part in parts:
        for word, value in part.unigrams.items():
            unigrams[word] = unigrams.get(word, 0.0) + share * value
    known = [word for word in sorted(unigrams, key=lambda word: -unigrams[word]) if word and is_word(word)]
    words = (BOUNDARY, *sorted(known[:num_words]))
    number = {word: index for index, word in enumerate(words)}
    unigram = np.array([unigrams[word] for word in words], dtype=np.float64)
    unigram /= unigram.sum()

    listed = np.array(
        sorted(
            {
                number[history] * MOST_WORDS + number[word]
                for _, part in parts
                for history, word in part.bigrams
                if history in number and word in number
            }
        )
    )
    probability: FloatArray = np.zeros(len(listed))
    for share, part in parts:
        probability += share * _probabilities(part, words, listed)
    histories, followers = np.divmod(listed, MOST_WORDS)
    mass = np.maximum(np.bincount(histories, probability, len(words)), 0.999)
    probability *= (0.999 / mass)[histories]  # all that may follow is listed: a little is left for other words
    worth = _worth(unigram, histories, followers, probability)
    chosen = np.sort(np.argsort(-worth, kind="stable")[:num_pairs])
    histories, followers, probability = histories[chosen], followers[chosen], probability[chosen]

    log_unigram = np.log(unigram).astype(np.float16)
    log_listed = np.log(probability).astype(np.float16)
    backoff = _backoffs(np.exp(log_unigram.astype(float)), histories, followers, np.exp(log_listed.astype(float)))
    return Bigrams(
        words,
        log_unigram.astype(np.float32),
        np.log(backoff).astype(np.float32),
        listed[chosen].astype(np.uint32),
        log_listed.astype(np.float32),
    )


def is_word(word: str) -> bool:
    """Whether it is spelled as `runtime.lexicon.text` spells words, and the dictionary has it."""
    return word.isascii() and spoken_words(word) == (word,) and bool(dictionary_pronunciations(word))


def _probabilities(part: Ngrams, words: Words, keys: IntArray) -> FloatArray:
    """P(word | history) of one model for pairs of word numbers."""
    unigram = [part.unigrams.get(word, 0.0) for word in words]
    backoff = [part.backoffs.get(word, 1.0) for word in words]
    histories, followers = np.divmod(keys, MOST_WORDS)
    return np.array(
        [
            part.bigrams.get((words[history], words[word])) or backoff[history] * unigram[word]
            for history, word in zip(histories.tolist(), followers.tolist(), strict=True)
        ]
    )


def _backoffs(unigram: FloatArray, histories: IntArray, followers: IntArray, probability: FloatArray) -> FloatArray:
    """[words]: what makes the probabilities after each history sum to one."""
    left = 1 - np.bincount(histories, probability, len(unigram))
    return left / (1 - np.bincount(histories, unigram[followers], len(unigram)))


def _worth(unigram: FloatArray, histories: IntArray, followers: IntArray, probability: FloatArray) -> FloatArray:
    """[pairs]: how many nats a word of text a pair saves against its back-off, about (Stolcke 1998, first term)."""
    backoff = _backoffs(unigram, histories, followers, probability)
    gain = np.log(probability) - np.log(np.maximum(backoff[histories] * unigram[followers], 1e-12))
    return unigram[histories] * probability * gain


def perplexity(bigrams: Bigrams, sentences: Iterable[Words]) -> tuple[float, float]:
    """Of the words in the vocabulary and sentence ends, and the share of words outside it, where sentences are cut."""
    number = {word: index for index, word in enumerate(bigrams.words)}
    total, count, unknown = 0.0, 0, 0
    for sentence in sentences:
        padded = [0, *(number.get(word, -1) for word in sentence), 0]
        pairs = np.array([pair for pair in itertools.pairwise(padded) if min(pair) >= 0])
        unknown += padded.count(-1)
        if len(pairs):
            total += float(bigrams.log_probs(pairs[:, 0], pairs[:, 1]).sum())
            count += len(pairs)
    return float(np.exp(-total / count)), unknown / (count + unknown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, mix, write; returns the exit code."""
    program = "python -m speech_lstm.assets.language_model"
    parser = argparse.ArgumentParser(prog=program, description=__doc__.split("\n")[0])
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--sentences", nargs="*", type=Path, default=[], metavar="TEXT", help="a sentence a line")
    parser.add_argument("--words", type=int, default=30_000, help="of the vocabulary (default: %(default)s)")
    parser.add_argument("--pairs", type=int, default=300_000, help="listed bigrams (default: %(default)s)")
    parser.add_argument("--text-share", type=float, default=TEXT_SHARE, help="of the mixture (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NPZ")
    args = parser.parse_args(arguments)
    sentences = training_sentences(args.manifests, args.sentences)
    parts = [(args.text_share, count_ngrams(sentences)), (1 - args.text_share, pocketsphinx_ngrams())]
    bigrams = mix(parts, args.words, args.pairs)
    bigrams.save(args.output)
    print(
        f"{len(sentences)} sentences, {sum(map(len, sentences))} words; {len(bigrams.words) - 1} in the vocabulary, "
        f"{len(bigrams.keys)} pairs, {args.output.stat().st_size / 1e6:.2f} MB",
        file=sys.stderr,
    )
    for manifest in args.manifests:
        if dev := [spoken_words(utterance.text) for utterance in read_manifest(manifest, "dev")]:
            value, unknown = perplexity(bigrams, dev)
            print(f"{manifest.parent.name} dev: perplexity {value:.0f}, {unknown:.1%} outside the vocabulary")
    return 0


if __name__ == "__main__":
    sys.exit(main())
