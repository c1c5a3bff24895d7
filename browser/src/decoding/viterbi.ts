/** Exact Viterbi search of a phone graph over CTC scores, frame by frame (runtime/decoding/viterbi.py). */

import type { DecodingGraph } from "./graph";
import type { Frame } from "./margins";

/** The best path of all and the best one at the end of a sentence, after a frame. */
export interface Best {
  readonly score: number;
  readonly node: number;
  readonly finalScore: number;
  readonly finalNode: number;
}

/** Scores of nodes before the first frame, after it, and so on: one row of `width` nodes after another. */
export interface History {
  readonly scores: Float32Array;
  readonly width: number;
}

/** All of a search that changes. Memory: 4 bytes a node and frame. */
export class DenseSearch {
  numRows = 0;
  private readonly slots: Float32Array; // node, then the same with a blank after it
  private readonly node: Float32Array;
  private readonly blank: Float32Array;
  private readonly phone: Float32Array;
  private scores: Float32Array;

  constructor(private readonly graph: DecodingGraph) {
    const nodes = graph.numNodes;
    this.slots = new Float32Array(2 * nodes);
    this.node = this.slots.subarray(0, nodes);
    this.blank = this.slots.subarray(nodes);
    this.phone = new Float32Array(graph.numArcs);
    this.scores = new Float32Array(64 * nodes);
    this.clear();
  }

  /** Begin again, at the start node. */
  clear(): void {
    this.slots.fill(-Infinity);
    this.phone.fill(-Infinity);
    this.node[0] = this.blank[0] = 0;
    this.numRows = 0;
    this.scores.set(this.node);
  }

  /** One frame: its scores, and that of a frame before the command. */
  step(row: Frame, outside: number): Best {
    const { slots, node, blank, phone } = this;
    const { slot, label, first, numNodes, finals } = this.graph;
    for (let arc = 0; arc < phone.length; arc++) {
      const entering = slots[slot[arc]];
      phone[arc] = (phone[arc] > entering ? phone[arc] : entering) + row[label[arc]];
    }
    const start = Math.fround(node[0] + Math.fround(outside));
    let best = 0;
    let score = start;
    for (let n = 1; n < numNodes; n++) {
      blank[n] = node[n] + row[0];
      let highest = blank[n];
      for (let arc = first[n]; arc < first[n + 1]; arc++) if (phone[arc] > highest) highest = phone[arc];
      node[n] = highest;
      if (highest > score) {
        score = highest;
        best = n;
      }
    }
    node[0] = blank[0] = start;
    this.keep();
    let finalNode = finals[0];
    for (const end of finals) if (node[end] > node[finalNode]) finalNode = end;
    return { score, node: best, finalScore: node[finalNode], finalNode };
  }

  /** The scores of all nodes so far; those of a frame do not change until `clear`. */
  history(): History {
    return { scores: this.scores, width: this.graph.numNodes };
  }

  private keep(): void {
    this.numRows += 1;
    const at = this.numRows * this.graph.numNodes;
    if (at === this.scores.length) {
      const larger = new Float32Array(2 * at);
      larger.set(this.scores);
      this.scores = larger;
    }
    this.scores.set(this.node, at);
  }
}
