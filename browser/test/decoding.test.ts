/** Decoder, confidence, session and wake words give what Python gives for the same log-probabilities. */

import { describe, expect, test } from "vitest";
import { Interpreter } from "../src/live/interpreter";
import { SESSION_DEFAULTS, Session, sessionOptions } from "../src/live/session";
import { audio, expectSame, GOLDEN, grammar, optionsOf, stored } from "./golden";

const HISTORY = 64 << 20;

describe("results of clips", () => {
  for (const name of ["words", "sentences", "commands"])
    test(name, () => {
      const compiled = grammar(name);
      const interpreter = new Interpreter(compiled, compiled.thresholds.accept);
      const cases = GOLDEN.results.filter((each) => each.grammar === name);
      expect(cases.length).toBe(2 * GOLDEN.clips.length);
      for (const { clip, precision, result } of cases) {
        const frames = stored(`${clip}-${precision}`);
        const decoder = compiled.decoder.remembering(frames.length, HISTORY);
        const search = decoder.start();
        decoder.advance(search, frames);
        const found = interpreter.decide(
          decoder.sentences(search), search.now.numFrames, GOLDEN.alternatives, 0, audio(clip).length / 16000,
        );
        expectSame(found.result, result);
      }
    });
});

describe("sessions", () => {
  GOLDEN.sessions.forEach((each, number) =>
    test(`${number}: ${each.stream}, ${each.grammar}`, () => {
      const compiled = grammar(each.grammar);
      const options = sessionOptions(optionsOf(each.options ?? {}));
      const asked = new Interpreter(compiled, compiled.thresholds.accept);
      const unasked = new Interpreter(compiled, compiled.thresholds.open);
      const decoder = compiled.decoder.remembering(
        Math.round((options.totalSeconds + options.prerollSeconds) / compiled.model.frameSeconds) + 1, HISTORY,
      );
      const session = new Session({ decoder, asked, unasked }, options, GOLDEN.alternatives, each.wake ? compiled.wake : null);
      const buttons = new Map(each.buttons ?? []);
      const events = stored(`${each.stream}-int8`).flatMap((frame, at) => {
        const button = buttons.get(at);
        if (button) session[button]();
        return session.advance([frame]);
      });
      session.endAt(audio(each.stream).length / 16000);
      expectSame([...events, ...session.finish()], each.events);
    }),
  );

  test("defaults are Python's", () => expectSame(SESSION_DEFAULTS, GOLDEN.session_options));
});

test("wake words", () => {
  const { wake } = grammar("words");
  for (const [stream, expected] of Object.entries(GOLDEN.detections)) {
    const search = wake?.start();
    expectSame(stored(`${stream}-int8`).flatMap((frame) => search?.advance(frame) ?? []), expected);
  }
});

test("a search forgets and goes on", () => {
  const { decoder } = grammar("words");
  const short = decoder.remembering(0, 0);
  expect(short).toBe(decoder);
  const frames = stored("morning-int8");
  const search = decoder.start();
  for (let round = 0; round < 3; round++) decoder.advance(search, frames);
  expect(search.record.numRows).toBeLessThanOrEqual(decoder.options.maxFrames);
  expect(search.now.numFrames).toBe(3 * frames.length);
  expect(decoder.sentences(search).next().done).toBe(false);
});
