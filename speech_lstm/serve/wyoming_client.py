"""One client of the Wyoming protocol: wake words, speech to text, and intents.

    describe                                  -> info
    detect, audio-start, audio-chunk, ...     -> detection for each wake word; not-detected at audio-stop
    transcribe, audio-start, ..., audio-stop  -> transcript
    recognize, or transcript (Home Assistant) -> intent, not-recognized
    ping                                      -> pong

What cannot be understood or goes beyond the limits is answered with `error`, and the connection is closed. The
`context` of transcribe, recognize and transcript may hold a `grammar` (a text) that counts for the connection from then
on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_write_event
from wyoming.info import Info
from wyoming.intent import Entity, Intent, NotRecognized
from wyoming.ping import Pong
from wyoming.wake import Detection, NotDetected

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.results import Command, WakeWord
from speech_lstm.serve.ear import Ear, Heard
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.frames import read_frame
from speech_lstm.serve.limits import Bucket, Refused

if TYPE_CHECKING:
    from speech_lstm.runtime.grammar import Grammar
    from speech_lstm.runtime.live.recognizer import Recognizer

LONGEST_TEXT = 1000
"""Characters of a sentence to recognise."""
PAYLOAD_BYTES = 64 << 10
"""Of an event that has no use for them count as much as another event."""
LINGER_BYTES, LINGER_SECONDS = 64 << 20, 1.0
"""Read and thrown away before a connection is closed, as data on the way would make the reason disappear."""
ENCODING_OF = {2: "int16", 4: "int32"}
"""Bytes of a sample -> its encoding."""

logger = logging.getLogger("speech_lstm.serve")


@dataclass(frozen=True)
class Format:
    """Of audio: samples a second, bytes of a sample, channels."""

    rate: int
    width: int
    channels: int


def wake_name(phrase: str) -> str:
    """The name of a wake word's model: "hey jarvis" -> "hey_jarvis"."""
    return phrase.strip().lower().replace(" ", "_")


