/**
 * Wake words: phrases looked for in every frame of the log-probabilities that the decoder reads (runtime/wake/wakeword.py).
 *
 * The score of a phrase is the logarithm of the probability that it was just said, rather than anything else that a phone bigram
 * allows, divided by the number of phones.
 */

import type { FreeSpeech, FreeSpeechForward } from "../decoding/freeSpeech";
import type { Frame } from "../decoding/margins";
import { AudioError } from "../errors";
import { rounded } from "../numbers";
import { PhoneChains } from "./phoneChains";

/** Of a probability whose logarithm is taken. */
const LEAST = 1e-300;

/** Of the probability that the beginning of a phrase has where just the least for a detection will be said. */
const SLACK = 0.1;

/** A phrase to wait for. `threshold`: lowest score per phone of a detection; `ways`: tokens of each way to say it. */
export interface WakePhrase {
  readonly text: string;
  readonly threshold: number;
  readonly ways: readonly (readonly number[])[];
}

export interface WakeWordOptions {
  /** Probability of blank above which a frame is silent. */
  readonly foldThreshold: number;
  /** A detection is reported when no better one has followed for so long. */
  readonly confirmSeconds: number;
  /** Nothing is heard so soon after a detection. */
  readonly refractorySeconds: number;
  /** Longest pause inside a phrase, and longest phrase. */
  readonly pauseSeconds: number;
  readonly longestSeconds: number;
}

/** A phrase that was heard. `score`: log-probability per phone, <= 0; frames since the search began. */
export interface Detection {
  readonly phrase: string;
  readonly score: number;
  readonly firstFrame: number;
  readonly lastFrame: number;
}

/** Phrases to wait for. Immutable. */
export class WakeWordDetector {
  readonly phrases: readonly string[];
  readonly chains: PhoneChains;
  /** Probability of each phrase from which on it is heard. */
  readonly leastSaid: readonly number[];
  /** Probability at each place from which on a phrase may be said soon. */
  readonly leastBegun: Float64Array;
  readonly refractoryFrames: number;
  readonly pauseFrames: number;
  readonly confirmFrames: number;
  readonly longestFrames: number;
  readonly certain: number;

  constructor(
    phrases: readonly WakePhrase[],
    numTokens: number,
    frameSeconds: number,
    readonly freeSpeech: FreeSpeech,
    options: WakeWordOptions,
  ) {
    this.phrases = phrases.map((phrase) => phrase.text);
    this.chains = new PhoneChains(phrases.map((phrase) => phrase.ways), numTokens, freeSpeech);
    this.leastSaid = phrases.map(({ threshold }, number) => Math.exp(threshold * this.chains.numPhones[number]));
    this.leastBegun = this.chains.rest.map((rest, at) => SLACK * rest * this.leastSaid[this.chains.phrase[at]]);
    this.refractoryFrames = rounded(options.refractorySeconds / frameSeconds);
    this.pauseFrames = rounded(options.pauseSeconds / frameSeconds);
    this.confirmFrames = Math.max(1, rounded(options.confirmSeconds / frameSeconds));
    this.longestFrames = rounded(options.longestSeconds / frameSeconds);
    this.certain = Math.fround(options.foldThreshold);
  }

  /** A search that has heard nothing yet. */
  start(): WakeWordSearch {
    return new WakeWordSearch(this);
  }
}

/** The search of one stream. Memory and time per frame are constant. */
export class WakeWordSearch {
  private readonly size: number;
  private readonly rows: number;
  private readonly speech: FreeSpeechForward;
  private readonly phones: Float64Array[]; // of the last frames, row number modulo rows
  private readonly blanks: Float64Array[];
  private readonly frames: Int32Array; // frame of a row
  private phone: Float64Array;
  private blank: Float64Array;
  private numRows = 0;
  private numFrames = 0;
  private deafUntil = 0;
  private pause = 0; // frames of blank at the end
  private asleep = true; // whether all paths are dead
  private best: Detection | null = null; // until it is clear that nothing better follows
  private bestAbove = 0; // its probability over that of the threshold

  constructor(private readonly detector: WakeWordDetector) {
    this.size = detector.chains.labels.length;
    this.rows = detector.longestFrames;
    this.speech = detector.freeSpeech.begin();
    this.phones = Array.from({ length: this.rows }, () => new Float64Array(this.size));
    this.blanks = Array.from({ length: this.rows }, () => new Float64Array(this.size));
    this.frames = new Int32Array(this.rows);
    this.phone = detector.chains.idle;
    this.blank = new Float64Array(this.size);
  }

  /** Frames that were heard. */
  get heard(): number {
    return this.numFrames;
  }

  /** After how many frames a phrase may be heard, at the earliest: each phone that is left takes one at least. */
  get framesLeft(): number {
    const { chains, confirmFrames, leastBegun } = this.detector;
    if (this.best) return Math.max(1, this.best.lastFrame + confirmFrames + 1 - this.numFrames);
    let left = Math.max(...chains.phonesLeft);
    chains.phonesLeft.forEach((phones, at) => {
      if (phones < left && this.phone[at] + this.blank[at] > leastBegun[at]) left = phones;
    });
    return left + confirmFrames;
  }

