"""Wake words against brute force, in silence, in speech, cut anywhere, and what they cost."""

import time
import tracemalloc
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech_lstm.runtime.decoding.free_speech import FreeSpeech
from speech_lstm.runtime.errors import GrammarError, ModelError, PronunciationError
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.wake.options import WakeWordOptions
from speech_lstm.runtime.wake.phone_chains import MAX_PRONUNCIATIONS, ways_to_say, without_r
from speech_lstm.runtime.wake.wakeword import HIGHEST_THRESHOLD, Detection, WakeWordDetector

from .ctc import FloatArray, dictionary_words, random_log_probs, spoken_log_probs

LEXICON = Lexicon()
FEW = ("<blank>", "AA", "B", "D")


def phones_of(text: str) -> list[str]:
    return [phone for word in text.split() for phone in LEXICON.pronunciations(word)[0]]


def heard(detector: WakeWordDetector, log_probs: FloatArray) -> list[Detection]:
    return detector.start().detect(log_probs)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    """The phones of a token a frame, without repeats and blanks."""
    return tuple(token for before, token in pairwise((0, *path)) if token not in (0, before))


def free_probability(probs: FloatArray, speech: FreeSpeech) -> list[float]:
    """Of all frames before each frame, and of all: [frames + 1], summed over every path there is."""
    found = [1.0]
    for end in range(1, len(probs) + 1):
        total = 0.0
        for path in product(range(probs.shape[1]), repeat=end):
            said = collapsed(path)
            moves = [speech.move[a - 1, b - 1] for a, b in pairwise(said)]
            begins = speech.start[said[0] - 1] if said else 1.0
            total += float(np.prod([begins, *moves, *probs[range(end), path]], dtype=np.float64))
        found.append(total)
    return found


@settings(deadline=None, max_examples=60)
@given(
    ways=st.lists(
        st.lists(st.sampled_from(FEW[1:]), min_size=1, max_size=3).map(" ".join), min_size=1, max_size=3, unique=True
    ),
    frames=st.integers(1, 6),
    seed=st.integers(0, 10_000),
)
def test_first_detection_equals_brute_force(ways: list[str], frames: int, seed: int) -> None:
    threshold = -1.5
    options = WakeWordOptions(fold_threshold=1, pause_seconds=9)
    detector = WakeWordDetector(["word"], Lexicon({"word": ways}), FEW, options=options, thresholds={"word": threshold})
    log_probs = random_log_probs(seed, frames, len(FEW))
    silence = np.full((4, len(FEW)), -50, dtype=np.float32)
    silence[:, 0] = 0
    probs, speech = np.exp(log_probs), FreeSpeech.even(len(FEW) - 1)
    free = free_probability(probs, speech)
    said = [tuple(FEW.index(phone) for phone in way.split()) for way in ways]
    phones = np.mean([len(way) for way in said])

    def just_said(end: int) -> float:
        """Probability that any way ends at a frame, by all paths from any frame on."""
        total = 0.0
        for begin in range(end + 1):
            for path in product(range(len(FEW)), repeat=end + 1 - begin):
                if path[0] and path[-1] and (way := collapsed(path)) in said:
                    prior = speech.probability([token - 1 for token in way])
                    own = float(np.prod(probs[range(begin, end + 1), path], dtype=np.float64))
                    total += prior * own * free[begin] / free[end + 1]
        return total

    expected = None  # the likeliest end, once no likelier one has followed for three frames
    for end in range(frames):
        score = float(np.log(max(just_said(end), 1e-300)) / phones)
        if score >= threshold and (expected is None or score > expected[1] - 1e-6):
            expected = (end, score)
        if expected and end - expected[0] >= 3:
            break
    found = heard(detector, np.concatenate([log_probs, silence]))
    if expected is None:
        assert not found
        return
    assert found[0].last_frame == expected[0]
    assert found[0].score == pytest.approx(min(0.0, expected[1]), abs=1e-4)
    assert found[0].first_frame <= found[0].last_frame


