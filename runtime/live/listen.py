"""Live audio to events: pull (`for`), asyncio (`async for`), and a file played as if it were spoken now."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, RawFormat, Samples, Source, read_audio
from speech_lstm.runtime.audio.microphone import Microphone
from speech_lstm.runtime.audio.pipes import live_blocks
from speech_lstm.runtime.errors import OptionError
from speech_lstm.runtime.results import AudioWarning, Event, MicrophoneLost

if TYPE_CHECKING:
    from speech_lstm.runtime.live.stream import Stream

GAP_SECONDS = 1.0
"""Silence that a stream hears in place of a lost microphone, so that no command spans the gap."""


def listen(stream: Stream, device: int | str | Microphone | None = None) -> Iterator[Event]:
    """Events from a microphone until the generator is closed; see `Recognizer.listen`."""
    _check(stream)
    with _open(device) as microphone:
        yield from hear(stream, microphone)


async def listen_async(stream: Stream, device: int | str | Microphone | None = None) -> AsyncIterator[Event]:
    """The same for asyncio: waiting and recognition happen in a thread, the event loop stays free."""
    _check(stream)
    with await asyncio.to_thread(_open, device) as microphone:
        while not microphone.closed:
            for event in await asyncio.to_thread(_hear_next, stream, microphone):
                yield event
        for event in await asyncio.to_thread(stream.finish):
            yield event


def hear(stream: Stream, source: Iterable[Samples | Event]) -> Iterator[Event]:
    """What a stream makes of a source of audio, float32 [n] at 16 kHz, and of events, which are passed on.

    When the source ends the stream is finished.
    """
    for item in source:
        yield from _hear(stream, item)
    yield from stream.finish()


def play(
    source: Source, block_seconds: float = 0.02, raw: RawFormat | None = None, track: int | None = None
) -> Iterator[Samples | AudioWarning]:
    """An audio file at the speed at which it was spoken, a pipe or an open file as it comes: float32 [n] at 16 kHz.

    raw: of samples without a header. track: of a file, as for `read_audio`. AudioError for what cannot be heard.
    """
    if not isinstance(source, str | PathLike) or _is_pipe(source):
        yield from live_blocks(source, raw, block_seconds=block_seconds)
        return
    warnings: list[AudioWarning] = []
    audio = read_audio(source, track=track, raw=raw, report=warnings.append)
    yield from warnings
    step = max(1, round(block_seconds * SAMPLE_RATE))
    started = time.monotonic()
    for start in range(0, len(audio), step):
        block = audio[start : start + step]
        time.sleep(max(0.0, started + (start + len(block)) / SAMPLE_RATE - time.monotonic()))
        yield block


def _is_pipe(path: str | PathLike[str]) -> bool:
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _check(stream: Any) -> None:
    """OptionError for what is no stream."""
    if not hasattr(stream, "accept"):
        raise OptionError(f"stream is {stream!r}; expected what recognizer.stream() gave")


def _open(device: int | str | Microphone | None) -> Microphone:
    return device if isinstance(device, Microphone) else Microphone(device)


def _hear(stream: Stream, item: Samples | Event) -> list[Event]:
    """Audio to what was heard in it; an event to itself."""
    if not isinstance(item, Event):
        return stream.accept(item)
    event = replace(item, time=stream.time)
    if isinstance(item, MicrophoneLost):
        return [event, *stream.accept(np.zeros(round(GAP_SECONDS * SAMPLE_RATE), np.float32))]
    return [event]


def _hear_next(stream: Stream, microphone: Microphone) -> list[Event]:
    """The events of the next piece of audio; none after a while without any."""
    item = microphone.read(timeout=0.5)
    return [] if item is None else _hear(stream, item)
