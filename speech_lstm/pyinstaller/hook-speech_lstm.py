"""Run by PyInstaller when a program imports speech_lstm: the models and dictionaries are files, not imports."""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

DISTRIBUTIONS = ("speech-lstm", "numpy", "onnxruntime", "onnxruntime-gpu", "soundfile", "soxr", "hassil", "sounddevice")
"""Whose versions `speech-lstm doctor` looks up."""

datas = collect_data_files("speech_lstm")
for name in DISTRIBUTIONS:
    with suppress(PackageNotFoundError):  # one of the two ONNX Runtimes is there
        datas += copy_metadata(name)
hiddenimports = collect_submodules("speech_lstm.runtime")
