import type { FreeSpeech } from "../decoding/freeSpeech";

/**
 * Wake words as chains of phones: every way to say a phrase (runtime/wake/phone_chains.py).
 *
 * All ways lie one after the other in one array of labels, each after a place for "anything", from which it may begin at any
 * frame with its prior. `labels`: tokens, `numTokens` for anything. `lasts`: of a way, the place of its last phone.
 * `firstWays`: of a phrase, the number of the first of its ways, and where all ways end. `numPhones`: of a phrase, the mean of its
 * ways. `goesOn`: of a place, 0 where its phone equals the one before, so that a blank must come between. `idle`: phones before
 * anything was heard: the prior of a way at its "anything".
 */
export class PhoneChains {
  readonly labels: Int32Array;
  readonly lasts: Int32Array;
  readonly firstWays: number[] = [0];
  readonly numPhones: number[];
  readonly goesOn: Float64Array;
  readonly idle: Float64Array;
  /** Of a place: phones that follow until the phrase is said, their prior, and the number of the phrase. */
  readonly phonesLeft: Int32Array;
  readonly rest: Float64Array;
  readonly phrase: Int32Array;

  /** phrases: for each the ways to say it, as tokens. */
  constructor(phrases: readonly (readonly (readonly number[])[])[], readonly numTokens: number, speech: FreeSpeech) {
    const ways = phrases.flat();
    this.labels = Int32Array.from(ways.flatMap((phones) => [numTokens, ...phones]));
    let end = -1;
    this.lasts = Int32Array.from(ways, (phones) => (end += phones.length + 1));
    for (const said of phrases) this.firstWays.push(this.firstWays[this.firstWays.length - 1] + said.length);
    this.numPhones = phrases.map((said) => said.reduce((sum, phones) => sum + phones.length, 0) / said.length);
    this.goesOn = Float64Array.from(this.labels, (label, at) => (at && label === this.labels[at - 1] ? 0 : 1));
    this.idle = Float64Array.from(ways.flatMap((phones) => [speech.probability(phones), ...phones.map(() => 0)]));
    this.phonesLeft = Int32Array.from(ways.flatMap((phones) => [phones.length, ...phones.map((_, at) => phones.length - 1 - at)]));
    const rest = (phones: readonly number[], begun: number): number =>
      speech.probability(phones) / (begun ? speech.probability(phones.slice(0, begun)) : 1);
    this.rest = Float64Array.from(ways.flatMap((phones) => [0, ...phones.map((_, at) => at + 1)].map((begun) => rest(phones, begun))));
    this.phrase = Int32Array.from(phrases.flatMap((said, number) => said.flatMap((phones) => [number, ...phones.map(() => number)])));
  }

  /** Whether a place is an "anything". */
  isStart(at: number): boolean {
    return this.labels[at] === this.numTokens;
  }

  /** Probability that a phrase was just said. phone: of the places. */
  said(phone: Float64Array, phrase: number): number {
    let sum = 0;
    for (let way = this.firstWays[phrase]; way < this.firstWays[phrase + 1]; way++) sum += phone[this.lasts[way]];
    return sum;
  }

  /** The place of the last phone of the likeliest way to say a phrase. */
  likeliestEnd(phone: Float64Array, phrase: number): number {
    let best = this.lasts[this.firstWays[phrase]];
    for (let way = this.firstWays[phrase] + 1; way < this.firstWays[phrase + 1]; way++)
      if (phone[this.lasts[way]] > phone[best]) best = this.lasts[way];
    return best;
  }
}
