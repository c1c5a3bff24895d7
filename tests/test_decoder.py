"""The search against brute force over all alignments, and its promises on times, alternatives, chunks and memory."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.decoding import decoder as decoder_module
from speech_lstm.runtime.decoding import nbest
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions, DecoderState, Progress
from speech_lstm.runtime.decoding.graph import compile_graph
from speech_lstm.runtime.decoding.hypothesis import Hypothesis
from speech_lstm.runtime.decoding.viterbi import BeamSearch
from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.grammar.wordgraph import WordGraph
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS

from .conftest import METADATA
from .ctc import FloatArray, phrases_graph, random_log_probs, slots_graph, spoken_log_probs, viterbi

FEW = ("<blank>", "AA", "B", "D")
EXACT = DecoderOptions(blank_offset=0, fold_threshold=1, filler_cost=np.inf, beam=np.inf, nbest_beam=np.inf)
DEFAULTS = DecoderOptions()
LEXICON = Lexicon()

SENTENCES = slots_graph(
    [["turn", "switch"], ["on", "off"], ["the", ""], ["light", "lights", "radio", "heating"], ["in", ""], ["kitchen"]]
)

DEFAULTS = DecoderOptions()


def phones_of(text: str) -> list[str]:
    return [phone for word in text.split() for phone in LEXICON.pronunciations(word)[0]]


def decoder_of(graph: WordGraph, options: DecoderOptions = DEFAULTS) -> Decoder:
    return Decoder(compile_graph(graph, LEXICON, TOKENS), options)


def searched(decoder: Decoder, log_probs: FloatArray) -> DecoderState:
    state = decoder.start()
    decoder.advance(state, log_probs)
    return state


def best_sentences(log_probs: FloatArray, n: int = 1, options: DecoderOptions = DEFAULTS) -> list[Hypothesis]:
    decoder = decoder_of(SENTENCES, options)
    return list(decoder.hypotheses(searched(decoder, log_probs), n))


@pytest.fixture(params=["dense", "beam"])
def search(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of search, whatever the size of the graph."""
    if request.param == "beam":
        monkeypatch.setattr(decoder_module, "DENSE_ARCS", 0)


pronunciations = st.lists(st.sampled_from(FEW[1:]), min_size=1, max_size=3).map(" ".join)
lexicons = st.fixed_dictionaries({w: st.lists(pronunciations, min_size=1, max_size=2) for w in ("one", "two", "six")})
phrase_lists = st.lists(
    st.lists(st.sampled_from(["one", "two", "six"]), min_size=1, max_size=3), min_size=1, max_size=5
)


def check_n_best(lexicon: dict[str, list[str]], phrases: list[list[str]], frames: int, seed: int) -> None:
    words = Lexicon(lexicon)
    decoder = Decoder(compile_graph(phrases_graph(phrases), words, FEW), EXACT)
    log_probs = random_log_probs(seed, frames, len(FEW))
    scores = (log_probs - log_probs.max(1, keepdims=True)).astype(np.float64)
    expected: dict[tuple[str, ...], float] = {}
    for phrase in phrases:
        sequences: list[list[int]] = [[]]
        for word in phrase:
            sequences = [[*s, *map(FEW.index, way)] for s in sequences for way in words.pronunciations(word)]
        best = max(viterbi(scores, labels) for labels in sequences)
        if best > -np.inf:
            expected[tuple(phrase)] = max(best, expected.get(tuple(phrase), -np.inf))
    state = searched(decoder, log_probs)
    found = decoder.hypotheses(state, 20)
    assert {tuple(w.text for w in h.words) for h in found} == set(expected)
    for h in found:
        assert h.score == pytest.approx(expected[tuple(w.text for w in h.words)], abs=1e-3)
        inside = scores[h.words[0].first_frame : h.words[-1].last_frame + 1]
        assert h.command_score >= viterbi(inside, [p.token for w in h.words for p in w.phones]) - 1e-3
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert state.now.best_final == pytest.approx(max(expected.values(), default=-np.inf), abs=1e-3)
    alone = decoder.best(state)
    assert (alone is not None) == bool(found)
    if alone is not None:
        assert alone.score == pytest.approx(found[0].score, abs=1e-3) == alone.hypothesis.score
        assert alone.text in [h.text for h in found if h.score > found[0].score - 1e-3]


@settings(deadline=None, max_examples=200)
@given(lexicon=lexicons, phrases=phrase_lists, frames=st.integers(1, 14), seed=st.integers(0, 10_000))
def test_n_best_equals_brute_force(
    lexicon: dict[str, list[str]], phrases: list[list[str]], frames: int, seed: int
) -> None:
    check_n_best(lexicon, phrases, frames, seed)


