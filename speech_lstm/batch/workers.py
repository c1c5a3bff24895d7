"""Files spread over worker processes. Transcripts come in the order of the files, each file's exactly once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from speech_lstm.batch.inputs import find_files
from speech_lstm.batch.listeners import ListenerOptions
from speech_lstm.batch.transcriber import BatchOptions, Transcriber
from speech_lstm.batch.transcript import Transcript
from speech_lstm.runtime.errors import AudioError, OptionError
from speech_lstm.runtime.options import check_number

Paths = Sequence[str]

FEW_FILES = 32
"""Up to so many files a worker is not worth its start of a third of a second."""

CHUNKS_AHEAD = 8
"""For each worker, those at work included."""


def transcribe(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    listener: ListenerOptions,
    options: BatchOptions | None = None,
    jobs: int | None = None,
) -> Iterator[Transcript]:
    """A transcript for every file, in order; what is wrong with a file is in its transcript.

    paths: a file, a folder with all that is below it, a pattern ("calls/**/*.wav"), or several of these; one that leads
    to no file has a transcript with an error. jobs: worker processes; None: one a core, fewer for few files; 1: this
    process alone. A script that uses more needs `if __name__ == "__main__":` around its own code, because each worker
    imports it. A file on which a worker dies is tried once more, alone, and then reported.
    Raises what `Recognizer` does for a bad grammar or model, and AudioError where `paths` are no names.
    """
    entries: list[str | Transcript] = []
    for name in _names(paths):
        found = find_files([name])
        entries += (os.fspath(file.path) for file in found.files)
        entries += (Transcript(place, error=f"{place}: {reason}") for place, reason in found.problems)
    heard = transcribe_files([entry for entry in entries if isinstance(entry, str)], listener, options, jobs)
    return (next(heard) if isinstance(entry, str) else entry for entry in entries)


def _names(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    try:
        return [os.fsdecode(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    except TypeError:
        raise AudioError(f"paths are {paths!r}; expected a file or folder, or a list of them") from None


def transcribe_files(
    paths: Sequence[str | os.PathLike[str]],
    listener: ListenerOptions,
    options: BatchOptions | None = None,
    jobs: int | None = None,
) -> Iterator[Transcript]:
    """The same for names of files, which are taken as they are: as many transcripts as paths."""
    if not isinstance(listener, ListenerOptions):
        raise OptionError(f"the listener is {listener!r}; expected ListenerOptions")
    if jobs is not None:
        check_number("jobs", jobs, 1)
        jobs = int(jobs)
    names = [os.fspath(path) for path in paths]
    options = options or BatchOptions()
    loaded = listener.load()  # in any case, for its errors
    jobs = jobs or max(1, min(available_cores(), len(names) // FEW_FILES))
    if jobs == 1:
        return Transcriber(loaded, options).transcribe(names)
    size = max(1, min(options.window, len(names) // (4 * jobs)))
    chunks = [names[start : start + size] for start in range(0, len(names), size)]
    return _Pool(listener, options, jobs).transcribe(chunks)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Pool:
    """Worker processes that are replaced when one dies."""

    listener: ListenerOptions
    options: BatchOptions
    jobs: int

    def transcribe(self, chunks: Sequence[Paths]) -> Iterator[Transcript]:
        """Some chunks a worker are on their way: work goes on beside a long file, and results do not pile up behind it
        without end.
        """
        left = deque(chunks)
        pending: deque[tuple[Paths, Future[list[Transcript]]]] = deque()
        executor = self._executor(self.jobs)
        try:
            while left or pending:
                try:
                    while left and len(pending) < CHUNKS_AHEAD * self.jobs:
                        pending.append((left[0], executor.submit(_work, left[0])))
                        left.popleft()
                    yield from pending[0][1].result()
                    pending.popleft()
                except BrokenProcessPool:
                    chunk, _ = pending.popleft() if pending else (left.popleft(), None)
                    executor.shutdown(wait=False, cancel_futures=True)
                    yield from self._one_by_one(chunk)
                    executor = self._executor(self.jobs)
                    pending = deque(
                        (other, future if _is_fine(future) else executor.submit(_work, other))
                        for other, future in pending
                    )
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _one_by_one(self, chunk: Paths) -> Iterator[Transcript]:
        """Files of which one may kill the process that hears it."""
        executor = self._executor(1)
        try:
            for path in chunk:
                try:
                    yield from executor.submit(_work, [path]).result()
                except BrokenProcessPool:
                    yield Transcript(path, error=f"{path}: the process that read it died (killed, or out of memory)")
                    executor = self._executor(1)
        finally:
            executor.shutdown(wait=False, cancel_futures=True)

    def _executor(self, jobs: int) -> ProcessPoolExecutor:
        """Workers are spawned: ONNX Runtime does not survive a fork."""
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(jobs, context, _start, (self.listener, self.options))


def _is_fine(future: Future[list[Transcript]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


_transcriber: Transcriber  # of a worker process


def _start(listener: ListenerOptions, options: BatchOptions) -> None:
    """In a new worker process. Ctrl-C ends it without a word; the parent says what there is to say."""
    global _transcriber
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _transcriber = Transcriber(listener.load(), options)


def _end_with_parent() -> None:
    """A worker would wait for work forever when its parent is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(paths: Paths) -> list[Transcript]:
    """In a worker process."""
    return list(_transcriber.transcribe(paths))
