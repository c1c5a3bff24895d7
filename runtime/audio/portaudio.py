"""PortAudio (`sounddevice`, of the [mic] extra, imported on first use): its devices and what they take."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass
from typing import Any

from speech_lstm.runtime.errors import DeviceError

LOCK = threading.RLock()
"""Held while PortAudio opens, closes or lists: its list of devices is one for the process."""

OPEN: set[int] = set()
"""Ids of the streams that microphones have open."""

ABORT_SECONDS = 2.0
"""Longest wait for PortAudio to end a stream: it may never return for a device that vanished while it started."""

USUAL_RATES = (48000, 44100, 32000, 16000, 96000, 22050, 8000)
"""Tried in this order where a device does not open at the rate that it calls its own."""


@dataclass(frozen=True)
class InputDevice:
    """An audio input, as PortAudio lists it."""

    index: int
    name: str
    host: str
    channels: int
    sample_rate: float
    default: bool


def input_devices() -> tuple[InputDevice, ...]:
    """The audio inputs of this machine. DeviceError where sounddevice or PortAudio is missing."""
    sounddevice = load()
    with LOCK:
        hosts = sounddevice.query_hostapis()
        default = sounddevice.default.device[0]
        return tuple(
            InputDevice(
                index=device["index"],
                name=device["name"],
                host=hosts[device["hostapi"]]["name"],
                channels=device["max_input_channels"],
                sample_rate=device["default_samplerate"],
                default=device["index"] == default,
            )
            for device in sounddevice.query_devices()
            if device["max_input_channels"] > 0
        )


def load() -> Any:
    """The module; DeviceError that says what to install."""
    try:
        import sounddevice
    except ImportError:
        raise DeviceError("the microphone needs sounddevice: pip install 'speech-lstm[mic]'") from None
    except OSError as error:
        raise DeviceError(
            f"sounddevice found no PortAudio ({error}); on Debian or Ubuntu: apt-get install libportaudio2"
        ) from None
    return sounddevice


def find_input(device: int | str | None, before: Any = None) -> Any:
    """PortAudio's description of an input. before: the one that had this number when it was opened first.

    Numbers move when something is plugged in or out, so that one is looked for by its name, beginning with the same
    number. ValueError or PortAudioError where there is none.
    """
    sounddevice = load()
    if before is None or not isinstance(device, int):
        return sounddevice.query_devices(device, "input")
    found = [info for info in sounddevice.query_devices() if info["max_input_channels"] and _same(info, before)]
    if not found:
        raise ValueError(f"{before['name']!r} is not connected")
    return min(found, key=lambda info: info["index"] != device)


def _same(info: Any, other: Any) -> bool:
    """Whether it is the same device; ALSA puts the number of the card behind its name."""
    names = [re.sub(r" \(hw:\d+,\d+\)$", "", each["name"]) for each in (info, other)]
    return names[0] == names[1] and info["hostapi"] == other["hostapi"]


def input_format(info: Any, sample_rate: int | None, channels: int | None) -> tuple[int, int]:
    """The first rate and channel count that the device takes; DeviceError if there is none."""
    sounddevice = load()
    most = int(info["max_input_channels"])
    own = round(info["default_samplerate"])
    rates = (sample_rate,) if sample_rate else dict.fromkeys((own, *USUAL_RATES))
    counts = (channels,) if channels else dict.fromkeys((1, min(2, most), most))
    problem = ""
    for rate in rates:
        for count in counts:
            try:
                sounddevice.check_input_settings(info["index"], count, "float32", samplerate=rate)
            except (ValueError, sounddevice.PortAudioError) as error:
                problem = problem or reason(error)
            else:
                return rate, count
    raise DeviceError(f"input {info['name']!r} takes none of the usual rates and channel counts: {problem}")


def end(stream: Any) -> None:
    """Close a stream, which may be broken."""

    def close() -> None:
        stream.abort(ignore_errors=True)
        stream.close(ignore_errors=True)
        OPEN.discard(id(stream))

    ending = threading.Thread(target=close, daemon=True)
    ending.start()
    ending.join(ABORT_SECONDS)


def restart() -> None:
    """Let PortAudio look for devices again, unless a microphone is in use, which that would end."""
    sounddevice = load()
    with LOCK:
        if not OPEN:
            sounddevice._terminate()
            sounddevice._initialize()


def reason(error: Exception) -> str:
    """The words of an error, and which inputs there are where none was found."""
    text = str(error.args[0]) if error.args else str(error)
    names = ", ".join(f"{device.index} {device.name!r}" for device in input_devices())
    return f"{text.splitlines()[0]}; inputs: {names or 'none is connected'}"


def permission_hint() -> str:
    """What to do about a microphone that gives only zeros, on this system."""
    if sys.platform == "darwin":
        return "allow it in System Settings > Privacy & Security > Microphone, for the terminal or app that runs this"
    if sys.platform == "win32":
        return "allow it in Settings > Privacy & security > Microphone, and see that the device is not muted"
    return "see that the input is not muted (`pactl list sources`, `alsamixer`) and that this user may use it"
