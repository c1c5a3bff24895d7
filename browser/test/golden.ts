/** The golden vectors that Python made (tests/data/golden). */

import { readFileSync } from "node:fs";
import { readGrammar, type CompiledGrammar } from "../src/grammar/compiled";
import { expect } from "vitest";
import type { SessionOptions } from "../src/live/session";
import type { Value } from "../src/results";

const FOLDER = new URL("../../tests/data/golden/", import.meta.url);
const TOKENS = 40;

interface Golden {
  readonly clips: string[];
  readonly streams: Record<string, (string | number)[]>;
  readonly block_samples: number;
  readonly alternatives: number;
  readonly session_options: Record<string, number | boolean>;
  readonly results: { clip: string; precision: string; grammar: string; result: Value }[];
  readonly sessions: {
    stream: string;
    grammar: string;
    wake: boolean;
    options?: Record<string, number | boolean>;
    buttons?: [number, "press" | "release"][];
    events: Value[];
  }[];
  readonly detections: Record<string, Value[]>;
}

export const GOLDEN = JSON.parse(readFileSync(new URL("golden.json", FOLDER), "utf8")) as Golden;

export function grammarDocument(name: string): Value {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as Value;
}

export function grammar(name: string): CompiledGrammar {
  return readGrammar(grammarDocument(name), `${name}.json`);
}

/** Log-probabilities, frame by frame. */
export function stored(name: string): Float32Array[] {
  const all = floats(readFileSync(new URL(`${name}.f32`, FOLDER)));
  return Array.from({ length: all.length / TOKENS }, (_, at) => all.slice(at * TOKENS, (at + 1) * TOKENS));
}

/** Samples of a clip or stream. */
export function audio(name: string): Float32Array {
  const parts = GOLDEN.streams[name];
  if (!parts) {
    const bytes = readFileSync(new URL(`${name}.s16`, FOLDER));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Float32Array.from({ length: bytes.length / 2 }, (_, at) => view.getInt16(2 * at, true) / 32768);
  }
  const pieces = parts.map((part) => (typeof part === "string" ? audio(part) : new Float32Array(Math.round(part * 16000))));
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

/** Options of a session by their names here. */
export function optionsOf(given: Record<string, number | boolean>): Partial<SessionOptions> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [camelCase(name), value]));
}

/** Equal but for the last digits of numbers, and with Python's names. */
export function expectSame(found: unknown, expected: Value): void {
  expect(plain(found)).toEqual(plain(expected, near));
}

/** Any number that is close: sums are not always added up in the same order. */
function near(value: number): unknown {
  return Number.isInteger(value) ? value : expect.closeTo(value, 5);
}

/** With names as here, and numbers as `number` gives them. */
function plain(value: unknown, number: (value: number) => unknown = (same) => same): unknown {
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, number));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [camelCase(name), plain(item, number)]));
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function floats(bytes: Buffer): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Float32Array.from({ length: bytes.length / 4 }, (_, at) => view.getFloat32(4 * at, true));
}
