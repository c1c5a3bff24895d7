"""The microphone, for real: recordings are played into a sound server and heard through PortAudio."""

from __future__ import annotations

import asyncio
import io
import json
import pickle
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest

import speech_lstm as sl
from speech_lstm.cli import main
from speech_lstm.runtime.audio.portaudio import input_devices, restart
from speech_lstm.runtime.live.listen import hear
from tests.sound_server import SoundServer, why_not

if TYPE_CHECKING:
    from speech_lstm.runtime.audio import Samples

EXAMPLES = Path(__file__).parents[1] / "examples"
DATA = Path(__file__).parent / "data"
WORDS = ("backward", "forward", "happy")
Kind = TypeVar("Kind")


@pytest.fixture(scope="module")
def recognizer() -> sl.Recognizer:
    return sl.Recognizer(grammar=WORDS, device="cpu", options=sl.RecognizerOptions(threshold=0.3))


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    problem = why_not()
    if problem:
        pytest.skip(problem)
    import sounddevice

    with ExitStack() as stack:
        try:
            running = stack.enter_context(SoundServer())
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"PulseAudio does not run here: {error}")
        sounddevice._terminate()  # forget the devices of the machine
        sounddevice._initialize()
        yield running


def clip(word: str) -> Samples:
    """A recording with a pause before and after: float32 [n], 16 kHz."""
    (path,) = (DATA / "words").glob(f"{word}_*.opus")
    return np.pad(sl.read_audio(path), (8000, 16000))


def example(name: str) -> Any:
    """A program of examples/ as a module."""
    return SimpleNamespace(**runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name=name))


