"""Runs a target in processes of their own, so that a crash, a hang or a memory bomb is found and told with its case."""

from __future__ import annotations

import ctypes
import gc
import importlib
import logging
import multiprocessing
import os
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.fuzz import TARGETS
from benchmarks.fuzz.mutate import mutated
from speech_lstm.runtime.errors import SpeechLstmError

HANG_SECONDS = 120.0
"""A case that takes longer counts as a hang; the machine may be busy."""

ADDRESS_SPACE = 8 << 30
"""Bytes that a process may map."""


@dataclass(frozen=True)
class Sample:
    """A file that is fine."""

    name: str
    content: bytes


class Target(Protocol):
    """What is fuzzed."""

    def samples(self) -> Sequence[Sample]:
        """Files to mutate, always the same."""

    def attempt(self, name: str, content: bytes) -> str:
        """Give a file to the library. Returns what came of it, in a word; raises SpeechLstmError or what is a bug."""


@dataclass
class Report:
    """`outcomes`: how often what came of a case. `failures`: case and what is wrong with it. `megabytes`: resident, of
    the process that ran, after each tenth. `printed`: what libraries print on stdout and stderr.
    """

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    printed: str = ""
    cpu_seconds: float = 0.0


def case(samples: Sequence[Sample], seed: int, number: int) -> Sample:
    """A mutated file, the same for the same numbers."""
    random = np.random.default_rng([seed, number])
    sample = samples[number % len(samples)]
    return Sample(sample.name, mutated(sample.content, [other.content for other in samples], random))


def make(target: str) -> Target:
    """The target of that name, or of a module."""
    found: Target = importlib.import_module(TARGETS.get(target, target)).make()
    return found


def fuzz(target: str, first: int, count: int, seed: int = 0, keep: Path | None = None) -> Report:
    """Cases number `first` and `count` - 1 more, one after the other in a process, which is replaced when it dies.

    keep: a folder for the files that failed.
    """
    report = Report()
    at = first
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder, "printed")
        while at < first + count:
            ours, theirs = context.Pipe(duplex=False)
            arguments = (target, range(at, first + count), max(1, count // 10), seed, theirs, printed)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            at = _follow(process, ours, report, at)
        report.printed = printed.read_text(encoding="utf-8", errors="replace") if printed.exists() else ""
    if keep and report.failures:
        keep.mkdir(parents=True, exist_ok=True)
        samples = make(target).samples()
        for number, _ in report.failures:
            bad = case(samples, seed, number)
            (keep / f"{number}-{bad.name}").write_bytes(bad.content)
    return report


def _follow(process: SpawnProcess, messages: Connection, report: Report, at: int) -> int:
    """Note what a process tells until it ends. Returns the number of the next case, after one that ended it."""
    begun = None
    while True:
        problem = f"no end after {HANG_SECONDS:g} s"
        try:
            if messages.poll(HANG_SECONDS):
                kind, value, told = messages.recv()
                if kind == "begin":
                    begun = value
                elif kind == "outcome":
                    report.cases += 1
                    report.outcomes[told] += 1
                elif kind == "failure":
                    report.cases += 1
                    report.failures.append((value, told))
                elif kind == "memory":
                    report.megabytes.append(value)
                else:
                    report.cpu_seconds += value
                    process.join()
                    return told
                continue
        except (EOFError, ConnectionError):
            process.join()
            problem = f"the process died (exit code {process.exitcode})"
        process.kill()
        if begun is None:
            raise RuntimeError(f"the target cannot be made: {problem}")
        report.cases += 1
        report.failures.append((begun, problem))
        return begun + 1


def _work(target: str, numbers: range, every: int, seed: int, messages: Connection, printed: Path) -> None:
    """In a process of its own. `every`: so many cases memory is told."""
    with printed.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    logging.disable()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    fuzzed = make(target)
    samples = fuzzed.samples()
    for number in numbers:
        messages.send(("begin", number, ""))
        sample = case(samples, seed, number)
        try:
            messages.send(("outcome", number, fuzzed.attempt(sample.name, sample.content)))
        except SpeechLstmError as error:
            messages.send(("outcome", number, type(error).__name__))
        except BaseException as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
            messages.send(("failure", number, " ".join(told.split())))
        if (number - numbers.start) % every == every - 1:
            messages.send(("memory", _resident_megabytes(), ""))
    messages.send(("over", time.process_time(), numbers.stop))


def _resident_megabytes() -> float:
    """Of this process, without what the allocator only keeps for later. Linux only."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1000
