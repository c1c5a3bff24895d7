"""CPU time of the decoder per second of audio, beside kaldi-decoder's `FasterDecoder` on the very same graph.

    python -m benchmarks.decoder_speed                              synthetic log-probabilities
    python -m benchmarks.decoder_speed --audio tests/data/sentences/*.opus      those of the default model on recordings

Needs the [dev] extra. Times are the least of several repetitions.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import kaldi_decoder
import kaldifst
import numpy as np

from speech_lstm.runtime.audio import read_audio
from speech_lstm.runtime.decoding.decoder import Decoder, DecoderOptions, DecoderState
from speech_lstm.runtime.decoding.graph import DecodingGraph, compile_graph
from speech_lstm.runtime.grammar.wordgraph import WordArc, WordGraph
from speech_lstm.runtime.lexicon.lexicon import Lexicon
from speech_lstm.runtime.lexicon.tokens import TOKENS
from speech_lstm.runtime.model.model import Model
from tests.ctc import FloatArray, dictionary_words, phrases_graph, spoken_log_probs

FRAME_SECONDS = 0.04
LEXICON = Lexicon()


def phrase_list(count: int, length: int) -> WordGraph:
    """Different phrases of `length` words."""
    words = dictionary_words(count * length)
    return phrases_graph([words[i : i + length] for i in range(0, len(words), length)])


def free_order(slots: int, values: int) -> WordGraph:
    """Any of the slots in any order, each at most once, each a preposition that may be left out and a value."""
    words = iter(dictionary_words(2 * slots * values))
    said = [[(next(words), next(words)) for _ in range(values)] for _ in range(slots)]
    arcs: list[WordArc] = []
    nodes = 1 << slots  # a node for each set of slots that are filled
    for filled in range(1 << slots):
        for slot in range(slots):
            if filled >> slot & 1:
                continue
            begin, nodes = nodes, nodes + 1
            arcs += [WordArc(filled, begin, None), WordArc(filled, begin, ("with", "and", "for", "to", "at")[slot % 5])]
            for first, second in said[slot]:
                arcs += [WordArc(begin, nodes, first), WordArc(nodes, filled | 1 << slot, second)]
                nodes += 1
    return WordGraph(nodes, 0, frozenset(range(1, 1 << slots)), tuple(arcs))


GRAMMARS: dict[str, Callable[[], WordGraph]] = {
    "10 phrases of 4 words": lambda: phrase_list(10, 4),
    "100 phrases of 4 words": lambda: phrase_list(100, 4),
    "1,000 phrases of 4 words": lambda: phrase_list(1000, 4),
    "20,000 words": lambda: phrase_list(20_000, 1),
    "5 slots x 60 values, any order": lambda: free_order(5, 60),
    "5 slots x 300 values, any order": lambda: free_order(5, 300),
}


def ctc_fst(graph: DecodingGraph) -> object:
    """The graph with a phone state an arc and a blank state a node; labels are token + 1."""
    lines = []
    leaving = [
        graph.leaving[graph.leaving_first[node] : graph.leaving_first[node + 1]].tolist()
        for node in range(graph.num_nodes)
    ]
    label, source, slot = graph.label.tolist(), graph.source.tolist(), graph.slot.tolist()
    for node in range(graph.num_nodes):
        lines.append(f"{node} {node} 1 1")
        lines += [f"{node} {graph.num_nodes + arc} {label[arc] + 1} {label[arc] + 1}" for arc in leaving[node]]
    for arc, target in enumerate(graph.target.tolist()):
        state = graph.num_nodes + arc
        lines += [f"{state} {state} {label[arc] + 1} {label[arc] + 1}", f"{state} {target} 1 1"]
        lines += [
            f"{state} {graph.num_nodes + after} {label[after] + 1} {label[after] + 1}"
            for after in leaving[target]
            if slot[after] == source[after]
        ]
    finals = set(graph.finals.tolist())
    lines += [str(node) for node in finals]
    lines += [str(graph.num_nodes + arc) for arc, target in enumerate(graph.target.tolist()) if target in finals]
    return kaldifst.compile("\n".join(lines) + "\n", acceptor=False)


def least_seconds(work: Callable[[], object], repetitions: int = 5) -> float:
    """CPU seconds of the fastest repetition."""
    times = []
    for _ in range(repetitions):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def recorded(paths: list[Path]) -> list[FloatArray]:
    """Log-probabilities of the default model for recordings."""
    model = Model.load(device="cpu")
    unit = model.metadata.chunk_samples
    clips = (read_audio(path) for path in paths)
    return [model.run(clip[None, : len(clip) // unit * unit], model.initial_state())[0][0] for clip in clips]


def synthetic(graph: WordGraph) -> list[FloatArray]:
    """Log-probabilities of a few of a grammar's words, noisy, with half a second of silence around each."""
    rng = np.random.default_rng(0)
    words = [arc.word for arc in graph.arcs if arc.word]
    result = []
    for seed in range(4):
        said = [words[i] for i in rng.integers(0, len(words), 4)]
        phones = [phone for word in said for phone in LEXICON.pronunciations(word)[0]]
        result.append(spoken_log_probs(phones, seed=seed, noise=1.2, silence=12))
    return result


