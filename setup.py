"""Refuses a tree that lost its links, of which an empty package would be built. All else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup

if not Path(__file__).parent.joinpath("speech_lstm", "runtime", "__init__.py").exists():
    raise SystemExit(
        "error: speech_lstm/runtime is a symbolic link that was lost, as in a ZIP of the source or a clone on Windows"
        " without Developer Mode. Clone with: git clone -c core.symlinks=true, or install a wheel."
    )
setup()
