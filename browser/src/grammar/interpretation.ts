/** What a sentence of a grammar means, found by walking its word graph (runtime/grammar/interpretation.py). */

import { GrammarError } from "../errors";
import type { Value } from "../results";

/** What an arc without a word may say: the intent, or where a slot begins or ends. */
export type Meaning =
  | { readonly intent: string }
  | { readonly slot: string; readonly begins: true }
  | { readonly slot: string; readonly begins: false; readonly value: Value };

/** One step through a word graph: a word by its number, or a meaning, or nothing. */
export interface WordArc {
  readonly target: number;
  readonly word: number | null;
  readonly meaning: Meaning | null;
}

/** A slot's value and the words it was said with, by index, both included. */
export interface SlotSpan {
  readonly name: string;
  readonly value: Value;
  readonly firstWord: number;
  readonly lastWord: number;
}

export interface Interpretation {
  readonly intent: string | null;
  readonly slots: readonly SlotSpan[];
}

/** The sentences of a grammar. `leaving`: the arcs of each node. */
export class Sentences {
  constructor(
    private readonly start: number,
    private readonly finals: ReadonlySet<number>,
    private readonly leaving: readonly (readonly WordArc[])[],
  ) {}

  /** What a sentence means; of several meanings, that of the first path. */
  interpret(words: readonly number[]): Interpretation {
    const path = this.firstPath(words);
    if (!path) throw new GrammarError("the grammar's search graph has a sentence that its sentences lack; compile it again");
    let intent: string | null = null;
    const slots: SlotSpan[] = [];
    const begun = new Map<string, number>();
    let position = 0;
    for (const { word, meaning } of path) {
      if (word !== null) position += 1;
      else if (meaning === null) continue;
      else if ("intent" in meaning) intent = meaning.intent;
      else if (meaning.begins) begun.set(meaning.slot, position);
      else {
        const firstWord = begun.get(meaning.slot);
        begun.delete(meaning.slot);
        const span = firstWord === undefined ? [0, words.length - 1] : [firstWord, position - 1];
        slots.push({ name: meaning.slot, value: meaning.value, firstWord: span[0], lastWord: span[1] });
      }
    }
    return { intent, slots };
  }

  /** The arcs that spell words; every pair of node and position is visited at most once. */
  private firstPath(words: readonly number[]): WordArc[] | null {
    const path: WordArc[] = [];
    const tried = new Set([`${this.start} 0`]);
    const pending = [{ node: this.start, position: 0, next: 0 }];
    while (pending.length) {
      const at = pending[pending.length - 1];
      if (at.position === words.length && this.finals.has(at.node)) return path;
      const arc = this.leaving[at.node][at.next++];
      if (!arc) {
        pending.pop();
        path.pop();
        continue;
      }
      if (arc.word !== null && arc.word !== words[at.position]) continue;
      const position = at.position + (arc.word === null ? 0 : 1);
      const key = `${arc.target} ${position}`;
      if (tried.has(key)) continue;
      tried.add(key);
      path.push(arc);
      pending.push({ node: arc.target, position, next: 0 });
    }
    return null;
  }
}
