/** Wake words: phrases looked for in every frame of the log-probabilities that the decoder reads (runtime/wake/wakeword.py). */

import { relative, type Frame } from "../decoding/margins";
import { rounded } from "../numbers";
import { PhoneChains } from "./phoneChains";

/** A phrase to wait for. `threshold`: lowest score per phone of a detection; `ways`: tokens of each way to say it. */
export interface WakePhrase {
  readonly text: string;
  readonly threshold: number;
  readonly ways: readonly (readonly number[])[];
}

export interface WakeWordOptions {
  readonly blankOffset: number;
  readonly foldThreshold: number;
  readonly confirmSeconds: number;
  readonly refractorySeconds: number;
  readonly pauseSeconds: number;
  readonly longestSeconds: number;
}

/** A phrase that was heard. `score`: margin per phone, <= 0; frames since the search began. */
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
  readonly wayThresholds: Float32Array;
  readonly refractoryFrames: number;
  readonly pauseFrames: number;
  readonly confirmFrames: number;
  readonly longestFrames: number;
  readonly certain: number;

  constructor(phrases: readonly WakePhrase[], numTokens: number, frameSeconds: number, readonly options: WakeWordOptions) {
    this.phrases = phrases.map((phrase) => phrase.text);
    this.chains = new PhoneChains(phrases.map((phrase) => phrase.ways), numTokens);
    this.wayThresholds = Float32Array.from(this.chains.phraseOf, (phrase) => phrases[phrase].threshold);
    this.refractoryFrames = rounded(options.refractorySeconds / frameSeconds);
    this.pauseFrames = rounded(options.pauseSeconds / frameSeconds);
    this.confirmFrames = Math.max(1, rounded(options.confirmSeconds / frameSeconds));
    this.longestFrames = rounded(options.longestSeconds / frameSeconds);
    this.certain = Math.log(options.foldThreshold);
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
  private readonly phones: Float32Array[]; // of the last frames, row number modulo rows
  private readonly blanks: Float32Array[];
  private readonly frames: Int32Array; // frame of a row
  private phone: Float32Array;
  private blank: Float32Array;
  private numRows = 0;
  private numFrames = 0;
  private deafUntil = 0;
  private pause = 0; // frames of blank at the end
  private asleep = true; // whether all paths are dead
  private best: Detection | null = null; // until it is clear that nothing better follows
  private bestAbove = 0; // its score above the threshold

  constructor(private readonly detector: WakeWordDetector) {
    this.size = detector.chains.labels.length;
    this.rows = detector.longestFrames;
    this.phones = Array.from({ length: this.rows }, () => new Float32Array(this.size));
    this.blanks = Array.from({ length: this.rows }, () => new Float32Array(this.size));
    this.frames = new Int32Array(this.rows);
    this.phone = detector.chains.idle;
    this.blank = new Float32Array(this.size).fill(-Infinity);
  }

  /** Frames that were heard. */
  get heard(): number {
    return this.numFrames;
  }

  /** Search one frame of log-probabilities further. Returns what was just heard. */
  advance(logProbs: Frame): Detection | null {
    const { detector } = this;
    const row = relative(logProbs, detector.options.blankOffset, detector.chains.numTokens);
    const isBlank = row[0] === 0;
    const isSilent = isBlank && logProbs[0] > detector.certain;
    this.pause = isBlank ? this.pause + 1 : 0;
    if (this.pause > detector.pauseFrames && !this.asleep) this.reset();
    if (!(isSilent && this.asleep)) {
      if (isSilent) this.fold();
      else this.step(row);
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
    this.blank = new Float32Array(this.size).fill(-Infinity);
    this.asleep = true;
    this.numRows = 0;
  }

  /** Where the scores of this frame go, in place of those of the oldest row. */
  private nextRow(): [Float32Array, Float32Array] {
    const at = this.numRows % this.rows;
    this.frames[at] = this.numFrames;
    this.numRows += 1;
    return [this.phones[at], this.blanks[at]];
  }

  /** A frame of certain blank: all phones end. */
  private fold(): void {
    const [phone, blank] = this.nextRow();
    for (let at = 0; at < this.size; at++) blank[at] = Math.max(this.blank[at], this.phone[at]);
    phone.set(this.detector.chains.idle);
    [this.phone, this.blank] = [phone, blank];
  }

  /** Any other frame. */
  private step(row: Frame): void {
    const { labels, barrier, numTokens, lasts, numPhones, phraseOf } = this.detector.chains;
    this.asleep = false;
    const [phone, blank] = this.nextRow();
    for (let at = this.size - 1; at >= 0; at--) {
      const before = at ? Math.max(this.phone[at - 1] + barrier[at - 1], this.blank[at - 1]) : -Infinity;
      const score = labels[at] === numTokens ? 0 : row[labels[at]];
      const inBlank = Math.max(this.blank[at], this.phone[at]) + row[0];
      phone[at] = Math.max(this.phone[at], before) + score;
      blank[at] = inBlank;
    }
    [this.phone, this.blank] = [phone, blank];
    if (this.numFrames < this.deafUntil) return;
    let way = 0;
    let [score, above] = [0, -Infinity];
    for (let each = 0; each < lasts.length; each++) {
      const eachScore = Math.fround(phone[lasts[each]] / numPhones[each]);
      const eachAbove = Math.fround(eachScore - this.detector.wayThresholds[each]);
      if (eachAbove > above) [way, score, above] = [each, eachScore, eachAbove];
    }
    if (above < 0 || (this.best && above < this.bestAbove)) return;
    const begin = this.begin(lasts[way]);
    if (begin !== null) {
      const phrase = this.detector.phrases[phraseOf[way]];
      this.best = { phrase, score, firstFrame: begin, lastFrame: this.numFrames };
      this.bestAbove = above;
    }
  }

  /** First frame of the best path to a phone now; null when it is older than the rows kept. */
  private begin(at: number): number | null {
    const { labels, idle } = this.detector.chains;
    let inPhone = true;
    const oldest = this.numRows > this.rows ? this.numRows - this.rows : -1;
    for (let row = this.numRows - 1; row > oldest; row--) {
      const begin = this.frames[row % this.rows];
      if (row === 0) return at > 0 && idle[at - 1] === 0 ? begin : null;
      const phone = this.phones[(row - 1) % this.rows];
      const blank = this.blanks[(row - 1) % this.rows];
      if (!inPhone) {
        inPhone = phone[at] >= blank[at];
        continue;
      }
      const direct = labels[at] !== labels[at - 1] ? phone[at - 1] : -Infinity;
      if (phone[at] >= Math.max(direct, blank[at - 1])) continue;
      at -= 1;
      if (idle[at] === 0) return begin;
      inPhone = direct >= blank[at];
    }
    return null;
  }
}
