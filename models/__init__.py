"""The shipped ONNX models and their cards, found by name."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def shipped() -> dict[str, Path]:
    """Name (file name without .onnx) -> file of each model that comes with the package, sorted by name."""
    found = [Path(str(item)) for item in files(__name__).iterdir() if item.name.endswith(".onnx")]
    return {path.stem: path for path in sorted(found)}


def find(name: str, device: str) -> Path | None:
    """The shipped file for a name, or None.

    A name of a file is itself. Otherwise "default" means default-int8 for the CPU, which has quantized LSTM kernels,
    and default-fp32 for "cuda", which has not. The fp32 file comes with a clone of the repository, not with the wheel:
    there "cuda" finds the int8 one, and `Model.load` says that it needs the other.
    """
    models = shipped()
    order = ("-fp32", "-int8") if device == "cuda" else ("-int8", "-fp32")
    return next((models[name + suffix] for suffix in ("", *order) if name + suffix in models), None)
