/** The acoustic model: an ONNX Runtime session that turns audio into log-probabilities of tokens (runtime/model/model.py). */

import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import type { Frame } from "../decoding/margins";
import { ModelError } from "../errors";
import type { ModelFacts } from "../grammar/compiled";

env.wasm.numThreads = 1;
env.logLevel = "error";

/** What the model made of some audio, and the state to go on from. */
export interface Heard {
  readonly frames: Frame[];
  readonly state: Float32Array;
}

/** An acoustic model. Holds no stream's state. */
export class Model {
  private constructor(private readonly session: InferenceSession, readonly facts: ModelFacts) {}

  /** The content of an .onnx file, and what a grammar says of the model that it was compiled for. ModelError where they do not fit. */
  static async load(content: Uint8Array, facts: ModelFacts): Promise<Model> {
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(content, { executionProviders: ["wasm"], intraOpNumThreads: 1 });
    } catch (error) {
      throw new ModelError(`the model cannot be loaded: ${String(error)}`);
    }
    const inputs = session.inputNames.join();
    const outputs = [...session.outputNames].sort().join();
    const size = lastSize(session.inputMetadata, "state");
    const tokens = lastSize(session.outputMetadata, "log_probs");
    if (inputs !== "audio,state" || outputs !== "log_probs,next_state" || size !== facts.stateSize || tokens !== facts.tokens.length)
      throw new ModelError(
        `the model has inputs ${inputs}, outputs ${outputs}, a state of ${String(size)} and ${String(tokens)} tokens; the grammar ` +
          `was compiled for one with a state of ${facts.stateSize} and ${facts.tokens.length} tokens: compile it for this model`,
      );
    return new Model(session, facts);
  }

  /** The state before any audio. */
  initialState(): Float32Array {
    return new Float32Array(this.facts.stateSize);
  }

  /** Advance a stream by some audio: samples at 16 kHz, a multiple of `chunkSamples`. */
  async run(audio: Float32Array, state: Float32Array): Promise<Heard> {
    const found = await this.session.run({
      audio: new Tensor("float32", audio, [1, audio.length]),
      state: new Tensor("float32", state, [1, state.length]),
    });
    const logProbs = found.log_probs.data;
    const next = found.next_state.data;
    if (!(logProbs instanceof Float32Array && next instanceof Float32Array)) throw new ModelError("the model gives no floats");
    const tokens = this.facts.tokens.length;
    const frames = Array.from({ length: logProbs.length / tokens }, (_, at) => logProbs.slice(at * tokens, (at + 1) * tokens));
    return { frames, state: next };
  }

  /** What is said in a whole clip, heard to its end, with the silence after it that the model asks for. */
  async logProbs(audio: Float32Array, blockSamples = Infinity): Promise<Frame[]> {
    const { chunkSamples, tailSeconds, sampleRate } = this.facts;
    const tail = Math.round(tailSeconds * sampleRate);
    const padded = new Float32Array(Math.ceil((audio.length + tail) / chunkSamples) * chunkSamples);
    padded.set(audio);
    const frames: Frame[] = [];
    let state = this.initialState();
    const block = Math.min(blockSamples, padded.length);
    for (let start = 0; start < padded.length; start += block) {
      const heard = await this.run(padded.slice(start, start + block), state);
      frames.push(...heard.frames);
      state = heard.state;
    }
    return frames;
  }
}

/** Where the WebAssembly file of ONNX Runtime is, if not beside the script, or what is in it. */
export function setWasm(wasm: string | URL | Uint8Array): void {
  if (wasm instanceof Uint8Array) env.wasm.wasmBinary = wasm;
  env.wasm.wasmPaths = { wasm: wasm instanceof Uint8Array ? "given" : String(wasm) };
}

function lastSize(values: readonly InferenceSession.ValueMetadata[], name: string): number | string | undefined {
  const found = values.find((value) => value.name === name);
  return found?.isTensor ? found.shape[found.shape.length - 1] : undefined;
}