def search(decoder: Decoder, utterances: list[FloatArray]) -> list[DecoderState]:
    """Our searches of utterances, at their ends."""
    states = [decoder.start() for _ in utterances]
    for state, log_probs in zip(states, utterances, strict=True):
        decoder.advance(state, log_probs)
    return states


def kaldi_search(fst: object, beam: float, utterances: list[FloatArray]) -> None:
    """Kaldi's, with at most as many active tokens as ours."""
    options = DecoderOptions()
    config = kaldi_decoder.FasterDecoderOptions(beam=beam, max_active=options.max_active)
    for log_probs in utterances:
        scores = log_probs.copy()
        scores[:, 0] -= options.blank_offset
        kaldi_decoder.FasterDecoder(fst, config).decode(kaldi_decoder.DecodableCtc(scores))


def measure(words: WordGraph, given: list[FloatArray] | None) -> list[str]:
    """Columns of the table for a grammar."""
    graph = compile_graph(words, LEXICON, TOKENS)
    fst = ctc_fst(graph)
    utterances = given or synthetic(words)
    decoder, unfolded = Decoder(graph), Decoder(graph, DecoderOptions(fold_threshold=1))
    states = search(decoder, utterances)
    milliseconds = 1e3 / (FRAME_SECONDS * sum(map(len, utterances)))
    each = 1e3 / len(utterances)
    return [
        f"{graph.num_nodes:,}",
        f"{graph.num_arcs:,}",
        f"{least_seconds(lambda: compile_graph(words, LEXICON, TOKENS), 2):.2f}",
        f"{milliseconds * least_seconds(lambda: search(decoder, utterances)):.2f}",
        f"{milliseconds * least_seconds(lambda: search(unfolded, utterances)):.2f}",
        f"{each * least_seconds(lambda: [decoder.hypotheses(state, 5) for state in states]):.1f}",
        f"{each * least_seconds(lambda: [decoder.partial(state) for state in states]):.1f}",
        f"{milliseconds * least_seconds(lambda: kaldi_search(fst, 20, utterances), 3):.2f}",
        f"{milliseconds * least_seconds(lambda: kaldi_search(fst, 10, utterances), 3):.2f}",
    ]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", nargs="+", type=Path, help="recordings to use the default model's output for")
    paths = parser.parse_args().audio
    given = recorded(paths) if paths else None
    print("Milliseconds of CPU time per second of audio (ms/s), and per utterance for hypotheses")
    print(
        "| grammar | nodes | arcs | compile, s | ours, ms/s | without folding | 5 best, ms | partial, ms "
        "| kaldi beam 20, ms/s | kaldi beam 10 |\n|---" + "|---:" * 9 + "|"
    )
    for name, make in GRAMMARS.items():
        print(f"| {name} | {' | '.join(measure(make(), given))} |", flush=True)


if __name__ == "__main__":
    main()
