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
        self._error = av.FFmpegError
        try:
            self._container = av.open(str(path.absolute()), options={"protocol_whitelist": "file"})
        except (av.FFmpegError, ValueError) as error:  # a playlist must not make it fetch other files or URLs
            raise AudioError(f"FFmpeg: {getattr(error, 'strerror', error)}") from None
        streams = self._container.streams.audio
        if not streams or not streams[0].rate:
            self._container.close()
            raise AudioError("there is no audio in it")
        self.samplerate: int = streams[0].rate
        self.channels: int = streams[0].channels
        self._frames = self._container.decode(streams[0])
        self._resampler = av.AudioResampler(format="fltp", layout=streams[0].layout, rate=streams[0].rate)
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
        except self._error as error:
            self._over = True
            self._damage = f"the audio data is damaged (FFmpeg: {error.strerror})"
        everything = np.concatenate([np.zeros((self.channels, 0), np.float32), *self._pieces], axis=1)
        self._pieces = [everything[:, frames:]]
        self._waiting = self._pieces[0].shape[1]
        return np.ascontiguousarray(everything[:, :frames].T), None if self._waiting else self._damage

    def _decode(self) -> None:
        """One more frame of the codec."""
        frame: Any = next(self._frames, None)
        self._over = frame is None
        for piece in self._resampler.resample(frame):
            array = np.asarray(piece.to_ndarray(), np.float32)
            self._pieces.append(array)
            self._waiting += array.shape[1]
