"""What a model file says about itself, read from the ONNX file without the onnx package.

An exported model carries its description in `metadata_props`: one entry a field of `ModelMetadata`, text as it is and
everything else as JSON, plus `format` (always "speech-lstm") and `weights_sha256`, the SHA-256 of the serialized graph.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.lexicon.tokens import BLANK

FORMAT = "speech-lstm"
FORMAT_VERSION = 1
"""Rises when an older runtime could no longer use a new model; new optional fields do not count."""

CHECKSUM = "weights_sha256"
EXPORT_AGAIN = "export it again with `speech-lstm export`"

_GRAPH, _METADATA_PROPS = 7, 14  # fields of ModelProto in onnx.proto
_KEY, _VALUE = 1, 2  # fields of StringStringEntryProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf wire types


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
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        """ModelError for a value that no model can have."""
        for name in ("parameters", "sample_rate", "chunk_samples", "frame_seconds"):
            if getattr(self, name) <= 0:
                raise ModelError(f"{name} is {getattr(self, name)}, it must be above 0")
        if len(self.tokens) < 2 or self.tokens[0] != BLANK or len(set(self.tokens)) < len(self.tokens):
            raise ModelError(f"tokens must be {BLANK!r} and then different names, not {_short(self.tokens)}")
        frames = self.chunk_samples / self.samples_per_frame
        if not math.isclose(frames, round(frames)):
            raise ModelError(f"chunk_samples is {self.chunk_samples}, that is {frames:g} frames and not a whole number")

    @property
    def samples_per_frame(self) -> int:
        """Samples of audio an output frame stands for."""
        return max(1, round(self.frame_seconds * self.sample_rate))

    def to_props(self) -> dict[str, str]:
        """Key and text for each entry of `metadata_props`, without the checksum."""
        props = {"format": FORMAT}
        for item in fields(self):
            value = getattr(self, item.name)
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
        values = {name: _parse(name, OPTIONAL | dict(props), kind) for name, kind in _KINDS.items()}
        try:
            values["training_data"] = tuple(Corpus(**corpus) for corpus in values["training_data"])
        except TypeError as error:
            raise ModelError(f"training_data in the metadata is malformed: {error}; {EXPORT_AGAIN}") from None
        values["tokens"] = tuple(values["tokens"])
        return cls(**values)


OPTIONAL = {"precision": ""}
"""Entries that files of earlier versions lack, and what they are then."""

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


def read_metadata(content: bytes, path: Path) -> ModelMetadata:
    """The metadata of an ONNX file, checked against the checksum of its graph.

    content: the whole file. path: for messages only.
    ModelError if it is cut off, not ONNX, not one of ours, of a newer format, or damaged.
    """
    try:
        graph, props = split_onnx(content)
        metadata = ModelMetadata.from_props(props)
        if CHECKSUM not in props:
            raise ModelError(f"{CHECKSUM} is missing in the metadata; {EXPORT_AGAIN}")
        if props[CHECKSUM] != hashlib.sha256(graph).hexdigest():
            raise ModelError("damaged: the checksum does not match; download or export it again")
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    return metadata


def split_onnx(content: bytes) -> tuple[memoryview, dict[str, str]]:
    """A serialized ModelProto -> (the bytes of its graph, its metadata_props)."""
    graph = memoryview(b"")
    props = {}
    for number, value in _message_fields(memoryview(content)):
        if number == _GRAPH:
            graph = value
        elif number == _METADATA_PROPS:
            entry = dict(_message_fields(value))
            try:
                props[str(entry[_KEY], "utf-8")] = str(entry.get(_VALUE, b""), "utf-8")
            except (KeyError, UnicodeDecodeError):
                raise ModelError("damaged: its metadata cannot be read; download or export it again") from None
    if not graph:
        raise ModelError("not an ONNX model, or cut off: there is no network in it; download or export it again")
    return graph, props


def _message_fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(field number, content) of each length-delimited field at the top level of a protobuf message.

    Source: https://protobuf.dev/programming-guides/encoding/
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            _, at = _varint(message, at)
            continue
        if wire_type == _BYTES:
            length, at = _varint(message, at)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise ModelError("not an ONNX model; expected a file that `speech-lstm export` wrote")
        if at + length > len(message):
            raise ModelError(
                f"cut off, or not an ONNX model: {at + length - len(message)} bytes are missing; "
                "download or export it again"
            )
        if wire_type == _BYTES:
            yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """(value, position after it) of the variable-length integer at a position."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ModelError("cut off, or not an ONNX model: it ends inside a number; download or export it again")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ModelError("not an ONNX model; expected a file that `speech-lstm export` wrote")
