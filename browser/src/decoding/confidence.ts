/** Path scores to probabilities: logistic regression over margins (runtime/decoding/confidence.py). */

import type { Hypothesis, HypothesisWord } from "./hypothesis";
import { MOST_LEAD } from "./otherWords";

export const FEATURES = [
  "margin", "worst_word", "log_phones", "filler", "pace", "rival", "weak_word", "evidence", "weak_evidence", "other_word",
] as const;

/** Seconds per phone that still are ordinary speech. */
const SLOW = 0.24;

/** Lead over the best sentence of another meaning, in nats, from which on it is no rival. */
export const CLEAR = 6;

/** Lowest value of a feature, so that one impossible phone does not hide everything else. */
const FLOOR = -8;

/** Evidence per phone: what is clear is clear. */
const MOST_EVIDENCE = 2.5;

/** probability = 1 / (1 + exp(-(intercept + weights . features))) */
export class ConfidenceModel {
  /** weights: as `FEATURES`. */
  constructor(
    private readonly intercept: number,
    private readonly weights: readonly number[],
    private readonly frameSeconds: number,
  ) {}

  /**
   * That exactly the words of a hypothesis were said in so many frames; lead: over the best sentence of another meaning; leads:
   * of each word over other words, none for as clear as can be.
   */
  command({ words, score, commandScore }: Hypothesis, numFrames: number, lead = Infinity, leads: readonly number[] = []): number {
    if (!words.length) return 0;
    const frames = words[words.length - 1].lastFrame - words[0].firstFrame + 1;
    const filler = (score - commandScore) / Math.max(1, numFrames - frames);
    return this.probability(this.features(words, commandScore, filler, lead, leads));
  }

  /** That some successive words were said, in a command of `numPhones` phones altogether. */
  span(words: readonly HypothesisWord[], numPhones: number, lead = Infinity, leads: readonly number[] = []): number {
    const score = words.reduce((sum, word) => sum + word.score, 0);
    const features = this.features(words, score, 0, lead, leads);
    features[2] = Math.log(numPhones);
    return this.probability(features);
  }

  private features(words: readonly HypothesisWord[], score: number, filler: number, lead: number, leads: readonly number[]): number[] {
    const frames = words[words.length - 1].lastFrame - words[0].firstFrame + 1;
    const phones = words.reduce((sum, word) => sum + word.numPhones, 0);
    const worst = Math.min(...words.map((word) => word.score / word.numPhones));
    const weak = Math.min(...words.map((word) => word.score / Math.sqrt(word.numPhones)));
    return [
      within(score / phones, FLOOR),
      within(worst, FLOOR),
      Math.log(phones),
      within(filler, FLOOR),
      -Math.max(0, Math.log(((frames / phones) * this.frameSeconds) / SLOW)),
      within(lead / CLEAR - 1, -1),
      within(weak, 2 * FLOOR),
      within(words.reduce((sum, word) => sum + word.evidence, 0) / phones, FLOOR, MOST_EVIDENCE),
      within(Math.min(...words.map((word) => word.evidence / Math.sqrt(word.numPhones))), 2 * FLOOR, 2 * MOST_EVIDENCE),
      Math.min(MOST_LEAD, ...leads),
    ];
  }

  private probability(features: readonly number[]): number {
    const logit = features.reduce((sum, value, at) => sum + this.weights[at] * value, this.intercept);
    return 1 / (1 + Math.exp(-Math.max(-60, Math.min(60, logit))));
  }
}

/** Between a floor and the most, 0 by default. */
function within(value: number, floor: number, most = 0): number {
  return Math.min(most, Math.max(floor, value));
}
