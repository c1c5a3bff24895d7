"""Who is told what is wrong with sound that is heard all the same."""

from __future__ import annotations

import logging
from collections.abc import Callable

from speech_lstm.runtime.errors import AudioError
from speech_lstm.runtime.results import AudioWarning

Report = Callable[[AudioWarning], None]
"""Told once of each thing that is wrong; may raise."""

log = logging.getLogger("speech_lstm.audio")
"""Python prints its warnings on stderr unless a program says otherwise."""


def to_log(name: str = "") -> Report:
    """Logs warnings about a recording of that name."""

    def report(warning: AudioWarning) -> None:
        log.warning("%s", f"{name}: {warning.message}" if name else warning.message)

    return report


def refuse(warning: AudioWarning) -> None:
    """For recordings that must be whole: AudioError for one that is damaged."""
    if warning.kind == "damaged":
        raise AudioError(warning.message)
