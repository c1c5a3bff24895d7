"""One WebSocket client: JSON and PCM in, JSON events out, as `page/asyncapi.json` describes it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.websockets import WebSocket, WebSocketDisconnect

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.serve.ear import Ear, Heard
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.gate import SUBPROTOCOL
from speech_lstm.serve.grammars import problems
from speech_lstm.serve.limits import Bucket, Refused

CLOSE_CODES = {"too-large": 1009, "busy": 1013, "stopping": 1001}
"""Code of a reason -> that of the WebSocket (RFC 6455 and IANA); 1008, policy violation, for the others."""

LEAST_PROBABILITY = 0.02
MOST_PHONES = 4
"""Of a frame that are sent, those of at least that probability."""

logger = logging.getLogger("speech_lstm.serve")


class WebClient:
    """Serves one connection with `run`."""

    def __init__(self, engine: Engine, websocket: WebSocket) -> None:
        self._engine, self._socket = engine, websocket
        self._messages, self._compiled = Bucket(engine.limits.messages), Bucket(engine.limits.grammars)
        self._ear: Ear | None = None
        self._wake = self._phones = False

    async def run(self) -> None:
        """Until the client has enough, misbehaves, or the server stops."""
        offered = self._socket.scope.get("subprotocols", ())
        await self._socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        code, reason = 1000, ""
        try:
            async with self._engine.client("websocket"):
                await self._converse()
        except Refused as refused:
            self._engine.metrics.refused.labels(refused.code).inc()
            code, reason = CLOSE_CODES.get(refused.code, 1008), str(refused)
            await self._try_to_send({"event": "Closing", "reason": reason, "code": refused.code})
        except (WebSocketDisconnect, OSError, TimeoutError):  # the client is gone, or does not read
            code, reason = 1008, "the client does not read what is sent"
        except Exception:
            logger.exception("a WebSocket client is dropped after an error of the server")
            code, reason = 1011, "an error of the server"
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError, TimeoutError):
            short = reason.encode()[:120].decode(errors="ignore")  # of at most 123 bytes, RFC 6455
            await asyncio.wait_for(self._socket.close(code, short), self._engine.limits.send_seconds)

    async def _converse(self) -> None:
        engine, limits = self._engine, self._engine.limits
        patience = limits.start_seconds
        while (message := await engine.unless_stopping(self._socket.receive(), patience)) is not None:
            if message["type"] == "websocket.disconnect":
                return
            patience = limits.idle_seconds
            if (data := message.get("bytes")) is not None:
                await self._audio(data)
            else:
                await self._control(message.get("text") or "")
        if self._ear is not None:
            await self._heard(await self._ear.finish())
        raise Refused("the server is stopping", "stopping")

    async def _audio(self, data: bytes) -> None:
        if self._ear is None:
            raise Refused('audio came before a {"type": "start"} message')
        async for heard in self._ear.hear(data):
            await self._heard(heard)

    async def _control(self, text: str) -> None:
        limits = self._engine.limits
        if self._messages.take():
            raise Refused(f"over {limits.messages:g} messages a second apart from audio", "too-many")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Refused("a text message is not valid JSON") from None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "start":
            await self._start(message)
            return
        if self._ear is None:
            raise Refused('the first message must be {"type": "start", "rate": 16000, "encoding": "int16"}')
        match kind:
            case "grammar":
                await self._grammar(message.get("grammar"))
            case "press":
                self._ear.stream.press()
            case "release":
                self._ear.stream.release()
            case "finish":
                await self._heard(await self._ear.finish())
                await self._send({"event": "Finished"})
            case _:
                raise Refused('"type" must be start, grammar, press, release or finish')

    async def _start(self, message: dict[str, Any]) -> None:
        rate, channels = message.get("rate", 16000), message.get("channels", 1)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
            raise Refused('"rate" must be a number of samples a second', "bad-audio")
        if isinstance(channels, bool) or not isinstance(channels, int):
            raise Refused('"channels" must be a whole number', "bad-audio")
        self._wake, self._phones = message.get("wake") is True, message.get("phones") is True
        recognizer = self._engine.waking if self._wake else self._engine.recognizer
        if recognizer is None:
            raise Refused("this server has no wake word; start it with --wake-word")
        self._ear = Ear(self._engine, recognizer, rate, str(message.get("encoding", "int16")), channels)
        if message.get("grammar") is not None:
            await self._grammar(message["grammar"])
        metadata = recognizer.model.metadata
        interpreter = recognizer.interpreter if self._wake else recognizer.open_interpreter
        await self._send({
            "event": "Ready", "tokens": metadata.tokens, "frame_seconds": metadata.frame_seconds,
            "model": recognizer.model.path.stem, "threshold": interpreter.threshold,
        })  # fmt: skip

    async def _grammar(self, text: Any) -> None:
        """Listen for another grammar from the next command on, or say what is wrong with it and go on as before."""
        if not isinstance(text, str):
            raise Refused('"grammar" must be a text: a phrase a line, or YAML')
        if self._compiled.take():
            raise Refused(f"over {self._engine.limits.grammars:g} grammars a second", "too-many")
        assert self._ear is not None
        try:
            self._ear.use(await self._engine.with_grammar(text, self._wake))
        except GrammarError as error:
            found = [{"message": problem.message, "line": problem.line} for problem in problems(error)]
            await self._send({"event": "GrammarProblems", "problems": found})
        else:
            await self._send({"event": "GrammarReady"})

    async def _heard(self, heard: Heard) -> None:
        """Events first, then what the frames were like."""
        for event in heard.events:
            await self._send(event.to_dict())
        if self._phones and len(heard.log_probs):
            assert self._ear is not None
            await self._send({
                "event": "Heard", "time": round(self._ear.stream.time, 3), "seconds": round(heard.seconds, 4),
                "compute": round(heard.compute, 6), "state": self._ear.stream.state.value,
                "phones": _likely(heard.log_probs),
            })  # fmt: skip

    async def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message, default=str)
        await asyncio.wait_for(self._socket.send_text(text), self._engine.limits.send_seconds)

    async def _try_to_send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError, TimeoutError):
            await self._send(message)


def _likely(log_probs: NDArray[np.float32]) -> list[list[tuple[int, float]]]:
    """For each frame of float32 [frames, tokens] the phones it may be, by number, and their probabilities."""
    likely = []
    for row in np.exp(log_probs):
        best = [
            int(token) for token in np.argsort(-row)[: MOST_PHONES + 1] if token and row[token] >= LEAST_PROBABILITY
        ]
        likely.append([(token, round(float(row[token]), 3)) for token in best[:MOST_PHONES]])
    return likely
