/** One clear error for a compiled grammar that is wrong. */

import { expect, test } from "vitest";
import { GrammarError } from "../src/errors";
import { readGrammar } from "../src/grammar/compiled";
import type { Value } from "../src/results";
import { grammarDocument } from "./golden";

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