@contextmanager
def in_background(task: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=task)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@contextmanager
def closed_after(microphone: sl.Microphone, seconds: float) -> Iterator[None]:
    """So that a test which waits for something that never comes ends."""
    timer = threading.Timer(seconds, microphone.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def wait_for(kind: type[Kind], microphone: sl.Microphone, seconds: float = 10.0) -> Kind:
    """The next event of a kind."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        item = microphone.read(timeout=0.2)
        if isinstance(item, kind):
            return item
    raise AssertionError(f"no {kind.__name__} in {seconds} s")


def first_command(events: Iterator[sl.Event]) -> str:
    return next((event.result.text for event in events if isinstance(event, sl.Command)), "")


def test_a_command_said_to_the_microphone_is_heard(server: SoundServer, recognizer: sl.Recognizer) -> None:
    microphone = sl.Microphone("default")
    with closed_after(microphone, 15), in_background(lambda: server.say(clip("backward"))):
        assert first_command(recognizer.listen(microphone)) == "backward"


def test_a_stereo_device_at_44_kilohertz(server: SoundServer, recognizer: sl.Recognizer) -> None:
    options = sl.MicrophoneOptions(sample_rate=44100, channels=2)
    with sl.Microphone("default", options) as microphone, closed_after(microphone, 15):
        assert (microphone.sample_rate, microphone.channels) == (44100, 2)
        with in_background(lambda: server.say(clip("forward"))):
            assert first_command(hear(recognizer.stream(), microphone)) == "forward"


def test_what_comes_in_is_what_was_played(server: SoundServer) -> None:
    played, heard = clip("happy"), []
    with sl.Microphone() as microphone, in_background(lambda: server.say(played)):
        while microphone.time < len(played) / 16000 + 1:
            item = microphone.read(timeout=5)
            assert isinstance(item, np.ndarray), item
            assert item.dtype == np.float32 and item.ndim == 1
            heard.append(item)
    signal = np.concatenate(heard)
    size = 1 << (len(signal) + len(played)).bit_length()
    match = np.fft.irfft(np.fft.rfft(signal, size) * np.conj(np.fft.rfft(played, size)))
    start = int(match.argmax())
    same = signal[start : start + len(played)]
    assert np.corrcoef(same, played[: len(same)])[0, 1] > 0.98


def test_an_unplugged_microphone_is_reported_and_found_again(server: SoundServer, recognizer: sl.Recognizer) -> None:
    with sl.Microphone() as microphone:
        wait_for(np.ndarray, microphone)
        server.unplug()
        lost = wait_for(sl.MicrophoneLost, microphone)
        assert "stopped" in lost.reason
        server.plug_in(rate=48000)
        assert wait_for(sl.MicrophoneBack, microphone).seconds > 0.5
        assert microphone.sample_rate in (44100, 48000)
        with closed_after(microphone, 15), in_background(lambda: server.say(clip("backward"))):
            assert first_command(hear(recognizer.stream(), microphone)) == "backward"


def test_a_microphone_chosen_by_number_does_not_come_back_as_another(server: SoundServer) -> None:
    def plugged(*names: str) -> dict[str, int]:
        """Devices with these names; returns their numbers."""
        server.offer(*names)
        restart()
        return {device.name: device.index for device in input_devices()}

    headset = plugged("headset", "zither")["headset"]
    options = sl.MicrophoneOptions(retry_seconds=0.05, longest_retry_seconds=0.1)
    try:
        with sl.Microphone(headset, options) as microphone:
            wait_for(np.ndarray, microphone)
            server.offer("another", "zither")
            server.unplug()
            wait_for(sl.MicrophoneLost, microphone)
            for sound in (False, True):
                if sound:
                    server.plug_in()
                with pytest.raises(AssertionError, match="no MicrophoneBack"):
                    wait_for(sl.MicrophoneBack, microphone, seconds=1.0)
            numbers = {device.index: device.name for device in input_devices()}
            assert numbers[headset] != "headset", "nothing took its number"
            server.offer("another", "headset", "zither")
            wait_for(sl.MicrophoneBack, microphone)
            numbers = {device.index: device.name for device in input_devices()}
            assert numbers[headset] != "headset", "it came back with the same number"
            wait_for(np.ndarray, microphone)
    finally:
        plugged()


def test_asking_without_waiting_gets_what_is_there(server: SoundServer) -> None:
    with sl.Microphone() as microphone:
        until, heard = time.monotonic() + 10, 0
        while heard < 16000 and time.monotonic() < until:
            item = microphone.read(timeout=0)
            heard += len(item) if isinstance(item, np.ndarray) else 0
            time.sleep(0.005)
        assert heard >= 16000
        while microphone.read(timeout=0) is not None:
            pass
        started = time.monotonic()
        assert microphone.read(timeout=0) is None and time.monotonic() - started < 0.1


def test_a_reader_that_stalls_is_told_what_it_missed(server: SoundServer, recognizer: sl.Recognizer) -> None:
    with sl.Microphone(options=sl.MicrophoneOptions(queue_seconds=0.5)) as microphone:
        wait_for(np.ndarray, microphone)
        time.sleep(2.0)
        dropped = wait_for(sl.AudioDropped, microphone)
        assert 0.5 < dropped.seconds < 3
        assert dropped.time < 1.5
        with closed_after(microphone, 15), in_background(lambda: server.say(clip("forward"))):
            assert first_command(hear(recognizer.stream(), microphone)) == "forward"


def test_nothing_but_zeros_is_reported_once(server: SoundServer) -> None:
    with sl.Microphone(options=sl.MicrophoneOptions(silence_seconds=0.3)) as microphone:
        silent = wait_for(sl.MicrophoneSilent, microphone)
        assert silent.time >= 0.3 and silent.hint
        with pytest.raises(AssertionError, match="no MicrophoneSilent"):
            wait_for(sl.MicrophoneSilent, microphone, seconds=0.8)


def test_asyncio_stays_free_and_cancellation_closes_the_microphone(
    server: SoundServer, recognizer: sl.Recognizer
) -> None:
    microphone = sl.Microphone()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    async def command() -> str:
        async for event in recognizer.listen_async(microphone):
            if isinstance(event, sl.Command):
                return event.result.text
        return ""

    async def main() -> str:
        ticking = asyncio.create_task(tick())
        heard = await asyncio.wait_for(command(), 15)
        ticking.cancel()
        endless = asyncio.create_task(command_that_never_comes())
        await asyncio.sleep(0.3)
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        return heard

    other = sl.Microphone()

    async def command_that_never_comes() -> None:
        async for _ in recognizer.listen_async(other):
            pass

    with in_background(lambda: server.say(clip("happy"))):
        assert asyncio.run(main()) == "happy"
    assert ticks > 30
    assert other.closed


def test_closing_the_microphone_ends_the_command_with_asyncio_too(
    server: SoundServer, recognizer: sl.Recognizer
) -> None:
    microphone = sl.Microphone()
    events: list[sl.Event] = []

    async def hear_all() -> None:
        async for event in recognizer.listen_async(microphone):
            events.append(event)
            if isinstance(event, sl.SpeechStarted):
                asyncio.get_running_loop().call_later(0.1, microphone.close)

    with closed_after(microphone, 15), in_background(lambda: server.say(clip("happy"))):
        asyncio.run(hear_all())
    assert isinstance(events[-1], sl.Command | sl.Rejected), events


def test_an_assistant_awaits_its_functions_and_one_of_them_changes_the_grammar(
    server: SoundServer, recognizer: sl.Recognizer
) -> None:
    options = sl.RecognizerOptions(threshold=0.3)
    words = {"backward": 1, "forward": 2}
    grammar = sl.Grammar.from_phrases(["Go: {where}"], lists={"where": words})
    going = sl.Recognizer(grammar, model=recognizer.model, options=options)
    assistant, stream, microphone = sl.Assistant(going), going.stream(), sl.Microphone()
    heard: list[int] = []

    @assistant.on("Go")
    async def go(where: int) -> None:
        await asyncio.sleep(0.05)
        heard.append(where)
        stream.use(going.with_lists({"where": {word: 10 * value for word, value in words.items()}}))
        if len(heard) == 2:
            microphone.close()

    audio = np.concatenate([clip("backward"), clip("forward")])
    with closed_after(microphone, 15), in_background(lambda: server.say(audio)):
        asyncio.run(assistant.run_async(microphone, stream))
    assert heard == [1, 20]


def test_the_pull_example(server: SoundServer) -> None:
    microphone = sl.Microphone()
    with closed_after(microphone, 15), in_background(lambda: server.say(clip("backward"))):
        assert example("pull").main(microphone, commands=1) == ["moving backward"]
    assert microphone.closed


def test_the_asyncio_example(server: SoundServer) -> None:
    microphone = sl.Microphone()
    with closed_after(microphone, 15), in_background(lambda: server.say(clip("forward"))):
        assert asyncio.run(example("asyncio_app").main(microphone, commands=1)) == ["forward"]


def test_the_push_example() -> None:
    pcm = (clip("backward") * 32767).astype(np.int16).tobytes()
    assert example("push").main(io.BytesIO(pcm), 16000) == ["backward"]


def test_closing_wakes_the_reader(server: SoundServer) -> None:
    with sl.Microphone() as microphone:

        def close_soon() -> None:
            time.sleep(0.3)
            microphone.close()

        with in_background(close_soon):
            assert sum(isinstance(item, np.ndarray) for item in microphone) > 3
        assert microphone.read() is None


def test_a_device_by_index_and_one_that_is_not_there(server: SoundServer) -> None:
    devices = {device.name: device for device in input_devices()}
    assert devices["default"].default and devices["default"].channels > 0
    sl.Microphone(devices["pulse"].index).close()
    with pytest.raises(sl.DeviceError, match=r"'studio microphone'.*inputs: .*'pulse'"):
        sl.Microphone("studio microphone")
    with pytest.raises(sl.DeviceError, match="99"):
        sl.Microphone(99)
    for wrong in (3.5, ["pulse"], b"pulse"):
        with pytest.raises(sl.DeviceError, match="expected a number or a part of the name"):
            sl.Microphone(wrong)  # type: ignore[arg-type]
    with pytest.raises(sl.OptionError, match="expected MicrophoneOptions"):
        sl.Microphone("pulse", {"channels": 1})  # type: ignore[arg-type]


def test_devices_are_listed_with_their_level(server: SoundServer, capsys: pytest.CaptureFixture[str]) -> None:
    with in_background(lambda: server.say(np.full(40_000, 0.25, np.float32))):
        time.sleep(0.3)
        assert main(["microphones", "--seconds", "0.6", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    levels = {line["name"]: line["level"]["decibels"] for line in lines}
    assert levels["default"] == pytest.approx(-12, abs=1)
    assert [line["name"] for line in lines if line["default"]] == ["default"]
    assert main(["devices", "--seconds", "0.1"]) == 0
    assert "default (ALSA, 32 channels, 44100 Hz)" in capsys.readouterr().out


def test_two_microphones_at_once(server: SoundServer) -> None:
    with sl.Microphone() as first, sl.Microphone("pulse") as second:
        assert isinstance(first.read(timeout=5), np.ndarray)
        assert isinstance(second.read(timeout=5), np.ndarray)


def test_two_threads_do_not_share_out_one_microphone(server: SoundServer) -> None:
    microphone = sl.Microphone()

    def read_on() -> None:
        while not microphone.closed:
            with suppress(sl.SpeechLstmError):
                microphone.read(timeout=0.5)

    with closed_after(microphone, 15), in_background(read_on):
        with pytest.raises(sl.SpeechLstmError, match="another thread is reading this Microphone"):
            while not microphone.closed:
                microphone.read(timeout=0)
        microphone.close()


def test_a_microphone_cannot_be_pickled(server: SoundServer) -> None:
    with sl.Microphone() as microphone, pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(microphone)


@pytest.mark.parametrize(
    ("missing", "advice"),
    [
        ("import ctypes.util; ctypes.util.find_library = lambda name: None", "apt-get install libportaudio2"),
        ("import sys; sys.modules['sounddevice'] = None", "pip install 'speech-lstm[mic]'"),
    ],
)
def test_missing_libraries_are_named(missing: str, advice: str) -> None:
    code = f"{missing}\nimport speech_lstm as sl\ntry: sl.Microphone()\nexcept sl.DeviceError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert advice in done.stdout


@pytest.mark.parametrize("wrong", [{"block_seconds": 0}, {"channels": -1}, {"queue_seconds": -0.5}])
def test_options_outside_their_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        sl.MicrophoneOptions(**wrong)  # type: ignore[arg-type]
