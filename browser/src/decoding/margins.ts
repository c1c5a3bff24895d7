/** CTC log-probabilities as margins, the scores of decoder and wake word detector (runtime/decoding/margins.py). */

import { AudioError } from "../errors";

/** Log-probabilities or scores of the tokens in one frame; token 0 is blank. */
export type Frame = Float32Array;

/** Floor of a score, so that sums stay finite. */
export const LOWEST = -1e4;

/** Takes `offset` off the log-probability of blank and then the maximum off all, but goes no lower than `LOWEST`. */
export function relative(logProbs: Frame, offset: number, tokens: number): Frame {
  if (logProbs.length !== tokens) throw new AudioError(`a frame has ${logProbs.length} log-probabilities, expected ${tokens}`);
  const scores = logProbs.slice();
  scores[0] -= Math.fround(offset);
  let highest = -Infinity;
  for (const score of scores) highest = Math.max(highest, score);
  for (let token = 0; token < tokens; token++) scores[token] = Math.max(Math.fround(scores[token] - highest), LOWEST);
  if (Number.isNaN(scores[0])) throw new AudioError("log-probabilities have NaN, or a frame has no possible token");
  return scores;
}
