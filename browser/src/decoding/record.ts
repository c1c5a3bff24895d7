/** The rows that a search has seen and their running sums (runtime/decoding/record.py). */

import type { FreeSpeech, FreeSpeechForward } from "./freeSpeech";
import type { Frame } from "./margins";

/** A row is a frame, or several of certain silence. Grows by appending; belongs to one search. */
export class Record {
  numRows = 0;
  /** Scores of tokens in a row, one row after another. */
  scores: Float32Array;
  /** The first frame of each row. */
  frameOf: Int32Array;
  /** Scores of a token in all rows before, then that of silence or other speech before or after the command. */
  sums: Float64Array;
  /** Numbers in a row of `sums`. */
  readonly width: number;
  private readonly filler: number;
  private forward: FreeSpeechForward;
  private speechSums = [0];

  /** fillerCost: of a row of other speech before or after the command. */
  constructor(readonly tokens: number, fillerCost: number, private readonly freeSpeech: FreeSpeech, private capacity = 64) {
    this.forward = freeSpeech.begin();
    this.filler = Math.fround(-fillerCost);
    this.width = tokens + 1;
    this.scores = new Float32Array(capacity * tokens);
    this.frameOf = new Int32Array(capacity);
    this.sums = new Float64Array((capacity + 1) * this.width);
  }

  /** One more row and its first frame. */
  append(row: Frame, frame: number): void {
    if (this.numRows === this.capacity) this.grow();
    this.scores.set(row, this.numRows * this.tokens);
    this.frameOf[this.numRows] = frame;
    this.sum(this.numRows++);
  }

  /** Drops the oldest rows. */
  forget(rows: number): void {
    this.scores.copyWithin(0, rows * this.tokens, this.numRows * this.tokens);
    this.frameOf.copyWithin(0, rows, this.numRows);
    this.numRows -= rows;
    for (let row = 0; row < this.numRows; row++) this.sum(row);
    this.forward = this.freeSpeech.begin();
    this.speechSums = [0];
  }

  /** Score of free speech in the rows from `begin` to `end` - 1, whatever was said before them. */
  speech(begin: number, end: number): number {
    const { speechSums } = this;
    while (speechSums.length <= end) {
      const probs = this.row(speechSums.length - 1).map(Math.exp);
      speechSums.push(speechSums[speechSums.length - 1] + Math.log(this.forward.advance(probs)));
    }
    return speechSums[end] - speechSums[begin];
  }

  /** A row of scores, a view. */
  row(number: number): Frame {
    return this.scores.subarray(number * this.tokens, (number + 1) * this.tokens);
  }

  /** Score of a token in all rows before; the number of tokens for silence or other speech. */
  sumAt(row: number, token: number): number {
    return this.sums[row * this.width + token];
  }

  private sum(row: number): void {
    const { tokens, width, sums, scores } = this;
    const before = row * width;
    const after = before + width;
    for (let token = 0; token < tokens; token++) sums[after + token] = sums[before + token] + scores[row * tokens + token];
    sums[after + tokens] = sums[before + tokens] + Math.max(scores[row * tokens], this.filler);
  }

  private grow(): void {
    this.capacity *= 2;
    const { scores, frameOf, sums } = this;
    this.scores = new Float32Array(this.capacity * this.tokens);
    this.frameOf = new Int32Array(this.capacity);
    this.sums = new Float64Array((this.capacity + 1) * this.width);
    this.scores.set(scores);
    this.frameOf.set(frameOf);
    this.sums.set(sums);
  }
}
