/** What a page uses: a recognizer in a worker, and the microphone. Nothing that is heard leaves the page. */

import { SpeechLstmError } from "../errors";
import type { RecognizerOptions } from "../live/recognizer";
import type { State } from "../live/session";
import type { Cost } from "../live/stream";
import type { Event, Result } from "../results";
import type { Answer, Order } from "./messages";

/** Addresses of the files; those of the package by default beside this script. */
export interface ListenerFiles {
  readonly model: string | URL;
  readonly grammar: string | URL;
  readonly worker?: string | URL;
  readonly capture?: string | URL;
  readonly wasm?: string | URL;
}

const CLOSED = "the listener is closed";

/** What an order may say but its number. */
type Asked = Extract<Order, { id: number }>;
type Unnumbered = Asked extends infer Each ? (Each extends Asked ? Omit<Each, "id"> : never) : never;

interface Waiting {
  readonly resolve: (result: Result | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Loaded by `Listener.load`. `onevent` hears of wake words, commands and so on. */
export class Listener {
  onevent: (event: Event) => void = () => undefined;
  onerror: (error: Error) => void = (error) => console.error(error);
  /** Of the stream that listens. */
  state: State = "idle";
  cost: Cost = { audio: 0, work: 0 };
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private closed = false;
  private audio: { readonly context: AudioContext; readonly stream: MediaStream } | undefined;
  private last: Promise<void> = Promise.resolve(); // of what starts and stops, one after the other

  private constructor(private readonly worker: Worker, private readonly capture: string) {
    worker.onmessage = ({ data }: MessageEvent<Answer>): void => this.hear(data);
    worker.onerror = (event): void => this.fail(new SpeechLstmError(`the worker failed: ${event.message}`));
  }

  /** Load model and grammar. GrammarError, ModelError or OptionError by `name` where something is wrong. */
  static async load(files: ListenerFiles, options: RecognizerOptions = {}): Promise<Listener> {
    const beside = (given: string | URL | undefined, name: string): string =>
      given === undefined ? new URL(name, import.meta.url).href : new URL(given, location.href).href;
    const worker = new Worker(beside(files.worker, "worker.js"), { type: "module" });
    const listener = new Listener(worker, beside(files.capture, "capture.js"));
    try {
      await listener.ask({
        do: "load", model: beside(files.model, ""), grammar: beside(files.grammar, ""),
        wasm: beside(files.wasm, "ort-wasm-simd-threaded.wasm"), options,
      });
    } catch (error) {
      worker.terminate();
      throw error;
    }
    return listener;
  }

  /** Listen to a microphone, which the browser asks for, or to another stream, until `stop`. */
  async start(stream?: MediaStream): Promise<void> {
    return this.inTurn(async () => {
      await this.end();
      try {
        await this.begin(stream);
      } catch (error) {
        await this.end();
        throw error;
      }
    });
  }

  /** Decide about what was said so far, and let the microphone go. */
  async stop(): Promise<void> {
    return this.inTurn(() => this.end());
  }

  /** The command in a recording: floats in -1..1, one channel. */
  async recognize(samples: Float32Array, rate: number): Promise<Result> {
    const result = await this.ask({ do: "recognize", samples, rate });
    if (!result) throw new SpeechLstmError("the worker gave no result");
    return result;
  }

  /** Another compiled grammar, from the next command on. */
  async use(grammar: string | URL): Promise<void> {
    await this.ask({ do: "use", grammar: new URL(grammar, location.href).href });
  }

  /** Push-to-talk, button down: listen for a command now. */
  press(): void {
    this.send({ do: "press" });
  }

  /** Push-to-talk, button up: the command is over. */
  release(): void {
    this.send({ do: "release" });
  }

  /** Stop, and free the worker's memory. What is still asked for fails, and so does what is asked for later. */
  async close(): Promise<void> {
    await this.stop();
    this.closed = true;
    this.worker.terminate();
    this.reject(new SpeechLstmError(CLOSED));
  }

  /** After what was started or stopped before, which may have failed. */
  private async inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.last.catch(() => undefined).then(act);
    this.last = done;
    return done;
  }

  private async begin(stream?: MediaStream): Promise<void> {
    if (this.closed) throw new SpeechLstmError(CLOSED);
    const heard = stream ?? (await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } }));
    const context = new AudioContext();
    this.audio = { context, stream: heard };
    for (const track of heard.getTracks()) track.onended = (): void => this.onerror(new SpeechLstmError("the microphone is gone"));
    await context.audioWorklet.addModule(this.capture);
    const node = new AudioWorkletNode(context, "speech-lstm-capture", { numberOfOutputs: 0 });
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage(port1, [port1]);
    await this.ask({ do: "listen", rate: context.sampleRate, port: port2 }, [port2]);
    context.createMediaStreamSource(heard).connect(node);
    await context.resume();
  }

  private async end(): Promise<void> {
    const { audio } = this;
    this.audio = undefined;
    if (!audio) return;
    for (const track of audio.stream.getTracks()) track.stop();
    await audio.context.close();
    await this.ask({ do: "stop" });
  }

  private async ask(order: Unnumbered, transfer: Transferable[] = []): Promise<Result | undefined> {
    if (this.closed) throw new SpeechLstmError(CLOSED);
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send({ ...order, id }, transfer);
    });
  }

  private send(order: Order, transfer: Transferable[] = []): void {
    this.worker.postMessage(order, transfer);
  }

  private hear(answer: Answer): void {
    switch (answer.tell) {
      case "done":
        this.waiting.get(answer.id)?.resolve(answer.result);
        this.waiting.delete(answer.id);
        return;
      case "failed": {
        const error = new SpeechLstmError(answer.message);
        error.name = answer.name;
        this.waiting.get(answer.id)?.reject(error);
        this.waiting.delete(answer.id);
        return;
      }
      case "heard":
        this.state = answer.state;
        this.cost = answer.cost;
        for (const event of answer.events) this.onevent(event);
        return;
      case "broken":
        this.onerror(new SpeechLstmError(answer.message));
    }
  }

  private fail(error: Error): void {
    this.reject(error);
    this.onerror(error);
  }

  private reject(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