def test_a_phrase_in_other_speech_is_heard_once_with_its_times() -> None:
    detector = WakeWordDetector(["hey jarvis", "okay computer"], LEXICON, TOKENS)
    before = spoken_log_probs(phones_of("the weather was nice yesterday"), seed=1, silence=3)
    phrase = spoken_log_probs(phones_of("okay computer"), seed=2, silence=0)
    after = spoken_log_probs(phones_of("what time is it"), seed=3, silence=1)
    [detection] = heard(detector, np.concatenate([before, phrase, after]))
    assert detection.phrase == "okay computer"
    assert abs(detection.first_frame - len(before)) <= 1
    last_phone = len(before) + int(np.flatnonzero(phrase.argmax(1))[-1])
    assert detection.last_frame == last_phone
    assert -1 < detection.score <= 0 and 0.35 < detection.confidence <= 1


def test_every_pronunciation_is_heard() -> None:
    lexicon = Lexicon({"tomato": ["T AH M EY T OW", "T AH M AA T OW"]})
    detector = WakeWordDetector(["hey tomato"], lexicon, TOKENS)
    for way in lexicon.pronunciations("tomato"):
        assert len(heard(detector, spoken_log_probs(["HH", "EY", *way]))) == 1


def test_other_words_are_not_heard() -> None:
    detector = WakeWordDetector(["hey jarvis", "okay computer", "snowboy"], LEXICON, TOKENS)
    log_probs = spoken_log_probs([p for word in dictionary_words(500) for p in phones_of(word)], noise=1)
    assert heard(detector, log_probs) == []


def test_sensitivity_moves_the_threshold() -> None:
    log_probs = spoken_log_probs(["HH", "EY", "T", *phones_of("jarvis")[1:]], noise=0.1, sharpness=7)
    detectors = [WakeWordDetector(["hey jarvis"], LEXICON, TOKENS, sensitivity=s) for s in (0, 0.25, 0.5, 1)]
    thresholds = [d.thresholds["hey jarvis"] for d in detectors]
    assert thresholds == sorted(thresholds, reverse=True)
    assert thresholds[0] > thresholds[-1] + 0.3
    (easiest,) = heard(WakeWordDetector(["hey jarvis"], LEXICON, TOKENS, thresholds={"hey jarvis": -9}), log_probs)
    assert [len(heard(d, log_probs)) for d in detectors] == [easiest.score >= threshold for threshold in thresholds]


def test_each_phrase_has_the_threshold_that_other_speech_calls_for() -> None:
    easy, hard = "hey mycroft", "alexa"
    thresholds = WakeWordDetector([easy, hard], LEXICON, TOKENS).thresholds
    assert thresholds[easy] < thresholds[hard] - 0.5
    assert thresholds == {p: WakeWordDetector([p], LEXICON, TOKENS).thresholds[p] for p in (easy, hard)}
    assert WakeWordDetector(["cat"], LEXICON, TOKENS, sensitivity=0).thresholds == {"cat": HIGHEST_THRESHOLD}


def test_r_may_be_silent() -> None:
    said = {
        "JH AA R V AH S": "JH AA V AH S",
        "K AH M P Y UW T ER": "K AH M P Y UW T AH",
        "R EH D ER IH T": "R EH D ER IH T",
    }
    for rhotic, silent in said.items():
        assert " ".join(without_r(rhotic.split())) == silent
    detector = WakeWordDetector(["hey jarvis"], LEXICON, TOKENS)
    assert len(heard(detector, spoken_log_probs(["HH", "EY", "JH", "AA", "V", "IH", "S"]))) == 1


