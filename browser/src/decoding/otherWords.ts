/**
 * Was it another word? How much likelier a word is, where it was heard, than the words of English that sound like it
 * (runtime/decoding/other_words.py).
 */

import type { Record } from "./record";

/** Words that one is set against. */
const NEAREST = 100;

/** Phones of a word that is set against others: bits that a number is computed with. */
const MOST_PHONES = 31;

/** Rows before the first word and after the last one in which another word may begin or end. */
export const AROUND = 6;

/** What is clear is clear. */
export const MOST_LEAD = 8;

const LEAST_LEAD = -20;

type Phones = ArrayLike<number>;

/** Rows of a record, from `begin` to `end` - 1, and the tokens that they begin and end with. */
export interface Place {
  readonly record: Record;
  readonly begin: number;
  readonly end: number;
  readonly before: number | null;
  readonly after: number | null;
}

/** What the words of one grammar are set against; found when a word is first asked for. */
export class OtherWords {
  private readonly nearestOf = new Map<string, readonly Phones[]>();

  /** vocabulary: ways to say the words of a language, those of the most frequent word first; said: of the grammar's words. */
  constructor(
    private readonly vocabulary: readonly Uint8Array[],
    private readonly said: readonly (readonly (readonly number[])[])[],
  ) {}

  /** By how many nats the best way to say a word beats the best other word in its place. phones: it was heard with. */
  lead(word: number, phones: readonly number[], place: Place): number {
    if (!this.vocabulary.length || phones.length > MOST_PHONES) return MOST_LEAD;
    const best = (ways: readonly Phones[]): number => Math.max(...ways.map((way) => bestPath(way, place)));
    return Math.min(MOST_LEAD, Math.max(LEAST_LEAD, best(this.said[word]) - best(this.nearest(word, phones))));
  }

  /** The nearest words, the more frequent one first where two are as near. */
  private nearest(word: number, phones: readonly number[]): readonly Phones[] {
    const key = `${word} ${phones.join()}`;
    let found = this.nearestOf.get(key);
    if (!found) {
      const own = new Set(this.said[word].map((way) => way.join()));
      const at = new Uint32Array(256); // by token: bit i where phone i is that
      phones.forEach((token, place) => (at[token] |= 1 << place));
      const distances = this.vocabulary.map((way) => distance(at, phones.length, way));
      const order = [...distances.keys()].sort((a, b) => distances[a] - distances[b] || a - b);
      const nearest = order.slice(0, NEAREST + own.size).map((number) => this.vocabulary[number]);
      found = nearest.filter((way) => !own.has(way.join())).slice(0, NEAREST);
      this.nearestOf.set(key, found);
    }
    return found;
  }
}

/** Edit distance of a way to the pattern that has bit i of `at`[token] where its phone i is that token (Myers 1999). */
function distance(at: Uint32Array, phones: number, way: Uint8Array): number {
  const last = 1 << (phones - 1);
  let [higher, lower, found] = [-1, 0, phones];
  for (const token of way) {
    const equal = at[token];
    const vertical = equal | lower;
    const across = (((equal & higher) + higher) ^ higher) | equal;
    let more = lower | ~(across | higher);
    const less = higher & across;
    if (more & last) found++;
    if (less & last) found--;
    more = (more << 1) | 1;
    higher = (less << 1) | ~(vertical | more);
    lower = more & vertical;
  }
  return found;
}

/** Score of the best path through the rows of a place of what stands before it, a way and what stands after it. */
function bestPath(way: Phones, { record, begin, end, before, after }: Place): number {
  const labels = [0];
  for (const token of [before, ...Array.from(way), after]) if (token !== null) labels.push(token, 0);
  let row = record.row(begin);
  const path = Float64Array.from(labels, (label, state) => (state < 2 ? row[label] : -Infinity));
  for (let at = begin + 1; at < end; at++) {
    row = record.row(at);
    for (let state = labels.length - 1; state >= 0; state--) {
      let best = path[state];
      if (state > 0 && path[state - 1] > best) best = path[state - 1];
      if (state > 2 && state % 2 && labels[state] !== labels[state - 2] && path[state - 2] > best) best = path[state - 2];
      path[state] = best + row[labels[state]];
    }
  }
  return Math.max(path[labels.length - 1], path[labels.length - 2]);
}
