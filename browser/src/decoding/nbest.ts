/**
 * The n best sentences of a search by A*, from its end backwards (runtime/decoding/nbest.py, where the method is told).
 *
 * Arrays are over rows, the last one first. Scores are counted from a path that is always in blank: with B(t) the score of
 * a suffix of phones from row t on plus that of blank in all rows before, and D(t) the score of a phone in all rows before
 * less that of blank, one more phone gives
 *
 *     C(t) = max of B(t') for t' >= t              blank from t to t'
 *     M(t) = max of D(t') + C(t') for t' >= t      the phone until t'
 *     B'(t) = M(t + 1) - D(t)                      the phone from t on
 */

import type { DecodingGraph } from "./graph";
import { Heap } from "./heap";
import { Sentence, type Span } from "./hypothesis";
import type { Record } from "./record";
import { MAX_SPELLINGS, Prefixes, type Prefix, type Spelling } from "./spelling";
import type { History } from "./viterbi";

/** Bound on the work for one search; there are no more hypotheses than those found until then. */
const MAX_EXPANSIONS = 5000;

/** Arcs into a node that are worth a look at their labels before their histories are looked at. */
const MANY = 50;

/** Phones from a node to the end of the sentence. `label`: the first one, 0 for none; `ends`: D + C of it. */
interface Suffix {
  readonly node: number;
  readonly label: number;
  begin: Float64Array;
  readonly ends: Float64Array;
  readonly tail: Suffix | null;
  /** The phones from the last one on, once the suffix is looked at. */
  postfix: Prefix | null;
  /** Whether it was compared with others that say the same. */
  isNews: boolean;
}

/** Finds distinct sentences, best first, none more than `beam` below the best one. */
export class SentenceSearch {
  private readonly blank: Float64Array;
  private readonly outside: Float64Array;
  private readonly overBlank = new Map<number, Float64Array>(); // by token
  private readonly queue = new Heap<Suffix>();
  private readonly postfixes: Prefixes;
  private readonly said = new Map<string, Float64Array>(); // by node, label and words: the best B of them
  private lowest = -Infinity;

  /** numRows: of the record, that count. */
  constructor(
    private readonly graph: DecodingGraph,
    private readonly history: History,
    private readonly record: Record,
    private readonly numRows: number,
    private readonly prefixes: Prefixes,
    private readonly beam: number,
  ) {
    this.postfixes = new Prefixes(graph.backwardSpeller);
    this.blank = this.column(0);
    this.outside = this.column(record.tokens);
  }

  /** From the best one on; each is looked for when it is asked for, which must be before the search goes on. */
  *sentences(): Generator<Sentence, undefined> {
    const { outside, blank } = this;
    const end = outside.map((value, at) => outside[0] - value + blank[at]);
    const bounds = [...this.graph.finals].map((node) => this.bound(node, end));
    this.lowest = bounds.reduce((highest, bound) => Math.max(highest, bound)) - this.beam;
    this.graph.finals.forEach((node, at) =>
      this.push(bounds[at], {
        node, label: 0, begin: end, ends: end, tail: null, postfix: this.postfixes.start, isNews: true,
      }),
    );
    const found = new Set<string>();
    for (const [suffix, score] of this.complete()) {
      const phones = phonesOf(suffix);
      for (const spelling of this.spell(suffix, phones)) {
        const sentence = new Sentence(this.record, phones, spelling, score, () => this.align(suffix), this.graph.otherWords);
        const key = sentence.words.join();
        if (found.has(key)) continue;
        found.add(key);
        yield sentence;
      }
    }
  }

  /** The sentences that the phones of a complete suffix say. */
  private spell(suffix: Suffix, phones: readonly number[]): Spelling[] {
    const { speller } = this.prefixes;
    const end = phones.length;
    const readings = [...(suffix.postfix?.ends.values() ?? [])].flat();
    const sentences = readings.map((reading) => [...reading].reverse()).filter((reading) => speller.accepts(reading.map((each) => each.word)));
    if (sentences.length === 1 && readings.length < MAX_SPELLINGS)
      return [sentences[0].map((each) => ({ word: each.word, begin: end - each.end, end: end - each.begin }))];
    return speller.sentences(this.prefixes.find(phones)); // in the order of the grammar
  }

  /** Suffixes that are whole sentences, with their scores, best first. */
  private *complete(): Generator<[Suffix, number], undefined> {
    let expansions = 0;
    for (let entry = this.queue.pop(); entry; entry = this.queue.pop()) {
      let suffix = entry.value;
      let isBound = true;
      while (isBound) {
        if (++expansions > MAX_EXPANSIONS) return;
        isBound = suffix.isNews || !this.compare(suffix);
        const [first, end] = [this.graph.first[suffix.node], this.graph.first[suffix.node + 1]];
        if (!isBound) {
          this.push(this.bound(suffix.node, suffix.begin), suffix); // it is lower now
        } else if (suffix.node === 0) {
          yield [suffix, -entry.cost];
          break;
        } else if (end - first > 1) {
          this.expand(suffix);
          break;
        } else {
          isBound = this.graph.label[first] !== suffix.label; // a repeated phone has a lower bound
          suffix = this.longer(suffix, this.graph.source[first], this.graph.label[first]);
          if (!isBound) this.push(this.bound(suffix.node, suffix.begin), suffix);
        }
      }
    }
  }

