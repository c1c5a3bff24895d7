"""A microphone as blocks of 16 kHz mono audio, through PortAudio.

The audio callback only copies into a bounded queue; the thread that reads resamples, and finds out what is wrong:
audio that nobody fetched in time, a device that gives nothing but zeros, a device that is gone and comes back.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from speech_lstm.runtime.alone import Alone
from speech_lstm.runtime.audio import portaudio
from speech_lstm.runtime.audio.channels import Downmix
from speech_lstm.runtime.audio.levels import INVERTED
from speech_lstm.runtime.audio.pcm import SAMPLE_RATE, Samples, StreamResampler
from speech_lstm.runtime.errors import DeviceError, OptionError
from speech_lstm.runtime.options import check_types
from speech_lstm.runtime.results import AudioDropped, AudioWarning, MicrophoneBack, MicrophoneLost, MicrophoneSilent

MicrophoneEvent = AudioDropped | AudioWarning | MicrophoneSilent | MicrophoneLost | MicrophoneBack


@dataclass(frozen=True)
class MicrophoneOptions:
    """How a microphone is opened and watched; times in seconds."""

    sample_rate: int | None = None
    """Of the device. None: its own, or the first usual one that it takes."""
    channels: int | None = None
    """Of the device, which are averaged. None: one, or as many as it insists on."""
    block_seconds: float = 0.02
    """Audio of a callback."""
    queue_seconds: float = 5.0
    """Audio that waits to be read, at most."""
    silence_seconds: float = 5.0
    """Nothing but zeros for that long is reported."""
    stall_seconds: float = 5.0
    """A device that gives no audio at all for that long counts as gone."""
    retry_seconds: float = 0.25
    """Wait before a lost device is tried again; twice as long each time, up to longest_retry_seconds."""
    longest_retry_seconds: float = 8.0
    rescan: bool = True
    """Whether to restart PortAudio, every second try, to find a device that came back with another number. That ends
    streams which other parts of the program have open in it, but for those of microphones."""

    def __post_init__(self) -> None:
        """OptionError for a number that is not above 0."""
        check_types(self)
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None and not isinstance(value, bool) and value <= 0:
                raise OptionError(f"{item.name} is {value}, it must be above 0")


class Microphone:
    """An open audio input. One thread reads it; `close` may be called by any.

    >>> with Microphone() as microphone:                                       # doctest: +SKIP
    ...     for item in microphone:   # float32 [n], 16 kHz; or an event
    ...         print(item)
    """

    def __init__(self, device: int | str | None = None, options: MicrophoneOptions | None = None) -> None:
        """Open the device and start. device: index or part of a name; None: the default one.

        DeviceError where it cannot be opened, or sounddevice or PortAudio is missing.
        """
        if not isinstance(device, int | str | None):
            raise DeviceError(f"microphone {device!r} cannot be opened: expected a number or a part of the name")
        if not isinstance(options, MicrophoneOptions | None):
            raise OptionError(f"options are {options!r}, expected MicrophoneOptions")
        self.device = device
        self.options = options or MicrophoneOptions()
        self.sample_rate = 0
        """Of the device."""
        self.channels = 0
        """Of the device."""
        self._queue: queue.Queue[_Captured | None] = queue.Queue()
        self._dropped = 0  # frames, written by the callback
        self._stream: Any = None
        self._info: Any = None  # of the device that was opened first
        self._resampler = StreamResampler(SAMPLE_RATE)
        self._downmix = Downmix(1)
        self._pending: list[Samples | MicrophoneEvent] = []
        self._samples = 0  # read so far, at 16 kHz
        self._zeros = 0  # of them in a row at the end
        self._last_audio = self._lost_at = self._retry_at = 0.0  # time.monotonic
        self._wait = self.options.retry_seconds
        self._retries = 0
        self._closed = threading.Event()
        self._reading = Alone("Microphone", "reading", "open one for each")
        self._open()

    @property
    def time(self) -> float:
        """Seconds of audio read."""
        return round(self._samples / SAMPLE_RATE, 4)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Samples | MicrophoneEvent]:
        """Audio and events until the microphone is closed."""
        while not self._closed.is_set():
            item = self.read(timeout=1.0)
            if item is not None:
                yield item

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Microphone cannot be pickled; open it in the process that reads it")

    def close(self) -> None:
        """Stop and give the device back. A thread that waits in `read` is woken and gets None."""
        self._closed.set()
        self._wake_reader()
        self._release()

    def read(self, timeout: float | None = None) -> Samples | MicrophoneEvent | None:
        """The next audio, float32 [n] at 16 kHz with n above 0, or what happened.

        None when the microphone is closed, or there was nothing for `timeout` seconds. SpeechLstmError where another
        thread reads it meanwhile.
        """
        with self._reading:
            return self._read(None if timeout is None else time.monotonic() + timeout)

    def _read(self, deadline: float | None) -> Samples | MicrophoneEvent | None:
        while not self._closed.is_set():
            if self._pending:
                return self._pending.pop(0)
            now = time.monotonic()
            if self._stream is None and now >= self._retry_at:
                self._reconnect()
                continue
            due = self._retry_at if self._stream is None else now + 0.5
            try:
                captured = self._queue.get(timeout=max(0.0, min(due, deadline or due) - now))
            except queue.Empty:
                captured = None
            if captured is not None:
                self._take(captured)
                continue
            self._check()
            if deadline is not None and time.monotonic() >= deadline and not self._pending:
                return None
        return None

    def _check(self) -> None:
        """Whether the device is still there when no audio comes."""
        stream = self._stream
        if stream is None or self._closed.is_set():
            return
        if not stream.active:
            self._lose("the device stopped")
        elif time.monotonic() - self._last_audio >= self.options.stall_seconds:
            self._lose(f"no audio for {self.options.stall_seconds:g} s")

    def _take(self, captured: _Captured) -> None:
        """What the callback has copied, ready to be read."""
        self._last_audio = time.monotonic()
        if captured.dropped or captured.overflow:
            seconds = round(captured.dropped / self.sample_rate, 4)
            self._pending.append(AudioDropped(self.time, seconds, int(captured.overflow)))
        was_inverted = self._downmix.inverted
        audio = self._resampler.accept(self._downmix.accept(captured.frames))
        if self._downmix.inverted and not was_inverted:
            self._pending.append(AudioWarning(self.time, "inverted", INVERTED))
        if not audio.size:
            return
        self._samples += len(audio)
        self._pending.append(audio)
        if captured.frames.any():
            self._zeros = 0
            return
        limit = round(self.options.silence_seconds * SAMPLE_RATE)
        before, self._zeros = self._zeros, self._zeros + len(audio)
        if before < limit <= self._zeros:
            self._pending.append(MicrophoneSilent(self.time, self.options.silence_seconds, portaudio.permission_hint()))

    def _open(self) -> None:
        """Open the device afresh; DeviceError if that does not work."""
        sounddevice = portaudio.load()
        with portaudio.LOCK:
            try:
                info = portaudio.find_input(self.device, self._info)
                rate, channels = portaudio.input_format(info, self.options.sample_rate, self.options.channels)
                frames = max(1, round(rate * self.options.block_seconds))
                self._queue = queue.Queue(max(1, round(self.options.queue_seconds * rate / frames)))
                self._dropped = 0
                self._stream = sounddevice.InputStream(
                    device=info["index"],
                    samplerate=rate,
                    channels=channels,
                    dtype="float32",
                    blocksize=frames,
                    latency=0.1,  # room for a busy machine; blocks come as soon as they are full all the same
                    callback=self._capture,
                    finished_callback=self._wake_reader,
                )
                self._stream.start()
            except (ValueError, sounddevice.PortAudioError) as error:
                self._release()
                raise DeviceError(f"{_describe(self.device)} cannot be opened: {portaudio.reason(error)}") from None
            portaudio.OPEN.add(id(self._stream))
        self._info = self._info or info
        self.sample_rate, self.channels = rate, channels
        self._resampler = StreamResampler(rate)
        self._downmix = Downmix(channels)
        self._last_audio = time.monotonic()
        self._zeros = 0

    def _capture(self, frames: Any, count: int, when: Any, status: Any) -> None:
        """PortAudio's callback: copy and leave."""
        captured = _Captured(frames.copy(), self._dropped, bool(status.input_overflow))
        if _put(self._queue, captured):
            self._dropped = 0
        else:
            self._dropped += count

    def _wake_reader(self) -> None:
        """Let a `read` that waits look what happened; also PortAudio's callback for a stream that has ended."""
        _put(self._queue, None)

    def _lose(self, reason: str) -> None:
        """The device is gone: begin to try again."""
        self._release()
        self._lost_at = time.monotonic()
        self._wait = self.options.retry_seconds
        self._retries = 0
        self._retry_at = self._lost_at + self._wait
        self._pending.append(MicrophoneLost(self.time, reason))

    def _reconnect(self) -> None:
        """Try once to open the lost device."""
        try:
            if self.options.rescan and self._retries % 2:
                portaudio.restart()
            self._open()
        except DeviceError:
            self._retries += 1
            self._wait = min(2 * self._wait, self.options.longest_retry_seconds)
            self._retry_at = time.monotonic() + self._wait
            return
        if self._closed.is_set():  # meanwhile, by another thread
            self._release()
        else:
            self._pending.append(MicrophoneBack(self.time, round(time.monotonic() - self._lost_at, 3)))

    def _release(self) -> None:
        """Close the stream, which may be broken."""
        with portaudio.LOCK:
            stream, self._stream = self._stream, None
        if stream is not None:
            portaudio.end(stream)


@dataclass(frozen=True)
class _Captured:
    """What a callback brought: float32 [n, channels], how many were thrown away before, whether the device lost any."""

    frames: Any
    dropped: int
    overflow: bool


def _put(waiting: queue.Queue[_Captured | None], item: _Captured | None) -> bool:
    """Whether there was room in the queue."""
    try:
        waiting.put_nowait(item)
    except queue.Full:
        return False
    return True


def _describe(device: int | str | None) -> str:
    return "the default microphone" if device is None else f"microphone {device!r}"
