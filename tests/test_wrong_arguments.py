"""Arguments of the wrong type or range, in a program: one error of the package whose text says what was expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.batch import ListenerOptions, transcribe
from speech_lstm.batch.transcriber import BatchOptions

DATA = Path(__file__).parent / "data"
SAMPLES = np.zeros(16000, np.float32)
CLIP = Path(__file__).parent / "data" / "words" / "left_sc-db9d52d2.opus"
LEFT = ListenerOptions(["left"], device="cpu")


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    return sl.Recognizer(["left"], device="cpu")


RECOGNIZER: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("go",), {}, "there is no grammar file 'go'; phrases are given in a list, as in ['go']"),
    (("turn on the light",), {}, "phrases are given in a list"),
    ((None,), {}, "the grammar is None"),
    ((5,), {}, "the grammar is 5"),
    ((b"go",), {}, "give a list of phrases"),
    (([1],), {}, "1 is not a string"),
    (([None],), {}, "None is not a string"),
    (([],), {}, "at least one"),
    (("a\0b",), {}, "grammar"),
    ((Path("missing.yaml"),), {}, "missing.yaml"),
    ((["left"],), {"model": None}, "model is None; expected the name of a shipped model"),
    ((["left"],), {"model": 5}, "model is 5"),
    ((["left"],), {"model": ""}, "model is ''; expected the name of a shipped model"),
    ((["left"],), {"model": "missing.onnx"}, "missing.onnx"),
    ((["left"],), {"device": "gpu"}, "device is 'gpu', expected 'auto', 'cpu' or 'cuda'"),
    ((["left"],), {"device": None}, "device is None"),
    ((["left"],), {"device": 0}, "device is 0"),
    ((["left"],), {"wake_word": 5}, "wake_word is 5; expected a phrase, or a list of phrases"),
    ((["left"],), {"wake_word": [5]}, "wake_word is [5]"),
    ((["left"],), {"wake_word": ""}, "wake word"),
    ((["left"],), {"wake_word": []}, "wake word"),
    ((["left"],), {"wake_word": np.array(["left"])}, "expected a phrase, or a list of phrases"),
    ((["left"],), {"device": np.array(["cpu"])}, "expected 'auto', 'cpu' or 'cuda'"),
    ((["left"],), {"wake_sensitivity": "high"}, "wake_sensitivity is 'high', expected a number from 0 to 1"),
    ((["left"],), {"wake_sensitivity": float("nan")}, "wake_sensitivity is nan"),
    ((["left"],), {"wake_sensitivity": 0.7}, "wake_sensitivity is given without wake_word"),
    ((["left"],), {"wake_sensitivity": {"hey jarvis": 1.0}}, "wake_sensitivity is given without wake_word"),
    ((["left"],), {"pronunciations": ["left"]}, "expected words with their phones"),
    ((["left"],), {"pronunciations": {"left": 5}}, "expected words with their phones"),
    ((["left"],), {"pronunciations": {"left": "X Y"}}, "'X' is not a phone"),
    ((["left"],), {"options": {"threshold": 1}}, "expected RecognizerOptions"),
    ((["left"],), {"options": sl.SessionOptions()}, "expected RecognizerOptions"),
]


@pytest.mark.parametrize(("arguments", "options", "message"), RECOGNIZER)
def test_of_a_recognizer(arguments: tuple[Any, ...], options: dict[str, Any], message: str) -> None:
    told(lambda: sl.Recognizer(*arguments, **{"device": "cpu", **options}), message)


@pytest.mark.parametrize("device", ["cuda", "gpu"])
def test_a_device_that_the_given_model_is_not_on(device: Any) -> None:
    model = sl.Model.load("default", device="cpu")
    told(lambda: sl.Recognizer(["left"], model=model, device=device), f"device is {device!r}")


def told(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(sl.SpeechLstmError) as raised:
        call()
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ("a.wav", "got a name and not audio; read the file first: read_audio('a.wav')"),
        (Path("a.wav"), "read_audio('a.wav')"),
        (None, "samples are NoneType; expected an array"),
        (5, "samples are int; expected an array"),
        (next((DATA / "words").glob("*.opus")).read_bytes(), "read it first: read_audio("),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), "the bytes of a file"),
        ([], "there are no samples"),
        ([[1.0, 2.0], [3.0]], "samples"),
        ({"audio": SAMPLES}, "samples"),
        (["a"], "samples are"),
        (np.zeros((16000, 2), np.float32), "expected one channel"),
        (np.zeros(100, complex), "samples are complex128"),
    ],
)
def test_of_recognize_and_accept(recognizer: sl.Recognizer, samples: Any, message: str) -> None:
    told(lambda: recognizer.recognize(samples), message)
    if message != "there are no samples":
        told(lambda: recognizer.stream().accept(samples), message)


@pytest.mark.parametrize("rate", ["16000", None, 0, -1, float("nan"), True, 10**9])
def test_of_a_sample_rate(recognizer: sl.Recognizer, rate: Any) -> None:
    told(lambda: recognizer.recognize(SAMPLES, sample_rate=rate), "sample rate is")
    told(lambda: recognizer.stream(sample_rate=rate), "sample rate is")


@pytest.mark.parametrize("path", [None, 5, b"a.wav", "a\0b.wav", ["a.wav"], "", ".", "missing.wav"])
def test_of_read_audio(path: Any) -> None:
    told(lambda: sl.read_audio(path), "")


@pytest.mark.parametrize("value", ["0", 0.5, [0], np.array([0, 1]), True])
def test_of_a_channel_or_track(value: Any) -> None:
    told(lambda: sl.read_audio(CLIP, value), "expected a whole number")
    told(lambda: sl.read_audio(CLIP, track=value), "expected a whole number")


def test_of_what_takes_words_events_and_streams(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    told(lambda: assistant.handle(recognizer.stream().accept(SAMPLES)), "expected one event")  # type: ignore[arg-type]
    told(lambda: assistant.on(["Go"]), "has no intent")  # type: ignore[arg-type]
    told(lambda: sl.Assistant(sl.Recognizer(["Go: left"], device="cpu")).on("Go")(dict), "does not tell its parameters")
    told(lambda: next(recognizer.listen(stream="left")), "expected what recognizer.stream() gave")  # type: ignore[arg-type]
    told(lambda: recognizer.grammar.interpret(None), "expected its words")  # type: ignore[arg-type]
    assert recognizer.grammar.interpret("Left!") == recognizer.grammar.interpret(["left"])
    told(lambda: sl.Lexicon().pronunciations(5), "expected a string")  # type: ignore[arg-type]
    told(lambda: sl.FreeTranscriber(5), "model is 5")  # type: ignore[arg-type]
    told(lambda: recognizer.decode([[1.0], [2.0, 3.0]]), "expected [frames, ")  # type: ignore[arg-type]
    model, lexicon = recognizer.model, recognizer.lexicon
    told(lambda: sl.enrol("left", SAMPLES, model, lexicon), "expected a list of arrays")  # type: ignore[arg-type]
    told(lambda: sl.enrol(5, [SAMPLES], model, lexicon), "expected a string")  # type: ignore[arg-type]
    [transcript] = transcribe("a\0b", LEFT, jobs=1)
    assert transcript.error


OPTIONS: list[tuple[type, str, list[Any]]] = [
    (sl.RecognizerOptions, "threshold", ["high", 2, -0.1, float("nan"), True]),
    (sl.RecognizerOptions, "alternatives", ["2", 1.5, -1, None]),
    (sl.RecognizerOptions, "block_seconds", [0, "0.08", float("inf")]),
    (sl.RecognizerOptions, "session", [{"pause_seconds": 1}, None]),
    (sl.SessionOptions, "pause_seconds", [0, -1, "1", None, float("nan"), float("inf")]),
    (sl.SessionOptions, "speech_frames", [0, 1.5]),
    (sl.SessionOptions, "partials", ["yes", 1, None]),
    (sl.MicrophoneOptions, "block_seconds", [0, "1", float("nan")]),
    (sl.MicrophoneOptions, "sample_rate", [0, "48000", 44100.5]),
    (BatchOptions, "clip_seconds", [-1, 29, "10", None]),
    (BatchOptions, "batch", [0, "16", 1.5]),
]


@pytest.mark.parametrize(
    ("kind", "name", "value"), [(kind, name, value) for kind, name, values in OPTIONS for value in values]
)
def test_of_options(kind: type, name: str, value: Any) -> None:
    told(lambda: kind(**{name: value}), name)
    with pytest.raises(ValueError, match=name):  # as before there was an error of their own
        kind(**{name: value})


def test_numbers_of_numpy_are_numbers() -> None:
    options = sl.RecognizerOptions(threshold=np.float32(0.5), alternatives=np.int64(1), clip_seconds=np.float64(3))  # type: ignore[arg-type]
    assert sl.Recognizer(["left"], device="cpu", options=options).recognize(SAMPLES, np.int32(16000).item()).text == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transcribe(5, LEFT), "paths are 5; expected a file or folder, or a list of them"),  # type: ignore[arg-type]
        (lambda: transcribe([None], LEFT), "paths are [None]"),  # type: ignore[list-item]
        (lambda: transcribe("a.wav", "left"), "the listener is 'left'; expected ListenerOptions"),  # type: ignore[arg-type]
        (lambda: transcribe("a.wav", LEFT, jobs=0), "jobs is 0"),
        (lambda: transcribe("a.wav", LEFT, jobs="two"), "jobs is 'two'"),  # type: ignore[arg-type]
        (lambda: transcribe("a.wav", ListenerOptions("left")), "there is no grammar file 'left'"),
        (lambda: transcribe("a.wav", ListenerOptions(["left"], model=5)), "model is 5"),  # type: ignore[arg-type]
        (lambda: transcribe("a.wav", ListenerOptions(["left"], threshold=2)), "threshold is 2"),
        (lambda: sl.MultiStream(sl.Recognizer(["left"], device="cpu"), 0), "largest_batch is 0"),
        (lambda: sl.MultiStream(sl.Recognizer(["left"], device="cpu")).accept([SAMPLES]), "a mapping of streams"),  # type: ignore[arg-type]
        (lambda: sl.MultiStream(sl.Recognizer(["left"], device="cpu")).accept({1: SAMPLES}), "1 is no stream"),  # type: ignore[dict-item]
        (lambda: sl.MultiStream("left"), "needs a Recognizer"),  # type: ignore[arg-type]
        (lambda: sl.Model.load("default", threads=0), "threads is 0"),
        (lambda: sl.Model.load(3), "model is 3"),  # type: ignore[arg-type]
        (lambda: sl.Recognizer(["left"], device="cpu").with_grammar("left"), "there is no grammar file 'left'"),
        (lambda: sl.Recognizer(["left"], device="cpu").with_lists({"name": 5}), "list 'name'"),
        (lambda: sl.Recognizer(["left"], device="cpu").with_lists({"name": ["a"]}), "has no list 'name'; it has: none"),
        (lambda: sl.Grammar.from_phrases(["{x}"], {"x": [("a", 1)]}), "one of the values is ('a', 1): give a text"),
        (lambda: sl.Grammar.from_phrases(["{x}"], {"x": [True]}), "one of the values is True: give a text"),
        (lambda: sl.Grammar.from_phrases(["{x}"], {"x": [{"in": None}]}), "one of the values is None: give a text"),
    ],
)
def test_of_everything_else(call: Callable[[], Any], message: str) -> None:
    told(call, message)
