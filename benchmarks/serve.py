"""The server under load: clients in real time, kill -9 and restart, and nonsense by the thousand.

    python -m benchmarks.serve --clients 20 --words 12
    python -m benchmarks.serve --clients 20 --words 12 --kill
    python -m benchmarks.serve --clients 0 --nonsense 100000

Each client streams words of tests/data over a WebSocket as they would be spoken; what streams in this process make of
the same audio is what must come: after a lost connection a new one begins after the last command. Delay: from the end
of the last word to the arrival of its event.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

import speech_lstm as sl

DATA = Path(__file__).parents[1] / "tests" / "data"
START = json.dumps({"type": "start", "rate": 16000, "encoding": "int16"})
BLOCK = 1280  # samples, 80 ms


@dataclass
class Server:
    """`speech-lstm serve` on two ports; started again on the same ones by `start`."""

    wyoming: int
    http: int
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "speech_lstm.cli", "serve", "--device", "cpu"]
        command += ["--grammar", str(DATA / "words.txt"), "--http", f"127.0.0.1:{self.http}"]
        command += ["--wyoming", f"tcp://127.0.0.1:{self.wyoming}", "--wake-word", "backward"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for _ in range(2):
            self.process.stderr.readline()

    def status(self) -> tuple[float, float]:
        """Seconds of CPU so far and resident megabytes."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100, int(fields[21]) * 4096 / 1e6


@dataclass
class Client:
    """What a client heard: text and delay of each command."""

    audio: NDArray[np.int16]
    said: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    decided: int = 0  # sample up to which commands have come
    resumed: list[int] = field(default_factory=list)  # samples that new connections began with

    async def run(self, port: int) -> None:
        """Stream in real time; after a lost connection go on after the last command that came."""
        at, started = 0, time.monotonic()
        listening: asyncio.Task[None] | None = None
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(f"ws://127.0.0.1:{port}/ws", max_size=None) as link:
                    await link.send(START)
                    listening = asyncio.create_task(self._listen(link, started + at / 16000, at))
                    while at < len(self.audio):
                        await asyncio.sleep(max(0.0, started + (at + BLOCK) / 16000 - time.monotonic()))
                        await link.send(self.audio[at : at + BLOCK].tobytes())
                        at += BLOCK
                    await link.send(json.dumps({"type": "finish"}))
                    await asyncio.wait_for(listening, 30)
                    return
            if listening is not None:
                await asyncio.wait((listening,))
                listening.exception()
            at = self.decided
            if listening is not None and self.resumed[-1:] != [at]:
                self.resumed.append(at)
            await asyncio.sleep(0.1)

    async def _listen(self, link: Any, began: float, first: int) -> None:
        async for message in link:
            event = json.loads(message)
            if event["event"] == "Command":
                self.said.append(event["result"]["text"])
                self.delays.append(time.monotonic() - began - event["result"]["end"])
                self.decided = first + round(16000 * event["result"]["end"])
            if event["event"] == "Finished":
                return


def audio(seed: int, words: int) -> NDArray[np.int16]:
    """Bundled words with pauses, in an order of its own."""
    chance = random.Random(seed)
    pieces = [np.zeros(chance.randrange(16000), np.float32)]
    for path in chance.choices(sorted((DATA / "words").glob("*.opus")), k=words):
        pieces += [sl.read_audio(path), np.zeros(16000 + chance.randrange(8000), np.float32)]
    return (32767 * np.concatenate(pieces)).clip(-32768, 32767).astype(np.int16)


def expected(recognizer: sl.Recognizer, client: Client) -> list[str]:
    """What a stream for each of its connections makes of the audio."""
    said = []
    ends = [*client.resumed, len(client.audio)]
    for first, last in zip([0, *client.resumed], ends, strict=True):
        stream = recognizer.stream()
        results = [event.result for event in commands(stream, client.audio[first:])]
        said += [result.text for result in results if first + round(16000 * result.end) <= last]
    return said


def commands(stream: sl.Stream, samples: NDArray[np.int16]) -> list[sl.Command]:
    return [event for event in [*stream.accept(samples), *stream.finish()] if isinstance(event, sl.Command)]


async def load(server: Server, clients: list[Client], kill: bool) -> None:
    tasks = [asyncio.create_task(client.run(server.http)) for client in clients]
    if kill:
        await asyncio.sleep(len(clients[0].audio) / 32000)
        assert server.process is not None
        server.process.kill()
        await asyncio.to_thread(server.process.wait)
        await asyncio.to_thread(server.start)
    await asyncio.gather(*tasks)