@settings(deadline=None, max_examples=200)
@given(lexicon=lexicons, phrases=phrase_lists, frames=st.integers(1, 14), seed=st.integers(0, 10_000))
def test_n_best_equals_brute_force_with_beam_search(
    lexicon: dict[str, list[str]], phrases: list[list[str]], frames: int, seed: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder_module, "DENSE_ARCS", 0)
        check_n_best(lexicon, phrases, frames, seed)


@settings(deadline=None, max_examples=60)
@given(frames=st.integers(1, 60), seed=st.integers(0, 10_000), spread=st.sampled_from([0.5, 3]))
def test_the_two_searches_agree_without_a_beam(frames: int, seed: int, spread: float) -> None:
    decoder = decoder_of(SENTENCES, EXACT)
    log_probs = random_log_probs(seed, frames, len(TOKENS), spread)
    dense = searched(decoder, log_probs)
    beam = decoder.start()
    beam.search = BeamSearch(decoder.graph, np.inf, 10**6)
    decoder.advance(beam, log_probs)
    nodes = np.arange(decoder.graph.num_nodes)
    assert np.array_equal(dense.search.history().of(nodes), beam.search.history().of(nodes))
    assert decoder.hypotheses(dense, 4) == decoder.hypotheses(beam, 4)


@settings(deadline=None, max_examples=60)
@given(frames=st.integers(1, 60), seed=st.integers(0, 10_000))
def test_partial_is_the_best_path(frames: int, seed: int) -> None:
    decoder = decoder_of(SENTENCES, DecoderOptions(fold_threshold=1, filler_cost=2))
    log_probs = random_log_probs(seed, frames, len(TOKENS))
    state = searched(decoder, log_probs)
    partial = decoder.partial(state)
    assert partial is not None
    assert partial.score == pytest.approx(state.now.best_any, abs=1e-2) or state.now.is_final
    assert partial.score <= state.now.best_any + 1e-2


@pytest.mark.usefixtures("search")
def test_words_have_the_frames_of_their_phones() -> None:
    phones = phones_of("turn off the lights kitchen")
    log_probs = spoken_log_probs(phones, noise=0.1)
    best_token = log_probs.argmax(1)
    [best] = best_sentences(log_probs)
    assert best.text == "turn off the lights kitchen"
    assert [TOKENS[p.token] for w in best.words for p in w.phones] == phones
    assert best.num_phones == len(phones)
    for word in best.words:
        assert (word.phones[0].first_frame, word.phones[-1].last_frame) == (word.first_frame, word.last_frame)
        for phone in word.phones:
            assert set(best_token[phone.first_frame : phone.last_frame + 1]) == {phone.token}
    assert best.score == pytest.approx(0, abs=1e-4)
    assert best.first_frame == np.flatnonzero(best_token)[0]
    assert best.last_frame == np.flatnonzero(best_token)[-1]


@pytest.mark.usefixtures("search")
def test_alternatives_that_differ_in_one_word_come_out() -> None:
    log_probs = spoken_log_probs(phones_of("switch on the light in kitchen"))
    texts = [h.text for h in best_sentences(log_probs, 6)]
    assert texts[0] == "switch on the light in kitchen"
    assert "switch off the light in kitchen" in texts
    assert "switch on the lights in kitchen" in texts


def test_homophones_are_alternatives_in_the_order_of_the_grammar() -> None:
    decoder = decoder_of(slots_graph([["right", "write"], ["too", "two"]]))
    found = decoder.hypotheses(searched(decoder, spoken_log_probs(phones_of("right two"))), 9)
    assert [h.text for h in found] == ["right too", "right two", "write too", "write two"]


@pytest.mark.usefixtures("search")
def test_each_pronunciation_is_found() -> None:
    decoder = Decoder(
        compile_graph(
            phrases_graph([["tomato"], ["potato"]]), Lexicon({"tomato": ["T AH M EY T OW", "T AH M AA T OW"]}), TOKENS
        )
    )
    for phones in ("T AH M EY T OW", "T AH M AA T OW"):
        [best] = decoder.hypotheses(searched(decoder, spoken_log_probs(phones.split(), noise=0.1)))
        assert best.text == "tomato"
        assert best.score == pytest.approx(0, abs=1e-4)


@pytest.mark.usefixtures("search")
def test_command_inside_other_speech() -> None:
    log_probs = np.concatenate(
        [
            spoken_log_probs(phones_of("yesterday somebody asked"), seed=1, silence=2),
            spoken_log_probs(phones_of("switch on the radio in kitchen"), seed=2, silence=2),
            spoken_log_probs(phones_of("and then went home"), seed=3, silence=2),
        ]
    )
    [best] = best_sentences(log_probs)
    assert best.text == "switch on the radio in kitchen"
    assert best.command_score > -3
    assert best.score < -20  # the speech around it costs
    # without the filler the speech around has to be squeezed into blanks or phones of the command
    for strict in best_sentences(log_probs, options=DecoderOptions(filler_cost=np.inf)):
        assert strict.score < 2 * best.score


