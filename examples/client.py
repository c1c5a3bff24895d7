"""Send audio to `speech-lstm serve` and print the commands; where the connection breaks, go on when the server is back.

python examples/client.py ws://127.0.0.1:8080/ws kitchen.wav
arecord -q -t raw -f S16_LE -r 16000 | python examples/client.py ws://127.0.0.1:8080/ws -
"""

import asyncio
import json
import sys
import wave
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

RATE = 16000
BLOCK = 2 * RATE * 80 // 1000  # bytes of 80 ms, int16
MOST = 2 * RATE * 15  # bytes that are kept to be sent once more


class Client:
    """A stream of audio that outlives its connections."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.kept = bytearray()  # audio that no answer has settled
        self.dropped = 0  # bytes of this connection's stream before `kept`

    async def run(self, read: Callable[[int], bytes]) -> None:
        """Until the audio is over and everything is answered. read(n): the next n bytes of int16 at RATE."""
        while True:
            try:
                async with connect(self.url) as socket:
                    listening = asyncio.create_task(self.listen(socket))
                    try:
                        await self.send(socket, read)
                    finally:
                        finished = await listening
                    if finished:
                        return
            except (OSError, WebSocketException) as error:
                print(f"no connection ({error}); trying again", file=sys.stderr)
            await asyncio.sleep(0.3)

    async def send(self, socket: ClientConnection, read: Callable[[int], bytes]) -> None:
        await socket.send(json.dumps({"type": "start", "rate": RATE, "encoding": "int16"}))
        self.dropped = 0
        for start in range(0, len(self.kept), BLOCK):
            await socket.send(bytes(self.kept[start : start + BLOCK]))
        while block := await asyncio.to_thread(read, BLOCK):
            self.kept += block
            self.drop(len(self.kept) - MOST)
            await socket.send(block)
            await asyncio.sleep(0.02)  # a file is sent at most four times as fast as it was spoken
        await socket.send(json.dumps({"type": "finish"}))

    async def listen(self, socket: ClientConnection) -> bool:
        """Print commands; whether the stream is over."""
        async for message in socket:
            event = json.loads(message)
            if event["event"] in ("Command", "Rejected"):
                result = event["result"]
                if event["event"] == "Command":
                    print(result["text"], result["intent"] or "", result["slots"] or "", flush=True)
                self.drop(2 * round(RATE * (result["end"] or 0)) - self.dropped)
            elif event["event"] == "Closing":
                print(event["reason"], file=sys.stderr)
            elif event["event"] == "Finished":
                return True
        return False

    def drop(self, size: int) -> None:
        """Forget so many bytes from the beginning."""
        if size > 0:
            del self.kept[:size]
            self.dropped += size


if __name__ == "__main__":
    address, name = sys.argv[1:]
    if name == "-":
        asyncio.run(Client(address).run(sys.stdin.buffer.read))
    else:
        with wave.open(name) as recording:
            if (recording.getnchannels(), recording.getsampwidth(), recording.getframerate()) != (1, 2, RATE):
                sys.exit(
                    f"{name}: expected one channel of 16 bits at {RATE} Hz; POST it to /transcribe, which takes any"
                )
            asyncio.run(Client(address).run(lambda size: recording.readframes(size // 2)))
