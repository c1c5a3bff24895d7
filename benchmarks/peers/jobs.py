"""What the peers have to do: the commands and wake words of a suite, as audio in one file and a JSON file a job."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from speech_lstm.evaluation.clips import Clip, audible, by_corpus, read_clips, spread
from speech_lstm.evaluation.commands import Meaning, said_in
from speech_lstm.evaluation.conditions import AROUND_SECONDS, CLEAN, Condition, Surroundings, in_noise, mixed
from speech_lstm.evaluation.suite import Commands, Suite, WakeWords
from speech_lstm.evaluation.wake import BEFORE_SECONDS, NOISE_DB
from speech_lstm.runtime.audio import SAMPLE_RATE, Samples
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.grammar.wordgraph import WordGraph
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.model.model import Model

AFTER_SECONDS = 0.5
"""Noise after a wake word, which may be heard so late."""


@dataclass(frozen=True)
class Piece:
    """Audio for the peers, and what is known of it.

    said: the meaning of a command, None of other speech. phrase: the wake word, "" of the speech before one, which
    counts for nothing, None of other speech.
    """

    offset: int
    samples: int
    clip: Clip
    condition: Condition
    said: Meaning | None = None
    phrase: str | None = None


@dataclass
class Job:
    """A test that a peer does in a process of its own. `written`: what the process gets."""

    name: str
    kind: str
    pieces: list[Piece] = field(default_factory=list)
    grammar: Grammar | None = None
    written: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The JSON file."""
        self.written["pieces"] = [[piece.offset, piece.samples] for piece in self.pieces]
        path = folder / f"{self.name.replace(' ', '_')}.json"
        path.write_text(json.dumps(self.written), encoding="utf-8")
        return path


