/**
 * Wake words as chains of phones: every way to say a phrase (runtime/wake/phone_chains.py).
 *
 * All ways lie one after the other in one array of labels, each after a place for "anything", from which it may begin at any
 * frame. `labels`: tokens, `numTokens` for anything. `lasts`: of a way, the place of its last phone. `barrier`: never where a
 * phone equals the one before, so that a blank must come between. `idle`: scores of phones before anything was heard.
 */
export class PhoneChains {
  readonly labels: Int32Array;
  readonly lasts: Int32Array;
  readonly numPhones: Int32Array;
  readonly phraseOf: Int32Array;
  readonly barrier: Float32Array;
  readonly idle: Float32Array;

  /** phrases: for each the ways to say it, as tokens. */
  constructor(phrases: readonly (readonly (readonly number[])[])[], readonly numTokens: number) {
    const ways = phrases.flatMap((said, phrase) => said.map((phones) => ({ phones, phrase })));
    this.labels = Int32Array.from(ways.flatMap(({ phones }) => [numTokens, ...phones]));
    let end = -1;
    this.lasts = Int32Array.from(ways, ({ phones }) => (end += phones.length + 1));
    this.numPhones = Int32Array.from(ways, ({ phones }) => phones.length);
    this.phraseOf = Int32Array.from(ways, ({ phrase }) => phrase);
    this.barrier = Float32Array.from(this.labels.subarray(1), (label, at) => (label === this.labels[at] ? -Infinity : 0));
    this.idle = Float32Array.from(this.labels, (label) => (label === numTokens ? 0 : -Infinity));
  }
}
