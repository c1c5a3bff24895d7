/** The best path to a node, read back from the history of a search (runtime/decoding/best_path.py). */

import type { DecodingGraph } from "./graph";
import type { Span } from "./hypothesis";
import type { Record } from "./record";
import type { Prefix, Prefixes, Spelling } from "./spelling";
import type { History } from "./viterbi";

/** A phone and the path before it; the first one is no phone. `prefix`: the phones so far and their words. */
export class Path {
  /** The words that are over, once they were asked for. */
  beginning: Spelling | undefined;

  constructor(readonly span: Span | null, readonly before: Path | null, readonly prefix: Prefix) {}

  /** All phones. */
  spans(): Span[] {
    const found: Span[] = [];
    for (let path: Path | null = this; path?.span; path = path.before) found.push(path.span);
    return found.reverse();
  }
}

/** Of one search. A path to a node in whose last row a phone ends never changes, so it is found once. */
export class BestPaths {
  private readonly known = new Map<number, Path>(); // by last row and node

  constructor(
    private readonly graph: DecodingGraph,
    private readonly record: Record,
    readonly prefixes: Prefixes,
  ) {}

  /** The search has forgotten rows. */
  clear(): void {
    this.known.clear();
  }

  /** The best path to a node before a row, or null where there is none. */
  to(history: History, node: number, row: number): Path | null {
    const found: [number, Span][] = [];
    let path: Path | undefined;
    while (!path && node) {
      const last = this.lastEnd(history, node, row);
      if (last === null) return null;
      path = this.known.get(this.key(node, last));
      if (!path) {
        const [span, source, repeats] = this.phoneBefore(history, node, last);
        found.push([node, span]);
        node = source;
        row = span.begin - (repeats ? 1 : 0);
      }
    }
    path ??= new Path(null, null, this.prefixes.start);
    for (const [at, span] of found.reverse()) {
      path = new Path(span, path, this.prefixes.longer(path.prefix, span.token));
      this.known.set(this.key(at, span.end - 1), path);
    }
    return path;
  }

  private key(node: number, last: number): number {
    return last * this.graph.numNodes + node;
  }

  /** The last row before `row` in which a phone ends on the best path to a node: elsewhere it is in blank. */
  private lastEnd({ scores, width }: History, node: number, row: number): number | null {
    const { record } = this;
    for (let at = row - 1; at >= 0; at--) {
      const inBlank = Math.fround(scores[at * width + node] + record.scores[at * record.tokens]);
      if (scores[(at + 1) * width + node] > inBlank) return at;
    }
    return null;
  }

  /** The phone that ends in row `last` at a node, the node before it, and whether it repeats the phone before. */
  private phoneBefore({ scores, width }: History, node: number, last: number): [Span, number, boolean] {
    const { graph, record } = this;
    let best = -Infinity;
    let [begin, arc] = [0, graph.first[node]];
    for (let row = 0; row <= last; row++) {
      for (let a = graph.first[node]; a < graph.first[node + 1]; a++) {
        const source = graph.source[a];
        let entry: number;
        if (source === 0) entry = record.sumAt(row, record.tokens);
        else if (graph.slot[a] === source) entry = scores[row * width + source];
        else if (row === 0) continue;
        else entry = scores[(row - 1) * width + source] + record.scores[(row - 1) * record.tokens];
        entry -= record.sumAt(row, graph.label[a]);
        entry += record.sumAt(last + 1, graph.label[a]);
        if (entry > best) [best, begin, arc] = [entry, row, a];
      }
    }
    const span = { token: graph.label[arc], begin, end: last + 1 };
    return [span, graph.source[arc], graph.slot[arc] !== graph.source[arc]];
  }
}
