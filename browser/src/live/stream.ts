/** A stream of audio: any pieces in, events out (runtime/live/stream.py). */

import { Noise } from "../audio/noise";
import { StreamResampler } from "../audio/resampler";
import { toFloat, type Samples } from "../audio/samples";
import { AudioError } from "../errors";
import type { Model } from "../model/model";
import type { Event } from "../results";
import type { Heard } from "./commandSearch";
import type { Session, State } from "./session";

/** What hearing costs: seconds of audio, and seconds of work for them. */
export interface Cost {
  readonly audio: number;
  readonly work: number;
}

/**
 * Everything that changes while audio comes in; made by `Recognizer.stream`.
 *
 * The model gets blocks of a fixed length, or up to eight of them at once where no command can be over soon, which is
 * cheaper. They are counted from the start of the stream, so that how the audio is cut into `accept` calls changes nothing
 * but when events come.
 */
export class Stream {
  private readonly resampler: StreamResampler;
  private modelState: Float32Array;
  private waiting = new Float32Array(0);
  private readonly noise = new Noise();
  private listened = 0; // blocks of what waits that the noise has had, up to the first with a sound
  private isSound = false; // whether there is one
  private heard = 0; // samples at 16 kHz
  private unheard = 0; // of what came in, samples that the model has not had
  private worked = 0; // seconds
  private finished = false;
  private last: Promise<unknown> = Promise.resolve(); // calls wait for each other

  constructor(
    private readonly model: Model,
    private readonly session: Session,
    private readonly block: number,
    sampleRate: number,
  ) {
    this.resampler = new StreamResampler(sampleRate);
    this.modelState = model.initialState();
  }

  /** Seconds of audio that the model has heard. */
  get time(): number {
    return this.session.time;
  }

  /** Seconds of audio that came in, and seconds of work for them. */
  get cost(): Cost {
    return { audio: this.heard / this.model.facts.sampleRate, work: this.worked };
  }

  /** Whether the stream is idle, awake or listening. */
  get state(): State {
    return this.session.state;
  }

  /** Hear some audio: any length, at the stream's rate. Returns what happened. */
  async accept(samples: Samples): Promise<Event[]> {
    if (this.finished) throw new AudioError("the stream is finished; begin another with Recognizer.stream()");
    const audio = this.resampler.accept(toFloat(samples)).slice();
    this.unheard += audio.length;
    return this.inTurn(() => this.hear(audio));
  }

  /** The audio is over: hear a little silence after it, decide, and close the stream. */
  async finish(): Promise<Event[]> {
    if (this.finished) return [];
    this.finished = true;
    const rest = this.resampler.finish();
    return this.inTurn(async () => {
      const events = await this.hear(rest);
      const { sampleRate, tailSeconds } = this.model.facts;
      this.session.endAt(this.heard / sampleRate);
      const tail = Math.round(tailSeconds * sampleRate);
      const missing = (this.block - ((this.waiting.length + tail) % this.block)) % this.block;
      events.push(...(await this.hear(new Float32Array(tail + missing), true)));
      return [...events, ...this.session.finish()];
    });
  }

  /** Push-to-talk, button down: listen for a command now. No wake word is needed. */
  press(): void {
    this.session.press();
  }

  /** Push-to-talk, button up: the command is over. */
  release(): void {
    const { sampleRate, frameSeconds } = this.model.facts;
    this.session.release(Math.floor(this.unheard / Math.round(sampleRate * frameSeconds)));
  }

  /** Another grammar from the next command on. */
  use(grammar: Heard): void {
    this.session.use(grammar);
  }

  /** All whole blocks of what waits and some more. isLast: no more audio will come. */
  private async hear(audio: Float32Array, isLast = false): Promise<Event[]> {
    this.heard += audio.length;
    let rest = new Float32Array(this.waiting.length + audio.length);
    rest.set(this.waiting);
    rest.set(audio, this.waiting.length);
    const events: Event[] = [];
    for (let size = this.next(rest, isLast); rest.length >= size; size = this.next(rest, isLast)) {
      this.listened = 0;
      this.isSound = false;
      const { frames, state } = await this.model.run(rest.slice(0, size), this.modelState);
      this.modelState = state;
      this.unheard -= size;
      events.push(...this.session.advance(frames));
      rest = rest.subarray(size);
    }
    this.waiting = rest.slice();
    return events;
  }

  /** Samples that the model gets next of those that wait. */
  private next(waiting: Float32Array, isLast: boolean): number {
    const size = this.blocks(waiting) * this.block;
    return isLast && waiting.length < size ? this.block : size;
  }

  /** How many blocks of what waits are heard at once, which may be more than there are yet. */
  private blocks(waiting: Float32Array): number {
    const { sampleRate, frameSeconds } = this.model.facts;
    const [few, most] = this.session.blocks(Math.round(this.block / (sampleRate * frameSeconds)));
    if (few === most) {
      this.noise.forget();
      return most;
    }
    while (!this.isSound && this.listened < Math.min(most, Math.floor(waiting.length / this.block))) {
      const start = this.listened * this.block;
      this.isSound = this.noise.isUnder(waiting.subarray(start, start + this.block));
      this.listened += 1;
    }
    return this.isSound ? Math.max(few, this.listened) : most;
  }

  private async inTurn(work: () => Promise<Event[]>): Promise<Event[]> {
    const timed = async (): Promise<Event[]> => {
      const before = performance.now();
      const events = await work();
      this.worked += (performance.now() - before) / 1000;
      return events;
    };
    const result = this.last.then(timed, timed);
    this.last = result.catch(() => undefined);
    return result;
  }
}
