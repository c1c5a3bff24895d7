"""`speech-lstm serve --http`: files, WebSockets, limits, access, and that the descriptions tell the truth."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from speech_lstm.runtime.lexicon.tokens import TOKENS

from .served import DATA, GRAMMAR, Served, clip, running

Message = dict[str, Any] | bytes | str

START = {"type": "start", "rate": 16000, "encoding": "int16"}


@pytest.fixture(scope="module")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grammar") / "words.yaml"
    path.write_text(GRAMMAR)
    return path


@pytest.fixture(scope="module")
def served(grammar: Path) -> Iterator[Served]:
    with running(grammar, "--wake-word", "backward", "--wake-sensitivity", "0.9") as server:
        yield server


def request(
    served: Served, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.http, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}


def described(served: Served, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request(served, "GET", f"/{name}.json")[1])
    return found


def fits(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> None:
    jsonschema.validate(value, {**schema, "components": document["components"]})


async def talk(served: Served, *messages: Message, until: str = "Finished", path: str = "/ws") -> list[dict[str, Any]]:
    """The events up to one of that name, or until the server closes; the last is then the close code and reason."""
    events: list[dict[str, Any]] = []
    async with connect(f"ws://127.0.0.1:{served.http}{path}", max_size=None) as socket:
        try:
            for message in messages:
                await socket.send(json.dumps(message) if isinstance(message, dict) else message)
            await receive(socket, events, until)
        except ConnectionClosed as closed:
            while not events or events[-1]["event"] != until:
                try:
                    events.append(json.loads(await socket.recv()))
                except ConnectionClosed:
                    break
            assert closed.rcvd is not None
            events.append({"event": "close", "code": closed.rcvd.code, "reason": closed.rcvd.reason})
    return events


async def receive(socket: ClientConnection, events: list[dict[str, Any]], until: str) -> None:
    async with asyncio.timeout(20):
        while not events or events[-1]["event"] != until:
            events.append(json.loads(await socket.recv()))


def blocks(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_commands_from_a_stream(served: Served) -> None:
    document = described(served, "asyncapi")
    data = clip("left") + clip("forward")
    events = asyncio.run(talk(served, {**START, "phones": True}, *blocks(data, 1280), {"type": "finish"}))
    for event in events:
        fits(event, document["components"]["messages"][event["event"]]["payload"], document)
    commands = [event["result"] for event in events if event["event"] == "Command"]
    assert [(command["intent"], command["slots"]) for command in commands] == [
        ("Go", {"direction": "left"}),
        ("Go", {"direction": "forward"}),
    ]
    heard = [event for event in events if event["event"] == "Heard"]
    seconds = len(data) / 32000
    assert 0 <= 25 * seconds - sum(len(event["phones"]) for event in heard) <= 8  # what waits is 320 ms at most
    loud = {TOKENS[phone] for event in heard for frame in event["phones"] for phone, share in frame if share > 0.5}
    assert {"L", "F"} <= loud


@pytest.mark.parametrize("encoding", ["int16", "float32", "int32"])
@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (48000, 2), (8000, 1)])
def test_any_format(served: Served, encoding: str, rate: int, channels: int) -> None:
    import soxr

    audio = soxr.resample(np.frombuffer(clip("left"), "<i2") / np.float32(32768), 16000, rate)
    audio = np.repeat(audio[:, None], channels, axis=1)
    scale = {"int16": 32767, "int32": 2147483520, "float32": 1}[encoding]
    data = (audio.clip(-1, 1) * scale).astype({"int16": "<i2", "int32": "<i4", "float32": "<f4"}[encoding]).tobytes()
    start = {"type": "start", "rate": rate, "encoding": encoding, "channels": channels}
    events = asyncio.run(talk(served, start, *blocks(data, 64000), {"type": "finish"}))
    assert [event["result"]["text"] for event in events if event["event"] == "Command"] == ["left"]


def test_wake_word_button_and_own_grammar(served: Served) -> None:
    said = clip("backward", 1.2) + clip("left", 0.3)
    events = asyncio.run(talk(served, {**START, "wake": True}, *blocks(said, 2560), {"type": "finish"}))
    assert [event["event"] for event in events if event["event"] in ("WakeWord", "Command")] == ["WakeWord", "Command"]
    pressed: list[Message] = [
        {"type": "press"},
        *blocks(clip("right"), 2560),
        {"type": "release"},
        bytes(32000),
        {"type": "finish"},
    ]
    events = asyncio.run(talk(served, {**START, "wake": True}, *pressed))
    assert [event["result"]["text"] for event in events if event["event"] == "Command"] == ["right"]
    own: list[Message] = [{"type": "grammar", "grammar": "Count: {0..9:n}"}, clip("five"), {"type": "finish"}]
    events = asyncio.run(talk(served, START, {"type": "grammar", "grammar": "left\n(right"}, *own))
    assert events[1]["event"] == "GrammarProblems" and events[1]["problems"][0]["line"] == 2
    assert events[2]["event"] == "GrammarReady"
    assert [event["result"]["slots"] for event in events if event["event"] == "Command"] == [{"n": 5}]


def test_another_grammar_neither_lifts_the_button_nor_cuts_a_command(served: Served) -> None:
    other: Message = {"type": "grammar", "grammar": "stop\nright"}
    rest: list[Message] = [{"type": "release"}, bytes(32000), {"type": "finish"}]
    pressed: list[Message] = [{"type": "press"}, other, *blocks(clip("right"), 2560), *rest]
    events = asyncio.run(talk(served, {**START, "wake": True}, *pressed))
    assert [event["result"]["text"] for event in events if event["event"] == "Command"] == ["right"]
    said = clip("forward")
    half = len(said) // 4 * 2
    cut: list[Message] = [*blocks(said[:half], 2560), other, *blocks(said[half:] + clip("right"), 2560), rest[-1]]
    events = asyncio.run(talk(served, START, *cut))
    assert [event["result"]["text"] for event in events if event["event"] == "Command"] == ["forward", "right"]
    times = [event["time"] for event in events if event["event"] in ("SpeechStarted", "Command")]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        ([b"1234"], 1008, "audio came before"),
        (["{"], 1008, "not valid JSON"),
        (["[" * 50_000], 1008, "not valid JSON"),
        (["5"], 1008, "the first message must be"),
        ([START, {"type": "dance"}], 1008, "must be start, grammar"),
        ([{**START, "rate": "fast"}], 1008, "must be a number"),
        ([{**START, "rate": 1e9}], 1008, "expected 4000 to 768000"),
        ([{**START, "encoding": "mp3"}], 1008, "expected one of int16"),
        ([{**START, "channels": 99}], 1008, "expected 1 to 8"),
        ([START, b"123"], 1008, "no multiple of 2"),
        ([{**START, "encoding": "float32"}, np.full(9, np.nan, "<f4").tobytes()], 1008, "finite number"),
        ([START, {"type": "grammar", "grammar": 5}], 1008, "must be a text"),
        ([START, *[{"type": "release"}] * 1000], 1008, "over 50 messages"),
        ([START, bytes(2 << 20)], 1009, ""),
    ],
)
def test_nonsense_gets_a_reason_and_is_closed(served: Served, messages: list[Any], code: int, reason: str) -> None:
    events = asyncio.run(talk(served, *messages, until="close"))
    assert events[-1]["code"] == code and reason in events[-1]["reason"]
    if code == 1008:
        assert events[-2]["event"] == "Closing" and reason in events[-2]["reason"]


def test_one_that_floods_is_slowed_down_and_disturbs_nobody(served: Served) -> None:
    async def flood() -> None:
        with pytest.raises((ConnectionClosed, TimeoutError)):
            async with asyncio.timeout(6), connect(f"ws://127.0.0.1:{served.http}/ws", close_timeout=1) as socket:
                await socket.send(json.dumps(START))
                for _ in range(200):
                    await socket.send(bytes(1 << 20))

    async def both() -> list[dict[str, Any]]:
        flooding = asyncio.create_task(flood())
        await asyncio.sleep(1)
        events = await talk(served, START, *blocks(clip("left"), 2560), {"type": "finish"})
        await flooding
        return events

    before = served.memory()
    events = asyncio.run(both())
    assert [event["result"]["text"] for event in events if event["event"] == "Command"] == ["left"]
    assert served.memory() - before < 60e6


def test_files(served: Served, tmp_path: Path) -> None:
    document = described(served, "openapi")
    schema = document["paths"]["/transcribe"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    body = next((DATA / "words").glob("left_*.opus")).read_bytes()
    status, text, _ = request(served, "POST", "/transcribe", body)
    answer = json.loads(text)
    fits(answer, schema, document)
    assert (status, answer["result"]["slots"]) == (200, {"direction": "left"})
    soundfile.write(tmp_path / "two.wav", np.frombuffer(clip("up") + clip("down"), "<i2"), 16000)
    body = (tmp_path / "two.wav").read_bytes()
    answer = json.loads(request(served, "POST", "/transcribe?events=true", body)[1])
    fits(answer, schema, document)
    commands = [event["result"]["text"] for event in answer["events"] if event["event"] == "Command"]
    assert commands == ["up", "down"]
    status, text, _ = request(served, "POST", "/transcribe?grammar=five%0Aeight", body)
    assert json.loads(text)["result"]["text"] in ("five", "eight", "")


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/transcribe", b"", 400, "the body is empty"),
        ("/transcribe", b"no audio at all", 400, "not audio that can be read"),
        ("/transcribe?grammar=(", b"x", 400, "grammar"),
        ("/transcribe", bytes(33 << 20), 413, "at most 33554432"),
        ("/grammar", b"a" * 70_000, 413, "at most 65536"),
    ],
)
def test_bad_requests_get_a_reason(served: Served, path: str, body: bytes, status: int, reason: str) -> None:
    try:
        got, text, _ = request(served, "POST", path, body)
    except OSError:  # closed while it was still sending
        assert status == 413
        return
    assert got == status and reason in json.loads(text)["error"]


def test_grammar_check(served: Served) -> None:
    document = described(served, "openapi")
    answers = document["paths"]["/grammar"]["post"]["responses"]
    for text, status in ((GRAMMAR, 200), ("left\n(right\n{speed}", 422), ("intents: [", 422), ("", 422)):
        got, body, _ = request(served, "POST", "/grammar", text.encode())
        assert got == status
        fits(json.loads(body), answers[str(status)]["content"]["application/json"]["schema"], document)
        if text.startswith("left"):
            assert [problem["line"] for problem in json.loads(body)["problems"]] == [2, 3]


def test_health_metrics_and_page(served: Served) -> None:
    assert json.loads(request(served, "GET", "/healthz")[1])["status"] == "ok"
    text = request(served, "GET", "/metrics")[1]
    assert "speech_lstm_audio_seconds_total" in text and 'speech_lstm_clients{protocol="websocket"}' in text
    status, page, headers = request(served, "GET", "/")
    assert status == 200 and "<title>" in page
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert request(served, "GET", "/page/../server.py")[0] == 404


def test_described_paths_exist(served: Served) -> None:
    for path, methods in described(served, "openapi")["paths"].items():
        for method in methods:
            assert request(served, method.upper(), path)[0] in (200, 400, 422)


def test_strange_hosts_and_origins_stay_outside(served: Served) -> None:
    status, text, _ = request(served, "GET", "/settings", Host="evil.example")
    assert status == 403 and "is not this machine" in text
    assert request(served, "POST", "/grammar", b"left", Origin="https://evil.example")[0] == 403
    assert request(served, "POST", "/grammar", b"left", Origin=f"http://127.0.0.1:{served.http}")[0] == 200

    async def connected(**options: Any) -> tuple[int, str]:
        async with connect(f"ws://127.0.0.1:{served.http}/ws", **options) as socket:
            try:
                await asyncio.wait_for(socket.recv(), 5)
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                return closed.rcvd.code, closed.rcvd.reason
        return 0, ""

    code, reason = asyncio.run(connected(origin="https://evil.example"))
    assert code == 1008 and "https://evil.example may not connect" in reason


def test_a_token_where_others_can_come_in(grammar: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-1\n")
    with running(grammar, "--http", "0.0.0.0:0", "--token-file", str(tmp_path / "token")) as server:
        assert request(server, "GET", "/healthz", Host="home.example")[0] == 200
        assert request(server, "GET", "/metrics")[0] == 401
        assert request(server, "GET", "/metrics", Authorization="Bearer secret-2")[0] == 401
        assert request(server, "GET", "/metrics", Authorization="Bearer secret-1")[0] == 200

        async def ready(*subprotocols: Any) -> str:
            url = f"ws://127.0.0.1:{server.http}/ws"
            async with connect(url, subprotocols=[Subprotocol("speech-lstm"), *subprotocols]) as socket:
                try:
                    await socket.send(json.dumps(START))
                    return str(json.loads(await socket.recv())["event"])
                except ConnectionClosed as closed:
                    return closed.rcvd.reason if closed.rcvd else ""

        assert asyncio.run(ready("token.secret-1")) == "Ready"
        assert "token" in asyncio.run(ready("token.secret-2")) and "token" in asyncio.run(ready())


def test_silent_connections_are_closed_and_slow_ones_refused(served: Served) -> None:
    """Time limits of ten seconds, waited for side by side."""
    silent = socket.create_connection(("127.0.0.1", served.http), timeout=20)
    slow = socket.create_connection(("127.0.0.1", served.http), timeout=20)
    slow.sendall(b"GET / HTTP/1.1\r\nHost: ")

    async def never_starts() -> list[dict[str, Any]]:
        return await talk(served, until="close")

    assert "nothing complete was received for 10 s" in asyncio.run(never_starts())[-1]["reason"]
    for connection in (silent, slow):
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
        connection.close()


def test_random_and_mutated_messages(served: Served) -> None:
    chance = random.Random(5)
    good = [json.dumps(START).encode(), b'{"type": "finish"}', b'{"type": "grammar", "grammar": "left"}', bytes(64)]

    async def session() -> None:
        async with connect(f"ws://127.0.0.1:{served.http}/ws") as socket:
            try:
                for message in [good[0], *chance.choices(good, k=4)]:
                    changed = bytearray(message)
                    for _ in range(chance.randrange(3)):
                        changed[chance.randrange(len(changed))] = chance.randrange(256)
                    text = not changed.startswith(b"\0")
                    await socket.send(changed.decode(errors="replace") if text else bytes(changed))
                    await asyncio.wait_for(socket.recv(), 0.05)
            except (ConnectionClosed, TimeoutError):
                pass

    async def many() -> None:
        for _ in range(60):
            with contextlib.suppress(InvalidStatus):
                await session()

    asyncio.run(many())
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", served.http), timeout=20) as connection:
            head = bytearray(b"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nRIFFWAVE0")
            for _ in range(chance.randrange(5)):
                head[chance.randrange(len(head))] = chance.randrange(256)
            connection.sendall(head)
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.05)
            with contextlib.suppress(OSError):
                connection.recv(1000)
    assert request(served, "GET", "/healthz")[0] == 200


def test_sigterm_answers_what_is_in_flight(grammar: Path) -> None:
    async def interrupted(server: Served) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        async with connect(f"ws://127.0.0.1:{server.http}/ws") as socket:
            await socket.send(json.dumps(START))
            for block in blocks(clip("left", 0.1), 2560):
                await socket.send(block)
            await socket.send(json.dumps({"type": "release"}))  # does nothing
            await asyncio.sleep(0.5)
            server.process.terminate()
            await receive(socket, events, "Closing")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001
        return events

    with running(grammar) as server:
        events = asyncio.run(interrupted(server))
    assert [event["result"]["text"] for event in events if event["event"] == "Command"] == ["left"]
    assert events[-1]["code"] == "stopping"


def test_sigterm_waits_for_a_slow_request(grammar: Path) -> None:
    body = next((DATA / "words").glob("left_*.opus")).read_bytes()
    head = f"POST /transcribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with running(grammar) as server, socket.create_connection(("127.0.0.1", server.http), timeout=20) as connection:
        connection.sendall(head + body[:1000])
        time.sleep(0.5)
        server.process.terminate()
        time.sleep(4)
        connection.sendall(body[1000:])
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 200 " in answer.splitlines()[0] and b'"left"' in answer
