"""Commands of a grammar: whether what was said is understood and accepted, and other speech is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from speech_lstm.evaluation.clips import Clip, audible, by_corpus
from speech_lstm.evaluation.conditions import Condition, State, Surroundings, conditions_of
from speech_lstm.evaluation.measures import Observation
from speech_lstm.evaluation.suite import Commands, Suite
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.live.recognizer_options import RecognizerOptions
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.results import Command, Event, Result

RIGHT = "right"
RIGHT_ACCEPTED = "right and accepted"
WRONG_ACCEPTED = "wrong and accepted"
IN_STREAM = "right in a stream"
SLOTS_RIGHT = "slots right"
OUTSIDE_ACCEPTED = "others accepted"

Meaning = tuple[str | None, frozenset[tuple[str, object]], str]
"""The intent, names with values of all slots, and the words where there is neither."""


def meaning(grammar: Grammar, words: Sequence[str]) -> Meaning:
    """Of a sentence of the grammar. GrammarError if it is none."""
    found = grammar.interpret(words)
    return _meaning(found.intent, [(name, value) for name, value, _, _ in found.slots], found.text)


def of_result(result: Result) -> Meaning:
    """What was heard."""
    return _meaning(result.intent, [(slot.name, slot.value) for slot in result.slot_details], result.text)


def _meaning(intent: str | None, slots: Sequence[tuple[str, object]], text: str) -> Meaning:
    return intent, frozenset(slots), "" if intent is not None or slots else text


def said_in(clip: Clip, grammar: Grammar) -> Meaning | None:
    """What a clip means, as its row says or as the grammar understands its words; None where the grammar cannot."""
    if clip.words is None:
        return _meaning(clip.intent, clip.slots, "")
    try:
        return meaning(grammar, clip.words)
    except GrammarError:
        return None


@dataclass(frozen=True)
class Heard:
    """A clip's best command, accepted or not, and the events of a stream that hears it."""

    result: Result
    events: Sequence[Event]

    def in_stream(self, said: Meaning) -> bool:
        """Whether the stream's only command is that."""
        commands = [event.result for event in self.events if isinstance(event, Command)]
        return len(commands) == 1 and of_result(commands[0]) == said


def hear(recognizer: Recognizer, audio: Samples, state: State) -> Heard:
    """Hear float32 [samples] from a state of the model on, once as a whole and once as a stream of blocks.

    The confidence counts with the best command of another meaning even where that one is not accepted.
    """
    model, stream = recognizer.model, recognizer.stream()
    metadata = model.metadata
    block = recognizer.options.block_samples(metadata)
    rows: NDArray[np.float32] = np.zeros((0, len(metadata.tokens)), np.float32)
    events: list[Event] = []
    stream.put(audio)
    blocks = []
    while (ready := stream.next_block()) is not None:
        blocks.append(ready)
    whole = sum(map(len, blocks))
    if blocks:
        log_probs, state = model.run(np.concatenate(blocks)[None], state)
        rows = log_probs[0]
    frames = block // metadata.samples_per_frame
    for start in range(0, len(rows), frames):
        events += stream.advance(rows[start : start + frames], state[0])
    events += stream.finish()
    rest = np.zeros((1, metadata.padded_samples(len(audio) - whole)), np.float32)
    rest[0, : len(audio) - whole] = audio[whole:]
    rows = np.concatenate([rows, model.run(rest, state)[0][0]])[metadata.lookahead_frames :]
    return Heard(recognizer.decode(rows, len(audio) / SAMPLE_RATE, threshold=0.0), events)


@dataclass
class CommandTest:
    """One table [commands.NAME] of a suite. `heard`: by condition, confidence, whether inside and whether right."""

    name: str
    suite: Suite
    options: Commands
    recognizer: Recognizer
    heard: dict[Condition, list[tuple[float, bool, bool]]] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str, suite: Suite, model: Model, recognition: RecognizerOptions) -> CommandTest:
        """Compile the grammar."""
        options = suite.commands[name]
        chosen = replace(recognition, alternatives=0, session=SessionOptions(partials=False))
        return cls(name, suite, options, Recognizer(suite.located(options.grammar), model=model, options=chosen))

    def observe(self, around: Surroundings, limit: int | None) -> Iterator[Observation]:
        """Hear every clip in every condition. limit: clips of each corpus, where the suite has more."""
        options, conditions = self.options, conditions_of(self.suite)
        inside_clips, outside_clips = (min(n, limit or n) for n in (options.clips, options.outside_clips))
        for paths, most, outside in (
            (options.manifests, inside_clips, False),
            (options.outside, outside_clips, True),
        ):
            for clips in by_corpus(self.suite.all_located(paths), self.suite, most).values():
                for clip, audio in audible(clips):
                    said = said_in(clip, self.recognizer.grammar)
                    if outside and said is not None:
                        continue
                    for condition in conditions:
                        yield from self._observe(clip, said, audio, condition, around)

    def _observe(
        self, clip: Clip, said: Meaning | None, audio: Samples, condition: Condition, around: Surroundings
    ) -> Iterator[Observation]:
        heard = hear(self.recognizer, around.audio(audio, clip.name, condition), around.state(condition))
        accepted = heard.result.confidence >= self.recognizer.interpreter.threshold
        understood = of_result(heard.result)
        right = said == understood
        self.heard.setdefault(condition, []).append((heard.result.confidence, said is not None, right))
        if said is None:
            yield Observation(self.name, OUTSIDE_ACCEPTED, condition, clip, accepted)
            return
        yield Observation(self.name, RIGHT, condition, clip, right)
        yield Observation(self.name, RIGHT_ACCEPTED, condition, clip, right and accepted)
        yield Observation(self.name, WRONG_ACCEPTED, condition, clip, accepted and not right)
        yield Observation(self.name, IN_STREAM, condition, clip, heard.in_stream(said))
        if said[1]:
            yield Observation(self.name, SLOTS_RIGHT, condition, clip, len(said[1] & understood[1]), len(said[1]))
