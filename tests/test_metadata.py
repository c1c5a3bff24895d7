"""Metadata survives the way into an ONNX file and back, and each kind of damage is told apart."""

import dataclasses
import json
from pathlib import Path

import onnx
import pytest

from speech_lstm.runtime.errors import ModelError
from speech_lstm.runtime.model.metadata import CHECKSUM, FORMAT_VERSION, OPTIONAL, ModelMetadata, read_metadata, split_onnx

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
        ({"format_version": str(FORMAT_VERSION + 1)}, r"format 2 .* up to 1; pip install --upgrade speech-lstm"),
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
        ({"chunk_samples": "700"}, "1.09375 frames and not a whole number"),
    ],
)
def test_a_wrong_value_is_named(changed: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ModelMetadata.from_props(METADATA.to_props() | changed)


def test_files_are_read_as_the_onnx_package_reads_them(exported: Exported) -> None:
    for path in (exported.fp32, exported.int8):
        content = path.read_bytes()
        graph, props = split_onnx(content)
        proto = onnx.load(path)
        assert props == {entry.key: entry.value for entry in proto.metadata_props}
        assert onnx.GraphProto.FromString(bytes(graph)) == proto.graph
        precision = "int8" if path == exported.int8 else ""
        assert read_metadata(content, path) == dataclasses.replace(METADATA, precision=precision)


def test_a_file_cut_off_anywhere_is_an_error_of_one_line(exported: Exported) -> None:
    content = exported.int8.read_bytes()
    for length in {
        *range(200),
        *range(0, len(content), len(content) // 50),
        *range(len(content) - 2000, len(content)),
    }:
        with pytest.raises(ModelError, match=r"^cut\.onnx: [^\n]+$"):
            read_metadata(content[:length], Path("cut.onnx"))


def test_one_changed_bit_of_a_weight_is_noticed(exported: Exported) -> None:
    content = bytearray(exported.int8.read_bytes())
    content[len(content) // 2] ^= 1
    with pytest.raises(ModelError, match="checksum"):
        read_metadata(bytes(content), exported.int8)


def test_any_bytes_are_an_error_and_not_a_crash() -> None:
    for content in (b"", b"not a model", b"\xff" * 100, b"\x08", json.dumps(METADATA.to_props()).encode()):
        with pytest.raises(ModelError, match="not an ONNX model"):
            read_metadata(content, Path("other.onnx"))


def test_the_checksum_is_required(exported: Exported, tmp_path: Path) -> None:
    proto = onnx.load(exported.int8)
    onnx.helper.set_model_props(proto, METADATA.to_props())
    with pytest.raises(ModelError, match=f"{CHECKSUM} is missing"):
        read_metadata(proto.SerializeToString(), tmp_path)
