"""Functions for intents: what fits is called, what does not is refused when it is registered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.runtime.live.assistant import slots_of_intents

WORDS = Path(__file__).parent / "data" / "words"
GRAMMAR = sl.Grammar.from_phrases(
    [
        "Move: (go|move) {direction} [to {place}]",
        "Move: {direction}",
        "Mood: {mood}",
        "Count: one [{place}]",
        "Bye: stop",
    ],
    lists={"direction": ["backward", "forward"], "place": ["house", "tree"], "mood": ["happy"]},
)


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    return sl.Recognizer(grammar=GRAMMAR, device="cpu", options=sl.RecognizerOptions(threshold=0.3))


def test_possible_and_certain_slots() -> None:
    slots = slots_of_intents(GRAMMAR.graph)
    found = {intent: (set(item.possible), set(item.certain)) for intent, item in slots.items()}
    assert found == {
        "Move": ({"direction", "place"}, {"direction"}),
        "Mood": ({"mood"}, {"mood"}),
        "Count": ({"place"}, set()),
        "Bye": (set(), set()),
    }


def test_commands_reach_their_functions(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    calls: list[Any] = []

    @assistant.on("Move")
    def move(direction: str, event: sl.Command, place: str | None = None) -> str:
        calls.append((direction, place, event.result.text))
        return f"moved {direction}"

    @assistant.on("Mood")
    def mood(**slots: str) -> None:
        calls.append(slots)

    assert assistant.unhandled == {"Count", "Bye"}
    answers = []
    for word in ("backward", "happy", "one"):
        stream = recognizer.stream()
        samples = np.pad(sl.read_audio(next(WORDS.glob(f"{word}_*"))), (8000, 16000))
        answers += [answer for event in stream.accept(samples) if (answer := assistant.handle(event))]
    assert calls == [("backward", None, "backward"), {"mood": "happy"}]
    assert answers == ["moved backward"]


@pytest.mark.parametrize(
    ("intent", "function", "message"),
    [
        ("Turn", lambda: None, "no intent 'Turn'; it has: Bye, Count, Mood, Move"),
        ("Move", lambda direction: None, "does not take the slot 'place'"),
        ("Move", lambda direction, place: None, "needs 'place', which some sentences leave out"),
        ("Mood", lambda mood, colour=None: None, r"takes 'colour', which is no slot of it \(slots: mood\)"),
        ("Mood", lambda mood, /: None, "by position only"),
        ("Bye", lambda name: None, r"which is no slot of it \(slots: none\)"),
    ],
)
def test_what_does_not_fit_the_grammar_is_refused(
    recognizer: sl.Recognizer, intent: str, function: Callable[..., None], message: str
) -> None:
    with pytest.raises(sl.GrammarError, match=message):
        sl.Assistant(recognizer).on(intent)(function)


def test_one_function_an_intent(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    assistant.on("Bye")(lambda: None)
    with pytest.raises(sl.GrammarError, match="has a function already"):
        assistant.on("Bye")


def commands(recognizer: sl.Recognizer, *words: str) -> list[sl.Command]:
    """What a stream hears in recordings of words."""
    stream = recognizer.stream()
    clips = [np.pad(sl.read_audio(next(WORDS.glob(f"{word}_*"))), (8000, 16000)) for word in words]
    return [event for event in stream.accept(np.concatenate(clips)) if isinstance(event, sl.Command)]


def test_async_functions_are_awaited_and_plain_ones_called(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    calls: list[str] = []

    @assistant.on("Move")
    async def move(direction: str, place: str | None = None) -> str:
        await asyncio.sleep(0)
        calls.append(direction)
        return f"moved {direction}"

    assistant.on("Mood")(lambda mood: calls.append(mood))
    backward, happy = commands(recognizer, "backward", "happy")

    async def both() -> tuple[Any, Any]:
        return await assistant.handle_async(backward), await assistant.handle_async(happy)

    assert asyncio.run(both()) == ("moved backward", None) and calls == ["backward", "happy"]


@pytest.mark.parametrize("kind", ["def", "partial", "lambda", "object"])
def test_a_coroutine_that_nobody_awaits_is_refused(recognizer: sl.Recognizer, kind: str) -> None:
    async def mood(mood: str) -> None:
        pytest.fail("it was not awaited")

    class Caller:
        async def __call__(self, mood: str) -> None:
            pytest.fail("it was not awaited")

    functions: dict[str, Callable[..., Any]]
    functions = {"def": mood, "partial": partial(mood), "lambda": lambda mood: Caller()(mood), "object": Caller()}
    assistant = sl.Assistant(recognizer)
    assistant.on("Mood")(functions[kind])
    (happy,) = commands(recognizer, "happy")
    with pytest.raises(sl.OptionError, match="must be awaited"):
        assistant.handle(happy)
    if kind == "def":
        with pytest.raises(sl.OptionError, match="is an async def"):
            assistant.run()


def test_an_error_in_a_function_need_not_end_the_loop(recognizer: sl.Recognizer) -> None:
    assistant = sl.Assistant(recognizer)
    seen: list[str] = []

    @assistant.on("Mood")
    def mood(mood: str) -> None:
        raise KeyError(mood)

    (happy,) = commands(recognizer, "happy")
    with pytest.raises(KeyError, match="happy"):
        assistant.handle(happy)

    @assistant.on_error
    def failed(error: Exception, event: sl.Command) -> None:
        seen.append(f"{error!r} in {event.result.intent}")

    assert assistant.handle(happy) is None and asyncio.run(assistant.handle_async(happy)) is None
    assert seen == ["KeyError('happy') in Mood"] * 2


def test_what_is_no_recognizer_or_function_is_refused(recognizer: sl.Recognizer) -> None:
    with pytest.raises(sl.OptionError, match="needs a Recognizer, not 'home"):
        sl.Assistant("home.yaml")  # type: ignore[arg-type]
    with pytest.raises(sl.GrammarError, match="needs a function, not 5"):
        sl.Assistant(recognizer).on("Bye")(5)  # type: ignore[type-var]
