/**
 * The shipped models under WebAssembly, from audio to commands.
 *
 * Bounds: log-probabilities of fp32 within 0.05 of Python's wherever a token has a probability above 5 %, of int8 within 3 (its
 * sums are rounded by the processor), the likeliest token the same in 95 % of frames; confidences within 0.01 and 0.15; decisions,
 * texts and meanings the same where the confidence is not as near to the threshold as that, and times within two frames.
 */

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { ModelError } from "../src/errors";
import { readGrammar } from "../src/grammar/compiled";
import { Recognizer } from "../src/live/recognizer";
import { Model } from "../src/model/model";
import type { Event, Result, Value } from "../src/results";
import { audio, GOLDEN, grammar, grammarDocument, stored } from "./golden";

const MODELS = new URL("../../models/", import.meta.url);

function content(precision: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`default-${precision}.onnx`, MODELS)));
}

function likeliest(frame: Float32Array): number {
  return frame.indexOf(Math.max(...frame));
}

describe.each([
  ["int8", 3],
  ["fp32", 0.05],
])("the %s model", (precision, bound) => {
  let recognizer: Recognizer;
  beforeAll(async () => {
    recognizer = await Recognizer.load({ model: content(precision), grammar: grammarDocument("words") });
  });

  test("hears what Python hears", async () => {
    let [same, all] = [0, 0];
    for (const clip of GOLDEN.clips) {
      const found = await recognizer.model.logProbs(audio(clip));
      const expected = stored(`${clip}-${precision}`);
      expect(found.length).toBe(expected.length);
      found.forEach((frame, at) => {
        all += 1;
        same += Number(likeliest(frame) === likeliest(expected[at]));
        frame.forEach((value, token) => {
          if (expected[at][token] > Math.log(0.05)) expect(Math.abs(value - expected[at][token])).toBeLessThan(bound);
        });
      });
    }
    expect(same / all).toBeGreaterThan(0.95);
  });

  test.each(["words", "sentences", "commands"])("decides as Python does: %s", async (name) => {
    const other = await recognizer.withGrammar(grammarDocument(name));
    for (const { clip, result } of GOLDEN.results.filter((each) => each.grammar === name && each.precision === precision)) {
      const samples = audio(clip);
      const found = other.decode(await other.model.logProbs(samples), samples.length / 16000);
      const expected = result as unknown as Result;
      const slack = precision === "fp32" ? 0.01 : 0.15; // of a confidence
      if (Math.abs(expected.confidence - grammar(name).thresholds.accept) < slack) continue; // may fall on either side
      expect([clip, found.accepted]).toEqual([clip, expected.accepted]);
      if (!expected.accepted) continue;
      expect([clip, found.text, found.intent, found.slots]).toEqual([clip, expected.text, expected.intent, expected.slots]);
      found.words.forEach((word, at) => expect(Math.abs(word.start - expected.words[at].start)).toBeLessThan(0.09));
      expect(Math.abs(found.confidence - expected.confidence)).toBeLessThan(slack);
    }
  });
});

test("a stream gives the same however it is cut, at any rate", async () => {
  const options = { session: { partials: false } };
  const recognizer = await Recognizer.load({ model: content("int8"), grammar: grammarDocument("words") }, options);
  const samples = audio("silence");
  const whole = recognizer.stream();
  const events = [...(await whole.accept(samples)), ...(await whole.finish())];
  const expected = GOLDEN.sessions.find((each) => each.stream === "silence" && each.wake)?.events as unknown as Event[];
  expect(events.map(({ event }) => event)).toEqual(expected.map(({ event }) => event));
  const pieces = recognizer.stream();
  const promises: ReturnType<typeof pieces.accept>[] = [];
  for (let at = 0; at < samples.length; at += 1000) promises.push(pieces.accept(samples.subarray(at, at + 1000)));
  expect([...(await Promise.all(promises)).flat(), ...(await pieces.finish())]).toEqual(events);
  await expect(pieces.accept(samples)).rejects.toThrow("the stream is finished");
  expect((await recognizer.recognize(audio("left"), 16000)).text).toBe("left");
  const left = audio("left");
  const tripled = Float32Array.from({ length: 3 * 16000 }, (_, at) => left[Math.floor(at / 3)]);
  expect((await recognizer.recognize(tripled, 48000)).text).toBe("left");
});

test("a model that does not fit is refused", async () => {
  const facts = { ...grammar("words").model, stateSize: 3 };
  await expect(Model.load(content("int8"), facts)).rejects.toThrow(ModelError);
  await expect(Model.load(new Uint8Array(100), facts)).rejects.toThrow("the model cannot be loaded");
  const other = structuredClone(grammarDocument("words")) as { model: { tail_seconds: Value } };
  other.model.tail_seconds = 0.1;
  const recognizer = await Recognizer.load({ model: content("int8"), grammar: grammarDocument("words") });
  await expect(recognizer.withGrammar(other)).rejects.toThrow("compiled for another model");
  expect(readGrammar(grammarDocument("words")).words.length).toBe(36);
});
