"""What a model file says about itself.

An exported model carries its description in ONNX's `metadata_props`: one entry a field of `ModelMetadata`, text as it
is and everything else as JSON, plus `format` (always "speech-lstm") and `sha256`, that of the whole file with zeros in
place of those 64 digits.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.lexicon.tokens import BLANK

FORMAT = "speech-lstm"
FORMAT_VERSION = 2
"""Rises when an older runtime could no longer use a new model; new optional fields do not count."""

CHECKED_SINCE = 2
"""Format from which on a file has a checksum of all of it."""

TAIL_SECONDS = 0.4
"""Of silence after the end of audio, for models that do not say otherwise."""

CHECKSUM = "sha256"
EXPORT_AGAIN = "export it again with `speech-lstm export`"

DAMAGED = "damaged: the checksum does not match; download or export it again"

_UNKNOWN = "0" * 64
_SEAL = re.compile(CHECKSUM.encode() + rb"\x12\x40([0-9a-f]{64})")  # key and value in protobuf


@dataclass(frozen=True)
class Corpus:
    """Training data: which corpus, under which licence, and how many hours of it were used."""

    name: str
    licence: str
    hours: float


@dataclass(frozen=True)
class ModelMetadata:
    """The description that every exported model carries; valid once made."""

    architecture: str
    """Name of the network, for people: "LSTM 4 x 384"."""
    parameters: int
    """Trained numbers in the network."""
    tokens: tuple[str, ...]
    """What the columns of the log-probabilities stand for; the first is the CTC blank."""
    language: str
    """BCP 47 tag: "en"."""
    sample_rate: int
    """Of the audio input, in Hz."""
    chunk_samples: int
    """The audio input must be a multiple of this many samples."""
    frame_seconds: float
    """Seconds of audio an output frame stands for."""
    training_data: tuple[Corpus, ...] = ()
    accuracy: Mapping[str, float] = field(default_factory=dict)
    """Measured on data that was not trained on: what was measured -> value in the unit its name says."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Defaults of what is accepted, tuned for this model."""
    decoder: Mapping[str, float] = field(default_factory=dict)
    """Defaults of the search, tuned for this model: "blank_offset", "beam" and so on."""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    """Coefficients that turn path scores of this model into probabilities."""
    precision: str = ""
    """Of the weights: "fp32", "int8", or "int8, GRU in fp32". Files of earlier versions do not say it."""
    tail_seconds: float = TAIL_SECONDS
    """Silence to put after the end of audio, because the model hears a little late."""
    lookahead_frames: int = 0
    """How many frames later the output for a frame comes: that many at the beginning of a stream are for nothing."""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """ModelError for a value that no model can have."""
        for name in ("parameters", "sample_rate", "chunk_samples", "frame_seconds"):
            if getattr(self, name) <= 0:
                raise ModelError(f"{name} is {getattr(self, name)}, it must be above 0")
        if len(self.tokens) < 2 or self.tokens[0] != BLANK or len(set(self.tokens)) < len(self.tokens):
            raise ModelError(f"tokens must be {BLANK!r} and then different names, not {_short(self.tokens)}")
        for name in ("tail_seconds", "lookahead_frames"):
            if getattr(self, name) < 0:
                raise ModelError(f"{name} is {getattr(self, name)}, it must be at least 0")
        frames = self.chunk_samples / self.samples_per_frame
        if not math.isclose(frames, round(frames)):
            raise ModelError(f"chunk_samples is {self.chunk_samples}, that is {frames:g} frames and not a whole number")

    @property
    def samples_per_frame(self) -> int:
        """Samples of audio an output frame stands for."""
        return max(1, round(self.frame_seconds * self.sample_rate))

    def padded_samples(self, samples: int) -> int:
        """Samples of audio with the silence after it, in whole chunks."""
        unit = self.chunk_samples
        return -(-(samples + self.tail_samples) // unit) * unit

    @property
    def tail_samples(self) -> int:
        """Of silence after the end of audio, those with which the outputs for its last frames come."""
        return round(self.tail_seconds * self.sample_rate) + self.lookahead_frames * self.samples_per_frame

    def to_props(self) -> dict[str, str]:
        """Key and text for each entry of `metadata_props`, without the checksum."""
        props = {"format": FORMAT}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "lookahead_frames" and not value:
                continue  # as files had it before there was any
            if item.name == "training_data":
                value = [vars(corpus) for corpus in value]
            props[item.name] = value if isinstance(value, str) else json.dumps(value)
        return props

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> ModelMetadata:
        """The metadata that `to_props` wrote. ModelError if it is foreign, too new, incomplete or malformed."""
        if props.get("format") != FORMAT:
            raise ModelError(f"not a speech-lstm model (it has no such metadata); {EXPORT_AGAIN}")
        version = _parse("format_version", props, int)
        if version > FORMAT_VERSION:
            raise ModelError(
                f"the model is of format {version} and this speech-lstm reads formats up to {FORMAT_VERSION}; "
                "pip install --upgrade speech-lstm"
            )
        given = {name: kind for name, kind in _KINDS.items() if name in props or name not in OPTIONAL}
        values = {name: _parse(name, props, kind) for name, kind in given.items()}
        try:
            values["training_data"] = tuple(Corpus(**corpus) for corpus in values["training_data"])
        except TypeError as error:
            raise ModelError(f"training_data in the metadata is malformed: {error}; {EXPORT_AGAIN}") from None
        values["tokens"] = tuple(values["tokens"])
        return cls(**values)


OPTIONAL = frozenset({"precision", "tail_seconds", "lookahead_frames"})
"""Entries that files of earlier versions lack."""

_KINDS: dict[str, type | tuple[type, ...]] = {
    "architecture": str,
    "parameters": int,
    "tokens": list,
    "language": str,
    "sample_rate": int,
    "chunk_samples": int,
    "frame_seconds": (int, float),
    "training_data": list,
    "accuracy": dict,
    "thresholds": dict,
    "decoder": dict,
    "calibration": dict,
    "precision": str,
    "tail_seconds": (int, float),
    "lookahead_frames": int,
    "format_version": int,
}


def _parse(name: str, props: Mapping[str, str], kind: type | tuple[type, ...]) -> Any:
    """One entry as the type its field has."""
    if name not in props:
        raise ModelError(f"{name} is missing in the metadata; {EXPORT_AGAIN}")
    text = props[name]
    if kind is str:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ModelError(f"{name} in the metadata is malformed: {_short(text)}; {EXPORT_AGAIN}")
    return value


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_damaged(content: bytes) -> bool:
    """Whether a file has a checksum and another one than it says.

    This needs no parser: a damaged file is refused before native code reads it.
    """
    found = _SEAL.search(content)
    return found is not None and found[1] != _checksum(content, found[1])


def _checksum(content: bytes, written: bytes) -> bytes:
    """Of a file that has that one in it."""
    return hashlib.sha256(content.replace(written, _UNKNOWN.encode())).hexdigest().encode()


def read_metadata(props: Mapping[str, str], content: bytes) -> ModelMetadata:
    """The metadata of a model file, checked against its checksum.

    props: its `metadata_props`; content: the whole file. ModelError if it is not one of ours, of a newer format, or
    damaged.
    """
    metadata = ModelMetadata.from_props(props)
    if metadata.format_version >= CHECKED_SINCE:
        checksum = props.get(CHECKSUM, "")
        if len(checksum) != len(_UNKNOWN):
            raise ModelError(f"{CHECKSUM} is missing in the metadata; {EXPORT_AGAIN}")
        if _checksum(content, checksum.encode()) != checksum.encode():
            raise ModelError(DAMAGED)
    return metadata


def unsealed(metadata: ModelMetadata) -> dict[str, str]:
    """The entries of a file whose checksum is still to come, see `sealed`."""
    return {**metadata.to_props(), CHECKSUM: _UNKNOWN}


def sealed(content: bytes) -> bytes:
    """A whole file with its checksum."""
    unknown = _UNKNOWN.encode()
    if (places := content.count(unknown)) != 1:
        raise ModelError(f"the checksum needs one place of 64 zeros in the file, and there are {places}")
    return content.replace(unknown, hashlib.sha256(content).hexdigest().encode())
