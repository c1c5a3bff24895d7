/** One channel at any rate to 16 kHz, piece by piece: a windowed sinc, each of whose phases is made once. */

import { AudioError } from "../errors";

/** Samples a second of everything that enters a model. */
export const SAMPLE_RATE = 16000;

/** Zero crossings of the filter on either side, and where it begins to fall, as a share of the lower rate's half. */
const CROSSINGS = 32;
const EDGE = 0.93;

/** Of the Kaiser window: about 90 dB. */
const BETA = 9;

/** Pieces join without clicks or drift, however they are cut. Output trails the input by a few milliseconds. */
export class StreamResampler {
  private readonly step: number; // samples of input for one of output, times `scale`
  private readonly scale: number;
  private readonly cutoff: number; // of the filter, in cycles a sample of input
  private readonly half: number; // samples of input on either side
  private readonly phases = new Map<number, Float32Array>();
  private waiting: Float32Array;
  private first: number; // number of the first waiting sample
  private heard = 0;
  private next = 0; // number of the next sample of output

  constructor(private readonly rate: number) {
    if (!(rate >= 4000 && rate <= 768000)) throw new AudioError(`sample rate is ${rate} Hz; expected 4000 to 768000 Hz`);
    const whole = Math.round(rate);
    const common = divisor(whole, SAMPLE_RATE);
    this.step = whole / common;
    this.scale = SAMPLE_RATE / common;
    this.cutoff = (EDGE / 2) * Math.min(1, SAMPLE_RATE / rate);
    this.half = Math.ceil(CROSSINGS / (2 * this.cutoff));
    this.first = -this.half;
    this.waiting = new Float32Array(this.half);
  }

  /** Whatever is ready; may be empty. */
  accept(samples: Float32Array): Float32Array {
    if (this.rate === SAMPLE_RATE) return samples;
    this.heard += samples.length;
    return this.filter(samples);
  }

  /** The rest. The resampler is then used up. */
  finish(): Float32Array {
    if (this.rate === SAMPLE_RATE || !this.heard) return new Float32Array(0);
    const total = Math.ceil((this.heard * this.scale) / this.step);
    const made = this.next;
    return this.filter(new Float32Array(2 * this.half + 1)).subarray(0, Math.max(0, total - made));
  }

  private filter(samples: Float32Array): Float32Array {
    const { half, scale, step } = this;
    const input = new Float32Array(this.waiting.length + samples.length);
    input.set(this.waiting);
    input.set(samples, this.waiting.length);
    const end = this.first + input.length;
    const output: number[] = [];
    for (; ; this.next++) {
      const position = this.next * step;
      const center = Math.floor(position / scale);
      if (center + half >= end) break;
      const filter = this.phase(position - center * scale);
      const from = center - half + 1 - this.first;
      let sum = 0;
      for (let at = 0; at < filter.length; at++) sum += filter[at] * input[from + at];
      output.push(sum);
    }
    const keep = Math.max(this.first, Math.floor((this.next * step) / scale) - half + 1);
    this.waiting = input.slice(keep - this.first);
    this.first = keep;
    return Float32Array.from(output);
  }

  /** Weights of the samples `1 - half` to `half` around a position that many parts of `scale` after a sample. */
  private phase(part: number): Float32Array {
    let filter = this.phases.get(part);
    if (!filter) {
      const { half, cutoff } = this;
      filter = Float32Array.from({ length: 2 * half }, (_, at) => {
        const distance = at + 1 - half - part / this.scale;
        const angle = 2 * Math.PI * cutoff * distance;
        const window = Math.abs(distance) < half ? bessel(BETA * Math.sqrt(1 - (distance / half) ** 2)) / bessel(BETA) : 0;
        return 2 * cutoff * (angle ? Math.sin(angle) / angle : 1) * window;
      });
      this.phases.set(part, filter);
    }
    return filter;
  }
}

function divisor(a: number, b: number): number {
  return b ? divisor(b, a % b) : a;
}

/** The modified Bessel function I0. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}