  /**
   * Where the same words from the same node on are said better with other pronunciations, those of the suffix do not
   * count. Returns whether there is such a place.
   */
  private compare(suffix: Suffix): boolean {
    suffix.isNews = true;
    const before = suffix.tail?.postfix ?? this.postfixes.start;
    suffix.postfix = this.postfixes.longer(before, suffix.label);
    const words = this.postfixes.wordsSoFar(suffix.postfix);
    if (words === null) return false;
    const alike = `${suffix.node} ${suffix.label} ${words}`; // the label: the same phone before it needs a blank between
    const best = this.said.get(alike);
    if (!best) {
      this.said.set(alike, suffix.begin);
      return false;
    }
    const { begin } = suffix;
    this.said.set(alike, best.map((value, at) => Math.max(value, begin[at])));
    suffix.begin = begin.map((value, at) => (value > best[at] ? value : -Infinity));
    return true;
  }

  private push(bound: number, suffix: Suffix): void {
    if (bound >= this.lowest && bound > -Infinity) this.queue.push(-bound, suffix);
  }

  /** Score of the best sentence whose suffix follows a node. */
  private bound(node: number, begin: Float64Array): number {
    const { blank, outside, numRows } = this;
    const { scores, width } = this.history;
    let highest = -Infinity;
    for (let at = 0; at <= numRows; at++) {
      const before = node ? scores[(numRows - at) * width + node] : outside[at];
      const score = before + (begin[at] - blank[at]);
      if (score > highest) highest = score;
    }
    return highest;
  }

  /** One more phone. */
  private longer(suffix: Suffix, source: number, label: number): Suffix {
    let after = suffix.label ? highestSoFar(suffix.begin) : suffix.begin;
    if (label === suffix.label) after = oneRowLater(after); // at least one blank between
    const overBlank = this.over(label);
    const ends = overBlank.map((value, at) => value + after[at]);
    const begin = oneRowLater(highestSoFar(ends));
    for (let at = 0; at < begin.length; at++) begin[at] -= overBlank[at];
    return { node: source, label, begin, ends, tail: suffix, postfix: null, isNews: false };
  }

  /** Push the suffixes that are longer by one of several phones. */
  private expand(suffix: Suffix): void {
    const { graph, blank } = this;
    const [first, end] = [graph.first[suffix.node], graph.first[suffix.node + 1]];
    let model: Suffix | undefined; // of the arcs with a label, which come one after another
    let isLikely = true;
    for (let arc = first; arc < end; arc++) {
      const [source, label] = [graph.source[arc], graph.label[arc]];
      if (model?.label !== label) {
        model = this.longer(suffix, source, label);
        const { begin } = model;
        // no path score is above 0
        isLikely = end - first <= MANY || begin.some((value, at) => value - blank[at] >= this.lowest);
      }
      if (isLikely) this.push(this.bound(source, model.begin), { ...model, node: source });
    }
  }

  /** The best times of the phones of a complete path. */
  private align(suffix: Suffix): Span[] {
    const { outside, blank } = this;
    const last = blank.length - 1; // row t is at last - t
    const firstBest = (from: number, score: (at: number) => number): number => {
      let [best, row] = [-Infinity, from];
      for (let t = from; t <= last; t++) {
        const value = score(last - t);
        if (value > best) [best, row] = [value, t];
      }
      return row;
    };
    const spans: Span[] = [];
    let begin = firstBest(0, (at) => outside[at] - blank[at] + suffix.begin[at]);
    for (let step = suffix; step.tail; ) {
      const { label, ends } = step;
      const end = firstBest(begin + 1, (at) => ends[at]);
      spans.push({ token: label, begin, end });
      const next = step.tail;
      if (next.label) begin = firstBest(end + (next.label === label ? 1 : 0), (at) => next.begin[at]);
      step = next;
    }
    return spans;
  }

  /** A column of the record's sums, the last row first. */
  private column(token: number): Float64Array {
    return new Float64Array(this.numRows + 1).map((_, at) => this.record.sumAt(this.numRows - at, token));
  }

  /** D of a token. */
  private over(token: number): Float64Array {
    let found = this.overBlank.get(token);
    if (!found) {
      found = this.column(token);
      for (let at = 0; at < found.length; at++) found[at] -= this.blank[at];
      this.overBlank.set(token, found);
    }
    return found;
  }
}

function highestSoFar(values: Float64Array): Float64Array {
  const highest = values.slice();
  for (let at = 1; at < highest.length; at++) if (highest[at - 1] > highest[at]) highest[at] = highest[at - 1];
  return highest;
}

/** Of each row the value of the row after it. */
function oneRowLater(values: Float64Array): Float64Array {
  const later = new Float64Array(values.length);
  later[0] = -Infinity;
  later.set(values.subarray(0, -1), 1);
  return later;
}

function phonesOf(suffix: Suffix): number[] {
  const phones: number[] = [];
  for (let step = suffix; step.tail; step = step.tail) phones.push(step.label);
  return phones;
}
