"""Clips to evaluate on: rows of manifests with what they say of speaker, group and meaning."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech_lstm.evaluation.suite import Suite
from speech_lstm.runtime.audio import Samples, read_audio
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import AudioError, SpeechLstmError
from speech_lstm.runtime.lexicon.text import spoken_words

UNKNOWN = ("", "unknown", None)


@dataclass(frozen=True)
class Clip:
    """A recording. `name`: corpus and file; `speaker`: "" if unknown; `words`: as the lexicon knows them.

    `intent` and `slots`: of a row that gives its meaning in place of a text; then `words` is None.
    """

    path: Path
    name: str
    corpus: str
    speaker: str
    group: str
    words: tuple[str, ...] | None
    intent: str | None = None
    slots: tuple[tuple[str, Any], ...] = ()


def read_clips(manifest: Path, suite: Suite) -> list[Clip]:
    """The rows of the suite's split. SpeechLstmError for a manifest that cannot be read, and where it has none."""
    try:
        lines = read_text(manifest).splitlines()
    except OSError as error:
        raise SpeechLstmError(f"{manifest}: cannot read the manifest: {error.strerror}") from error
    clips = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if row.get("split", suite.split) == suite.split:
                clips.append(_clip(manifest, row, suite))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SpeechLstmError(f"{manifest}:{number}: not a manifest row ({error!r})") from error
    if not clips:
        raise SpeechLstmError(f"{manifest}: no clips of split {suite.split!r}")
    return clips


def _clip(manifest: Path, row: dict[str, Any], suite: Suite) -> Clip:
    corpus = row.get("corpus", manifest.absolute().parent.name)
    speaker = row.get("speaker")
    return Clip(
        path=manifest.parent / row["audio_filepath"],
        name=f"{corpus}/{row['audio_filepath']}",
        corpus=corpus,
        speaker="" if speaker in UNKNOWN else speaker,
        group=suite.group_of(corpus, row),
        words=tuple(spoken_words(row["text"])) if "text" in row else None,
        intent=row.get("intent"),
        slots=tuple(sorted(row.get("slots", {}).items())),
    )


def audible(clips: Iterable[Clip]) -> Iterator[tuple[Clip, Samples]]:
    """Clips with their audio; one that cannot be read is reported on stderr and left out."""
    for clip in clips:
        try:
            yield clip, read_audio(clip.path)
        except AudioError as error:
            print(f"skipped: {error}", file=sys.stderr)


def spread(clips: Sequence[Clip], most: int) -> list[Clip]:
    """At most so many, evenly spread over what there is."""
    return [clips[index * len(clips) // most] for index in range(most)] if most < len(clips) else list(clips)


def by_corpus(manifests: Iterable[Path], suite: Suite, most: int) -> dict[str, list[Clip]]:
    """Corpus -> at most so many clips of it, by name."""
    found: dict[str, list[Clip]] = {}
    for manifest in manifests:
        for clip in read_clips(manifest, suite):
            found.setdefault(clip.corpus, []).append(clip)
    return {corpus: spread(clips, most) for corpus, clips in sorted(found.items())}
