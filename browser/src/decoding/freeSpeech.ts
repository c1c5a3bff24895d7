/**
 * How likely each frame is after all before it, when anybody may say anything (runtime/decoding/free_speech.py): the CTC topology
 * looped through a bigram of phones, by the forward algorithm, scaled so that it never under- or overflows.
 */

import { AudioError } from "../errors";

/** Of a probability. */
const LEAST = 1e-30;

/**
 * A bigram of n phones, numbered from 0; the model's token 0 is blank, so its tokens are one more. `start`: which phone speech
 * begins with. `move`: n rows of n, a row: after which phone. `often`: how often each phone is said.
 */
export class FreeSpeech {
  readonly into: Float32Array; // phones going on, phones after blank, the beginning: each a row of n

  constructor(readonly start: Float32Array, readonly move: Float32Array, readonly often: Float32Array) {
    const n = start.length;
    this.into = new Float32Array((2 * n + 1) * n);
    this.into.set(move);
    for (let phone = 0; phone < n; phone++) this.into[phone * n + phone] = 1; // after itself it needs a blank: it goes on
    this.into.set(move, n * n);
    this.into.set(start, 2 * n * n);
  }

  /** Of a sequence of tokens, at least one, anywhere in speech. */
  probability(tokens: readonly number[]): number {
    const n = this.start.length;
    let found = this.often[tokens[0] - 1];
    for (let at = 1; at < tokens.length; at++) found *= this.move[(tokens[at - 1] - 1) * n + tokens[at] - 1];
    return found;
  }

  /** Nothing has been heard. */
  begin(): FreeSpeechForward {
    return new FreeSpeechForward(this);
  }
}

/** The forward algorithm at work on one stream. Memory and time per frame are constant. */
export class FreeSpeechForward {
  private readonly n: number;
  private readonly state: Float32Array; // phones, blanks after them, the blank before all
  private readonly phones: Float64Array;

  constructor(private readonly model: FreeSpeech) {
    this.n = model.start.length;
    this.state = new Float32Array(2 * this.n + 1);
    this.state[2 * this.n] = 1;
    this.phones = new Float64Array(this.n);
  }

  /** p(frame | frames before). probs: of the tokens, blank first. */
  advance(probs: Float32Array): number {
    const { n, state, phones } = this;
    const { into } = this.model;
    phones.fill(0);
    for (let from = 0; from <= 2 * n; from++) {
      const share = state[from];
      if (share) for (let to = 0; to < n; to++) phones[to] += share * into[from * n + to];
    }
    let total = 0;
    for (let at = 2 * n; at >= n; at--) {
      state[at] = (state[at] + (at < 2 * n ? state[at - n] : 0)) * probs[0];
      total += state[at];
    }
    for (let at = 0; at < n; at++) {
      state[at] = phones[at] * probs[at + 1];
      total += state[at];
    }
    if (!(total > 0)) {
      if (!probs.some((value) => value > 0)) throw new AudioError("log-probabilities have NaN, or a frame has no possible token");
      total = LEAST;
      for (let at = 0; at < state.length; at++) state[at] += LEAST / state.length;
    }
    for (let at = 0; at < state.length; at++) state[at] /= total;
    return total;
  }

  /** A frame of certain blank, which is as likely as can be. */
  rest(): void {
    const { n, state } = this;
    for (let at = 0; at < n; at++) {
      state[n + at] += state[at];
      state[at] = 0;
    }
  }
}
