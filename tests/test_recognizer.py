"""The shipped default model on the bundled recordings."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.errors import AudioError, GrammarError, ModelError, PronunciationError, WakeWordWarning
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import Command, Event, Rejected, Timeout, WakeWord

DATA = Path(__file__).parent / "data"
CLIPS = {path: path.name.split("_")[0] for path in sorted((DATA / "words").glob("*.opus"))}


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(grammar=DATA / "words.txt", device="cpu")


def test_most_words_are_right_and_confident(recognizer: Recognizer) -> None:
    results = {said: recognizer.recognize(read_audio(path)) for path, said in CLIPS.items()}
    assert sum(result.accepted and result.text == said for said, result in results.items()) >= 0.8 * len(CLIPS)
    for result in results.values():
        assert 0 <= result.start < result.end and 0 < result.confidence < 1
        assert len(result.alternatives) <= 2 and result.text not in {other.text for other in result.alternatives}


def test_streams_hear_the_same_words(recognizer: Recognizer) -> None:
    right = 0
    for path, said in CLIPS.items():
        stream = recognizer.stream()
        events = stream.accept(read_audio(path)) + stream.finish()
        right += any(isinstance(event, Command) and event.result.text == said for event in events)
    assert right >= 0.75 * len(CLIPS)


def test_words_outside_the_grammar_and_noise_are_rejected(recognizer: Recognizer) -> None:
    other = recognizer.with_grammar(["open the garage door", "what is the weather", "play some music"])
    assert other.model is recognizer.model
    clips = [*CLIPS, *(DATA / "noise").glob("*.opus")]
    accepted = [path.name for path in clips if other.recognize(read_audio(path)).accepted]
    assert len(accepted) <= 1, accepted


def test_the_beginning_of_a_long_clip_counts(recognizer: Recognizer) -> None:
    path = next(path for path, said in CLIPS.items() if recognizer.recognize(read_audio(path)).text == said)
    only = recognizer.with_grammar([CLIPS[path]])
    noise = 0.02 * np.random.default_rng(0).standard_normal(45 * 16000).astype(np.float32)
    clip = read_audio(path)
    result = only.recognize(np.concatenate([clip, noise]))
    assert result.text == CLIPS[path] and result.end <= len(clip) / 16000 + 0.2


def test_what_the_model_made_of_a_clip_is_decoded_alone(recognizer: Recognizer) -> None:
    path = next(iter(CLIPS))
    audio = read_audio(path)
    log_probs = recognizer.model.log_probs(audio)
    assert recognizer.decode(log_probs, len(audio) / 16000) == recognizer.recognize(audio)
    assert recognizer.decode(log_probs).end >= recognizer.decode(log_probs, 0.3).end == 0.3
    certain, never = (recognizer.decode(log_probs, threshold=threshold) for threshold in (0.0, 1.0))
    assert certain.accepted and not never.accepted and certain.confidence == never.confidence
    for wrong in (log_probs[:, :5], log_probs[0], log_probs[None]):
        with pytest.raises(AudioError, match=r"log_probs is \[.*\], expected \[frames, 40\]"):
            recognizer.decode(wrong)


def test_a_threshold_of_another_name_in_a_model_is_an_error() -> None:
    model = Model.load("default", "cpu")
    model.metadata = replace(model.metadata, thresholds={"acept": 0.5})
    with pytest.raises(ModelError, match="acept; known are accept, open"):
        Recognizer(["left"], model=model)


def test_silence_is_nothing(recognizer: Recognizer) -> None:
    result = recognizer.recognize(np.zeros(16000, np.int16))
    assert not result.accepted and result.confidence < 0.5
    stream = recognizer.stream()
    events = stream.accept(np.zeros(160_000, np.int16)) + stream.finish()
    assert not any(isinstance(event, Command | Rejected) for event in events)


def test_threads_share_a_recognizer(recognizer: Recognizer) -> None:
    audio = [read_audio(path) for path in CLIPS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(recognizer.recognize, audio)) == [recognizer.recognize(samples) for samples in audio]


def test_a_threshold_of_one_accepts_nothing(recognizer: Recognizer) -> None:
    strict = Recognizer(["left", "right"], model=recognizer.model, options=RecognizerOptions(threshold=1.0))
    assert not any(strict.recognize(read_audio(path)).accepted for path in CLIPS)


def clip(word: str) -> np.ndarray:
    return np.concatenate([read_audio(path) for path, said in CLIPS.items() if said == word][:1])


def hear(recognizer: Recognizer, *pieces: np.ndarray) -> list[Event]:
    """Events of a stream in which half a second of silence is around and between the pieces."""
    silence = np.zeros(8000, np.float32)
    stream = recognizer.stream()
    audio = np.concatenate([silence, *(part for piece in pieces for part in (piece, silence))])
    return [event for start in range(0, len(audio), 1600) for event in stream.accept(audio[start : start + 1600])] + (
        stream.finish()
    )


def decisions(events: list[Event]) -> list[str]:
    """What was heard or not, without the events in between."""
    return [
        event.phrase if isinstance(event, WakeWord) else event.result.text
        for event in events
        if isinstance(event, WakeWord | Command)
    ]


def test_a_wake_word_and_then_the_command(recognizer: Recognizer) -> None:
    waiting = Recognizer(["left", "right", "down"], wake_word=["forward", "zero"], model=recognizer.model)
    for wake in ("forward", "zero"):
        for command in ("left", "right"):
            events = hear(waiting, clip(wake), clip(command))
            assert decisions(events) == [wake, command]
            (woken,) = (event for event in events if isinstance(event, WakeWord))
            assert woken.confidence > 0.7 and 0.5 < woken.time < 2
    assert decisions(hear(waiting.with_grammar(["happy", "go"]), clip("forward"), clip("happy"))) == [
        "forward",
        "happy",
    ]


def test_without_its_wake_word_a_stream_hears_nothing(recognizer: Recognizer) -> None:
    waiting = Recognizer(["left", "right", "down"], wake_word="backward", model=recognizer.model)
    others = [clip(word) for word in ("left", "right", "happy", "down", "zero")]
    assert hear(waiting, *others) == []
    assert waiting.recognize(clip("left")).text == "left"


def test_a_wake_word_without_a_command_times_out(recognizer: Recognizer) -> None:
    waiting = Recognizer(["left", "right"], wake_word="forward", model=recognizer.model)
    events = hear(waiting, clip("forward"), np.zeros(6 * 16000, np.float32))
    assert [type(event) for event in events] == [WakeWord, Timeout]


def test_wake_words_as_templates_with_a_sensitivity_each(recognizer: Recognizer) -> None:
    waiting = Recognizer(
        ["left", "right"],
        wake_word=["(forward|zero)", "happy"],
        wake_sensitivity={"(forward|zero)": 0.9, "happy": 0.1},
        model=recognizer.model,
    )
    assert decisions(hear(waiting, clip("forward"), clip("left"))) == ["forward", "left"]
    assert decisions(hear(waiting, clip("zero"), clip("left"))) == ["zero", "left"]


def test_a_poor_wake_word_is_warned_of(recognizer: Recognizer) -> None:
    with pytest.warns(WakeWordWarning, match="wake word 'stop': short: 4 phones") as told:
        Recognizer(["left"], wake_word=["stop", "okay computer"], model=recognizer.model)
    assert all("computer" not in str(each.message) and each.filename == __file__ for each in told)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recognizer(["left"], wake_word="okay computer", model=recognizer.model)


def test_pronunciations_from_a_file(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text('{"left": ["F AO R W ER D"]}')
    other = Recognizer(["left", "right"], model=recognizer.model, pronunciations=path)
    assert other.recognize(clip("forward")).text == "left"
    path.write_text('{\n"left": ["F XX"]}')
    with pytest.raises(PronunciationError, match=r"own\.json, line 2: pronunciation of 'left': 'XX'"):
        Recognizer(["left", "right"], model=recognizer.model, pronunciations=str(path))


def test_repr_says_what_it_hears(recognizer: Recognizer) -> None:
    name = recognizer.model.path.name
    quiet = Recognizer(["A: left", "right"], wake_word="okay computer", model=recognizer.model)
    assert repr(quiet) == f"<Recognizer: 2 templates, 1 intent, 2 words, wake word 'okay computer', {name} on cpu>"


def test_wrong_wake_words_are_refused(recognizer: Recognizer) -> None:
    with pytest.raises(GrammarError, match="no wake word"):
        Recognizer(["left"], wake_word=[], model=recognizer.model)
    with pytest.raises(GrammarError, match="has no words"):
        Recognizer(["left"], wake_word="!", model=recognizer.model)
    with pytest.raises(ValueError, match="wake_sensitivity is 2"):
        Recognizer(["left"], wake_word="backward", wake_sensitivity=2, model=recognizer.model)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0, np.float32), "no samples"),
        (np.full(8000, np.nan, np.float32), "sample 0 is nan"),
        (np.zeros((2, 8000), np.int16), "shape"),
        (np.full(8000, 20000.0), "-1..1"),
    ],
)
def test_bad_samples_are_refused(recognizer: Recognizer, samples: np.ndarray, message: str) -> None:
    with pytest.raises(AudioError, match=message):
        recognizer.recognize(samples)


def test_a_recognizer_does_not_change(recognizer: Recognizer) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        recognizer.grammar = recognizer.grammar
    with pytest.raises(GrammarError):
        recognizer.with_grammar([])


def test_all_commands_of_a_recording(recognizer: Recognizer) -> None:
    said = list(CLIPS.items())[:12]
    recording = np.concatenate([np.pad(read_audio(path), (4000, 12000)) for path, _ in said])
    found = recognizer.recognize_all(recording)
    assert sum(result.text in {word for _, word in said} for result in found) >= 9
    assert all(result.accepted for result in found)
    assert [result.start for result in found] == sorted(result.start for result in found)
    live = [event.result.text for event in stream_of(recognizer, recording) if isinstance(event, Command)]
    assert len(set(live) ^ {result.text for result in found}) <= 1
    pcm = np.round(recording * 32767).astype("<i2").tobytes()
    assert [result.text for result in recognizer.recognize_all(pcm)] == [result.text for result in found]
    assert recognizer.recognize_all(np.zeros(48000, np.float32), 48000) == []


def stream_of(recognizer: Recognizer, samples: np.ndarray) -> list[Event]:
    stream = recognizer.stream()
    return [*stream.accept(samples), *stream.finish()]


def test_all_commands_need_no_wake_word_and_no_button(recognizer: Recognizer) -> None:
    session = SessionOptions(push_to_talk=True)
    waiting = Recognizer(
        ["left", "right"], wake_word="backward", model=recognizer.model, options=RecognizerOptions(session=session)
    )
    recording = np.concatenate([np.pad(clip(word), 8000) for word in ("left", "right")])
    assert [result.text for result in waiting.recognize_all(recording)] == ["left", "right"]
    with pytest.raises(AudioError, match="no samples"):
        waiting.recognize_all(np.zeros(0, np.int16))
