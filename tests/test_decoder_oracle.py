"""The decoder against kaldi-decoder on graphs built here by hand: no shared code, the same best path and score."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model

from .ctc import FloatArray, dictionary_words, phrases_graph, spoken_log_probs

kaldifst = pytest.importorskip("kaldifst")
kaldi_decoder = pytest.importorskip("kaldi_decoder")

BLANK_OFFSET = 2.5
OPTIONS = DecoderOptions(blank_offset=BLANK_OFFSET, fold_threshold=1, filler_cost=np.inf)
LEXICON = Lexicon()
DATA = Path(__file__).with_name("data")


def ctc_tree(phrases: Sequence[Sequence[str]]) -> object:
    """A prefix tree of all pronunciations, a phone and a blank state a node; labels are token + 1."""
    number_of: dict[tuple[int, ...], int] = {(): 0}  # of the blank state; the phone state is one less
    lines = ["0 0 1 1"]
    finals = []
    for phrase in phrases:
        for ways in itertools.product(*map(LEXICON.pronunciations, phrase)):
            labels = tuple(TOKENS.index(phone) for way in ways for phone in way)
            for i, label in enumerate(labels):
                key = labels[: i + 1]
                if key in number_of:
                    continue
                number_of[key] = blank = 2 * len(number_of)
                phone, before = blank - 1, number_of[labels[:i]]
                sources = [before] if i == 0 or labels[i - 1] == label else [before - 1, before]
                lines += [f"{source} {phone} {label + 1} {label + 1}" for source in sources]
                lines += [f"{phone} {phone} {label + 1} {label + 1}", f"{phone} {blank} 1 1", f"{blank} {blank} 1 1"]
            finals += [str(number_of[labels] - 1), str(number_of[labels])]
    return kaldifst.compile("\n".join([*lines, *finals]) + "\n", acceptor=False)


def oracle(fst: object, log_probs: FloatArray) -> tuple[list[int], float]:
    """Tokens and score of the best path, by kaldi-decoder with a beam too wide to matter."""
    scores = log_probs.copy()
    scores[:, 0] -= BLANK_OFFSET
    scores -= scores.max(1, keepdims=True)
    search = kaldi_decoder.FasterDecoder(fst, kaldi_decoder.FasterDecoderOptions(beam=60))
    search.decode(kaldi_decoder.DecodableCtc(scores))
    ok, lattice = search.get_best_path()
    assert ok and search.reached_final()
    ok, labels, _, weight = kaldifst.get_linear_symbol_sequence(lattice)
    assert ok
    tokens = [label - 1 for label, _ in itertools.groupby(labels) if label != 1]
    return tokens, -float(weight.value1 + weight.value2 if hasattr(weight, "value1") else weight.value)


@pytest.fixture(scope="module")
def recordings() -> list[tuple[list[str], FloatArray]]:
    """Words and log-probabilities of a few recordings, by the default model."""
    model = Model.load(device="cpu")
    unit = model.metadata.chunk_samples
    found: list[tuple[list[str], FloatArray]] = []
    for line in (DATA / "manifest.jsonl").read_text().splitlines()[::6]:
        clip = json.loads(line)
        if clip["text"]:
            audio = read_audio(DATA / clip["audio_filepath"])
            audio = np.pad(audio, (0, -len(audio) % unit))
            log_probs, _ = model.run(audio[None], model.initial_state())
            found.append((list(spoken_words(clip["text"])), np.asarray(log_probs[0], np.float32)))
    return found


@pytest.mark.parametrize(("count", "length"), [(10, 3), (1000, 2), (20_000, 1)])
def test_same_best_path_and_score(count: int, length: int, recordings: list[tuple[list[str], FloatArray]]) -> None:
    words = dictionary_words(count * length)
    phrases = [words[i : i + length] for i in range(0, len(words), length)]
    phrases[: len(recordings)] = [said for said, _ in recordings]
    decoder = Decoder(compile_graph(phrases_graph(phrases), LEXICON, TOKENS), OPTIONS)
    fst = ctc_tree(phrases)
    made_up = spoken_log_probs([p for word in phrases[-1] for p in LEXICON.pronunciations(word)[-1]], noise=1.5)
    utterances = [made_up, *(log_probs for _, log_probs in recordings)]
    for log_probs in utterances[: 3 if count > 1000 else None]:  # the oracle takes seconds for each
        state = decoder.start()
        decoder.advance(state, log_probs)
        [best] = decoder.hypotheses(state)
        tokens, score = oracle(fst, log_probs)
        assert best.score == pytest.approx(score, rel=1e-5, abs=2e-3)
        assert state.now.best_final == pytest.approx(score, rel=1e-5, abs=2e-3)
        assert [phone.token for word in best.words for phone in word.phones] == tokens
