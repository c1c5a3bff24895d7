"""`speech-lstm serve --wyoming`: the wyoming package's own client, many at once, and those that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect, Detection, NotDetected

import speech_lstm as sl
from speech_lstm.serve.engine import Engine
from speech_lstm.serve.wyoming_server import WyomingServer

from .served import GRAMMAR, Served, clip, running

FORMAT: dict[str, Any] = {"rate": 16000, "width": 2, "channels": 1}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With a wake word, of a folder such as Home Assistant's custom_sentences/en."""
    folder = tmp_path_factory.mktemp("custom_sentences") / "en"
    folder.mkdir()
    (folder / "words.yaml").write_text(GRAMMAR)
    with running(folder, "--wake-word", "forward", "--wake-sensitivity", "0.9", "--name", "words") as server:
        yield server


async def ask(served: Served, *messages: Eventable | Event, answers: int = 1) -> list[Event]:
    """What the server answers to some events on a connection of its own; None at its end."""
    async with AsyncTcpClient("127.0.0.1", served.wyoming, read_timeout=20) as client:
        for message in messages:
            await client.write_event(message if isinstance(message, Event) else message.event())
        events = [await client.read_event() for _ in range(answers)]
    return [event for event in events if event is not None]


def audio(data: bytes, pieces: int = 2048) -> list[Eventable]:
    """The events of some audio."""
    chunks = [AudioChunk(**FORMAT, audio=data[at : at + pieces]) for at in range(0, len(data), pieces)]
    return [AudioStart(**FORMAT), *chunks, AudioStop()]


def test_it_says_what_it_can_do(served: Served) -> None:
    (event,) = asyncio.run(ask(served, Describe()))
    info = Info.from_event(event)
    assert (info.asr[0].name, info.asr[0].models[0].languages) == ("words", ["en"])
    assert (info.wake[0].models[0].name, info.wake[0].models[0].phrase) == ("forward", "forward")
    assert info.intent[0].models[0].installed
    (event,) = asyncio.run(ask(served, Ping("hello")))
    assert Pong.from_event(event).text == "hello"


def test_speech_to_text(served: Served) -> None:
    (event,) = asyncio.run(ask(served, Transcribe(language="en"), *audio(clip("forward"))))
    assert Transcript.from_event(event).text == "forward"
    (event,) = asyncio.run(ask(served, Transcribe(), *audio(bytes(32000))))
    assert Transcript.from_event(event).text == ""


def test_two_utterances_on_a_connection(served: Served) -> None:
    messages = [Transcribe(), *audio(clip("left")), Transcribe(), *audio(clip("right"))]
    events = asyncio.run(ask(served, *messages, answers=2))
    assert [Transcript.from_event(event).text for event in events] == ["left", "right"]


def test_wake_words(served: Served) -> None:
    twice = clip("forward", silence=1.5) + clip("forward", silence=1.5)
    events = asyncio.run(ask(served, Detect(names=["forward"]), *audio(twice), answers=2))
    found = [Detection.from_event(event) for event in events]
    assert [detection.name for detection in found] == ["forward", "forward"]
    assert found[0].timestamp is not None and 1500 < found[0].timestamp < 3500
    assert found[1].timestamp is not None and found[0].timestamp + 1500 < found[1].timestamp < len(twice) / 32 + 500
    (event,) = asyncio.run(ask(served, Detect(), *audio(clip("zero"))))
    assert NotDetected.is_type(event.type)
    (event,) = asyncio.run(ask(served, Detect(names=["alexa"])))
    assert "no wake word 'alexa' here; there is forward" in Error.from_event(event).text


@pytest.mark.parametrize("kind", [Recognize, Transcript])
def test_intents(served: Served, kind: Any) -> None:
    """Home Assistant sends `transcript`."""
    (event,) = asyncio.run(ask(served, kind("Forward!", context={"conversation_id": "1"})))
    intent = Intent.from_event(event)
    assert (intent.name, [(entity.name, entity.value) for entity in intent.entities]) == (
        "Go",
        [("direction", "forward")],
    )
    assert intent.context == {"conversation_id": "1"}
    (event,) = asyncio.run(ask(served, kind("no")))
    assert Intent.from_event(event).entities[0].value == "nope"
    (event,) = asyncio.run(ask(served, kind("order a pizza")))
    assert NotRecognized.is_type(event.type)


