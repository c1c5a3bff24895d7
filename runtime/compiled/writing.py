"""What a recognizer knows of its grammar as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from speech_lstm.runtime.decoding.confidence import ConfidenceModel
from speech_lstm.runtime.decoding.decoder import Decoder
from speech_lstm.runtime.decoding.free_speech import FreeSpeech, free_speech_of
from speech_lstm.runtime.decoding.spelling import Speller
from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar.grammar import COMPILED
from speech_lstm.runtime.grammar.joining import SLOT_BEGINS
from speech_lstm.runtime.grammar.wordgraph import WordArc, WordGraph
from speech_lstm.runtime.model.model import Model
from speech_lstm.runtime.wake.compiled import phrases_of_detector
from speech_lstm.runtime.wake.wakeword import WakeWordDetector

VERSION = 2
"""Rises when an older reader could no longer use a new file; new fields do not count."""

WAKE_OPTIONS = (
    "fold_threshold", "confirm_seconds", "refractory_seconds", "pause_seconds", "longest_seconds",
)  # fmt: skip
"""Those of `WakeWordOptions` that a search needs."""


def compiled_text(
    model: Model,
    decoder: Decoder,
    sentences: WordGraph,
    confidence: ConfidenceModel,
    thresholds: Mapping[str, float],
    wake: WakeWordDetector | None,
) -> str:
    """The content of a compiled grammar. thresholds: "accept" and "open". GrammarError for a slot with no JSON, and for
    a model with look-ahead, whose times browser and C would not know.
    """
    graph, metadata = decoder.graph, model.metadata
    if metadata.lookahead_frames:
        raise GrammarError(f"{model.path}: a grammar cannot be compiled for a model with look-ahead")
    speller = graph.speller
    words = list(speller.said)
    words += sorted({arc.word for arc in sentences.arcs if arc.word is not None} - speller.said.keys())
    number_of = {word: number for number, word in enumerate(words)}
    document = {
        "format": COMPILED,
        "version": VERSION,
        "model": {
            "architecture": metadata.architecture,
            "language": metadata.language,
            "tokens": metadata.tokens,
            "sample_rate": metadata.sample_rate,
            "chunk_samples": metadata.chunk_samples,
            "frame_seconds": metadata.frame_seconds,
            "tail_seconds": metadata.tail_seconds,
            "state_size": model.state_size,
        },
        "decoder": asdict(decoder.options),
        "confidence": {**thresholds, **confidence.to_metadata()},
        "free_speech": _free_speech(free_speech_of(metadata.tokens)),
        "other_words": graph.other_words.vocabulary.codes or None,
        "words": words,
        "pronunciations": [speller.said.get(word, ()) for word in words],
        "search": {
            "nodes": graph.num_nodes,
            "finals": graph.finals.tolist(),
            "source": graph.source.tolist(),
            "label": graph.label.tolist(),
            "target": graph.target.tolist(),
        },
        "spelling": _spelling(speller, number_of),
        "sentences": _sentences(sentences, number_of),
        "wake": wake and _wake(wake),
    }
    lines = ",\n".join(f"{json.dumps(name)}: {_json(value)}" for name, value in document.items())
    return f"{{{lines}}}\n"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _free_speech(speech: FreeSpeech) -> dict[str, Any]:
    """float32 with as many digits as it needs."""
    arrays = {"start": speech.start, "move": speech.move.ravel(), "often": speech.often}
    return {name: [float(f"{value:.9g}") for value in values] for name, values in arrays.items()}


def _spelling(speller: Speller, number_of: Mapping[str, int]) -> dict[str, Any]:
    arcs = [
        (source, number_of[word], target)
        for source, leaving in enumerate(speller.arcs)
        for word, targets in leaving.items()
        for target in targets
    ]
    columns = _columns(("source", "word", "target"), arcs)
    (start,) = speller.starts
    return {"nodes": len(speller.arcs), "start": start, "finals": sorted(speller.finals), **columns}


def _sentences(graph: WordGraph, number_of: Mapping[str, int]) -> dict[str, Any]:
    meanings: dict[str, int] = {}  # by their JSON
    arcs = []
    for arc in graph.arcs:
        word = -1 if arc.word is None else number_of[arc.word]
        meaning = _meaning(arc)
        number = -1 if meaning is None else meanings.setdefault(meaning, len(meanings))
        arcs.append((arc.source, word, number, arc.target))
    return {
        "nodes": graph.num_nodes,
        "start": graph.start,
        "finals": sorted(graph.finals),
        **_columns(("source", "word", "meaning", "target"), arcs),
        "meanings": [json.loads(meaning) for meaning in meanings],
    }


def _meaning(arc: WordArc) -> str | None:
    """What an arc says beside its word, as JSON."""
    if arc.word is not None:
        return None
    if arc.intent is not None:
        return _json({"intent": arc.intent})
    if arc.slot is None:
        return None
    if arc.value is SLOT_BEGINS:
        return _json({"slot": arc.slot, "begins": True})
    try:
        return _json({"slot": arc.slot, "value": arc.value})
    except (TypeError, ValueError):
        raise GrammarError(
            f"slot {arc.slot!r} has the value {arc.value!r}, which JSON cannot hold: make it a text or a number"
        ) from None


def _wake(detector: WakeWordDetector) -> dict[str, Any]:
    phrases = phrases_of_detector(detector)
    return {name: getattr(detector.options, name) for name in WAKE_OPTIONS} | {
        "phrases": [phrase._asdict() for phrase in phrases]
    }


def _columns(names: Iterable[str], rows: Iterable[tuple[int, ...]]) -> dict[str, list[int]]:
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
