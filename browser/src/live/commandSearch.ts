/** The search for one command of a stream (runtime/live/command_search.py). */

import type { Decoder, DecoderState, Progress } from "../decoding/decoder";
import type { Frame } from "../decoding/margins";
import type { Decision, Interpreter } from "./interpreter";

/**
 * A grammar as a session uses it: after a wake word or a button a command is likelier than where all that is said may be one,
 * so there are two thresholds.
 */
export interface Heard {
  readonly decoder: Decoder;
  readonly asked: Interpreter;
  readonly unasked: Interpreter;
}

/**
 * Hears frames and answers about those heard so far. `origin`: frame of the stream at which it began. `isAsked`: whether
 * there was a wake word or a button.
 */
export class CommandSearch {
  private readonly state: DecoderState;
  private readonly heard: Frame[];
  private told: { words: string; frame: number };
  private tried = -Infinity;

  /** before: frames that were heard before it was clear that somebody speaks. */
  constructor(private readonly grammar: Heard, public isAsked: boolean, readonly origin: number, before: readonly Frame[]) {
    this.state = grammar.decoder.start();
    this.heard = [...before];
    grammar.decoder.advance(this.state, before);
    this.told = { words: "", frame: this.now.numFrames };
  }

  private get interpreter(): Interpreter {
    return this.isAsked ? this.grammar.asked : this.grammar.unasked;
  }

  get now(): Progress {
    return this.state.now;
  }

  /** Hear the next frame. */
  follow(logProbs: Frame): Progress {
    this.heard.push(logProbs);
    return this.grammar.decoder.follow(this.state, logProbs);
  }

  /** Whether more phones may follow on the best path. */
  get canContinue(): boolean {
    return this.grammar.decoder.canContinue(this.now);
  }

  /** The words that are over on the best path, if they are others than last time and that is `wait` frames ago. */
  newWords(wait: number): string {
    const frame = this.now.numFrames;
    if (frame - this.told.frame < wait) return "";
    const words = this.interpreter.text(this.grammar.decoder.partial(this.state));
    const before = this.told.words;
    this.told = { words, frame };
    return words === before ? "" : words;
  }

  /** Frames since `mightBeAccepted` was asked for. */
  get untried(): number {
    return this.now.numFrames - this.tried;
  }

  /** Whether the best sentence would be accepted if it had no rival; this costs much less than to decide. */
  mightBeAccepted(): boolean {
    this.tried = this.now.numFrames;
    const best = this.grammar.decoder.best(this.state);
    return best !== null && this.interpreter.accepts(best, this.now.numFrames);
  }

  /** The result, with that many alternatives at most; no time is after `time`. */
  decide(alternatives: number, time: number): Decision {
    const sentences = this.grammar.decoder.sentences(this.state);
    return this.interpreter.decide(sentences, this.now.numFrames, alternatives, this.origin, time);
  }

  /** The frames that were heard, from one of the search on. */
  since(frame: number): Frame[] {
    return this.heard.slice(frame);
  }
}