class WyomingClient:
    """Serves one connection with `run`."""

    def __init__(self, engine: Engine, info: Info, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._engine, self._info = engine, info
        self._reader, self._writer = reader, writer
        self._own: Recognizer | None = None  # for the client's grammar
        self._messages, self._compiled = Bucket(engine.limits.messages), Bucket(engine.limits.grammars)
        self._wake_names: frozenset[str] | None = None  # to detect; None: transcribe
        self._ear: Ear | None = None
        self._format: Format | None = None
        self._text: str | None = None
        self._detected = False
        self._first: int | None = None  # timestamp of the first audio, ms

    async def run(self) -> None:
        """Until the client has enough, misbehaves, or the server stops."""
        try:
            async with self._engine.client("wyoming"):
                await self._converse()
        except Refused as refused:
            self._engine.metrics.refused.labels(refused.code).inc()
            with contextlib.suppress(OSError, TimeoutError):
                await self._send(Error(str(refused), refused.code))
                await self._linger()
        except (OSError, TimeoutError):  # the client is gone, or does not read
            pass
        except Exception:
            logger.exception("a Wyoming client is dropped after an error of the server")
        finally:
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._writer.wait_closed(), self._engine.limits.send_seconds)
            self._writer.transport.abort()

    async def _linger(self) -> None:
        """Close our half and wait for the client to close its."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and (data := await self._reader.read(1 << 16)):
                    left -= len(data)

    async def _converse(self) -> None:
        engine, limits = self._engine, self._engine.limits
        while (
            event := await engine.unless_stopping(read_frame(self._reader, limits), limits.idle_seconds)
        ) is not None:
            size = len(event.payload or b"") / PAYLOAD_BYTES
            if event.type != "audio-chunk" and self._messages.take(1 + size):
                raise Refused(f"over {limits.messages:g} events a second apart from audio", "too-many")
            await self._answer(event)
        await self._audio_stop()  # of a client that has closed its half, or that the server cannot wait for
        if engine.stopping.is_set():
            raise Refused("the server is stopping", "stopping")

    async def _answer(self, event: Event) -> None:
        """One event. Those of other kinds are not for us."""
        match event.type:
            case "audio-chunk":
                await self._audio_chunk(event)
            case "audio-start":
                await self._audio_start(_format(event.data, None))
            case "audio-stop":
                await self._audio_stop()
            case "transcribe":
                await self._take_grammar(event)
                self._wake_names = None
            case "detect":
                self._wake_names = self._chosen(event.data.get("names"))
            case "describe":
                await self._send(self._info)
            case "recognize" | "transcript":
                await self._take_grammar(event)
                await self._recognize(event.data.get("text"), event.data.get("context"))
            case "ping":
                text = event.data.get("text")
                await self._send(Pong(text if isinstance(text, str) else None))

    async def _take_grammar(self, event: Event) -> None:
        """The client's own grammar, where it sends one."""
        context = event.data.get("context")
        text = context.get("grammar") if isinstance(context, dict) else None
        if text is None:
            return
        if not isinstance(text, str):
            raise Refused('the "grammar" in the context must be a text: a phrase a line, or YAML')
        if self._compiled.take():
            raise Refused(f"over {self._engine.limits.grammars:g} grammars a second", "too-many")
        try:
            self._own = await self._engine.with_grammar(text)
        except GrammarError as error:
            raise Refused(str(error), "bad-grammar") from None

    def _chosen(self, names: Any) -> frozenset[str]:
        """The wake words to detect."""
        detector = self._engine.waking.wake_detector if self._engine.waking else None
        known = frozenset(map(wake_name, detector.phrases)) if detector else frozenset()
        if not known:
            raise Refused("this server has no wake word; start it with --wake-word")
        if not names:
            return known
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise Refused('"names" must be a list of texts')
        chosen = frozenset(map(wake_name, names))
        if not chosen <= known:
            raise Refused(f"no wake word {min(chosen - known)!r} here; there is {', '.join(sorted(known))}")
        return chosen

    async def _audio_start(self, form: Format) -> None:
        recognizer = self._own or self._engine.recognizer
        if self._wake_names is not None:
            assert self._engine.waking is not None
            recognizer = self._engine.waking
        if form.width not in ENCODING_OF:
            raise Refused(f"samples of {form.width} bytes; expected 2 or 4", "bad-audio")
        self._ear = Ear(self._engine, recognizer, form.rate, ENCODING_OF[form.width], form.channels)
        if self._wake_names is None:
            self._ear.stream.press()  # all of it is one command: Home Assistant finds the end of speech itself
        self._format, self._text, self._detected, self._first = form, None, False, None

    async def _audio_chunk(self, event: Event) -> None:
        form = _format(event.data, self._format)
        if self._ear is None:
            await self._audio_start(form)
        elif form != self._format:
            raise Refused(f"the audio changes from {self._format} to {form} on its way", "bad-audio")
        assert self._ear is not None
        if self._first is None:
            self._first = int(event.data.get("timestamp") or 0)
        async for heard in self._ear.hear(event.payload or b""):
            await self._events(heard)

    async def _audio_stop(self) -> None:
        """The transcript, or that no wake word came."""
        ear, self._ear = self._ear, None
        if ear is None:
            return
        await self._events(await ear.finish())
        if self._wake_names is None:
            await self._send(Transcript(self._text or "", language="en"))
        elif not self._detected:
            await self._send(NotDetected())

    async def _events(self, heard: Heard) -> None:
        """Wake words at once; of several commands the first counts."""
        for event in heard.events:
            if self._wake_names is None and isinstance(event, Command):
                self._text = self._text or event.result.text
            elif self._wake_names is not None and isinstance(event, WakeWord):
                if self._ear is not None:
                    self._ear.listen(self._ear.recognizer)  # for the next wake word, not for a command
                name = wake_name(event.phrase)
                if name in self._wake_names:
                    self._detected = True
                    moment = (self._first or 0) + round(1000 * (heard.began + event.time))
                    await self._send(Detection(name, timestamp=moment))

    async def _recognize(self, text: Any, context: Any) -> None:
        if not isinstance(text, str) or len(text) > LONGEST_TEXT:
            raise Refused(f'"text" must be a text of at most {LONGEST_TEXT} characters')
        grammar = (self._own or self._engine.recognizer).grammar
        answer = await self._engine.hear(_intent, grammar, text)
        if isinstance(context, dict):
            answer.context = {key: value for key, value in context.items() if key != "grammar"} or None
        await self._send(answer)

    async def _send(self, message: Eventable) -> None:
        event = message.event()
        event.data = json.loads(json.dumps(event.data, default=str))  # slot values may be dates
        await asyncio.wait_for(async_write_event(event, self._writer), self._engine.limits.send_seconds)


def _format(data: dict[str, Any], before: Format | None) -> Format:
    """The audio format in an event; what it lacks is as before."""
    numbers = []
    for name in ("rate", "width", "channels"):
        number = data.get(name, getattr(before, name, None))
        if isinstance(number, bool) or not isinstance(number, int):
            raise Refused(f"{name} of audio must be a whole number", "bad-audio")
        numbers.append(number)
    return Format(*numbers)


def _intent(grammar: Grammar, text: str) -> Intent | NotRecognized:
    """What a sentence means."""
    try:
        meaning = grammar.interpret(spoken_words(text))
    except GrammarError:
        return NotRecognized("Sorry, I don't know that command.")
    if meaning.intent is None:
        return NotRecognized("Sorry, that command has no intent.")
    return Intent(meaning.intent, [Entity(slot.name, slot.value) for slot in meaning.slots])