def test_a_client_may_bring_its_own_grammar(served: Served) -> None:
    context = {"grammar": "left\n(right"}
    (event,) = asyncio.run(ask(served, Transcribe(context=context)))
    assert Error.from_event(event).code == "bad-grammar"
    assert "line 2" in Error.from_event(event).text
    messages = [Transcribe(context={"grammar": "Number: {0..9:n}"}), *audio(clip("five")), Recognize("seven")]
    events = asyncio.run(ask(served, *messages, answers=2))
    assert Transcript.from_event(events[0]).text == "five"
    assert Intent.from_event(events[1]).entities[0].value == 7
    (event,) = asyncio.run(ask(served, Transcribe(), *audio(clip("left"))))  # another client
    assert Transcript.from_event(event).text == "left"


def test_many_clients_at_once(served: Served) -> None:
    words = ["left", "right", "up", "down", "backward", "forward"] * 3

    async def all_of_them() -> list[list[Event]]:
        return await asyncio.gather(*(ask(served, Transcribe(), *audio(clip(word))) for word in words))

    assert [Transcript.from_event(event).text for (event,) in asyncio.run(all_of_them())] == words


def raw(served: Served, *parts: bytes, half_close: bool = True) -> bytes:
    """What comes back to some bytes, until the server closes."""
    with socket.create_connection(("127.0.0.1", served.wyoming), timeout=20) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:  # closed while sending, which is fine
            pass
        received = b""
        try:
            while block := connection.recv(65536):
                received += block
        except ConnectionResetError:
            pass
    return received


def frame(kind: str, payload: bytes = b"", **data: Any) -> bytes:
    head = json.dumps({"type": kind, "data": data, "payload_length": len(payload)})
    return head.encode() + b"\n" + payload


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "is not valid JSON"),
        (b"[" * 30_000 + b"\n", "is not valid JSON"),
        (b"\xff\xfe\n", "is not valid JSON"),
        (b"[1]\n", "no JSON object"),
        (b"{}\n", 'needs a \\"type\\"'),
        (b'{"type": "ping", "data": 5}\n', "must be an object"),
        (b'{"type": "ping", "data_length": -1}\n', "not a number of bytes"),
        (b'{"type": "ping", "payload_length": true}\n', "not a number of bytes"),
        (b'{"type": "audio-chunk", "payload_length": 200000000}\n', "at most 1048576 bytes"),
        (b'{"type": "transcribe", "data_length": 99999999999}\n', "at most 262144 bytes"),
        (b"x" * 100_000, "over 65536 bytes"),
        (frame("audio-start", rate="fast", width=2, channels=1), "must be a whole number"),
        (frame("audio-start", rate=10**9, width=2, channels=1), "expected 4000 to 768000 Hz"),
        (frame("audio-start", rate=16000, width=3, channels=1), "expected 2 or 4"),
        (frame("audio-start", rate=16000, width=2, channels=0), "expected 1 to 8"),
        (frame("audio-chunk", b"abc", **FORMAT), "no multiple of 2"),
        (frame("audio-chunk"), "must be a whole number"),
        (frame("recognize", text=5), "must be a text"),
        (frame("recognize", text="a" * 2000), "at most 1000 characters"),
        (frame("transcribe", context={"grammar": 5}), "must be a text"),
        (frame("transcribe", context={"grammar": f"({';'.join(f'[w{i}]' for i in range(25))})"}), "grammar"),
        (frame("ping") * 1000, "over 50 events a second"),
    ],
)
def test_nonsense_gets_a_reason_and_is_closed(served: Served, sent: bytes, reason: str) -> None:
    answer = raw(served, sent, half_close=False).decode()
    assert '"error"' in answer and reason in answer
    (event,) = asyncio.run(ask(served, Describe()))  # and the server is well
    assert Info.is_type(event.type)


