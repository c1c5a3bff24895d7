"""The HTTP server's routes: the page and its files, `/ws`, `/transcribe`, `/grammar`, `/healthz` and `/metrics`."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from speech_lstm import __version__
from speech_lstm.runtime.errors import AudioError, GrammarError
from speech_lstm.serve import metrics
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.gate import Access, Gate
from speech_lstm.serve.grammars import problems
from speech_lstm.serve.limits import Limits, Refused
from speech_lstm.serve.web_client import WebClient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from speech_lstm.runtime.live.recognizer import Recognizer

PAGE = Path(__file__).parent / "page"
STATUS = {"too-large": 413, "too-slow": 408, "busy": 503, "stopping": 503}
"""Code of a reason -> HTTP status; 400 for the others."""
MOST_SAMPLES = 1 << 26
"""Of a file, of all channels."""

logger = logging.getLogger("speech_lstm.serve")
Handler = Callable[[Request], Awaitable[Response]]


def application(engine: Engine, access: Access, grammar_text: str) -> ASGIApp:
    """The ASGI application. grammar_text: what the editor of the page begins with."""
    limits = engine.limits

    async def page(_: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def health(_: Request) -> Response:
        stopping = engine.stopping.is_set()
        status = {"status": "stopping" if stopping else "ok", "version": __version__}
        return JSONResponse(status, 503 if stopping else 200)

    async def show_metrics(_: Request) -> Response:
        return Response(engine.metrics.text(), headers={"content-type": metrics.CONTENT_TYPE})

    async def settings(_: Request) -> Response:
        words = engine.waking.wake_detector.phrases if engine.waking and engine.waking.wake_detector else ()
        return JSONResponse({"grammar": grammar_text, "wake_words": words, "model": engine.recognizer.model.path.stem})

    async def check(request: Request) -> Response:
        text = (await _body(request, limits.grammar_bytes, limits.idle_seconds)).decode(errors="replace")
        try:
            began = time.perf_counter()
            recognizer = await engine.with_grammar(text)
        except GrammarError as error:
            found = [{"message": problem.message, "line": problem.line} for problem in problems(error)]
            return JSONResponse({"ok": False, "problems": found}, 422)
        seconds = time.perf_counter() - began
        about = await engine.hear(_about, recognizer)
        return JSONResponse({"ok": True, "seconds": round(seconds, 4), **about})

    async def transcribe(request: Request) -> Response:
        recognizer = engine.recognizer
        if text := request.query_params.get("grammar"):
            try:
                recognizer = await engine.with_grammar(text)
            except GrammarError as error:
                raise Refused(str(error), "bad-grammar") from None
        data = await _body(request, limits.file_bytes, limits.idle_seconds)
        events = request.query_params.get("events", "false").lower() in ("true", "1", "yes")
        answer = await engine.file(_transcribe, recognizer, data, limits, events)
        return Response(json.dumps(answer, default=str), media_type="application/json")

    async def stream(websocket: WebSocket) -> None:
        await WebClient(engine, websocket).run()

    routes = [
        Route("/", page),
        Route("/healthz", health),
        Route("/metrics", show_metrics),
        Route("/settings", settings),
        Route("/grammar", _guarded(engine, check), methods=["POST"]),
        Route("/transcribe", _guarded(engine, transcribe), methods=["POST"]),
        *(Route(f"/{name}", _file(PAGE / name)) for name in ("openapi.json", "asyncapi.json")),
        WebSocketRoute("/ws", stream),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    return Gate(Starlette(routes=routes), access)


def _file(path: Path) -> Handler:
    async def handler(_: Request) -> Response:
        return FileResponse(path)

    return handler


def _guarded(engine: Engine, handler: Handler) -> Handler:
    """Reasons for what is refused become JSON, errors of ours one line in the log."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            engine.metrics.refused.labels(refused.code).inc()
            answer = {"error": str(refused), "code": refused.code}
            return JSONResponse(answer, STATUS.get(refused.code, 400), headers={"connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            logger.exception("a request for %s failed after an error of the server", request.url.path)
            return JSONResponse({"error": "an error of the server", "code": "internal"}, 500)

    return guarded


async def _body(request: Request, most: int, seconds: float) -> bytes:
    """The whole body. Raises Refused when it is too long or too slow."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise Refused(f"the body has {length} bytes, at most {most} are taken", "too-large")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise Refused(f"the body has over {most} bytes, the most that is taken", "too-large")
    except TimeoutError:
        raise Refused(f"the body did not come within {seconds:g} s", "too-slow") from None
    return bytes(body)


def _transcribe(recognizer: Recognizer, data: bytes, limits: Limits, events: bool) -> dict[str, Any]:
    """What is said in a file: one command, or the events of a stream. Raises Refused for what is no audio."""
    samples, rate = _decode(data, limits.file_seconds)
    try:
        answer: dict[str, Any] = {"seconds": round(len(samples) / rate, 3)}
        if not events:
            return answer | {"result": recognizer.recognize(samples, rate).to_dict()}
        stream = recognizer.stream(rate)
        found = [*stream.accept(samples), *stream.finish()]
        return answer | {"events": [event.to_dict() for event in found]}
    except AudioError as error:
        raise Refused(str(error), "bad-audio") from None


def _decode(data: bytes, most_seconds: float) -> tuple[NDArray[np.float32], int]:
    """Samples of a file, float32 [n], all channels averaged, and their rate."""
    import soundfile

    if not data:
        raise Refused("the body is empty; expected an audio file", "bad-audio")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            frames = int(most_seconds * file.samplerate) + 1
            if min(frames, file.frames) * file.channels > MOST_SAMPLES:
                raise Refused("the file has too many samples and channels", "too-large")
            samples, rate = file.read(frames, dtype="float32", always_2d=True), file.samplerate
    except (soundfile.LibsndfileError, TypeError, ValueError, MemoryError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise Refused(
            f"not audio that can be read; expected WAV, FLAC, Ogg, Opus or MP3 ({reason})", "bad-audio"
        ) from None
    if len(samples) >= frames:
        raise Refused(f"the file has over {most_seconds:g} s of audio, the most that is taken", "too-large")
    return samples.mean(axis=1), rate


def _about(recognizer: Recognizer) -> dict[str, Any]:
    """Facts about a grammar for people, and a few of its sentences."""
    from speech_lstm.runtime.grammar.analysis import samples

    grammar = recognizer.grammar
    found = [{"intent": intent, "text": text} for intent, text in samples(grammar, each=1)]
    guessed = sorted(filter(recognizer.lexicon.is_guessed, grammar.words))
    return {"words": len(grammar.words), "samples": found[:12], "guessed": guessed[:12]}
