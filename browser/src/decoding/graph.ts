/** The search graph of the decoder: an automaton over phones (runtime/decoding/graph.py). */

import type { OtherWords } from "./otherWords";
import type { Speller } from "./spelling";

/**
 * Arcs (one phone each) sorted by their target; node 0 is the start and no arc leads to it.
 *
 * `slot`: the source of an arc plus `numNodes` where the phone before equals this one, so that a blank must come
 * between. `first`: the first arc into a node, by node, and where the arcs end.
 */
export class DecodingGraph {
  readonly slot: Int32Array;
  readonly first: Int32Array;
  private readonly continues: Uint8Array;

  constructor(
    readonly numNodes: number,
    readonly numTokens: number,
    readonly source: Int32Array,
    readonly label: Int32Array,
    target: Int32Array,
    readonly finals: Int32Array,
    readonly speller: Speller,
    readonly backwardSpeller: Speller,
    readonly otherWords: OtherWords,
  ) {
    const arcs = source.length;
    const before = new Int32Array(numNodes);
    this.first = new Int32Array(numNodes + 1);
    for (let arc = 0; arc < arcs; arc++) {
      before[target[arc]] = label[arc];
      this.first[target[arc] + 1] = arc + 1;
    }
    this.slot = source.map((node, arc) => (before[node] === label[arc] ? node + numNodes : node));
    this.continues = new Uint8Array(numNodes);
    for (const node of source) this.continues[node] = 1;
  }

  get numArcs(): number {
    return this.source.length;
  }

  /** Whether a phone may follow at a node. */
  canContinue(node: number): boolean {
    return this.continues[node] === 1;
  }
}
