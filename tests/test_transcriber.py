"""Batches of real recordings: the same results as one by one and as live, every hostile file reported on its own."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speech_lstm.batch import ListenerOptions, transcribe
from speech_lstm.batch.listeners import Listener
from speech_lstm.batch.transcriber import BatchOptions, Transcriber
from speech_lstm.runtime.audio import Samples, read_audio
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.results import Command, Result

DATA = Path(__file__).parent / "data"
WORDS = sorted((DATA / "words").glob("*.opus"))
GRAMMAR = tuple((DATA / "words.txt").read_text().split())
LISTENER = ListenerOptions(GRAMMAR, device="cpu")


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(GRAMMAR, device="cpu")


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All words, a second of silence after each."""
    path = tmp_path_factory.mktemp("long") / "words.flac"
    soundfile.write(path, np.concatenate([np.pad(read_audio(clip), (0, 16000)) for clip in WORDS]), 16000)
    return path


def test_clips_in_a_batch_get_the_results_of_recognize(recognizer: Recognizer) -> None:
    transcripts = list(transcribe(WORDS, LISTENER, jobs=1))
    assert [transcript.file for transcript in transcripts] == [str(clip) for clip in WORDS]
    for clip, transcript in zip(WORDS, transcripts, strict=True):
        (result,) = transcript.results
        alone = recognizer.recognize(read_audio(clip))
        assert result.text == alone.text and abs(result.confidence - alone.confidence) < 0.1
        assert transcript.duration == pytest.approx(len(read_audio(clip)) / 16000)


def in_chunks(listener: Listener, audio: Samples) -> Result:
    """The result of a clip that the model hears as a stream does, 80 ms a call."""
    model, unit = listener.model, 2 * listener.model.metadata.chunk_samples
    padded = np.pad(audio, (0, 6400 + -(len(audio) + 6400) % unit))
    state = model.initial_state()
    log_probs = []
    for start in range(0, len(padded), unit):
        frames, state = model.run(padded[None, start : start + unit], state)
        log_probs.append(frames[0])
    (result,) = listener.clip(np.concatenate(log_probs), len(audio) / 16000)
    return result


def test_batches_give_the_results_of_streaming_up_to_the_rounding_of_int8() -> None:
    """The stated tolerance: another sentence or decision in one clip of fifty at most; confidence within 0.05 but for
    one clip of fifteen, and within 0.15 there; words within two frames but for one of a hundred, within four there. An
    int8 network rounds by the loudest of a call, so it differs a little with the size of calls, and confidence is
    steepest where it decides.
    """
    clips = [*WORDS, *sorted((DATA / "sentences").glob("*.opus"))]
    grammar = (*GRAMMAR, *(DATA / "sentences.txt").read_text().splitlines())
    listener = ListenerOptions(grammar, device="cpu").load()
    transcripts = list(Transcriber(listener).transcribe(clips))
    differ, apart, moved = 0, [], []
    for clip, transcript in zip(clips, transcripts, strict=True):
        (result,), streamed = transcript.results, in_chunks(listener, read_audio(clip))
        if (result.text, result.accepted) != (streamed.text, streamed.accepted):
            differ += 1
            continue
        apart.append(abs(result.confidence - streamed.confidence))
        for word, other in zip(result.words, streamed.words, strict=True):
            moved.append(max(abs(word.start - other.start), abs(word.end - other.end)))
    assert differ <= 1
    assert sum(each > 0.081 for each in moved) <= len(moved) // 100 and max(moved) < 0.161
    assert np.median(apart) < 0.005 and max(apart) < 0.15 and sum(each > 0.05 for each in apart) <= len(clips) // 15


def test_a_long_file_gets_the_commands_of_a_live_stream(recognizer: Recognizer, long_file: Path) -> None:
    stream = recognizer.stream()
    events = [*stream.accept(read_audio(long_file)), *stream.finish()]
    live = [event.result for event in events if isinstance(event, Command)]
    (transcript,) = transcribe([long_file], LISTENER, jobs=1)
    found = transcript.results
    same = {(result.text, result.start) for result in live} & {(result.text, result.start) for result in found}
    assert len(same) >= max(len(live), len(found)) - 1 and len(same) >= 10
    assert all(0 <= result.start < result.end <= transcript.duration for result in found)
    assert [result.start for result in found] == sorted(result.start for result in found)


def test_worker_processes_give_the_same_in_the_same_order() -> None:
    files: list[str | Path] = [*WORDS, "missing.wav", *WORDS[:3]]
    options = BatchOptions(batch=1)  # in larger batches the int8 model rounds by its neighbours
    assert list(transcribe(files, LISTENER, options, jobs=2)) == list(transcribe(files, LISTENER, options, jobs=1))


def test_names_are_those_of_the_command_line(tmp_path: Path) -> None:
    """One file is one file, a folder is what is in it, and what leads nowhere is told in its place."""
    (tmp_path / "below").mkdir()
    for name in ("below/a.opus", "b.opus"):
        (tmp_path / name).write_bytes(WORDS[0].read_bytes())
    (one,) = transcribe(str(WORDS[0]), LISTENER)
    assert one.accepted[0].text == "backward"
    assert list(transcribe(WORDS[0], LISTENER)) == [one]
    names: list[str | Path] = [tmp_path, "no*thing", tmp_path / "*.opus", "missing.wav", WORDS[0], WORDS[0]]
    found = list(transcribe(iter(names), LISTENER))
    files = ["b.opus", "below/a.opus", "no*thing", "b.opus", "missing.wav", WORDS[0].name, WORDS[0].name]
    assert [
        transcript.file.removeprefix(f"{tmp_path}/").removeprefix(f"{WORDS[0].parent}/") for transcript in found
    ] == files
    errors = {transcript.file: transcript.error for transcript in found if transcript.error}
    assert errors == {"no*thing": "no*thing: no file matches the pattern", "missing.wav": "missing.wav: no such file"}


