"""How a recognizer decides, and how much audio it takes at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from speech_lstm.runtime.errors import OptionError
from speech_lstm.runtime.live.session_options import SessionOptions
from speech_lstm.runtime.model.metadata import ModelMetadata
from speech_lstm.runtime.options import check_number, check_types


@dataclass(frozen=True)
class RecognizerOptions:
    """Options of recognition. `None`: what the model's metadata says."""

    threshold: float | None = None
    """Least confidence of an accepted command, 0 to 1."""
    alternatives: int = 2
    """How many other commands a result holds at most."""
    block_seconds: float = 0.08
    """Audio that a stream feeds to the model at a time, and up to four times as much while no command can be over soon,
    eight in silence; longer is cheaper and answers later."""
    clip_seconds: float = 10.0
    """The same for `Recognizer.recognize`."""
    blank_offset: float | None = None
    """Taken off the log-probability of blank, see `DecoderOptions`."""
    filler_cost: float | None = None
    """Of a frame of other speech around a command, see `DecoderOptions`."""
    session: SessionOptions = field(default_factory=SessionOptions)

    def __post_init__(self) -> None:
        """OptionError for options outside their range."""
        check_types(self)
        if self.threshold is not None:
            check_number("threshold", self.threshold, 0, 1)
        if self.alternatives < 0:
            raise OptionError("alternatives must be at least 0")
        if self.block_seconds <= 0 or self.clip_seconds <= 0:
            raise OptionError("block_seconds and clip_seconds must be above 0")
        if not isinstance(self.session, SessionOptions):
            raise OptionError(f"session is {self.session!r}, expected SessionOptions")

    def block_samples(self, metadata: ModelMetadata) -> int:
        """block_seconds in samples, in whole chunks of the model."""
        return whole_chunks(self.block_seconds, metadata)


def whole_chunks(seconds: float, metadata: ModelMetadata) -> int:
    """Samples in about that time, a multiple of what the model takes."""
    unit = metadata.chunk_samples
    return max(1, round(seconds * metadata.sample_rate / unit)) * unit
