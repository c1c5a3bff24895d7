/** Sound to what a model hears. */

import { expect, test } from "vitest";
import { Noise } from "../src/audio/noise";
import { StreamResampler } from "../src/audio/resampler";
import { lifted, toFloat } from "../src/audio/samples";

function tone(rate: number, hertz: number, seconds = 0.5): Float32Array {
  return Float32Array.from({ length: rate * seconds }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate));
}

function resampled(samples: Float32Array, rate: number, piece = samples.length): Float32Array {
  const resampler = new StreamResampler(rate);
  const found: number[] = [];
  for (let at = 0; at < samples.length; at += piece) found.push(...resampler.accept(samples.slice(at, at + piece)));
  return Float32Array.from([...found, ...resampler.finish()]);
}

/** Largest value away from the ends. */
function peak(samples: Float32Array): number {
  return Math.max(...samples.slice(500, -500).map(Math.abs));
}

test.each([8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000])("a tone at %i Hz stays as it is", (rate) => {
  const heard = resampled(tone(rate, 1000), rate);
  const expected = tone(16000, 1000);
  expect(heard.length).toBe(expected.length);
  expect(peak(heard.map((value, at) => value - expected[at]))).toBeLessThan(1e-3);
});

test("what 16 kHz cannot hold is gone, 80 dB down", () => {
  for (const hertz of [8800, 10000, 15000, 23000]) expect(peak(resampled(tone(48000, hertz), 48000))).toBeLessThan(1e-4);
});

test("pieces of any length join", () => {
  const samples = tone(44100, 333);
  const whole = resampled(samples, 44100);
  for (const piece of [1, 7, 128, 1000]) expect(resampled(samples, 44100, piece)).toEqual(whole);
});

test("samples are checked and lifted", () => {
  expect(toFloat(Int16Array.of(16384, -32768))).toEqual(Float32Array.of(0.5, -1));
  expect(() => toFloat(Float32Array.of(0, NaN))).toThrow("sample 1 is NaN");
  expect(() => toFloat(Float32Array.of(3000))).toThrow("sample 0 is 3000");
  expect(() => new StreamResampler(100)).toThrow("sample rate is 100 Hz");
  expect(lifted(Float32Array.of(-0.01, 0.01))[1]).toBeCloseTo(0.15);
  expect(lifted(Float32Array.of(-0.5, 0.5))[1]).toBe(0.5);
});

test("what rises over the noise is a sound, what stays the same is none", () => {
  const block = (loudness: number): Float32Array => tone(16000, 3000, 0.08).map((value) => loudness * value);
  const noise = new Noise();
  expect(noise.isUnder(block(0.001))).toBe(false);
  expect(noise.isUnder(block(0.0014))).toBe(false);
  expect(noise.isUnder(block(0.002))).toBe(true);
  expect(noise.isUnder(block(0.001))).toBe(false);
  for (let at = 0; at < 60; at++) noise.isUnder(block(0.002));
  expect(noise.isUnder(block(0.002))).toBe(false);
  noise.forget();
  expect(noise.isUnder(block(1))).toBe(false);
  expect(new Noise().isUnder(new Float32Array(1280).fill(0.5))).toBe(false);
});
