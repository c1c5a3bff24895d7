/** A compiled grammar from its JSON, with every field checked (docs/compiled_grammar.md). */

import { ConfidenceModel, FEATURES } from "../decoding/confidence";
import { Decoder } from "../decoding/decoder";
import { FreeSpeech } from "../decoding/freeSpeech";
import { OtherWords } from "../decoding/otherWords";
import { DecodingGraph } from "../decoding/graph";
import { Speller } from "../decoding/spelling";
import { GrammarError } from "../errors";
import type { Value } from "../results";
import { WakeWordDetector } from "../wake/wakeword";
import { Fields } from "./fields";
import { Sentences, type Meaning, type WordArc } from "./interpretation";

const FORMAT = "speech-lstm grammar";
const VERSION = 2;
const MOST = 2 ** 30;

/** What the model that a grammar was compiled for takes and gives. */
export interface ModelFacts {
  readonly tokens: readonly string[];
  readonly sampleRate: number;
  readonly chunkSamples: number;
  readonly frameSeconds: number;
  readonly tailSeconds: number;
  readonly stateSize: number;
}

/** Least confidence of a command that was asked for, and of one that may come at any time. */
export interface Thresholds {
  readonly accept: number;
  readonly open: number;
}

/** All that a compiled grammar holds, ready for use. */
export interface CompiledGrammar {
  readonly model: ModelFacts;
  readonly words: readonly string[];
  readonly decoder: Decoder;
  readonly sentences: Sentences;
  readonly confidence: ConfidenceModel;
  readonly thresholds: Thresholds;
  readonly wake: WakeWordDetector | null;
}

/** Checks a document; `name`: of its file, for errors. */
export function readGrammar(document: Value, name = "grammar"): CompiledGrammar {
  const file = new Fields(document, `${name}: `);
  if (file.any("format") !== FORMAT) throw file.wrong("format", `is not "${FORMAT}"`);
  const version = file.whole("version", 1, MOST);
  if (version > VERSION)
    throw new GrammarError(`${name}: it is of version ${version} and this package reads versions up to ${VERSION}; update it`);
  const model = readModel(file.inside("model"));
  const numTokens = model.tokens.length;
  const words = file.texts("words");
  const said = file.allWays("pronunciations", numTokens, words.length);
  const speller = readSpelling(file.inside("spelling"), said);
  const otherWords = new OtherWords(version > 1 ? readVocabulary(file, numTokens) : [], said);
  const freeSpeech = readFreeSpeech(file.inside("free_speech"), numTokens - 1);
  const graph = readSearch(file.inside("search"), numTokens, speller, otherWords);
  const confidence = file.inside("confidence");
  const weights = confidence.inside("weights");
  return {
    model,
    words,
    decoder: readDecoder(file.inside("decoder"), graph, freeSpeech),
    sentences: readSentences(file.inside("sentences"), words.length),
    confidence: new ConfidenceModel(
      confidence.number("intercept"), FEATURES.map((feature) => (feature !== "other_word" || version > 1 ? weights.number(feature) : 0)), model.frameSeconds,
    ),
    thresholds: { accept: confidence.number("accept", 0, 1), open: confidence.number("open", 0, 1) },
    wake: file.has("wake") ? readWake(file.inside("wake"), numTokens, model.frameSeconds, freeSpeech) : null,
  };
}

function readModel(model: Fields): ModelFacts {
  const tokens = model.texts("tokens");
  if (tokens.length < 2) throw model.wrong("tokens", "are fewer than two");
  return {
    tokens,
    sampleRate: model.whole("sample_rate", 1, MOST),
    chunkSamples: model.whole("chunk_samples", 1, MOST),
    frameSeconds: model.number("frame_seconds", 1e-3, 10),
    tailSeconds: model.number("tail_seconds", 0, 60),
    stateSize: model.whole("state_size", 1, MOST),
  };
}

function readFreeSpeech(bigram: Fields, phones: number): FreeSpeech {
  const probabilities = (name: string, length: number): Float32Array => bigram.numbers(name, 0, 1.001, length);
  return new FreeSpeech(probabilities("start", phones), probabilities("move", phones ** 2), probabilities("often", phones));
}

/** Ways to say words, a character a token, "A" for token 1; none for a model that does not hear phones. */
function readVocabulary(file: Fields, numTokens: number): Uint8Array[] {
  if (file.any("other_words") === null) return [];
  const ways = file.text("other_words").split(" ").map((code) => Uint8Array.from(code, (letter) => letter.charCodeAt(0) - 64));
  if (ways.some((way) => !way.length || way.some((token) => token < 1 || token >= numTokens)))
    throw file.wrong("other_words", 'is not ways to say words, "A" for token 1 and a space between two');
  return ways;
}

function readDecoder(options: Fields, graph: DecodingGraph, freeSpeech: FreeSpeech): Decoder {
  const read = {
    blankOffset: options.number("blank_offset"),
    foldThreshold: options.number("fold_threshold", 1e-9, 1),
    fillerCost: options.number("filler_cost", 0),
    nbestBeam: options.number("nbest_beam", 0),
    maxFrames: options.whole("max_frames", 2, MOST),
  };
  return new Decoder(graph, read, freeSpeech);
}

