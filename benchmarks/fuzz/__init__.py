"""Mutated files of all kinds through the library: results or `SpeechLstmError`, nothing else, in bounded time and
memory.

    python -m benchmarks.fuzz audio|grammar|model|mended [--count 100000] [--seed 0] [--jobs 1] [--keep FOLDER]

A target is a module with a function `make() -> Target` (see `harness`), named in `TARGETS`.
"""

from __future__ import annotations

TARGETS = {name: f"benchmarks.fuzz.{name}" for name in ("audio", "grammar", "model", "mended")}
"""Name on the command line -> module."""