def test_200_megabytes_disturb_nobody(served: Served) -> None:
    async def both() -> list[Event]:
        huge = b'{"type": "x", "payload_length": 1048576}\n' + bytes(1 << 20)
        sending = asyncio.to_thread(raw, served, *[huge] * 200)
        (event,), answer = await asyncio.gather(ask(served, Transcribe(), *audio(clip("left"))), sending)
        assert b"over 50 events a second" in answer
        return [event]

    before = served.memory()
    assert Transcript.from_event(asyncio.run(both())[0]).text == "left"
    assert served.memory() - before < 30e6


def test_a_half_closed_client_gets_its_answer(served: Served) -> None:
    data = clip("right")
    answer = raw(served, frame("transcribe"), frame("audio-chunk", data, **FORMAT))
    assert b"transcript" in answer and b"right" in answer


def test_random_and_mutated_frames(served: Served) -> None:
    chance = random.Random(3)
    good = [
        frame("describe"), frame("transcribe", language="en"), frame("audio-start", **FORMAT),
        frame("audio-chunk", bytes(640), **FORMAT), frame("audio-stop"), frame("recognize", text="go"),
        frame("detect", names=["forward"]), frame("ping"),
    ]  # fmt: skip
    for _ in range(150):
        session = bytearray(b"".join(chance.choices(good, k=6)))
        for _ in range(chance.randrange(6)):
            session[chance.randrange(len(session))] = chance.randrange(256)
        raw(served, bytes(session))
    (event,) = asyncio.run(ask(served, Describe()))
    assert Info.is_type(event.type)


def test_sigterm_answers_what_is_in_flight(tmp_path: Path) -> None:
    grammar = tmp_path / "words.yaml"
    grammar.write_text(GRAMMAR)

    async def interrupted(server: Served) -> list[Event]:
        async with AsyncTcpClient("127.0.0.1", server.wyoming, read_timeout=20) as client:
            await client.write_event(Transcribe().event())
            for message in audio(clip("left"))[:-1]:  # no audio-stop
                await client.write_event(message.event())
            await client.write_event(Ping().event())
            assert (event := await client.read_event()) is not None and Pong.is_type(event.type)
            server.process.terminate()
            events = [await client.read_event() for _ in range(2)]
            return [event for event in events if event is not None]

    with running(grammar) as server:
        transcript, error = asyncio.run(interrupted(server))
    assert Transcript.from_event(transcript).text == "left"
    assert Error.from_event(error).code == "stopping"


def test_a_full_server_says_so(tmp_path: Path) -> None:
    grammar = tmp_path / "words.yaml"
    grammar.write_text(GRAMMAR)

    async def two(server: Served) -> Event | None:
        async with AsyncTcpClient("127.0.0.1", server.wyoming) as first:
            await first.write_event(Ping().event())
            await first.read_event()
            async with AsyncTcpClient("127.0.0.1", server.wyoming) as second:
                return await second.read_event()

    with running(grammar, "--clients", "1") as server:
        event = asyncio.run(two(server))
    assert event is not None and Error.from_event(event).code == "busy"


def test_a_unix_address_takes_the_place_of_no_file_and_no_other_server(tmp_path: Path) -> None:
    recognizer = sl.Recognizer(grammar=["go"], device="cpu")
    address = tmp_path / "socket"

    async def main() -> None:
        with contextlib.closing(Engine(recognizer)) as engine:
            servers = [WyomingServer(engine, f"unix://{address}", "one") for _ in range(3)]
            address.write_text("precious")
            with pytest.raises(sl.SpeechLstmError, match="cannot listen on unix://"):
                await servers[0].start()
            await servers[0].close()
            assert address.read_text() == "precious"
            address.unlink()
            left = socket.socket(socket.AF_UNIX)
            left.bind(str(address))
            left.close()  # a server that was killed
            await servers[1].start()
            with pytest.raises(sl.SpeechLstmError, match="another server does"):
                await servers[2].start()
            await servers[2].close()
            assert address.is_socket()
            await servers[1].close()
            assert not address.exists()

    asyncio.run(main())
