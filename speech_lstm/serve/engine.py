"""What the servers share: recognizers, threads for the work, places for clients, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.serve.grammars import Grammars
from speech_lstm.serve.limits import Limits, Refused
from speech_lstm.serve.metrics import Metrics

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer

T = TypeVar("T")


class Engine:
    """Belongs to one event loop; its recognizers are used in threads.

    `recognizer` hears commands at any time, `waking` waits for a wake word first (None where there is none). They share
    a model.
    """

    def __init__(self, recognizer: Recognizer, waking: Recognizer | None = None, limits: Limits | None = None) -> None:
        self.recognizer = recognizer
        self.waking = waking
        self.limits = limits or Limits()
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        self._clients: set[asyncio.Task[Any] | None] = set()
        self._waiting: set[asyncio.Timeout] = set()
        self._files = 0
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "hearing")
        self._aside = ThreadPoolExecutor(1, "aside")
        self._compiling = ThreadPoolExecutor(1, "compiling")
        self._grammars = Grammars(recognizer, self.limits)
        self._compiling.submit(self._grammars.warm_up)
        self._waking_grammars = Grammars(waking, self.limits) if waking else None

    async def hear(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run a short piece of a stream's work in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *arguments))

    async def file(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run the work of a file beside the streams, one at a time. Refused when too many wait."""
        if self._files >= self.limits.files:
            raise Refused(f"{self._files} files wait already; try again later", "busy")
        self._files += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._aside, partial(work, *arguments))
        finally:
            self._files -= 1

    async def with_grammar(self, text: str, wake: bool = False) -> Recognizer:
        """A recognizer for a client's own grammar. Raises GrammarError, Refused where there is no wake word."""
        grammars = self._waking_grammars if wake else self._grammars
        if grammars is None:
            raise Refused("this server has no wake word; start it with --wake-word")
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._compiling, grammars.recognizer, text)
        except GrammarError:
            self.metrics.grammars.labels("error").inc()
            raise
        self.metrics.grammars.labels("compiled").inc()
        return made

    @contextlib.asynccontextmanager
    async def client(self, protocol: str) -> AsyncIterator[None]:
        """A place for a client. Raises Refused when none is left, or the server stops."""
        if self.stopping.is_set():
            raise Refused("the server is stopping", "stopping")
        if len(self._clients) >= self.limits.clients:
            raise Refused(f"the server has {len(self._clients)} clients, as many as it takes; try again later", "busy")
        task = asyncio.current_task()
        self._clients.add(task)
        self.metrics.connected.labels(protocol).inc()
        self.metrics.clients.labels(protocol).inc()
        try:
            yield
        finally:
            self._clients.discard(task)
            self.metrics.clients.labels(protocol).dec()

    async def unless_stopping(self, coming: Coroutine[Any, Any, T], seconds: float) -> T | None:
        """What a client sends next; None when the server stops first. Refused when nothing comes in time."""
        if self.stopping.is_set():
            coming.close()
            return None
        try:
            async with asyncio.timeout(seconds) as waiting:
                self._waiting.add(waiting)
                return await coming
        except TimeoutError:
            if self.stopping.is_set():
                return None
            raise Refused(f"nothing complete was received for {seconds:g} s", "too-slow") from None
        finally:
            self._waiting.discard(waiting)

    async def sleep(self, seconds: float) -> None:
        """Let a client wait, or until the server stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def stop(self) -> None:
        """Let clients finish what is in flight; those that do not are cut off after `Limits.stop_seconds`."""
        self.stopping.set()
        for waiting in self._waiting:
            waiting.reschedule(0)  # now
        if left := {task for task in self._clients if task is not None}:
            _, late = await asyncio.wait(left, timeout=self.limits.stop_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1)

    def close(self) -> None:
        """Stop the threads and processes."""
        for pool in (self._pool, self._aside, self._compiling):
            pool.shutdown(wait=False, cancel_futures=True)
        for grammars in (self._grammars, self._waking_grammars):
            if grammars is not None:
                grammars.close()
