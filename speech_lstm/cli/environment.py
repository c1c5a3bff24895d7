"""What is installed around the package, looked up without importing it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from speech_lstm.runtime.errors import SpeechLstmError


def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def need(what: str, *modules: str) -> None:
    """SpeechLstmError where packages of the [train] extra are missing. what: needs them."""
    if missing := [module for module in modules if find_spec(module) is None]:
        raise SpeechLstmError(f"{what} needs {', '.join(missing)}: pip install 'speech-lstm[train]'")


def onnxruntime_clash() -> str | None:
    """What is wrong when `onnxruntime` and `onnxruntime-gpu` are both installed, and how to mend it; else None.

    Both write the same folder, so whichever came last has overwritten the other, and removing one breaks both.
    """
    cpu, gpu = installed_version("onnxruntime"), installed_version("onnxruntime-gpu")
    if cpu is None or gpu is None:
        return None
    return (
        f"onnxruntime {cpu} and onnxruntime-gpu {gpu} are both installed and overwrite each other. Mend it with: "
        f"pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu=={gpu}"
    )
