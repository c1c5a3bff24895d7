/** The recognizer: a model and a compiled grammar, ready for clips and streams (runtime/live/recognizer.py). */

import { SAMPLE_RATE, StreamResampler } from "../audio/resampler";
import { lifted, toFloat, type Samples } from "../audio/samples";
import type { Decoder } from "../decoding/decoder";
import type { Frame } from "../decoding/margins";
import { AudioError, GrammarError, ModelError } from "../errors";
import { readGrammar, type CompiledGrammar } from "../grammar/compiled";
import { Model, setWasm } from "../model/model";
import type { Result, Value } from "../results";
import type { Heard } from "./commandSearch";
import { Interpreter } from "./interpreter";
import { Session, sessionOptions, type SessionOptions } from "./session";
import { Stream } from "./stream";

/** Most memory of a search for what it has heard, where `maxFrames` is not enough. */
const HISTORY_BYTES = 64 << 20;

/** Audio that the model gets at a time in streams and in clips. */
const BLOCK_SECONDS = 0.08;
const CLIP_SECONDS = 10;

export interface RecognizerOptions {
  /** Least confidence of an accepted command, 0 to 1; by default what the grammar says. */
  readonly threshold?: number;
  /** How many other commands a result holds at most; by default 2. */
  readonly alternatives?: number;
  readonly session?: Partial<SessionOptions>;
}

/** Where things are: addresses to fetch, or their content. */
export interface Sources {
  /** The .onnx file. */
  readonly model: string | URL | Uint8Array;
  /** What `speech-lstm grammar compile` wrote. */
  readonly grammar: string | URL | Value;
  /** The WebAssembly file of ONNX Runtime; by default beside the script. */
  readonly wasm?: string | URL | Uint8Array;
}

/** Hears commands. Immutable, loads its model once; many streams may share it. */
export class Recognizer {
  private readonly asked: Interpreter;
  private readonly open: Interpreter;
  private readonly session: SessionOptions;

  private constructor(
    readonly model: Model,
    private readonly compiled: CompiledGrammar,
    private readonly options: RecognizerOptions,
  ) {
    this.asked = new Interpreter(compiled, options.threshold ?? compiled.thresholds.accept);
    this.open = new Interpreter(compiled, options.threshold ?? compiled.thresholds.open);
    this.session = sessionOptions(options.session);
  }

  /** Fetches and loads. GrammarError, ModelError or OptionError where something is wrong. */
  static async load({ model, grammar, wasm }: Sources, options: RecognizerOptions = {}): Promise<Recognizer> {
    if (wasm) setWasm(wasm);
    const content = model instanceof Uint8Array ? Promise.resolve(model) : fetchModel(model);
    const [bytes, compiled] = await Promise.all([content, loadGrammar(grammar)]);
    return new Recognizer(await Model.load(bytes, compiled.model), compiled, options);
  }

  /** A recognizer for another grammar that shares the loaded model. */
  async withGrammar(grammar: string | URL | Value): Promise<Recognizer> {
    const compiled = await loadGrammar(grammar);
    if (JSON.stringify(compiled.model) !== JSON.stringify(this.compiled.model))
      throw new GrammarError("the grammar was compiled for another model");
    return new Recognizer(this.model, compiled, this.options);
  }

  /** The command that a whole clip holds; a wake word is not needed. */
  async recognize(samples: Samples, sampleRate = SAMPLE_RATE): Promise<Result> {
    const resampler = new StreamResampler(sampleRate);
    const start = resampler.accept(toFloat(samples));
    const end = resampler.finish();
    const audio = new Float32Array(start.length + end.length);
    audio.set(start);
    audio.set(end, start.length);
    if (!audio.length) throw new AudioError("there are no samples; expected some audio");
    const frames = await this.model.logProbs(lifted(audio), this.wholeChunks(CLIP_SECONDS));
    return this.decode(frames, audio.length / SAMPLE_RATE);
  }

  /** The command in what the model made of a clip; no time is after `seconds`. */
  decode(logProbs: readonly Frame[], seconds = Infinity): Result {
    const decoder = this.compiled.decoder.remembering(logProbs.length, HISTORY_BYTES);
    const search = decoder.start();
    decoder.advance(search, logProbs);
    const sentences = decoder.sentences(search);
    return this.asked.decide(sentences, search.now.numFrames, this.options.alternatives ?? 2, 0, seconds).result;
  }

  /** A new stream of audio at that rate. It waits for the wake words of the grammar, if there are any. */
  stream(sampleRate = SAMPLE_RATE): Stream {
    return new Stream(this.model, this.newSession(), this.wholeChunks(BLOCK_SECONDS), sampleRate);
  }

  /** Of a new stream; hearsWakeWord: false leaves the grammar's wake words out. */
  newSession(hearsWakeWord = true): Session {
    const wake = hearsWakeWord ? this.compiled.wake : null;
    const hearsWords = this.compiled.model.tokens.at(-1) === "<unk>"; // one is heard in a frame
    const options = hearsWords ? { ...this.session, speechFrames: 1 } : this.session;
    return new Session(this.forStream, options, this.options.alternatives ?? 2, wake);
  }

  /** What `Stream.use` takes. */
  get forStream(): Heard {
    return { decoder: this.sessionDecoder, asked: this.asked, unasked: this.open };
  }

  /** The decoder with a history for the longest command of a stream. */
  private get sessionDecoder(): Decoder {
    const longest = this.session.totalSeconds + this.session.prerollSeconds;
    return this.compiled.decoder.remembering(Math.round(longest / this.compiled.model.frameSeconds) + 1, HISTORY_BYTES);
  }

  private wholeChunks(seconds: number): number {
    const { chunkSamples, sampleRate } = this.compiled.model;
    return Math.max(1, Math.round((seconds * sampleRate) / chunkSamples)) * chunkSamples;
  }
}

async function fetchModel(url: string | URL): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new ModelError(`${String(url)}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function loadGrammar(grammar: string | URL | Value): Promise<CompiledGrammar> {
  if (typeof grammar !== "string" && !(grammar instanceof URL)) return readGrammar(grammar);
  const response = await fetch(grammar);
  if (!response.ok) throw new GrammarError(`${String(grammar)}: ${response.status} ${response.statusText}`);
  let document: Value;
  try {
    document = (await response.json()) as Value;
  } catch (error) {
    throw new GrammarError(`${String(grammar)}: not a compiled grammar: ${String(error)}`);
  }
  return readGrammar(document, String(grammar));
}
