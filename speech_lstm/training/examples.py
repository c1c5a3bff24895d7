"""What a run hears: the utterances of its corpora as tokens of its model, and how often each is repeated."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speech_lstm.config import Config, ConfigError
from speech_lstm.data.corpus import Utterance
from speech_lstm.data.dataset import Example, make_examples, read_alignments
from speech_lstm.data.words import balanced, read_words, word_examples, word_tokens
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS


def tokens_of(config: Config, base: Path) -> tuple[str, ...]:
    """The tokens of a run's model; base: the folder that paths are relative to."""
    return word_tokens(read_words(base / config.data.words)) if config.data.words else TOKENS


def make_all(
    config: Config, base: Path, tokens: Sequence[str], utterances: Sequence[Utterance]
) -> tuple[list[Example], list[Example], list[float], list[tuple[int, ...]]]:
    """Examples to train on and of dev, how often an epoch has each of the first, and token sequences to count.

    base: the folder that paths are relative to; tokens: of the model. ConfigError where there are none to train on.
    """
    data, seconds, lexicon = config.data, config.model.frame_ms / 1000, Lexicon()
    alignments = read_alignments(base / data.alignments, data.most_misfit) if data.alignments else None
    train, dev = ([u for u in utterances if u.split == split] for split in ("train", "dev"))
    if data.words:
        examples = word_examples(train, tokens, lexicon, alignments, seconds)
        others = word_examples(dev, tokens, lexicon, None, seconds)
    else:
        examples = make_examples(train, lexicon, alignments, seconds)
        others = make_examples(dev, lexicon, None, seconds)
    if alignments is not None and not any(example.alignment or example.span for example in examples):
        raise ConfigError(f"data.alignments: {base / data.alignments} has no times of the training utterances")
    if not examples:
        manifests = ", ".join(str((base / name).resolve()) for name in data.manifests)
        raise ConfigError(f"data.manifests: no training utterances in {manifests}")
    repeats = np.array([data.repeat.get(example.utterance.corpus, 1.0) for example in examples])
    said = [example.tokens for example in examples if example.tokens]
    if data.words:  # of which an epoch leaves most pieces of other speech out
        repeats *= balanced(examples, tokens)
        counts = np.floor(repeats + np.random.default_rng(config.run.seed).random(len(repeats))).astype(int)
        said = [e.tokens for e, count in zip(examples, counts, strict=True) if e.tokens for _ in range(count)]
    return examples, others, repeats.tolist(), said