function readSearch(graph: Fields, numTokens: number, speller: Speller, otherWords: OtherWords): DecodingGraph {
  const { nodes, source, target } = readArcs(graph);
  const label = graph.wholes("label", 1, numTokens - 1, source.length);
  const finals = graph.wholes("finals", 1, nodes - 1);
  if (!finals.length || finals.some((node, at) => at > 0 && node <= finals[at - 1]))
    throw graph.wrong("finals", "must be rising numbers of nodes, at least one");
  const into: Set<number>[] = Array.from({ length: nodes }, () => new Set<number>());
  for (let arc = 0; arc < source.length; arc++) {
    const order = arc && (target[arc] - target[arc - 1] || label[arc] - label[arc - 1] || source[arc] - source[arc - 1]);
    if (order < 0) throw graph.wrong("target", "is not in order: arcs go by target, label and source");
    into[target[arc]].add(label[arc]);
  }
  if (into.some((labels, node) => (node === 0) !== (labels.size === 0)))
    throw graph.wrong("target", "must lead to all nodes but 0");
  for (let arc = 0; arc < source.length; arc++) {
    const before = into[source[arc]];
    if (before.size > 1 && before.has(label[arc]))
      throw graph.wrong(`label[${arc}]`, `leads to node ${source[arc]} and leaves it, and others lead to it too`);
  }
  return new DecodingGraph(nodes, numTokens, source, label, target, finals, speller, speller.backwards(), otherWords);
}

function readSpelling(graph: Fields, said: readonly (readonly (readonly number[])[])[]): Speller {
  const { nodes, source, target } = readArcs(graph);
  const word = graph.wholes("word", 0, said.length - 1, source.length);
  const arcs = Array.from({ length: nodes }, () => new Map<number, number[]>());
  source.forEach((node, arc) => {
    if (!said[word[arc]].length) throw graph.wrong(`word[${arc}]`, "has no pronunciation");
    const targets = arcs[node].get(word[arc]);
    if (targets) targets.push(target[arc]);
    else arcs[node].set(word[arc], [target[arc]]);
  });
  return new Speller(arcs, graph.whole("start", 0, nodes - 1), new Set(graph.wholes("finals", 0, nodes - 1)), said);
}

function readSentences(graph: Fields, numWords: number): Sentences {
  const { nodes, source, target } = readArcs(graph);
  const word = graph.wholes("word", -1, numWords - 1, source.length);
  const meanings = graph.objects("meanings").map(readMeaning);
  const meaning = graph.wholes("meaning", -1, meanings.length - 1, source.length);
  const leaving: WordArc[][] = Array.from({ length: nodes }, () => []);
  source.forEach((node, arc) => {
    if (word[arc] >= 0 && meaning[arc] >= 0) throw graph.wrong(`meaning[${arc}]`, "is that of an arc with a word");
    leaving[node].push({
      target: target[arc],
      word: word[arc] >= 0 ? word[arc] : null,
      meaning: meaning[arc] >= 0 ? meanings[meaning[arc]] : null,
    });
  });
  return new Sentences(graph.whole("start", 0, nodes - 1), new Set(graph.wholes("finals", 0, nodes - 1)), leaving);
}

function readMeaning(meaning: Fields): Meaning {
  if (meaning.has("intent")) return { intent: meaning.text("intent") };
  const slot = meaning.text("slot");
  if (!meaning.has("begins")) return { slot, begins: false, value: meaning.any("value") };
  if (meaning.any("begins") !== true) throw meaning.wrong("begins", "is not true");
  return { slot, begins: true };
}

function readWake(wake: Fields, numTokens: number, frameSeconds: number, freeSpeech: FreeSpeech): WakeWordDetector {
  const phrases = wake.objects("phrases").map((phrase) => ({
    text: phrase.text("text"),
    threshold: phrase.number("threshold", -1e4, 0),
    ways: phrase.ways("ways", numTokens),
  }));
  if (!phrases.length) throw wake.wrong("phrases", "are none");
  return new WakeWordDetector(phrases, numTokens, frameSeconds, freeSpeech, {
    foldThreshold: wake.number("fold_threshold", 1e-9, 1),
    confirmSeconds: wake.number("confirm_seconds", frameSeconds, 60),
    refractorySeconds: wake.number("refractory_seconds", frameSeconds, 60),
    pauseSeconds: wake.number("pause_seconds", frameSeconds, 60),
    longestSeconds: wake.number("longest_seconds", frameSeconds, 60),
  });
}

/** Number of nodes, and source and target of the arcs of a graph without cycles. */
function readArcs(graph: Fields): { nodes: number; source: Int32Array; target: Int32Array } {
  const nodes = graph.whole("nodes", 2, MOST);
  const source = graph.wholes("source", 0, nodes - 1);
  const target = graph.wholes("target", 0, nodes - 1, source.length);
  if (!source.length || nodes > 2 * source.length + 1) throw graph.wrong("nodes", `is ${nodes} with ${source.length} arcs`);
  if (hasCycle(nodes, source, target)) throw graph.wrong("target", "leads in a circle");
  return { nodes, source, target };
}

/** Whether nodes are left when those that nothing leads to are taken away again and again. */
function hasCycle(nodes: number, source: Int32Array, target: Int32Array): boolean {
  const entering = new Int32Array(nodes);
  const leaving: number[][] = Array.from({ length: nodes }, () => []);
  source.forEach((node, arc) => {
    leaving[node].push(target[arc]);
    entering[target[arc]] += 1;
  });
  const ready = [...entering.keys()].filter((node) => !entering[node]);
  for (const node of ready) for (const following of leaving[node]) if (!--entering[following]) ready.push(following);
  return ready.length < nodes;
}
