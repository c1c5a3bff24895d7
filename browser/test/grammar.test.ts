/** One clear error for a compiled grammar that is wrong. */

import { expect, test } from "vitest";
import { GrammarError, SpeechLstmError } from "../src/errors";
import { readGrammar } from "../src/grammar/compiled";
import type { Value } from "../src/results";
import { Interpreter } from "../src/live/interpreter";
import { grammarDocument, stored } from "./golden";

interface Tree {
  [name: string]: Value | Tree;
}

/** A document with another value at a place. */
function changed(path: (string | number)[], value: Value): Value {
  const document = structuredClone(grammarDocument("words"));
  let at = document as Tree;
  for (const step of path.slice(0, -1)) at = at[step] as Tree;
  at[path[path.length - 1]] = value;
  return document;
}

const WRONG: [string, (string | number)[], Value][] = [
  ["format is not", ["format"], "x"],
  ["is of version 9", ["version"], 9],
  ["words[1] is 5, expected a text", ["words", 1], 5],
  ["words has a text twice", ["words", 1], "backward"],
  ["model.tokens has a text twice", ["model", "tokens", 2], "AA"],
  ["model.state_size is 0.5", ["model", "state_size"], 0.5],
  ["decoder.filler_cost is \"2\"", ["decoder", "filler_cost"], "2"],
  ["confidence.open is 1.5", ["confidence", "open"], 1.5],
  ["confidence.weights.margin is null", ["confidence", "weights", "margin"], null],
  ["pronunciations[0][0][0] is 40", ["pronunciations", 0, 0, 0], 40],
  ["search.label[0] is 0", ["search", "label", 0], 0],
  ["search.target is not in order", ["search", "target", 0], 9],
  ["search.target leads in a circle", ["search", "source", 0], 1],
  ["search.finals must be rising", ["search", "finals"], []],
  ["search.nodes is 2000", ["search", "nodes"], 2000],
  ["spelling.start is 7", ["spelling", "start"], 7],
  ["sentences.word[0] is -2", ["sentences", "word", 0], -2],
  ["wake.phrases are none", ["wake", "phrases"], []],
  ["wake.phrases[0].threshold is 1", ["wake", "phrases", 0, "threshold"], 1],
  ["wake.longest_seconds is 1e+200", ["wake", "longest_seconds"], 1e200],
];

test.each(WRONG)("%s", (message, path, value) => {
  expect(() => readGrammar(changed(path, value), "words.json")).toThrow(GrammarError);
  expect(() => readGrammar(changed(path, value), "words.json")).toThrow(`words.json: ${message.startsWith("is of") ? "it " : ""}${message}`);
});

test("what is no object", () => {
  expect(() => readGrammar([], "words.json")).toThrow("words.json:  is no object");
});

test("whatever is put anywhere, it is an error or a grammar that can be searched", () => {
  const frames = stored("left-int8");
  const values: Value[] = [0, 1, -1, 2, 39, 2 ** 40, 0.5, "x", "", null, [], {}, [1], true];
  let [seed, loaded] = [1, 0];
  const chance = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  for (let round = 0; round < 300; round++) {
    const path: (string | number)[] = [];
    let at: Value = grammarDocument("words");
    while (typeof at === "object" && at !== null && Object.keys(at).length && (!path.length || chance(20))) {
      const keys: string[] = Object.keys(at);
      const key = keys[chance(keys.length)];
      path.push(key);
      at = (at as Record<string, Value>)[key];
    }
    try {
      const compiled = readGrammar(changed(path, values[chance(values.length)]));
      const search = compiled.decoder.start();
      compiled.decoder.advance(search, frames.filter((frame) => frame.length === compiled.model.tokens.length));
      new Interpreter(compiled, 0.5).decide(compiled.decoder.sentences(search), frames.length, 2);
      loaded += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(SpeechLstmError);
    }
  }
  expect(loaded).toBeGreaterThan(10);
  expect(loaded).toBeLessThan(290);
});