def test_a_killed_worker_loses_and_repeats_no_file(long_file: Path) -> None:
    files = [str(path) for path in [*WORDS, long_file] * 4]
    transcripts = transcribe(files, LISTENER, jobs=2)
    heard = [next(transcripts)]
    multiprocessing.active_children()[0].kill()
    heard += transcripts
    assert [transcript.file for transcript in heard] == files
    assert [transcript.error for transcript in heard] == [None] * len(files)


@pytest.fixture
def hostile(tmp_path: Path) -> dict[str, Path]:
    """A file of each kind that the world has."""
    speech = np.concatenate([read_audio(clip) for clip in WORDS])
    names = ("empty.wav", "photo.mp3", "cut.flac", "wide.wav", "law.wav")
    files = {name: tmp_path / name for name in names}
    files["strange"] = tmp_path / 'a "b"\nc\udcff.wav'
    files["empty.wav"].touch()
    files["photo.mp3"].write_bytes(bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 40)
    soundfile.write(tmp_path / "whole.flac", speech, 16000)
    whole = (tmp_path / "whole.flac").read_bytes()
    files["cut.flac"].write_bytes(whole[: len(whole) * 2 // 3])
    soundfile.write(os.fsencode(files["strange"]), read_audio(WORDS[0]), 16000)
    left = read_audio(DATA / "words" / "left_sc-db9d52d2.opus")
    wide = np.zeros((12 * len(left), 8), np.float32)
    wide[:, 5] = np.interp(np.arange(12 * len(left)) / 12, np.arange(len(left)), left)
    soundfile.write(files["wide.wav"], wide, 192_000, subtype="PCM_24")
    soundfile.write(files["law.wav"], left[::2], 8000, subtype="ULAW")
    return files


def test_hostile_files_are_reported_and_the_others_heard(hostile: dict[str, Path]) -> None:
    found = dict(zip(hostile, transcribe(list(hostile.values()), LISTENER, jobs=1), strict=True))
    assert "0 bytes" in str(found["empty.wav"].error)
    assert "not audio" in str(found["photo.mp3"].error)
    assert "damaged" in str(found["cut.flac"].error)
    assert found["cut.flac"].duration > 10 and found["cut.flac"].results, "what precedes the damage is kept"
    assert found["strange"].error is None and found["strange"].results[0].text == "backward"
    assert found["law.wav"].error is None and found["law.wav"].results
    (wide,) = transcribe([hostile["wide.wav"]], LISTENER, BatchOptions(channel=5), jobs=1)
    assert wide.results[0].text == "left"
    (beyond,) = transcribe([hostile["law.wav"]], LISTENER, BatchOptions(channel=1), jobs=1)
    assert "no channel 1" in str(beyond.error)


def test_files_without_permission_are_reported(
    public_folder: Path, as_ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    (public_folder / "folder").mkdir()
    files = [public_folder / name for name in ("locked.wav", "folder/hidden.wav", "fine.wav")]
    for file in files:
        soundfile.write(file, read_audio(WORDS[0]), 16000)
    files[0].chmod(0)
    (public_folder / "folder").chmod(0)
    listener = LISTENER.load()
    with as_ordinary_user():
        locked, hidden, fine, long = Transcriber(listener).transcribe([*files, "x" * 5000])
    (public_folder / "folder").chmod(0o755)
    assert locked.error == f"{files[0]}: cannot be read (Permission denied)"
    assert hidden.error == f"{files[1]}: cannot be read (Permission denied)"
    assert str(long.error).endswith("cannot be read (File name too long)")
    assert fine.error is None and fine.results[0].text == "backward"


def test_phones_of_a_word_and_of_a_long_file(long_file: Path) -> None:
    left = DATA / "words" / "left_sc-db9d52d2.opus"
    clip, long = transcribe([left, long_file], ListenerOptions(None, device="cpu"), jobs=1)
    assert clip.results[0].text == "L EH F T" and len(clip.results[0].words) == 4
    assert len(long.results) >= len(WORDS) * 0.8
    times = [time for result in long.results for time in (result.start, result.end)]
    assert times == sorted(times)


def test_memory_does_not_grow_with_the_length_of_a_file(tmp_path: Path) -> None:
    speech = np.concatenate([read_audio(clip) for clip in WORDS])

    def peak(minutes: int) -> int:
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 16000, 1) as file:
            for _ in range(minutes):
                file.write(np.resize(np.pad(speech, (0, 40 * 16000)), 60 * 16000))
        transcriber = Transcriber(ListenerOptions(("abracadabra",), device="cpu").load())
        tracemalloc.start()
        list(transcriber.transcribe([path]))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(4) < peak(2) * 1.2  # a file of one minute is one block


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    transcriber = Transcriber(LISTENER.load(), BatchOptions(window=len(WORDS)))
    heard = transcriber.transcribe(WORDS * 5)
    list(itertools.islice(heard, len(WORDS)))
    tracemalloc.start()
    list(itertools.islice(heard, len(WORDS)))
    after_some, _ = tracemalloc.get_traced_memory()
    for _ in heard:
        pass
    after_all, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after_all < after_some + 50_000


def test_files_come_out_while_later_ones_are_waited_for() -> None:
    taken = []

    def names() -> Iterator[Path]:
        for clip in WORDS[:4]:
            taken.append(clip)
            yield clip

    transcripts = Transcriber(LISTENER.load(), BatchOptions(window=2)).transcribe(names())
    next(transcripts)
    assert len(taken) == 2
