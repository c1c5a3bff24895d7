"""Grammars that clients send: read in a process of their own, compiled once, the newest kept."""

from __future__ import annotations

import contextlib
import pickle
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speech_lstm.runtime.errors import GrammarError, PronunciationError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.serve.grammar_worker import read_block, write_block
from speech_lstm.serve.limits import Limits

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer

KEPT = 8
"""Compiled grammars that are remembered, apart from those in use."""

_PROBLEM = re.compile(r"grammar(?:, line (?P<line>\d+))?(?: \(and \d+ more\))?: (?P<message>.*)", re.DOTALL)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a grammar, and at which line if that is known."""

    message: str
    line: int | None = None


def problems(error: Exception) -> list[Problem]:
    """The problems that a GrammarError of `Grammars.recognizer` names."""
    found = []
    for text in str(error).splitlines():
        match = _PROBLEM.match(text)
        found.append(
            Problem(match["message"], int(match["line"]) if match["line"] else None) if match else Problem(text)
        )
    return found


class Grammars:
    """Used by one thread at a time; `recognizer` blocks."""

    def __init__(self, recognizer: Recognizer, limits: Limits) -> None:
        self._recognizer = recognizer
        self._limits = limits
        self._kept: OrderedDict[str, Recognizer] = OrderedDict()
        self._worker: subprocess.Popen[bytes] | None = None

    def recognizer(self, text: str) -> Recognizer:
        """A recognizer for the grammar in a text, a phrase a line or YAML. Raises GrammarError."""
        if len(text.encode()) > self._limits.grammar_bytes:
            raise GrammarError(
                f"grammar: it has over {self._limits.grammar_bytes >> 10} KiB, the most that is taken here"
            )
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        grammar = self._read(text)
        if len(grammar.graph.arcs) > self._limits.grammar_arcs:
            raise GrammarError(
                f"grammar: its graph has {len(grammar.graph.arcs)} arcs, at most {self._limits.grammar_arcs} are taken"
            )
        try:
            made = self._recognizer.with_grammar(grammar)
        except PronunciationError as error:
            raise GrammarError(f"grammar: {error}") from None
        self._kept[text] = made
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made

    def warm_up(self) -> None:
        """Start the process, so that the first client need not wait for it."""
        with contextlib.suppress(GrammarError):
            self._read("yes")

    def close(self) -> None:
        """Stop the process."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.communicate()

    def _read(self, text: str) -> Grammar:
        """What the other process makes of a text, in time."""
        if self._worker is None or self._worker.poll() is not None:
            self.close()
            command = (sys.executable, "-m", "speech_lstm.serve.grammar_worker")
            self._worker = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        worker = self._worker
        assert worker.stdin is not None and worker.stdout is not None
        watch = threading.Timer(self._limits.grammar_seconds, worker.kill)
        watch.start()
        try:
            write_block(worker.stdin, text.encode(errors="replace"))
            answer = read_block(worker.stdout)
        except OSError:
            answer = None
        finally:
            watch.cancel()
        if answer is None:
            self.close()
            raise GrammarError(
                f"grammar: given up after {self._limits.grammar_seconds:g} s or for want of memory: make it smaller"
            )
        grammar = pickle.loads(answer)  # written by our own process
        if isinstance(grammar, str):
            raise GrammarError(grammar)
        assert isinstance(grammar, Grammar)
        return grammar
