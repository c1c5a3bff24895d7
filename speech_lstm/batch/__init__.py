"""Many recordings to transcripts: find files, hear them in worker processes, write the results.

Needs what the runtime needs. `transcribe` is the whole of it as a function; the command line is built on it.
"""

from __future__ import annotations

from speech_lstm.batch.listeners import ListenerOptions
from speech_lstm.batch.transcript import Transcript
from speech_lstm.batch.workers import transcribe

__all__ = ["ListenerOptions", "Transcript", "transcribe"]
