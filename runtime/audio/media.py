"""The sound of whatever FFmpeg reads (m4a, webm, mp4 video and so on), through PyAV: the [media] extra."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from speech_lstm.runtime.audio.pcm import Samples
from speech_lstm.runtime.audio.pieces import Gap
from speech_lstm.runtime.audio.source import AudioFile, Part, Window
from speech_lstm.runtime.errors import AudioError

GAP_SECONDS = 0.1
"""Times of a container are rounded; only a gap of that length is one, and is heard as silence."""

MOST_GAP_SECONDS = 3600.0
"""Silence of a file, all in all: where there is more the times are wrong."""

_TAKEN_FOR = ("adp",)  # formats that samples without a header are taken for
_LATE_SECONDS = 30  # a Flash stream that begins later was recorded from its middle on
_MOST_ERRORS = 100  # of the container, in a row
_OTHER_ERRORS = (ValueError, IndexError, OverflowError, UnicodeError)  # of PyAV: a stream that appears late, and such
_SILENCE_BLOCK = 1 << 16  # samples

_FROM_ZERO = ("mov", "matroska")
"""Containers, by FFmpeg's name, whose times begin with the file; others have those of a clock."""

_TELL_LENGTH = ("mov", "wv", "tta", "ape", "caf", "asf", "avi")
"""Containers whose header says how long each track is."""

_TELL_LONGEST = ("matroska", "flv", "nut")
"""Those that say how long the longest is. Of others FFmpeg guesses it."""


