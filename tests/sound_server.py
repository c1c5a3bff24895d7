"""A PulseAudio server of its own with a null sink, whose monitor PortAudio hears as the default microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from importlib import import_module
from pathlib import Path
from types import TracebackType

import numpy as np

from speech_lstm.runtime.audio import SAMPLE_RATE, Samples

ASOUNDRC = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
PROGRAMS = ("pulseaudio", "pactl", "pacat")
INSTALL = "apt-get install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"


class SoundServer:
    """Runs while the `with` block does; HOME and XDG_RUNTIME_DIR of this process name its folder meanwhile."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sound"))  # a short path: sockets take at most 108 characters
        self._before = {name: os.environ.get(name) for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_SERVER")}
        self._clock: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SoundServer:
        self._folder.chmod(0o700)
        (self._folder / ".asoundrc").write_text(ASOUNDRC)
        os.environ.update(HOME=str(self._folder), XDG_RUNTIME_DIR=str(self._folder))
        os.environ.pop("PULSE_SERVER", None)
        command = ["pulseaudio", "--daemonize=yes", "--exit-idle-time=-1", "-n", "-L", "module-native-protocol-unix"]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
        self.plug_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()
        subprocess.run(["pulseaudio", "--kill"], capture_output=True, timeout=20)
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(self._folder, ignore_errors=True)

    def offer(self, *names: str) -> None:
        """ALSA devices that are this server by other names, beside "pulse" and "default"."""
        more = (f'pcm.{name} {{ type pulse; hint {{ show on; description "{name}" }} }}\n' for name in names)
        (self._folder / ".asoundrc").write_text(ASOUNDRC + "".join(more))

    def plug_in(self, rate: int = 44100, channels: int = 2) -> None:
        """Connect the microphone: the monitor of a new null sink."""
        _pactl("load-module", "module-null-sink", "sink_name=mic", f"rate={rate}", f"channels={channels}")
        _pactl("set-default-source", "mic.monitor")
        # A null sink without a player moves its samples two seconds at a time; one that asks for little latency makes
        # it tick like a sound card, once the first two seconds are over.
        with Path("/dev/zero").open("rb") as zeros:
            self._clock = subprocess.Popen(_player(20), stdin=zeros, stderr=subprocess.DEVNULL)
        time.sleep(2.1)

    def unplug(self) -> None:
        """Take the microphone away."""
        _pactl("unload-module", "module-null-sink")
        if self._clock is not None:
            self._clock.kill()
            self._clock.wait()

    def say(self, audio: Samples) -> None:
        """Play float32 [n] at 16 kHz into the sink, to its end."""
        pcm = (audio * 32767).astype(np.int16).tobytes()
        subprocess.run(_player(1000), input=pcm, check=True, capture_output=True, timeout=30)


def why_not() -> str | None:
    """What is missing for a `SoundServer`, or None."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} not installed ({INSTALL})"
    try:
        import_module("sounddevice")
    except (ImportError, OSError) as error:
        return f"sounddevice: {error} ({INSTALL})"
    return None


def _player(latency: int) -> tuple[str, ...]:
    """A program that plays raw int16, 16 kHz, mono from its standard input into the sink; with much latency, in ms,
    it bears that a busy machine lets it wait."""
    form = ("--raw", "--format=s16le", f"--rate={SAMPLE_RATE}", "--channels=1")
    return ("pacat", "--playback", "--device=mic", f"--latency-msec={latency}", *form)


def _pactl(*arguments: str) -> None:
    for _ in range(50):  # the socket may not be there yet
        done = subprocess.run(["pactl", *arguments], capture_output=True, timeout=20)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    done.check_returncode()
