"""Simulated rooms to measure in. Those of training are other ones, drawn at random (`data.augment`)."""

from __future__ import annotations

import numpy as np

from speech_lstm.evaluation.suite import Room
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.errors import SpeechLstmError

MOST_REFLECTIONS = 60
"""Of a sound, on its way; what comes later is too weak to matter."""

MARGIN = 0.2
"""Metres from a wall to the speaker or the microphone, at least."""

_RESPONSES: dict[Room, Samples] = {}


def response(room: Room) -> Samples:
    """Impulse response by the image method, from the strongest sound on, with unit energy: float32 [n].

    SpeechLstmError for a room that cannot be: the distance does not fit, or no walls absorb enough.
    """
    import pyroomacoustics

    length, width, height = map(float, room.size)
    side = (length - room.distance) / 2
    if side < MARGIN:
        raise SpeechLstmError(f"a distance of {room.distance:g} m does not fit into a room {length:g} m long")
    try:
        absorption, reflections = pyroomacoustics.inverse_sabine(room.reverberation, [length, width, height])
    except ValueError:
        raise SpeechLstmError(
            f"no room of {length:g} x {width:g} x {height:g} m has {room.reverberation:g} s of reverberation"
        ) from None
    shoebox = pyroomacoustics.ShoeBox(
        [length, width, height],
        fs=SAMPLE_RATE,
        materials=pyroomacoustics.Material(absorption),
        max_order=min(reflections, MOST_REFLECTIONS),
    )
    speaker = np.array([side, 0.45 * width, min(1.6, height - MARGIN)])
    microphone = np.array([side + room.distance, 0.6 * width, min(1.1, height - MARGIN)])
    shoebox.add_source(speaker)
    shoebox.add_microphone(microphone)
    shoebox.compute_rir()
    direct = int(np.linalg.norm(speaker - microphone) / shoebox.c * SAMPLE_RATE)  # where its pulse begins, 5 ms long
    heard = np.asarray(shoebox.rir[0][0], np.float32)[direct:]
    return heard / np.sqrt(np.sum(heard**2))


def reverberant(clip: Samples, room: Room) -> Samples:
    """A clip in a room: float32 [n], as long as the clip and the echo after it."""
    from scipy.signal import fftconvolve

    if room not in _RESPONSES:
        _RESPONSES[room] = response(room)
    return np.asarray(fftconvolve(clip, _RESPONSES[room]), np.float32)
