"""Where the events of `speech-lstm listen` go: lines on stdout, a program, recordings. What fails is said once, and the
listening goes on.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from speech_lstm.cli.console import leave, say
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.writing import WholeWriter, cannot_write, check_folder, stream_name, write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from speech_lstm.runtime.live.stream import Stream
    from speech_lstm.runtime.results import Event

    Samples = NDArray[np.float32]

KEPT_SECONDS = 15.0
"""Audio remembered for --record."""


class Output(Protocol):
    """Where events go."""

    failed: bool
    """Whether something was lost."""

    def audio(self, samples: Samples, stream: Stream) -> None:
        """The stream is about to hear float32 [n], 16 kHz."""

    def event(self, event: Event, compute: float) -> None:
        """Something happened, `compute` seconds after the audio that brought it was there."""


class Lines:
    """Lines on stdout, each written at once."""

    def __init__(self, alone: bool) -> None:
        """alone: nobody else wants the events, so that a reader who goes ends the listening."""
        self.failed = False
        self._alone = alone
        self._whole = WholeWriter(sys.stdout)
        self._told = False

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Nothing to do."""

    def put(self, line: str) -> None:
        """BrokenPipeError where the reader has gone and nobody else is there."""
        try:
            self._whole.write(line + "\n")
        except OSError as error:
            gone = isinstance(error, BrokenPipeError)
            if gone and self._alone:
                raise
            self.failed = True
            if not self._told:
                say(f"speech-lstm: error: {cannot_write(stream_name(sys.stdout), error)}; the listening goes on")
            self._told = True
            if gone:
                leave(sys.stdout)
        else:
            self._told = False


class JsonLines(Lines):
    """One event a line; what is wrong with the sound on stderr as well."""

    def event(self, event: Event, compute: float) -> None:
        """Print it at once."""
        from speech_lstm.runtime.results import AudioWarning

        if isinstance(event, AudioWarning):
            say(f"speech-lstm: warning: {event.message}")
        self.put(to_json(event))


class TextLines(Lines):
    """One command a line; what is wrong with the microphone or the sound on stderr."""

    def event(self, event: Event, compute: float) -> None:
        """Print commands and problems."""
        from speech_lstm.batch.writers import printable
        from speech_lstm.runtime.results import AudioWarning, Command, MicrophoneLost, MicrophoneSilent

        if isinstance(event, Command):
            slots = " ".join(f"{name}={value}" for name, value in event.result.slots.items())
            intent = printable(f"{event.result.intent or ''} {slots}".strip())
            self.put("\t".join(filter(None, (event.result.text, intent))))
        elif isinstance(event, MicrophoneSilent):
            say(f"speech-lstm: the microphone gives nothing but zeros; {event.hint}")
        elif isinstance(event, AudioWarning):
            say(f"speech-lstm: warning: {event.message}")
        elif isinstance(event, MicrophoneLost):
            say(f"speech-lstm: the microphone is gone ({event.reason}); waiting for it")


