"""The state machine of a voice assistant: idle -> awake -> listening -> command, rejection or time-out -> idle.

IDLE waits for the wake word, the button or, with neither, for speech. AWAKE waits for speech, LISTENING for its end:

    IDLE       wake word, button            -> AWAKE      WakeWord (not for the button)
    IDLE       speech, command-only mode    -> LISTENING  SpeechStarted
    AWAKE      speech                       -> LISTENING  SpeechStarted
    AWAKE      nothing for leading_seconds  -> IDLE       Timeout("leading")
    AWAKE      button released              -> IDLE       Timeout("leading")
    LISTENING  a sentence is complete       -> IDLE       Command, Rejected
    LISTENING  pause, button released       -> IDLE       Command, Rejected
    LISTENING  total_seconds                -> IDLE       Command, Timeout("total"); AWAKE while the button is down

A sentence is complete when silence or other speech has followed it for a while. What was heard after a command, and in
command-only mode or with the button down the newer half of what timed out, is heard again in the next state: a command
is not lost because another one was decided on first. All is done frame by frame, so blocks of any length give the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from speech_lstm.runtime.decoding.decoder import Progress
from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.lexicon.closed import hears_words
from speech_lstm.runtime.live.command_search import CommandSearch, Heard
from speech_lstm.runtime.live.endpoint import Endpoint, Verdict
from speech_lstm.runtime.live.interpreter import Decision
from speech_lstm.runtime.live.preroll import Preroll
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.live.state import State, WakeSearch
from speech_lstm.runtime.results import Command, Event, Partial, Rejected, SpeechStarted, Timeout, WakeWord


class Session:
    """Fed with log-probabilities, gives events. Belongs to one stream."""

    def __init__(
        self,
        grammar: Heard,
        options: SessionOptions,
        alternatives: int = 0,
        start_wake_search: Callable[[], WakeSearch] | None = None,
        lookahead: int = 0,
    ) -> None:
        """start_wake_search: makes the detector to wait for, else speech is; lookahead: of the model, in frames."""
        self.state = State.IDLE
        self._grammar = grammar  # of the next search
        self._frame_seconds = grammar.asked.frame_seconds
        self._options = options
        self._alternatives = alternatives
        self._start_wake_search = start_wake_search
        self._lookahead = lookahead
        self._wake = start_wake_search() if start_wake_search else None
        ends = (options.confirm_seconds, options.pause_seconds, options.total_seconds)
        self._endpoint = Endpoint(*map(self._count, ends))
        speech_frames = (
            1 if hears_words(grammar.decoder.graph.tokens) else options.speech_frames
        )  # a word is heard in one
        self._recent = Preroll(self._count(options.preroll_seconds), speech_frames)
        self._clock = self._frames = 0  # of the stream; the second without those to hear again
        self._end = math.inf  # seconds of real audio, once known
        self._since = 0  # frame at which the state began
        self._release_at: int | None = None
        self._wake_end = self._wake_limit = 0  # frames until which its last sound went on, and may (0: it is over)
        self._pressed = self._answered = False  # the second: whether the button brought an event already
        self._search: CommandSearch | None = None  # while listening
        self._again: FloatArray | None = None  # frames that are left over from a decision

    def use(self, grammar: Heard) -> None:
        """Another grammar, from the next command on: one that is being said is heard to its end with that of now."""
        self._grammar = grammar

    @property
    def time(self) -> float:
        """Seconds of audio heard."""
        return round(min(self._clock * self._frame_seconds, self._end), 4)

    def advance(self, log_probs: FloatArray) -> list[Event]:
        """log_probs: float32 [frames, tokens], the next ones of the stream. Returns what happened."""
        return self._hear([log_probs])

    def blocks(self, frames: int) -> tuple[int, int]:
        """How many blocks of so many frames may be heard at once, which is cheaper than one by one: as soon as there is
        a sound in them, and without one.

        One where a command or a wake word may be over within a block; two where a command may be over, or begin, soon;
        four in other speech, where only partial results wait, and before it; eight there while there is no sound.
        """
        search = self._search
        if self._release_at is not None:
            return 1, 1
        if search is None:
            if not any(self._recent.phones):
                return 4, 4 if self.state is State.AWAKE else 8
            left = self._wake.frames_left if self._wake and self.state is State.IDLE else 2 * frames
            return (max(1, min(4, left // frames)),) * 2
        if self._pressed:
            return 4, 4
        if self._endpoint.is_near(search.now, search.can_continue, frames):
            return 1, 1
        return (2, 2) if self._endpoint.is_near(search.now, search.can_continue, 3 * frames) else (4, 4)

    def press(self) -> None:
        """The button is pressed: listen for a command now, without a wake word; one that is being said goes on."""
        if self._search is not None:
            self._search.is_asked = True
        elif not self._pressed and self._release_at is None:
            self._awake(0)
        self._pressed, self._release_at = True, None

    def release(self, waiting: int = 0) -> None:
        """The button is released: decide shortly. waiting: frames of what was said before that are still to come."""
        if self._pressed:
            self._pressed = False
            self._release_at = self._frames + waiting + self._lookahead + self._count(self._options.release_seconds)

    def end_at(self, seconds: float) -> None:
        """There is no audio after that time, frames beyond it are padding: no time is later."""
        self._end = seconds

    def finish(self) -> list[Event]:
        """The audio has ended: decide about what was said so far."""
        events: list[Event] = []
        self._pressed = False
        while self._search is not None:
            events.append(self._decide(self._search))
            events += self._hear(self._left_over())
        self._idle()
        return events

    def _hear(self, pending: list[FloatArray]) -> list[Event]:
        """Frames, the last part first. What is left over from a decision is heard in the state that it led to."""
        events: list[Event] = []
        while pending:
            frames = pending.pop()
            search = self._search
            heard = self._wait(frames, events) if search is None else self._listen(search, frames, events)
            if heard < len(frames):
                pending.append(frames[heard:])
            pending += self._left_over()
        return events

    def _left_over(self) -> list[FloatArray]:
        """Frames to hear again, once."""
        again, self._again = self._again, None
        self._frames -= 0 if again is None else len(again)
        return [] if again is None or not len(again) else [again]

    def _wait(self, log_probs: FloatArray, events: list[Event]) -> int:
        """Hear frames until the state changes. Returns how many."""
        state, search = self.state, self._wake if self.state is State.IDLE else None
        last, wake = search.advance(log_probs) if search else (len(log_probs), None)
        heard = 0
        for row, phone in zip(log_probs[:last], self._grammar.decoder.phones(log_probs[:last]), strict=True):
            heard += 1
            self._tick()
            self._recent.append(row, phone)
            event = self._woken(*wake) if wake and heard == last else self._wait_on(phone)
            events += [event] if event else []
            if self.state is not state:
                break
        return heard

    def _tick(self) -> None:
        """One more frame."""
        self._frames += 1
        self._clock = max(self._clock, self._frames)

    def _woken(self, phrase: str, confidence: float, ago: int) -> WakeWord:
        """The wake word ended so many frames ago."""
        self._awake(ago)
        self._wake_limit = self._frames + self._count(self._options.wake_tail_seconds)
        for number, phone in enumerate(self._recent.phones, self._frames - len(self._recent) + 1):
            self._hear_wake_word(phone, number)
        return WakeWord(self.time, phrase, confidence)

    def _wait_on(self, phone: bool) -> Event | None:
        """After a frame in which a phone was heard or not, and no wake word."""
        self._hear_wake_word(phone, self._frames)
        if (self.state is State.AWAKE or self._command_only) and self._recent.has_speech(self._frames - self._wake_end):
            return self._begin()
        if self.state is State.AWAKE and not self._pressed:
            waited = self._frames - self._since >= self._count(self._options.leading_seconds)
            if waited if self._release_at is None else self._frames >= self._release_at:
                answered = self._answered
                self._idle()
                return None if answered else Timeout(self.time, "leading")
        return None

    @property
    def _command_only(self) -> bool:
        """Whether speech alone starts a search."""
        return not (self._wake or self._options.push_to_talk)

    def _listen(self, search: CommandSearch, log_probs: FloatArray, events: list[Event]) -> int:
        """Hear frames of a command until it is decided on. Returns how many."""
        heard = 0
        for now in search.follow(log_probs):
            heard += 1
            self._tick()
            event = self._after_frame(search, now)
            if event is not None:
                events.append(event)
                if self.state is not State.LISTENING:
                    break
        return heard

    def _after_frame(self, search: CommandSearch, now: Progress) -> Event | None:
        """After the search has gone on by a frame."""
        if not self._pressed:
            released = self._release_at is not None and self._frames >= self._release_at
            verdict = self._endpoint.verdict(now, search.can_continue, search.untried)
            if released or verdict is Verdict.DECIDE:
                return self._decide(search)
            if verdict is Verdict.TRY and (command := self._command(search)) is not None:
                return command
        if self._endpoint.is_too_long(self._frames - search.origin):
            return self._command(search) or self._give_up(search)
        if now.trailing_blanks or self._frames < self._clock or not self._options.partials:
            return None
        words = search.new_words(self._count(self._options.partial_seconds))
        return Partial(self.time, words) if words else None

    def _decide(self, search: CommandSearch) -> Command | Rejected:
        """The command or the rejection, and to the next state."""
        decision = search.decide(self._alternatives, self.time)
        if decision.result.accepted:
            return self._commanded(search, decision)
        self._next()
        return Rejected(self.time, decision.result)

    def _command(self, search: CommandSearch) -> Command | None:
        """The command and to the next state, or None when what was heard so far is not accepted."""
        if not search.might_be_accepted():
            return None
        decision = search.decide(self._alternatives, self.time)
        return self._commanded(search, decision) if decision.result.accepted else None

    def _commanded(self, search: CommandSearch, decision: Decision) -> Command:
        """To the next state, which hears what followed the last frame of the command."""
        self._again = search.since(decision.last_frame + 1)
        self._next()
        return Command(self.time, decision.result)

    def _give_up(self, search: CommandSearch) -> Timeout:
        """No command in total_seconds. Where the next one may come at any time it may have begun already."""
        if self._command_only or self._pressed:
            self._again = search.since(-(-search.now.num_frames // 2))
        self._next()
        return Timeout(self.time, "total")

    def _next(self) -> None:
        """After a decision: on with the button down, else idle."""
        if self._pressed:
            self._awake(0)
            self._pressed = self._answered = True
        else:
            self._idle()

    def _awake(self, ago: int) -> None:
        """Wait for speech; frames older than `ago` are not part of it."""
        self._recent.keep(ago)
        self._search = None
        self.state = State.AWAKE
        self._since = self._frames
        self._wake_limit = 0
        self._release_at = None
        self._answered = False

    def _hear_wake_word(self, phone: bool, frame: int) -> None:
        """Follow what goes on without a break since the wake word."""
        if frame <= self._wake_limit and phone:
            self._wake_end = frame
        else:
            self._wake_limit = 0

    def _begin(self) -> SpeechStarted:
        """Search from the frames before the first phone on."""
        self.state = State.LISTENING
        before = self._recent.log_probs
        is_asked = not self._command_only or self._pressed or self._release_at is not None
        self._search = CommandSearch(self._grammar, is_asked, self._frames - len(before), before)
        self._recent.keep(0)
        return SpeechStarted(self.time)

    def _idle(self) -> None:
        """Wait for the next wake word, button or speech."""
        self.state = State.IDLE
        self._since = self._frames
        self._pressed = False
        self._release_at = None
        self._recent.keep(0)
        self._search = None
        self._wake = self._start_wake_search() if self._start_wake_search else None

    def _count(self, seconds: float) -> int:
        """Frames in that many seconds."""
        return max(1, round(seconds / self._frame_seconds))
