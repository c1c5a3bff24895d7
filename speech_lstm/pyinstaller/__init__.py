"""What PyInstaller is told about this package, through the entry point `pyinstaller40`: see docs/frozen.md."""

from pathlib import Path


def hook_folders() -> list[str]:
    """Where `hook-speech_lstm.py` is."""
    return [str(Path(__file__).parent)]