def test_end_of_sentence() -> None:
    decoder = decoder_of(phrases_graph([["stop"], ["stop", "now"], ["go"]]))
    state = searched(decoder, spoken_log_probs(phones_of("stop"), silence=0, noise=0.1)[:-1])
    assert (state.now.is_final, decoder.can_continue(state.now)) == (True, True)  # "now" may follow
    before = state.now.final_frames
    decoder.advance(state, spoken_log_probs([], silence=4, noise=0.1))
    assert state.now.final_frames == before + 8
    assert state.now.trailing_blanks >= 8
    assert (state.now.is_final, decoder.can_continue(state.now)) == (True, True)
    decoder.advance(state, spoken_log_probs(phones_of("now")[:1], silence=0, noise=0.1))
    assert not state.now.is_final
    decoder.advance(state, spoken_log_probs(phones_of("now")[1:], silence=0, noise=0.1))
    assert (state.now.is_final, decoder.can_continue(state.now)) == (True, False)


def test_a_sentence_in_other_speech_has_ended() -> None:
    decoder = decoder_of(phrases_graph([["stop"], ["stop", "now"], ["turn", "on", "the", "light"]]))
    for text, more in (("stop", True), ("turn on the light", False)):
        state = searched(decoder, spoken_log_probs(phones_of(text), silence=0, noise=0.1))
        ended = state.now.num_frames - 1 - state.now.final_frames
        for row in spoken_log_probs(phones_of("seven yellow elephants") * 10, silence=0, noise=0.1):
            decoder.advance(state, row[None])
        assert state.now.is_final and decoder.can_continue(state.now) == more
        assert state.now.final_frames >= state.now.num_frames - 1 - ended - 3


def test_partial_holds_the_words_that_are_over() -> None:
    decoder = decoder_of(phrases_graph([["turn", "on", "the", "light"], ["turn", "off", "the", "radio"]]))
    seen = []
    state = decoder.start()
    for row in spoken_log_probs(phones_of("turn off the radio"), noise=0.1):
        decoder.advance(state, row[None])
        partial = decoder.partial(state)
        assert partial is not None
        if partial.text not in seen:
            seen.append(partial.text)
    assert seen == ["", "turn", "turn off", "turn off the", "turn off the radio"]


def check_splits(cuts: list[int], max_frames: int, new: Callable[[Decoder], DecoderState]) -> None:
    options = DecoderOptions(fold_threshold=0.8, max_frames=max_frames)
    graph = phrases_graph([["one", "two"], ["two", "six"], ["six"]])
    decoder = Decoder(compile_graph(graph, Lexicon({"one": "AA B", "two": "B AA D", "six": "D D"}), FEW), options)
    log_probs = random_log_probs(7, 200, len(FEW))
    whole, split = new(decoder), new(decoder)
    decoder.advance(whole, log_probs)
    for part in np.split(log_probs, sorted(cuts)):
        decoder.advance(split, part)
    assert decoder.hypotheses(whole, 3) == decoder.hypotheses(split, 3)
    assert whole.search.history().scores.tobytes() == split.search.history().scores.tobytes()
    assert whole.now == split.now
    assert whole.now.num_rows <= max_frames


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(0, 200), max_size=10), max_frames=st.integers(40, 300), beam=st.booleans())
def test_any_split_gives_the_same_bits(cuts: list[int], max_frames: int, beam: bool) -> None:
    def new(decoder: Decoder) -> DecoderState:
        state = decoder.start()
        if beam:
            state.search = BeamSearch(decoder.graph, 10, 20)
        return state

    check_splits(cuts, max_frames, new)


@pytest.mark.usefixtures("search")
def test_hours_of_noise_stay_in_bounded_memory_and_the_command_after_is_found() -> None:
    decoder = decoder_of(SENTENCES, DecoderOptions(max_frames=200, filler_cost=1))
    state = decoder.start()
    noise = random_log_probs(3, 1000, len(TOKENS), spread=1)
    decoder.advance(state, noise)
    tracemalloc.start()
    for _ in range(4):
        decoder.advance(state, noise)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 1_000_000
    log_probs = spoken_log_probs(phones_of("turn on the radio in kitchen"))
    decoder.advance(state, log_probs)
    [best] = decoder.hypotheses(state)
    assert best.text == "turn on the radio in kitchen"
    assert best.first_frame is not None and 5000 < best.first_frame < state.now.num_frames == 5000 + len(log_probs)


