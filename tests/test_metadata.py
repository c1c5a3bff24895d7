"""Metadata survives the way into an ONNX file and back, and each kind of damage is told apart."""

import dataclasses
import hashlib
import json
from pathlib import Path

import onnx
import pytest

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.metadata import (
    CHECKSUM,
    FORMAT_VERSION,
    OPTIONAL,
    ModelMetadata,
    read_metadata,
    sealed,
)
from speech_lstm.runtime.model.model import Model

from .conftest import METADATA, Exported


def test_props_round_trip() -> None:
    props = METADATA.to_props()
    assert all(isinstance(value, str) for value in props.values())
    assert ModelMetadata.from_props(props) == METADATA


def test_entries_of_a_later_minor_change_are_ignored() -> None:
    assert ModelMetadata.from_props(METADATA.to_props() | {"mood": "cheerful"}) == METADATA


@pytest.mark.parametrize(
    "name", [field.name for field in dataclasses.fields(ModelMetadata) if field.name not in OPTIONAL]
)
def test_every_field_is_required_in_a_file(name: str) -> None:
    props = METADATA.to_props()
    del props[name]
    with pytest.raises(ModelError, match=rf"^{name} is missing .*speech-lstm export"):
        ModelMetadata.from_props(props)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"format": "other"}, "not a speech-lstm model"),
        (
            {"format_version": str(FORMAT_VERSION + 1)},
            rf"format {FORMAT_VERSION + 1} .* up to {FORMAT_VERSION}; pip install --upgrade speech-lstm",
        ),
        ({"format_version": "one"}, "format_version in the metadata is malformed: 'one'"),
        ({"sample_rate": "16000.5"}, "sample_rate in the metadata is malformed"),
        ({"sample_rate": "true"}, "sample_rate in the metadata is malformed"),
        ({"tokens": '"abc"'}, "tokens in the metadata is malformed"),
        ({"accuracy": "[1]"}, "accuracy in the metadata is malformed"),
        ({"training_data": '[{"name": "x"}]'}, "training_data in the metadata is malformed"),
        ({"training_data": "[1]"}, "training_data in the metadata is malformed"),
        ({"parameters": "0"}, "parameters is 0, it must be above 0"),
        ({"tokens": '["AA", "AE"]'}, "tokens must be '<blank>' and then different names"),
        ({"tokens": '["<blank>", "AE", "AE"]'}, "different names"),
        ({"tail_seconds": "-1"}, "tail_seconds is -1, it must be at least 0"),
        ({"chunk_samples": "700"}, "1.09375 frames and not a whole number"),
    ],
)
def test_a_wrong_value_is_named(changed: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelMetadata.from_props(METADATA.to_props() | changed)


def test_a_field_of_a_later_version_has_a_default() -> None:
    props = METADATA.to_props()
    del props["tail_seconds"]
    assert ModelMetadata.from_props(props).tail_seconds == 0.4


def test_audio_is_padded_to_whole_chunks_with_the_tail() -> None:
    metadata = dataclasses.replace(METADATA, tail_seconds=0.1)
    assert [metadata.padded_samples(n) for n in (0, 1, 960, 961)] == [1920, 1920, 2560, 3200]


def test_a_file_has_its_metadata_and_the_checksum_of_all_of_it(exported: Exported) -> None:
    for path in (exported.fp32, exported.int8):
        props = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        precision = "int8" if path == exported.int8 else ""
        assert read_metadata(props, path.read_bytes()) == dataclasses.replace(METADATA, precision=precision)
        unsealed = path.read_bytes().replace(props[CHECKSUM].encode(), b"0" * 64)
        assert hashlib.sha256(unsealed).hexdigest() == props[CHECKSUM]
        assert sealed(unsealed) == path.read_bytes()


def test_a_file_cut_off_anywhere_is_an_error_of_one_line(exported: Exported, tmp_path: Path) -> None:
    content = exported.int8.read_bytes()
    path = tmp_path / "cut.onnx"
    for length in {*range(20), *range(0, len(content), len(content) // 20), *range(len(content) - 100, len(content))}:
        path.write_bytes(content[:length])
        with pytest.raises(ModelError, match=r"cut\.onnx: [^\n]+$"):
            Model.load(path, device="cpu")


@pytest.mark.parametrize("part", ["a weight", "the metadata"])
def test_one_changed_bit_is_noticed(exported: Exported, tmp_path: Path, part: str) -> None:
    content = bytearray(exported.int8.read_bytes())
    content[len(content) // 2 if part == "a weight" else content.index(b"made up") + 3] ^= 1
    path = tmp_path / "damaged.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged\.onnx: damaged: the checksum does not match"):
        Model.load(path, device="cpu")


def test_any_bytes_are_an_error_and_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    for content in (b"", b"not a model", b"\xff" * 100, b"\x08", json.dumps(METADATA.to_props()).encode()):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"other\.onnx: ONNX Runtime \S+ cannot load the model: [^\n]+$"):
            Model.load(path, device="cpu")


@pytest.mark.parametrize("checksum", [None, "", "0123"])
def test_the_checksum_is_required_but_in_files_of_the_first_format(checksum: str | None) -> None:
    props = METADATA.to_props() | ({} if checksum is None else {CHECKSUM: checksum})
    with pytest.raises(ModelError, match=f"{CHECKSUM} is missing"):
        read_metadata(props, b"")
    first = dataclasses.replace(METADATA, format_version=1)
    assert read_metadata(first.to_props(), b"") == first