class Maker:
    """Makes the jobs of a suite and the file of audio that they share."""

    def __init__(self, suite: Suite, model: Model, folder: Path, limit: int | None) -> None:
        """limit: clips of each corpus at most, where the suite has more."""
        self.suite, self.model, self.folder, self.limit = replace(suite, late=None), model, folder, limit
        self.around = Surroundings(self.suite, model)
        self.audio = (folder / "audio.pcm").open("wb")
        self.samples = 0
        self.common = {"audio": self.audio.name, "model": str(model.path.resolve())}

    def most(self, clips: int) -> int:
        """Of the suite's number and the limit the lower one."""
        return min(clips, self.limit or clips)

    def commands(self, name: str, options: Commands, snr_db: Sequence[float]) -> Job:
        """Commands clean and in the suite's first noise, and, clean only, other speech."""
        path = self.suite.located(options.grammar)
        grammar = Grammar.load(path)
        words = list(dict.fromkeys(arc.word for arc in grammar.graph.arcs if arc.word))
        fsg = self.folder / f"{name.replace(' ', '_')}.fsg"
        fsg.write_text(finite_state_grammar(grammar.graph), encoding="utf-8")
        job = Job(name, "commands", grammar=grammar)
        job.written = {
            **self.common,
            "kind": "commands",
            "grammar": str(path.resolve()),
            "fsg": str(fsg),
            "words": words,
            "pronunciations": pronunciations(words),
            "intents": sorted({arc.intent for arc in grammar.graph.arcs if arc.intent}),
        }
        noises = list(self.suite.noises)[:1]
        conditions = [CLEAN, *(Condition(noise=noise, snr_db=float(ratio)) for noise in noises for ratio in snr_db)]
        clips = by_corpus(self.suite.all_located(options.manifests), self.suite, self.most(options.clips))
        inside = [(clip, audio, said_in(clip, grammar)) for clip, audio in audible(_all(clips))]
        for condition in conditions:
            for clip, audio, said in inside:
                if said is not None:
                    job.pieces.append(self._piece(self._surrounded(audio, clip, condition), clip, condition, said))
        clips = by_corpus(self.suite.all_located(options.outside), self.suite, self.most(options.outside_clips))
        for clip, audio in audible(_all(clips)):
            if said_in(clip, grammar) is None:
                job.pieces.append(self._piece(self._surrounded(audio, clip, CLEAN), clip, CLEAN))
        return job

    def wake_words(self, options: WakeWords) -> Job:
        """Wake words in noise, each behind other speech as loud as it; then other speech, half of it in noise."""
        manifests = self.suite.all_located(options.manifests)
        clips = [clip for path in manifests for clip in read_clips(path, self.suite) if clip.words]
        said = {clip: " ".join(clip.words or ()) for clip in clips}
        phrases = sorted(set(said.values()))
        words = sorted({word for phrase in phrases for word in phrase.split()})
        job = Job("wake words", "wake words")
        job.written = {
            **self.common,
            "kind": "wake words",
            "phrases": phrases,
            "pronunciations": pronunciations(words),
        }
        most = self.most(options.negative_clips)
        speech = [
            clip
            for path in self.suite.all_located(options.speech)
            for clip in spread(read_clips(path, self.suite), most)
        ]
        others = list(audible(speech))
        condition = Condition(noise=options.noise, snr_db=NOISE_DB)
        before = cycle(others)
        for phrase in phrases:
            chosen = spread([clip for clip in clips if said[clip] == phrase], self.most(options.clips))
            for clip, audio in audible(chosen):
                _, other = next(before)
                lead, word = self._behind(other, audio, condition, clip)
                job.pieces.append(self._piece(lead, clip, condition, phrase=""))
                job.pieces.append(self._piece(word, clip, condition, phrase=phrase))
        for number, (clip, audio) in enumerate(others):
            noisy = number % 2 == 1
            whole = mixed(audio, self.around.noise(options.noise, clip.name), NOISE_DB) if noisy else audio
            job.pieces.append(self._piece(whole, clip, condition if noisy else CLEAN))
        return job

    def _behind(self, other: Samples, audio: Samples, condition: Condition, clip: Clip) -> tuple[Samples, Samples]:
        """The end of other speech, and a wake word, in noise."""
        other = other[-round(BEFORE_SECONDS * SAMPLE_RATE) :]
        level = np.sqrt(np.mean(audio**2) / max(float(np.mean(other**2)), 1e-10))
        whole = np.concatenate([other * np.float32(level), audio])
        heard = in_noise(whole, self.around.noise(condition.noise, clip.name), NOISE_DB, AFTER_SECONDS)
        border = len(other) + round(AFTER_SECONDS * SAMPLE_RATE)
        return heard[:border], heard[border:]

    def _surrounded(self, audio: Samples, clip: Clip, condition: Condition) -> Samples:
        if not condition.noise:
            return np.pad(audio, round(AROUND_SECONDS * SAMPLE_RATE))
        assert condition.snr_db is not None
        return in_noise(audio, self.around.noise(condition.noise, clip.name), condition.snr_db, AROUND_SECONDS)

    def _piece(
        self, audio: Samples, clip: Clip, condition: Condition, said: Meaning | None = None, phrase: str | None = None
    ) -> Piece:
        """Written as int16."""
        self.audio.write((np.clip(audio, -1, 1) * 32767).astype(np.int16).tobytes())
        self.samples += len(audio)
        return Piece(self.samples - len(audio), len(audio), clip, condition, said, phrase)


def _all(clips: dict[str, list[Clip]]) -> Iterator[Clip]:
    return (clip for part in clips.values() for clip in part)


def pronunciations(words: Iterable[str]) -> dict[str, str]:
    """The likeliest ones, for a peer that does not know a word."""
    lexicon, found = Lexicon(), {}
    for word in words:
        found[word] = " ".join(lexicon.pronunciations(word)[0])
    return found


def finite_state_grammar(graph: WordGraph) -> str:
    """A word graph as PocketSphinx reads it, with one final state more."""
    head = ["FSG_BEGIN job", f"NUM_STATES {graph.num_nodes + 1}", f"START_STATE {graph.start}"]
    arcs = dict.fromkeys((arc.source, arc.target, arc.word or "") for arc in graph.arcs)
    lines = [f"TRANSITION {source} {target} 1.0 {word}".rstrip() for source, target, word in arcs]
    ends = [f"TRANSITION {node} {graph.num_nodes} 1.0" for node in sorted(graph.finals)]
    return "\n".join([*head, f"FINAL_STATE {graph.num_nodes}", *lines, *ends, "FSG_END", ""])