def test_a_phrase_is_heard_as_learners_say_it() -> None:
    ways = [" ".join(way) for way in ways_to_say("hey jarvis", LEXICON)]
    assert ways[0] == "HH EY JH AA R V AH S"  # as the dictionary has it
    assert {"HH EY JH AA R V IY S", "HH EY JH AA R V IH Z", "HH EY JH AA V IY Z"} < set(ways)
    assert ways_to_say("stop", LEXICON) == [("S", "T", "AA", "P")]
    assert WakeWordDetector(["this " * 150], LEXICON, TOKENS, thresholds={"this " * 150: -1}).start().frames_left > 400
    assert len(ways_to_say("this is his sister mister wizard", LEXICON)) <= MAX_PRONUNCIATIONS
    detector = WakeWordDetector(["hey jarvis"], LEXICON, TOKENS)
    assert len(heard(detector, spoken_log_probs(["HH", "EY", "JH", "AA", "R", "V", "IY", "Z"]))) == 1


def test_a_phrase_is_never_heard_before_the_search_says_that_it_may_be() -> None:
    detector = WakeWordDetector(["hey jarvis", "computer"], LEXICON, TOKENS)
    for phrase in ("hey jarvis", "computer", "hey computer"):
        search, least, longest = detector.start(), [], 0
        log_probs = np.concatenate([spoken_log_probs(["S", "IY", "DH", "AH"]), spoken_log_probs(phones_of(phrase))])
        for row in log_probs:
            least.append(search.frames_left)
            longest = max(longest, least[-1])
            if search.detect(row[None]):
                break
        else:
            raise AssertionError(f"{phrase} is not heard")
        assert all(1 <= left <= len(least) - frame for frame, left in enumerate(least))
        assert least[-1] == 1 and longest >= 10  # seven phones and the time to confirm


def test_silence_inside_a_phrase_is_short() -> None:
    detector = WakeWordDetector(["hey jarvis"], LEXICON, TOKENS)
    hey = spoken_log_probs(phones_of("hey"), silence=0, sharpness=9, noise=0.1)
    jarvis = spoken_log_probs(phones_of("jarvis"), silence=0, sharpness=9, noise=0.1)
    silence = spoken_log_probs([], silence=3, sharpness=9, noise=0.1)
    assert len(heard(detector, np.concatenate([hey, silence, jarvis, silence]))) == 1
    for pause in (3, 300):
        assert heard(detector, np.concatenate([hey, *[silence] * pause, jarvis, silence])) == []


def test_nothing_is_heard_soon_after_a_detection() -> None:
    detector = WakeWordDetector(["snowboy"], LEXICON, TOKENS)
    one = spoken_log_probs(phones_of("snowboy"), silence=2)
    far = spoken_log_probs([], silence=15)
    assert len(heard(detector, np.concatenate([one, one]))) == 1
    assert len(heard(detector, np.concatenate([one, far, one]))) == 2


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, 400), max_size=12))
def test_any_split_gives_the_same_detections(cuts: list[int]) -> None:
    detector = WakeWordDetector(["hey jarvis", "snowboy"], LEXICON, TOKENS, sensitivity=1)
    text = "hey jarvis what is the weather in the snow hey jarvis snowboy and so on snowboy"
    log_probs = spoken_log_probs(phones_of(text), noise=1, silence=40)
    whole = heard(detector, log_probs)
    search = detector.start()
    assert [d for part in np.split(log_probs, sorted(cuts)) for d in search.detect(part)] == whole
    assert len(whole) >= 3


def test_advance_says_how_long_ago() -> None:
    search = WakeWordDetector(["snowboy"], LEXICON, TOKENS).start()
    log_probs = spoken_log_probs(phones_of("snowboy"), silence=10, sharpness=12)
    last = int(np.flatnonzero(log_probs.argmax(1))[-1])
    num_frames, found = search.advance(log_probs)
    assert found is not None and last < num_frames < len(log_probs)  # the others are not heard yet
    phrase, confidence, ago = found
    assert phrase == "snowboy" and 0.7 < confidence <= 1
    assert ago == num_frames - 1 - last
    assert search.advance(log_probs[:5]) == (5, None)