def test_folding_skips_most_of_silence_and_keeps_the_result() -> None:
    log_probs = spoken_log_probs(phones_of("switch off the heating kitchen"), silence=100, sharpness=9)
    [exact] = best_sentences(log_probs, options=DecoderOptions(fold_threshold=1))
    decoder = decoder_of(SENTENCES)
    state = searched(decoder, log_probs)
    assert state.now.num_frames == len(log_probs)
    assert state.now.num_rows < len(log_probs) / 3
    (found,) = decoder.hypotheses(state)
    for word, other in zip(found.words, exact.words, strict=True):
        assert replace(word, evidence=0) == replace(other, evidence=0)
        assert word.evidence == pytest.approx(other.evidence, abs=0.05)  # rows before count for free speech
    assert (found.score, found.command_score) == (exact.score, exact.command_score)


def test_evidence_is_above_zero_for_what_was_said_and_below_for_other_speech() -> None:
    said = best_sentences(spoken_log_probs(phones_of("switch off the heating kitchen"), noise=0.5))[0]
    assert min(word.evidence for word in said.words) > 0
    other = best_sentences(spoken_log_probs(phones_of("which of these seemed kitschy"), noise=0.5))[0]
    assert min(word.evidence for word in other.words) < -1


def test_wrong_input_and_options_are_refused() -> None:
    decoder = decoder_of(SENTENCES)
    with pytest.raises(ValueError, match=r"expected \[frames, 40\]"):
        decoder.advance(decoder.start(), np.zeros((3, 39), dtype=np.float32))
    with pytest.raises(ValueError, match="NaN"):
        decoder.advance(decoder.start(), np.full((3, 40), np.nan, dtype=np.float32))
    for wrong in ({"max_frames": 1}, {"fold_threshold": 0}, {"filler_cost": -1}, {"beam": np.nan}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            DecoderOptions(**wrong)


def test_what_a_model_was_tuned_to_is_used_and_what_is_no_option_is_an_error() -> None:
    searching = {"blank_offset": 1.5, "beam": 12, "max_active": 500}
    tuned = replace(METADATA, decoder=searching, frame_seconds=0.08, chunk_samples=1280)
    assert DecoderOptions.tuned(tuned, filler_cost=3) == DecoderOptions(
        blank_offset=1.5, beam=12, max_active=500, filler_cost=3, max_frames=375
    )
    for wrong, message in (({"beem": 12.0}, "sets beem; known are .*beam"), ({"beam": -1.0}, "malformed: beam is -1")):
        with pytest.raises(ModelError, match=message):
            DecoderOptions.tuned(replace(METADATA, decoder=wrong))


@settings(deadline=None, max_examples=40)
@given(frames=st.integers(2, 40), seed=st.integers(0, 10_000), beam=st.booleans())
def test_an_earlier_progress_finds_what_was_found_then(frames: int, seed: int, beam: bool) -> None:
    decoder = decoder_of(SENTENCES, DecoderOptions(fold_threshold=0.5, nbest_beam=5))
    log_probs = random_log_probs(seed, frames, len(TOKENS), 3)
    state, cut = decoder.start(), decoder.start()
    if beam:
        state.search, cut.search = (BeamSearch(decoder.graph, 10, 200) for _ in range(2))
    progress = decoder.follow(state, log_probs)
    assert len(progress) == frames and progress[-1] == state.now
    decoder.advance(cut, log_probs[: frames // 2])
    then = progress[frames // 2 - 1]
    assert cut.now == then

    def found(state: DecoderState, at: Progress | None) -> list[Hypothesis | None]:
        alone = (decoder.best(state, at), decoder.partial(state, at))
        several = islice(decoder.sentences(state, at), 3)
        return [None if sentence is None else sentence.hypothesis for sentence in (*alone, *several)]

    assert found(state, then) == found(cut, None)


def test_a_word_said_in_several_ways_comes_once_and_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {
        "a": ["AH", "EY", "AA", "AE", "IH"],
        "and": ["AE N D", "AH N D", "AH N", "EH N D"],
        "cat": ["K AE T"],
        "dog": ["D AO G"],
    }
    graph = phrases_graph([["a", "cat", "and", "a", "cat", "and", "a", last] for last in ("cat", "dog")])
    decoder = Decoder(compile_graph(graph, Lexicon(ways), TOKENS), DecoderOptions(nbest_beam=60))
    state = searched(decoder, spoken_log_probs(phones_of("a cat and a cat and a cat")))
    monkeypatch.setattr(nbest, "MAX_EXPANSIONS", 250)  # there are 2,000 ways to say each
    assert [h.words[-1].text for h in decoder.hypotheses(state, 9)] == ["cat", "dog"]


def test_no_frames_give_no_command() -> None:
    decoder = decoder_of(SENTENCES)
    state = searched(decoder, np.zeros((0, 40), dtype=np.float32))
    assert decoder.hypotheses(state) == ()
    assert decoder.best(state) is None
    partial = decoder.partial(state)
    assert partial is not None and partial.words == () == partial.hypothesis.words
    assert not state.now.is_final and decoder.can_continue(state.now)