class MediaFile:
    """An audio track of a file, piece by piece. Use it in `with`."""

    is_exact = False
    is_int16_in_int32 = False

    def __init__(
        self, source: AudioFile, parts: Sequence[Part] = (), track: int | None = None, has_gaps: bool = True
    ) -> None:
        """parts: () for the whole file. track: by number from 0, the last one if there are fewer; None for the one that
        players take. has_gaps: whether gaps in the times are gaps in the sound.

        AudioError where PyAV is missing, cannot read the file, or finds no audio in it.
        """
        try:
            import av
        except ImportError:
            raise AudioError("other formats need PyAV; pip install 'speech-lstm[media]'") from None
        self._av = av
        opened: Any = Window(source.file, parts) if parts else str(source.path.absolute())
        try:  # a playlist must not make it fetch other files or URLs
            self._container = av.open(opened, options={"protocol_whitelist": "file"}, metadata_errors="replace")
        except (av.FFmpegError, *_OTHER_ERRORS) as error:
            raise AudioError(f"FFmpeg: {_reason(error)}") from None
        try:
            if self._container.format.name in _TAKEN_FOR:
                raise AudioError("FFmpeg: no format that says what it is")
            self._stream = self._choose(track)
        except AudioError:
            self._container.close()
            raise
        codec = self._stream.codec_context
        codec.options = {"err_detect": "crccheck"}
        self.samplerate: int = codec.sample_rate
        self.channels: int = codec.channels
        self.gaps: list[Gap] = []
        self.problem = ""
        """What FFmpeg said of the first packet that it could not read."""
        self._layout = codec.layout
        self._has_gaps = has_gaps and self._container.format.name != "flac"  # whose times FFmpeg guesses
        self._frames = self._decoded()
        self._converter: Any = None  # of frames such as `_format` says
        self._format: tuple[object, ...] = ()
        self._origin = self._begin()
        self._position = 0  # samples of the track so far
        self._silence = 0  # samples to come before `_after`, a frame
        self._after: Any = None
        self._silence_left = round(MOST_GAP_SECONDS * self.samplerate)
        self._failed = False  # whether a packet could not be read since the last frame
        self._pieces: list[Samples] = []  # each [n, channels]
        self._waiting = 0
        self._over = False

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._frames.close()
        self._container.close()

    @property
    def seconds(self) -> float | None:
        """How long the track is, where that is known."""
        if self._named(_TELL_LENGTH) and self._stream.duration and self._stream.time_base:
            start = float((self._stream.start_time or 0) * self._stream.time_base)
            return start - (self._origin or 0.0) + float(self._stream.duration * self._stream.time_base)
        if self._named(_TELL_LONGEST) and self._container.duration and len(self._container.streams) == 1:
            return float(self._container.duration / self._av.time_base)
        return None

    def read(self, frames: int) -> Samples:
        """The next float32 [frames, channels], fewer at the end."""
        while self._waiting < frames and not self._over:
            self._decode()
        everything = np.concatenate([np.zeros((0, self.channels), np.float32), *self._pieces])
        self._pieces = [everything[frames:]]
        self._waiting = len(self._pieces[0])
        return everything[:frames]

    def _choose(self, track: int | None) -> Any:
        """The stream of a track. AudioError where there is none."""
        usable = [
            stream
            for stream in self._container.streams.audio
            if (codec := stream.codec_context) is not None and codec.sample_rate and codec.channels
        ]
        if not usable:
            raise AudioError("there is no audio in it that FFmpeg knows")
        self.tracks: tuple[str, ...] = tuple(map(_describe, usable))
        if track is None:
            best = self._container.streams.best("audio")
            self.track = usable.index(best) if best in usable else 0
        else:
            self.track = min(max(track, 0), len(usable) - 1)
        return usable[self.track]

    def _named(self, names: Sequence[str]) -> bool:
        return any(name in self._container.format.name for name in names)

    def _begin(self) -> float | None:
        """The container's time at which the file begins; None: that of the first frame."""
        if self._named(_FROM_ZERO):
            return 0.0
        start = self._container.start_time
        if self._named(("flv",)) and start is not None and start < _LATE_SECONDS * self._av.time_base:
            return 0.0
        is_alone = len(self._container.streams) == 1
        return None if is_alone or start is None else float(start / self._av.time_base)

    def _decoded(self) -> Generator[Any, None, None]:
        """The frames that can be decoded."""
        errors = 0
        while errors < _MOST_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    yield from self._frames_of(packet)
                    errors = 0
                return
            except (self._av.FFmpegError, *_OTHER_ERRORS) as error:
                self._fail(error)
                errors += 1
        yield from self._frames_of(None)

    def _frames_of(self, packet: Any) -> list[Any]:
        """Of a packet; None: the last ones that the decoder still has."""
        try:
            return list(self._stream.codec_context.decode(packet) if packet is None else packet.decode())
        except self._av.EOFError:
            return []
        except (self._av.FFmpegError, *_OTHER_ERRORS) as error:
            self._fail(error)
            return []

    def _fail(self, error: Exception) -> None:
        self._failed = True
        self.problem = self.problem or f"FFmpeg: {_reason(error)}"

    def _decode(self) -> None:
        """One more frame, in the rate and layout that the file began with, or some of the silence before it."""
        if self._silence:
            some = min(self._silence, _SILENCE_BLOCK)
            self._silence -= some
            self._add(np.zeros((some, self.channels), np.float32))
            return
        frame, self._after = self._after, None
        if frame is None:
            frame = next(self._frames, None)
            if frame is not None and self._wait_for(frame):
                self._after = frame
                return
        self._over = frame is None
        try:
            self._convert(frame)
        except (self._av.FFmpegError, *_OTHER_ERRORS) as error:
            self._converter, self._format = None, ()
            self._fail(error)
        if self._over and self._failed:
            self.gaps.append(Gap(self._position / self.samplerate, 0.0, True))

    def _convert(self, frame: Any) -> None:
        """A frame for `read`; None: what the converter still has."""
        form = () if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._format:
            if self._converter is not None:
                self._keep(self._converter.resample(None))
            self._converter = self._av.AudioResampler("flt", self._layout, self.samplerate)
            self._format = form
        if frame is not None:
            frame.pts = None
            self._keep(self._converter.resample(frame))

    def _wait_for(self, frame: Any) -> bool:
        """Whether silence comes before a frame, because the container has no sound there."""
        here = self._position / self.samplerate
        if self._origin is None and frame.time is not None:
            self._origin = float(frame.time) - here
        time = here
        if self._has_gaps and frame.time is not None and self._origin is not None:
            time = float(frame.time) - self._origin
        samples = round((time - here) * self.samplerate)
        if time < here - 1 or samples > self._silence_left:  # the times begin anew, or mean nothing
            self._origin = (self._origin or 0.0) + time - here
            samples = 0
        waits = samples >= GAP_SECONDS * self.samplerate
        if self._failed or (waits and here):
            self.gaps.append(Gap(here, max(0, samples) / self.samplerate, self._failed))
        if waits:
            self._silence = samples
            self._silence_left -= samples
        self._failed = False
        return waits

    def _keep(self, converted: list[Any]) -> None:
        """Frames of "flt", for `read`. (Planes of more than eight channels crash PyAV.)"""
        for frame in converted:
            self._add(frame.to_ndarray().reshape(-1, self.channels))

    def _add(self, samples: Samples) -> None:
        """float32 [n, channels]."""
        self._pieces.append(samples)
        self._waiting += len(samples)
        self._position += len(samples)


def _describe(stream: Any) -> str:
    """What a track is, for people."""
    about = stream.codec_context
    language = stream.metadata.get("language", "")
    parts = ["" if language == "und" else language, stream.metadata.get("title", ""), about.name, about.layout.name]
    return ", ".join(filter(None, parts))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