def command(text: str) -> list[str]:
    """argparse type: a program and its arguments, split as a shell would."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be split into words: {error}") from None
    if not words or not words[0]:
        raise argparse.ArgumentTypeError(f"there is no program in {text!r}")
    return words


class Program:
    """Runs a program for each command, one after the other, beside the recognition; a context manager."""

    failed = False

    def __init__(self, words: list[str]) -> None:
        """words: the program and its arguments, which no shell sees."""
        if shutil.which(words[0]) is None:
            raise SpeechLstmError(f"--on-command {shlex.join(words)}: there is no program of that name")
        self._words = words
        self._worker = ThreadPoolExecutor(1)
        self._runs: list[Future[None]] = []
        self._process: subprocess.Popen[str] | None = None
        self._end = ""  # the signal that ends it and whatever begins yet

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Nothing to do."""

    def event(self, event: Event, compute: float) -> None:
        """Start the program, or let it wait for the one before."""
        from speech_lstm.runtime.results import Command

        if isinstance(event, Command):
            self._runs = [run for run in self._runs if not run.done()]
            self._runs.append(self._worker.submit(self._run, to_json(event)))

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the programs that run and those that wait. After Ctrl-C that is said, and another one ends them."""
        ends = ["SIGKILL", "SIGTERM"]
        told = kind is not KeyboardInterrupt
        while left := [run for run in self._runs if not run.done()]:
            try:
                if not told:
                    told = True
                    waiting = f", and {len(left) - 1} more after it" if len(left) > 1 else ""
                    say(f"speech-lstm: waiting for {shlex.join(self._words)} to end{waiting}; Ctrl-C again ends it")
                # Not for the thread, which Python up to 3.12 takes for ended when that is interrupted, and not for
                # ever: a Ctrl-C just before the wait would not interrupt it.
                wait(left, timeout=0.2)
            except KeyboardInterrupt:
                self._worker.shutdown(wait=False, cancel_futures=True)
                self._end = ends.pop() if len(ends) > 1 else ends[0]
                self._send_end()
        self._worker.shutdown()

    def _send_end(self) -> None:
        """End the program that runs, with what it has started itself."""
        if self._process is None or self._process.returncode is not None or not self._end:
            return
        if os.name == "posix":
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.Signals[self._end])
        else:
            self._process.kill()

    def _run(self, text: str) -> None:
        """In a process group of its own, which Ctrl-C does not reach: what was said is done."""
        group = 0 if os.name == "posix" else None
        try:
            with subprocess.Popen(
                self._words, stdin=subprocess.PIPE, stdout=sys.stderr, text=True, process_group=group
            ) as self._process:
                self._send_end()  # it may have been on its way here at Ctrl-C
                self._process.communicate(text + "\n")
                code = self._process.returncode
        except OSError as error:
            say(f"speech-lstm: --on-command {shlex.join(self._words)}: cannot be run: {error.strerror}")
            return
        if code:
            how = f"failed with exit code {code}" if code > 0 else f"was ended by signal {-code}"
            say(f"speech-lstm: {shlex.join(self._words)} {how}")


class Recorder:
    """A WAV file of each command and rejection."""

    def __init__(self, folder: Path) -> None:
        """SpeechLstmError where nothing can be written."""
        check_folder(folder, "--record")
        self.failed = False
        self._folder = folder
        self._told = ""
        self._blocks: deque[Samples] = deque()
        self._kept = 0  # samples in the blocks

    def audio(self, samples: Samples, stream: Stream) -> None:
        """Remember the newest `KEPT_SECONDS`."""
        self._blocks.append(samples)
        self._kept += len(samples)
        while self._kept > KEPT_SECONDS * 16000:
            self._kept -= len(self._blocks.popleft())

    def event(self, event: Event, compute: float) -> None:
        """Write what was heard from half a second before the words on."""
        import numpy as np
        import soundfile

        from speech_lstm.runtime.results import Command, Rejected

        if not isinstance(event, Command | Rejected) or not self._blocks:
            return
        audio = np.concatenate(list(self._blocks))
        wanted = round((event.time - event.result.start + 0.5) * 16000)
        stem = "_".join([time.strftime("%Y%m%d-%H%M%S"), f"{event.time:.2f}", type(event).__name__.lower()])
        words = "-".join("".join(filter(str.isalnum, word)) for word in event.result.text.split())
        content = io.BytesIO()
        soundfile.write(content, audio[-wanted:], 16000, subtype="PCM_16", format="WAV")
        try:
            write_atomically(self._folder / f"{stem}_{words[:60]}.wav", content.getvalue())
        except OSError as error:
            self.failed = True
            problem = str(cannot_write(f"--record {self._folder}", error))
            if problem != self._told:
                say(f"speech-lstm: error: {problem}; the listening goes on")
            self._told = problem
        else:
            self._told = ""


def to_json(event: Event) -> str:
    """One line."""
    return json.dumps(event.to_dict(), default=str)