FORMAT = {"rate": 16000, "width": 2, "channels": 1}
GOOD_FRAMES = [
    b'{"type": "describe"}\n', b'{"type": "transcribe", "data": {"language": "en"}}\n', b'{"type": "ping"}\n',
    b'{"type": "audio-start", "data": {"rate": 16000, "width": 2, "channels": 1}}\n', b'{"type": "audio-stop"}\n',
    b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 2, "channels": 1}, "payload_length": 64}\n' + bytes(64),
    b'{"type": "recognize", "data": {"text": "left"}}\n', b'{"type": "detect", "data": {"names": ["backward"]}}\n',
    b'{"type": "recognize", "data": {"text": "go", "context": {"grammar": "go\\nstop"}}}\n',
]  # fmt: skip
GOOD_MESSAGES = [b'{"type": "finish"}', b'{"type": "press"}', b'{"type": "grammar", "grammar": "left"}', bytes(640)]
BODY = (DATA / "words" / "left_sc-db9d52d2.opus").read_bytes()[:600]


def mutated(data: bytes, chance: random.Random, most: int) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(most + 1)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.randrange(len(changed)) + 1] if chance.random() < 0.1 else changed)


def exchange(port: int, data: bytes) -> None:
    """Send, close our half, and read until the server closes."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)
        while link.recv(65536):
            pass


async def websocket_nonsense(port: int, chance: random.Random) -> int:
    sent = 0
    with contextlib.suppress(OSError, WebSocketException, TimeoutError):
        async with connect(f"ws://127.0.0.1:{port}/ws", close_timeout=1) as link:
            for message in [START.encode(), *chance.choices(GOOD_MESSAGES, k=40)]:
                data = mutated(message, chance, 1 if chance.random() < 0.1 else 0)
                await link.send(data if data[0] == 0 else data.decode(errors="replace"))
                sent += 1
    return max(1, sent)


def nonsense(server: Server, count: int) -> None:
    """That many frames, bodies and messages, a third of each kind; prints memory on the way."""
    chance, done = random.Random(1), {"wyoming": 0, "http": 0, "websocket": 0}
    marks = [0, count // 10, count // 2, count]
    while True:
        if (total := sum(done.values())) >= marks[0]:
            print(f"{total} sent, server has {server.status()[1]:.1f} MB", flush=True)
            marks.pop(0)
        if not marks:
            return
        kind = min(done, key=lambda name: done[name])
        if kind == "wyoming":
            frames = chance.choices(GOOD_FRAMES, k=30)
            exchange(
                server.wyoming, b"".join(mutated(frame, chance, 1 if chance.random() < 0.1 else 0) for frame in frames)
            )
            done[kind] += len(frames)
        elif kind == "http":
            bodies = [mutated(BODY, chance, 20) for _ in range(10)]
            head = "POST /{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n"
            paths = chance.choices(["transcribe", "grammar", "transcribe?events=1"], k=10)
            requests = [head.format(path, len(body)).encode() + body for path, body in zip(paths, bodies, strict=True)]
            exchange(
                server.http, b"".join(mutated(each, chance, 1) if chance.random() < 0.05 else each for each in requests)
            )
            done[kind] += len(requests)
        else:
            done[kind] += asyncio.run(websocket_nonsense(server.http, chance))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=20, help="in real time (default: %(default)s)")
    parser.add_argument("--words", type=int, default=12, help="that each says (default: %(default)s)")
    parser.add_argument("--kill", action="store_true", help="kill -9 the server half-way and start it again")
    parser.add_argument("--nonsense", type=int, default=0, help="random and mutated frames, bodies and messages")
    args = parser.parse_args()
    recognizer = sl.Recognizer(DATA / "words.txt", device="cpu")
    clients = [Client(audio(seed, args.words)) for seed in range(args.clients)]
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    server = Server(*ports)
    server.start()
    assert server.process is not None and server.process.stderr is not None
    if clients:
        asyncio.run(load(server, clients, args.kill))
        wanted = [expected(recognizer, client) for client in clients]
        delays = 1000 * np.array([delay for client in clients for delay in client.delays])
        lost = [len(want) - len(client.said) for want, client in zip(wanted, clients, strict=True)]
        same = sum(want == client.said for want, client in zip(wanted, clients, strict=True))
        spoken = sum(len(client.audio) for client in clients) / 16000
        print(f"clients {len(clients)}, commands {sum(map(len, wanted))}, lost {sum(lost)}, at most {max(lost)} of one")
        print(f"clients with the very same commands as offline: {same}")
        print(f"delay after the last word, ms: median {np.median(delays):.0f}, p95 {np.percentile(delays, 95):.0f}")
        print(f"server: {1000 * server.status()[0] / spoken:.1f} ms of CPU a second of audio, start included")
    nonsense(server, args.nonsense) if args.nonsense else None
    server.process.terminate()
    _, errors = server.process.communicate(timeout=30)
    print(f"exit code {server.process.returncode}, tracebacks {errors.count('Traceback')}, stderr {errors!r:.300}")


if __name__ == "__main__":
    main()
