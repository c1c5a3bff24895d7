/** Samples of a program to what a model hears best (runtime/audio/pcm.py and levels.py). */

import { AudioError } from "../errors";

/** int16, or floats in -1..1. */
export type Samples = Float32Array | Int16Array;

/** Peak to which quiet clips are lifted; what is louder stays as it is. */
const TARGET = 0.15;
const MOST_GAIN = 100;

/** Largest float that may still be sound; unscaled integers are far above. */
const LOUDEST = 16;

/** Checked and scaled to -1..1. AudioError for NaN and for floats that are not scaled. */
export function toFloat(samples: Samples): Float32Array {
  if (samples instanceof Int16Array) return Float32Array.from(samples, (value) => value / 32768);
  if (!(samples instanceof Float32Array)) throw new AudioError("samples must be a Float32Array or an Int16Array");
  const wrong = samples.findIndex((value) => !(Math.abs(value) <= LOUDEST));
  if (wrong >= 0) throw new AudioError(`sample ${wrong} is ${samples[wrong]}; expected -1..1`);
  return samples;
}

/** A whole clip with a peak of `TARGET` at least, as far as `MOST_GAIN` goes. */
export function lifted(samples: Float32Array): Float32Array {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of samples) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const peak = (highest - lowest) / 2;
  if (!(peak > 0 && peak < TARGET)) return samples;
  const gain = Math.min(MOST_GAIN, TARGET / peak);
  return samples.map((value) => value * gain);
}
