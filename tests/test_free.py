"""Free transcription: the bigram is a distribution, the search finds what brute force finds, real clips give words."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.free import Counts, add
from speech_lstm.assets.language_model import count_ngrams, mix, read_arpa, training_sentences
from speech_lstm.batch.phones import PhoneSearch
from speech_lstm.evaluation.trials import posteriors
from speech_lstm.runtime.audio import read_audio, resample
from speech_lstm.runtime.decoding.margins import FloatArray, margins
from speech_lstm.runtime.errors import AudioError, SpeechLstmError
from speech_lstm.runtime.free.bigrams import Bigrams, default_bigrams
from speech_lstm.runtime.free.search import FreeSearch, FreeSearchOptions
from speech_lstm.runtime.free.transcriber import FreeTranscriber
from speech_lstm.runtime.free.transcription import FreeDecoder, FreeTranscription, align
from speech_lstm.runtime.lexicon.dictionary import dictionary_pronunciations
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import Result

from .conftest import METADATA
from .ctc import viterbi

SENTENCES = sorted((Path(__file__).parent / "data" / "sentences").glob("*.opus"))
TEXTS = {
    Path(row["audio_filepath"]).name: row["text"]
    for row in map(json.loads, (Path(__file__).parent / "data" / "manifest.jsonl").read_text().splitlines())
}


@pytest.fixture(scope="module")
def decoder() -> FreeDecoder:
    return FreeDecoder.load(Model.load("default", "cpu").metadata)


@pytest.fixture(scope="module")
def heard() -> dict[str, FloatArray]:
    """Log-probabilities of the bundled sentences, by name of the clip."""
    model = Model.load("default", "cpu")
    return {clip.name: posteriors(model, clip) for clip in SENTENCES}


def distribution(bigrams: Bigrams, history: int) -> float:
    words = np.arange(len(bigrams.words))
    return float(np.exp(bigrams.log_probs(np.full_like(words, history), words).astype(float)).sum())


def test_the_probabilities_after_a_word_sum_to_one() -> None:
    bigrams = default_bigrams()
    assert len(bigrams.words) == 30_001 and all(map(dictionary_pronunciations, bigrams.words[1:]))
    for word in ("", "the", "light", bigrams.words[-1]):
        assert distribution(bigrams, bigrams.words.index(word)) == pytest.approx(1, abs=2e-3)


def test_texts_become_a_bigram_that_survives_a_file(tmp_path: Path) -> None:
    sentences = [("turn", "on", "the", "light"), ("turn", "off", "the", "light"), ("turn", "the", "light", "off")]
    bigrams = mix([(1.0, count_ngrams(sentences))], 10, 100)
    assert bigrams.words == ("", "light", "off", "on", "the", "turn")
    assert all(distribution(bigrams, history) == pytest.approx(1, abs=2e-3) for history in range(6))
    seen, unseen = bigrams.log_probs(np.array([4, 4]), np.array([1, 5]))
    assert seen > math.log(0.75) and unseen < math.log(0.1)
    bigrams.save(tmp_path / "bigrams.npz")
    again = Bigrams.load(tmp_path / "bigrams.npz")
    pairs = np.array(list(itertools.product(range(6), repeat=2)))
    assert again.words == bigrams.words
    assert again.log_probs(*pairs.T) == pytest.approx(bigrams.log_probs(*pairs.T), abs=2e-3)


def test_fewer_pairs_are_listed_and_all_still_sums_to_one() -> None:
    texts = [tuple(text.split()) for text in TEXTS.values()]
    full, pruned = (mix([(1.0, count_ngrams(texts))], 1000, pairs) for pairs in (10_000, 20))
    assert len(pruned.keys) == 20 < len(full.keys)
    assert all(distribution(pruned, history) == pytest.approx(1, abs=2e-3) for history in range(len(pruned.words)))


def test_sentences_of_dev_and_test_are_not_counted(tmp_path: Path) -> None:
    rows = [("train", "go left"), ("train", "go right"), ("dev", "Go left!"), ("test", "stop"), ("train", "go right")]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(
        "".join(
            json.dumps({"audio_filepath": "x.wav", "duration": 1, "text": text, "split": split}) + "\n"
            for split, text in rows
        )
    )
    (tmp_path / "more.txt").write_text("stop\nstand still\n")
    found = training_sentences([manifest], [tmp_path / "more.txt"])
    assert found == {("go", "right"), ("stand", "still")}


def test_an_arpa_file_is_read_and_a_short_one_refused() -> None:
    lines = ["\\data\\", "ngram 1=4", "ngram 2=2", "", "\\1-grams:", "-1.0 <s> -0.5", "-0.7 </s>", "-0.3 go -0.2"]
    lines += ["-0.9 left", "", "\\2-grams:", "-0.1 <s> go", "-0.4 go left -0.1", "", "\\end\\"]
    ngrams = read_arpa(lines)
    assert ngrams.unigrams[""] == pytest.approx(10**-0.7) and ngrams.backoffs[""] == pytest.approx(10**-0.5)
    assert ngrams.bigrams == {("", "go"): pytest.approx(10**-0.1), ("go", "left"): pytest.approx(10**-0.4)}
    with pytest.raises(SpeechLstmError, match="announces 2 bigrams and has 1"):
        read_arpa(lines[:-3])


def every_sentence(bigrams: Bigrams, longest: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], float]]:
    """Words, tokens and ln P of all sentences of the vocabulary, each in all its pronunciations."""
    ways = {
        number: [tuple(map(TOKENS.index, phones)) for phones in dictionary_pronunciations(word)]
        for number, word in enumerate(bigrams.words)
        if number
    }
    for length in range(1, longest + 1):
        for words in itertools.product(ways, repeat=length):
            for said in itertools.product(*(ways[word] for word in words)):
                yield words, tuple(itertools.chain(*said)), bigrams.sentence_log_prob(words)


@pytest.mark.parametrize(
    "clip, vocabulary",
    [("the_three", ("the", "three", "fell", "ill")), ("w_a_y_n", ("w", "a", "why", "y"))],
)
def test_the_best_of_all_word_sequences(heard: dict[str, FloatArray], clip: str, vocabulary: tuple[str, ...]) -> None:
    (log_probs,) = (rows for name, rows in heard.items() if name.startswith(clip))
    bigrams = mix([(1.0, count_ngrams([vocabulary, vocabulary[1:], vocabulary[::2], vocabulary[::-1]]))], 10, 9)
    scores = margins(log_probs[:35], len(TOKENS), 1.0, 1.0).scores

    @cache
    def sound(labels: tuple[int, ...]) -> float:
        return viterbi(scores.astype(np.float64), labels)

    for weight, bonus in ((0.0, -3.0), (0.8, 0.0), (1.5, -1.0)):
        options = FreeSearchOptions(1.0, 1.0, weight, bonus, beam=1e6, max_active=10**6)
        search = FreeSearch(FreeDecoder.load(METADATA, options, bigrams).tree, bigrams, options)
        for row in scores:
            search.step(row)
        found, score = search.best()
        best, words = max(
            (sound(labels) + weight * log_prob + bonus * len(words), words)
            for words, labels, log_prob in every_sentence(bigrams, 4)
        )
        assert score == pytest.approx(best, abs=0.01)
        assert len(words) > 1
        assert weight == 0 or tuple(spoken.word for spoken in found) == words  # without the bigram homophones are equal


def test_a_word_is_aligned_with_its_frames() -> None:
    best = [0, 0, 3, 3, 0, 4, 4, 4]
    scores = np.full((8, 6), -5, dtype=np.float32)
    scores[:2] = -20
    scores[np.arange(8), best] = 0
    assert align(scores, [3, 4]) == (2, 0.0)
    assert align(scores[2:], [3, 4]) == (0, 0.0)
    assert align(scores[2:], [3, 4], repeats=True) == (1, 0.0)
    assert align(scores, [3, 3, 4]) == (2, -5.0)  # a blank between the two, where the model heard none


def transcribe(transcription: FreeTranscription, log_probs: FloatArray, frames: int) -> tuple[Result, ...]:
    found = [
        result
        for start in range(0, len(log_probs), frames)
        for result in transcription.advance(log_probs[start : start + frames])
    ]
    return (*found, *transcription.finish(len(log_probs) * 0.04))


def test_real_sentences_become_words_some_of_them_right(decoder: FreeDecoder, heard: dict[str, FloatArray]) -> None:
    counts = Counts()
    for clip, log_probs in heard.items():
        results = transcribe(decoder.start(), log_probs, len(log_probs))
        words = [word for result in results for word in result.words]
        times = [time for word in words for time in (word.start, word.end)]
        assert times == sorted(times) and all(word.start < word.end for word in words)
        assert all(0 < word.confidence < 1 for word in words)
        add(counts, TEXTS[clip].split(), [word.text for word in words])
    assert counts.wrong < 0.6 * counts.words


def test_pieces_of_any_length_give_the_same(decoder: FreeDecoder, heard: dict[str, FloatArray]) -> None:
    silence = np.full((25, len(TOKENS)), -20, dtype=np.float32)
    silence[:, 0] = 0
    speech = np.concatenate([piece for clip in list(heard)[:3] for piece in (heard[clip], silence)])
    whole = transcribe(decoder.start(), speech, len(speech))
    assert len(whole) >= 3  # pauses settle results
    assert transcribe(decoder.start(), speech, 1) == whole
    assert transcribe(decoder.start(), speech, 7) == whole


def test_speech_without_a_pause_is_settled_all_the_same(decoder: FreeDecoder, heard: dict[str, FloatArray]) -> None:
    talk = np.concatenate([rows[rows[:, 0] < -0.5] for rows in heard.values()])
    talk = np.resize(talk, (1520, len(TOKENS)))
    quick = replace(decoder, options=FreeSearchOptions(max_active=300))
    before_the_end = quick.start().advance(talk)
    assert len(before_the_end) == 2 and 25 < before_the_end[0].end <= 30 < before_the_end[1].end <= 60
    assert before_the_end[0].end <= before_the_end[1].start < before_the_end[0].end + 1


def test_a_cut_without_a_pause_breaks_no_word(
    decoder: FreeDecoder, heard: dict[str, FloatArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = np.concatenate([rows[rows[:, 0] < -0.5] for rows in heard.values()])
    quick = replace(decoder, options=FreeSearchOptions(max_active=300))
    spoken = []
    for seconds in (1000.0, *np.arange(4.0, 8.0, 0.44)):
        monkeypatch.setattr("speech_lstm.runtime.free.transcription.MOST_SECONDS", seconds)
        spoken.append(" ".join(result.text for result in transcribe(quick.start(), talk, len(talk))))
    assert sum(text == spoken[0] for text in spoken[1:]) >= 0.7 * len(spoken[1:])


def test_silence_is_nothing(decoder: FreeDecoder) -> None:
    silence = np.full((100, len(TOKENS)), -20, dtype=np.float32)
    silence[:, 0] = 0
    assert transcribe(decoder.start(), silence, 100) == ()


@pytest.fixture(scope="module")
def transcriber() -> FreeTranscriber:
    return FreeTranscriber(device="cpu")


def test_words_of_an_array(transcriber: FreeTranscriber) -> None:
    right = words = 0
    recording, said = np.zeros(0, np.float32), []
    for clip in SENTENCES[:6]:
        recording = np.concatenate([recording, read_audio(clip), np.zeros(20_000, np.float32)])
        said += TEXTS[clip.name].split()
    results = transcriber.transcribe(recording)
    heard = [word for result in results for word in result.text.split()]
    words, right = len(said), len(set(said) & set(heard))
    assert right >= 0.4 * len(set(said)) and 0.5 * words < len(heard) < 1.5 * words
    assert len(results) >= 5 and results[-1].end <= len(recording) / 16000
    assert [result.start for result in results] == sorted(result.start for result in results)
    quiet = transcriber.transcribe(np.round(recording * 200).astype(np.int16))
    again = {word for result in quiet for word in result.text.split()}
    assert len(again & set(heard)) >= 0.4 * len(set(heard)), "16-bit samples at -44 dB have 8 bits"


def test_words_of_a_stream_come_after_pauses(transcriber: FreeTranscriber) -> None:
    clips = [np.round(np.pad(read_audio(clip), (0, 24_000)) * 32767).astype(np.int16) for clip in SENTENCES[:3]]
    stream, early = transcriber.stream(), []
    for clip in clips:
        for piece in np.array_split(clip, 50):
            early += stream.accept(piece)
    late = stream.finish()
    assert len(early) >= 3 and stream.seconds == pytest.approx(sum(map(len, clips)) / 16000)
    pcm = np.concatenate(clips).astype("<i2").tobytes()
    odd = transcriber.stream()
    from_bytes = [result for at in range(0, len(pcm), 4321) for result in odd.accept(pcm[at : at + 4321])]
    assert [r.text for r in [*from_bytes, *odd.finish()]] == [r.text for r in [*early, *late]]
    with pytest.raises(AudioError, match="finished"):
        stream.accept(clips[0])
    assert stream.finish() == []


def test_what_cannot_be_transcribed(transcriber: FreeTranscriber) -> None:
    with pytest.raises(AudioError, match="no samples"):
        transcriber.transcribe(np.zeros(0, np.float32))
    with pytest.raises(AudioError, match="expected one channel"):
        transcriber.transcribe(np.zeros((100, 2), np.float32))
    assert transcriber.transcribe(resample(np.zeros(32000, np.float32), 8000), 8000) == []


def test_phones_without_a_pause_are_told_in_stretches() -> None:
    frames = np.full((2000, len(TOKENS)), -20, dtype=np.float32)
    frames[np.arange(2000), 1 + np.arange(2000) % 5] = 0
    search = PhoneSearch(Model.load("default", device="cpu").metadata)
    found = [*search.advance(frames), *search.finish(80.0)]
    assert [(result.start, result.end) for result in found] == [(0, 30), (30, 60), (60, 80)]
    tail = PhoneSearch(Model.load("default", device="cpu").metadata)
    tail.advance(frames[:30])
    (result,) = tail.finish(0.9)
    assert all(word.start < word.end <= 0.9 for word in result.words)