def test_days_cost_constant_memory_and_little_time() -> None:
    detector = WakeWordDetector(["hey jarvis", "okay computer", "snowboy"], LEXICON, TOKENS)
    search = detector.start()
    speech = spoken_log_probs([p for word in dictionary_words(100) for p in phones_of(word)], noise=1)
    search.detect(speech)
    tracemalloc.start()
    for _ in range(5):
        search.detect(speech)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000
    seconds = []
    for _ in range(5):
        begin = time.process_time()
        search.detect(speech)
        seconds.append(time.process_time() - begin)
    assert min(seconds) < 0.002 * len(speech) * 0.04  # a fifth of what an idle assistant may cost


@pytest.mark.parametrize(
    ("phrases", "error", "message"),
    [
        ([], GrammarError, "no wake word"),
        (["..."], GrammarError, "has no words"),
        (["日本"], PronunciationError, "日本"),
    ],
)
def test_phrases_that_cannot_be_heard_are_refused(phrases: list[str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        WakeWordDetector(phrases, LEXICON, TOKENS)


def test_a_template_is_all_that_it_stands_for() -> None:
    detector = WakeWordDetector(["(hey|okay) jarvis", "computer {1..3:n}"], LEXICON, TOKENS)
    assert detector.phrases == ("hey jarvis", "okay jarvis", "computer one", "computer two", "computer three")
    assert len({detector.thresholds[phrase] for phrase in detector.phrases[:2]}) == 1
    for said in ("hey jarvis", "okay jarvis", "computer two"):
        (detection,) = heard(detector, spoken_log_probs(phones_of(said), silence=1, noise=0.1, sharpness=9))
        assert detection.phrase == said


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        (
            "hey {name}",
            r"wake word 'hey {name}': list {name} is not defined: a wake word has no lists: write .*\(one\|two\)",
        ),
        ("hey <name>", "a wake word has no rules"),
        ("(hey|okay jarvis", r"wake word '\(hey\|okay jarvis': '\(' in column 1"),
        ("[hey]", "may be said with no words"),
        ("number {0..100:n}", "stands for over 32 phrases"),
        ("[a] [b] [c] [d] [e] [f] [g] jarvis", "stands for over 32 phrases"),
    ],
)
def test_templates_that_cannot_be_waited_for_are_refused(phrase: str, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        WakeWordDetector([phrase], LEXICON, TOKENS)


def test_each_wake_word_may_have_its_sensitivity() -> None:
    words = ["hey jarvis", "okay (computer|house)"]
    alike = WakeWordDetector(words, LEXICON, TOKENS, 0.5).thresholds
    own = WakeWordDetector(words, LEXICON, TOKENS, {"Okay (computer|house)": 0.9}).thresholds
    assert own["hey jarvis"] == alike["hey jarvis"]
    assert own["okay computer"] == own["okay house"] < alike["okay computer"]
    with pytest.raises(ValueError, match="wake_sensitivity has 'hey siri', which is no wake word"):
        WakeWordDetector(words, LEXICON, TOKENS, {"hey siri": 0.9})
    with pytest.raises(ValueError, match="wake_sensitivity of 'hey jarvis' is 2"):
        WakeWordDetector(words, LEXICON, TOKENS, {"hey jarvis": 2})


def test_wrong_options_and_input_are_refused() -> None:
    with pytest.raises(ValueError, match="sensitivity is 2"):
        WakeWordDetector(["snowboy"], LEXICON, TOKENS, sensitivity=2)
    with pytest.raises(ValueError, match="range is 0"):
        WakeWordOptions(range=0)
    with pytest.raises(ModelError, match="other tokens"):
        WakeWordDetector(["bad"], Lexicon({"bad": "B AA D"}), FEW)
    with pytest.raises(ValueError, match="pause_seconds is 0"):
        WakeWordOptions(pause_seconds=0)
    with pytest.raises(GrammarError, match="no token 'S'"):
        WakeWordDetector(["snowboy"], LEXICON, FEW)
    search = WakeWordDetector(["snowboy"], LEXICON, TOKENS).start()
    with pytest.raises(ValueError, match=r"expected \[frames, 40\]"):
        search.detect(np.zeros((2, 3), dtype=np.float32))
