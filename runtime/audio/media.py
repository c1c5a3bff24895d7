"""The sound of whatever FFmpeg reads (m4a, webm, mp4 video and so on), through PyAV: the [media] extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.errors import AudioError


class MediaFile:
    """The first audio stream of a file, piece by piece. Use it in `with`."""

    def __init__(self, path: Path) -> None:
        """AudioError where PyAV is missing, cannot read the file, or finds no audio in it."""
        try:
            import av
        except ImportError:
            raise AudioError("other formats need PyAV; pip install 'speech-lstm[media]'") from None
        self._av = av
        try:  # a playlist must not make it fetch other files or URLs
            self._container = av.open(
                str(path.absolute()), options={"protocol_whitelist": "file"}, metadata_errors="replace"
            )
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(f"FFmpeg: {getattr(error, 'strerror', error)}") from None
        streams = self._container.streams.audio
        codec = streams[0].codec_context if streams else None
        if codec is None or not codec.sample_rate or not codec.channels:
            self._container.close()
            raise AudioError("there is no audio in it that FFmpeg knows")
        self.samplerate: int = codec.sample_rate
        self.channels: int = codec.channels
        self._layout = codec.layout
        self._frames = self._container.decode(streams[0])
        self._converter: Any = None  # of frames such as `_source` says
        self._source: tuple[object, ...] = ()
        self._pieces: list[NDArray[np.float32]] = []  # each [channels, n]
        self._waiting = 0
        self._damage: str | None = None
        self._over = False

    def __enter__(self) -> MediaFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def read(self, frames: int) -> tuple[NDArray[np.float32], str | None]:
        """The next float32 [frames, channels], fewer at the end, and what is wrong where the file breaks off."""
        try:
            while self._waiting < frames and not self._over:
                self._decode()
        except (self._av.FFmpegError, ValueError) as error:
            self._over = True
            self._damage = f"the audio data is damaged (FFmpeg: {getattr(error, 'strerror', error)})"
        everything = np.concatenate([np.zeros((self.channels, 0), np.float32), *self._pieces], axis=1)
        self._pieces = [everything[:, frames:]]
        self._waiting = self._pieces[0].shape[1]
        return np.ascontiguousarray(everything[:, :frames].T), None if self._waiting else self._damage

    def _decode(self) -> None:
        """One more frame of the codec, in the rate and layout that the file began with."""
        frame: Any = next(self._frames, None)
        self._over = frame is None
        source = () if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        if source != self._source:
            if self._converter is not None:
                self._keep(self._converter.resample(None))
            self._converter = self._av.AudioResampler("fltp", self._layout, self.samplerate)
            self._source = source
        if frame is not None:
            self._keep(self._converter.resample(frame))

    def _keep(self, converted: list[Any]) -> None:
        """Frames of "fltp", for `read`."""
        for frame in converted:
            self._pieces.append(frame.to_ndarray())
            self._waiting += frame.samples
