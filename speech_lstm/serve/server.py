"""The process: sockets, signals, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.gate import LOOPBACK, Access
from speech_lstm.serve.limits import Limits
from speech_lstm.serve.web import application

if TYPE_CHECKING:
    from speech_lstm.runtime.live.recognizer import Recognizer


@dataclass(frozen=True)
class ServeOptions:
    """What to listen on. `wyoming`: a URI; `http`: (host, port); None: not at all."""

    wyoming: str | None = None
    http: tuple[str, int] | None = None
    name: str = "speech-lstm"
    zeroconf: bool = False
    access: Access = field(default_factory=Access)
    certificate: Path | None = None
    key: Path | None = None
    grammar_text: str = ""
    """What the editor of the page begins with."""
    limits: Limits = field(default_factory=Limits)


async def serve(
    recognizer: Recognizer, waking: Recognizer | None, options: ServeOptions, report: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    recognizer, waking: see `Engine`. report: gets a line for each address that is listened on.
    Raises SpeechLstmError where that cannot be done.
    """
    engine = Engine(recognizer, waking, options.limits)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    wyoming = web = None
    try:
        if options.wyoming:
            from speech_lstm.serve.wyoming_server import WyomingServer

            wyoming = WyomingServer(engine, options.wyoming, options.name)
            report(f"Wyoming: {await wyoming.start(options.zeroconf)}")
        if options.http:
            web = asyncio.create_task(
                (server := _web_server(engine, options)).serve([listener := _bind(*options.http)])
            )
            scheme, port = "https" if options.certificate else "http", listener.getsockname()[1]
            report(f"page and API: {scheme}://{_shown(options.http[0])}:{port}/")
        await stop.wait()
        report("stopping")
        if wyoming:
            await wyoming.close()
        until = time.monotonic() + engine.limits.stop_seconds
        await engine.stop()
        if web:
            server.config.timeout_graceful_shutdown = max(1, math.ceil(until - time.monotonic()))
            server.should_exit = True
            await web
    finally:
        engine.close()


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise SpeechLstmError(f"cannot listen on {_shown(host)}:{port}: {error.strerror or error}") from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Server(uvicorn.Server):
    """Leaves signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _web_server(engine: Engine, options: ServeOptions) -> uvicorn.Server:
    assert options.http is not None
    if options.access.token is None and options.http[0] not in LOOPBACK:
        raise SpeechLstmError(f"{options.http[0]} is open to others, which needs a token: see --token-file")
    for file in filter(None, (options.certificate, options.key)):
        if file.exists() and not file.is_file():
            raise SpeechLstmError(f"{file}: not a file; expected PEM")
    limits = engine.limits
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)  # what clients do wrong is in the metrics
    try:
        config = uvicorn.Config(
            application(engine, options.access, options.grammar_text),
            http=_protocol(limits), ws="websockets-sansio", ws_max_size=limits.message_bytes, ws_ping_interval=None,
            ws_per_message_deflate=False, lifespan="off", log_config=None, access_log=False, server_header=False,
            timeout_keep_alive=5, h11_max_incomplete_event_size=16 << 10,
            ssl_certfile=options.certificate, ssl_keyfile=options.key,
        )  # fmt: skip
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SpeechLstmError(f"certificate {options.certificate} and key {options.key}: {error}") from None
    return _Server(config)


def _protocol(limits: Limits) -> type[asyncio.Protocol]:
    """HTTP/1.1 with limits that uvicorn lacks: connections, and time to the end of a request's head."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                transport.abort()
            else:
                self.loop.call_later(limits.start_seconds, self._check)

        def _check(self) -> None:
            if getattr(self, "cycle", None) is None and self in self.connections:
                self.transport.abort()

    return Protocol