  /** Search one frame of log-probabilities further. Returns what was just heard. */
  advance(logProbs: Frame): Detection | null {
    const { detector } = this;
    if (logProbs.length !== detector.chains.numTokens || logProbs.some(Number.isNaN))
      throw new AudioError(`a frame has NaN, or not ${detector.chains.numTokens} log-probabilities`);
    const probs = logProbs.map(Math.exp);
    const isBlank = probs.every((value) => value <= probs[0]);
    const isSilent = probs[0] > detector.certain;
    this.pause = isBlank ? this.pause + 1 : 0;
    if (this.pause > detector.pauseFrames && !this.asleep) this.reset();
    if (!(isSilent && this.asleep)) {
      if (isSilent) this.fold();
      else this.step(probs);
    }
    let found: Detection | null = null;
    if (this.best && this.numFrames - this.best.lastFrame >= detector.confirmFrames) {
      found = this.best;
      this.deafUntil = found.lastFrame + detector.refractoryFrames;
      this.best = null;
      this.reset();
    }
    this.numFrames += 1;
    return found;
  }

  /** Forget all paths. */
  private reset(): void {
    this.phone = this.detector.chains.idle;
    this.blank = new Float64Array(this.size);
    this.asleep = true;
    this.numRows = 0;
  }

  /** Where the scores of this frame go, in place of those of the oldest row. */
  private nextRow(): [Float64Array, Float64Array] {
    const at = this.numRows % this.rows;
    this.frames[at] = this.numFrames;
    this.numRows += 1;
    return [this.phones[at], this.blanks[at]];
  }

  /** A frame of certain blank: all phones end. */
  private fold(): void {
    const { chains } = this.detector;
    this.speech.rest();
    const [phone, blank] = this.nextRow();
    for (let at = 0; at < this.size; at++) blank[at] = chains.isStart(at) ? 0 : this.blank[at] + this.phone[at];
    phone.set(chains.idle);
    [this.phone, this.blank] = [phone, blank];
  }

  /** Any other frame. probs: of its tokens. */
  private step(probs: Frame): void {
    const { chains } = this.detector;
    this.asleep = false;
    const total = Math.fround(this.speech.advance(probs));
    const ratios = probs.map((value) => value / total);
    const [phone, blank] = this.nextRow();
    for (let at = this.size - 1; at >= 0; at--) {
      const [before, pause] = [this.phone[at], this.blank[at]];
      if (chains.isStart(at)) {
        [phone[at], blank[at]] = [chains.idle[at], 0];
        continue;
      }
      const into = this.phone[at - 1] * chains.goesOn[at] + this.blank[at - 1];
      phone[at] = (before + into) * ratios[chains.labels[at]];
      blank[at] = (pause + before) * ratios[0];
    }
    [this.phone, this.blank] = [phone, blank];
    if (this.numFrames >= this.deafUntil) this.decide();
  }

  /** Keep the likeliest phrase, if it is likely enough. */
  private decide(): void {
    const { chains, leastSaid, phrases } = this.detector;
    let number = 0;
    let above = -1;
    leastSaid.forEach((least, phrase) => {
      const each = chains.said(this.phone, phrase) / least;
      if (each > above) [number, above] = [phrase, each];
    });
    if (above < 1 || (this.best && above < this.bestAbove)) return;
    const firstFrame = this.begin(chains.likeliestEnd(this.phone, number));
    if (firstFrame === null) return;
    const score = Math.min(0, Math.log(Math.max(LEAST, chains.said(this.phone, number))) / chains.numPhones[number]);
    this.best = { phrase: phrases[number], score, firstFrame, lastFrame: this.numFrames };
    this.bestAbove = above;
  }

  /** First frame of the likeliest path to a phone now; null when it is older than the rows kept. */
  private begin(at: number): number | null {
    const { chains } = this.detector;
    let inPhone = true;
    const oldest = this.numRows > this.rows ? this.numRows - this.rows : -1;
    for (let row = this.numRows - 1; row > oldest; row--) {
      const begin = this.frames[row % this.rows];
      if (row === 0) return at > 0 && chains.isStart(at - 1) ? begin : null;
      const phone = this.phones[(row - 1) % this.rows];
      const blank = this.blanks[(row - 1) % this.rows];
      if (!inPhone) {
        inPhone = phone[at] >= blank[at];
        continue;
      }
      const direct = chains.labels[at] !== chains.labels[at - 1] ? phone[at - 1] : 0;
      if (phone[at] >= Math.max(direct, blank[at - 1])) continue;
      at -= 1;
      if (chains.isStart(at)) return begin;
      inPhone = direct >= blank[at];
    }
    return null;
  }
}
