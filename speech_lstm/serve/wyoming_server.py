"""The Wyoming server: its socket, and what it says about itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
from os.path import samestat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    Info,
    IntentModel,
    IntentProgram,
    WakeModel,
    WakeProgram,
)

from speech_lstm import __version__
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.frames import LINE_BYTES
from speech_lstm.serve.wyoming_client import WyomingClient, wake_name

if TYPE_CHECKING:
    from wyoming.zeroconf import HomeAssistantZeroconf

ATTRIBUTION = Attribution("speech-lstm", "https://pypi.org/project/speech-lstm/")


class WyomingServer:
    """Listens from `start` to `close`; `port` is 0 for a Unix socket."""

    def __init__(self, engine: Engine, uri: str, name: str) -> None:
        """uri: tcp://HOST:PORT or unix://PATH. SpeechLstmError for another."""
        try:
            parts = urlparse(uri)
            self._host, self.port, self._path = parts.hostname or "", parts.port or 0, parts.path
        except ValueError:
            raise SpeechLstmError(f"{uri}: the port is not a number from 0 to 65535") from None
        tcp = parts.scheme == "tcp" and self._host and parts.port is not None
        if not tcp and not (parts.scheme == "unix" and self._path):
            raise SpeechLstmError(f"{uri}: expected tcp://HOST:PORT or unix://PATH, as tcp://127.0.0.1:10400")
        self._engine, self._uri, self.name = engine, uri, name
        self._info = describe(engine, name)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._socket: os.stat_result | None = None  # of a Unix address, as we made it
        self._zeroconf: HomeAssistantZeroconf | None = None

    async def start(self, zeroconf: bool = False) -> str:
        """Begin to listen; returns where. zeroconf: announce it in the local network, for Home Assistant to find."""
        try:
            if self._host:
                self._server = await asyncio.start_server(self._connected, self._host, self.port, limit=LINE_BYTES)
                self.port = self._server.sockets[0].getsockname()[1]
            else:
                await self._check_socket()
                self._server = await asyncio.start_unix_server(self._connected, self._path, limit=LINE_BYTES)
                self._socket = Path(self._path).stat()
        except OSError as error:
            raise SpeechLstmError(f"cannot listen on {self._uri}: {error.strerror or error}") from None
        if zeroconf:
            await self._announce()
        return f"tcp://{self._host}:{self.port}" if self._host else self._uri

    async def close(self) -> None:
        """Take no more clients; those that are there go on."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError):
            if self._socket is not None and samestat(self._socket, Path(self._path).stat()):
                Path(self._path).unlink()
        if self._zeroconf is not None:
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(self._zeroconf._aiozc.async_close(), 2)  # says goodbye

    async def _check_socket(self) -> None:
        """SpeechLstmError where a server answers at the path already; a socket that one left behind is no harm."""
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(self._path)
            writer.close()
            raise SpeechLstmError(f"cannot listen on {self._uri}: another server does")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._engine.limits.connections:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await WyomingClient(self._engine, self._info, reader, writer).run()
        except asyncio.CancelledError:  # at the end of the server
            writer.transport.abort()
        finally:
            self._connections.discard(task)

    async def _announce(self) -> None:
        if not self._host:
            raise SpeechLstmError("--zeroconf needs a tcp:// address")
        try:
            from wyoming.zeroconf import HomeAssistantZeroconf
        except ImportError:
            raise SpeechLstmError("--zeroconf needs a package (LGPL): pip install zeroconf") from None
        host = None if self._host in ("0.0.0.0", "::") else self._host
        self._zeroconf = HomeAssistantZeroconf(self.port, self.name, host)
        await self._zeroconf.register_server()


def describe(engine: Engine, name: str) -> Info:
    """What the server can do: speech to text, intents where the grammar names any, wake words where it has any."""
    metadata = engine.recognizer.model.metadata
    languages = [metadata.language]
    about: dict[str, Any] = {"attribution": ATTRIBUTION, "installed": True, "version": __version__}
    model: dict[str, Any] = {
        "name": engine.recognizer.model.path.stem,
        "description": metadata.architecture,
        "languages": languages,
    }
    phrases = engine.waking.wake_detector.phrases if engine.waking and engine.waking.wake_detector else ()
    intents = any(arc.intent is not None for arc in engine.recognizer.grammar.graph.arcs)
    return Info(
        asr=[AsrProgram(name, description="Commands of a grammar", models=[AsrModel(**model, **about)], **about)],
        intent=[
            IntentProgram(name, description="Intents of a grammar", models=[IntentModel(**model, **about)], **about)
        ]
        if intents
        else [],
        wake=[
            WakeProgram(
                name,
                description="Wake words from text",
                models=[
                    WakeModel(wake_name(phrase), description=phrase, phrase=phrase, languages=languages, **about)
                    for phrase in phrases
                ],
                **about,
            )
        ]
        if phrases
        else [],
    )
