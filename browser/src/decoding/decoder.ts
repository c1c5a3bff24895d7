/** The decoder: CTC log-probabilities in, word sequences of a grammar with times and scores out (runtime/decoding/decoder.py). */

import { BestPaths } from "./bestPath";
import type { FreeSpeech } from "./freeSpeech";
import type { DecodingGraph } from "./graph";
import { commandScore, Sentence } from "./hypothesis";
import { LOWEST, relative, type Frame } from "./margins";
import { SentenceSearch } from "./nbest";
import { Record } from "./record";
import { Prefixes } from "./spelling";
import { DenseSearch, type Best } from "./viterbi";

/**
 * Options of the search; scores are natural logarithms.
 *
 * `blankOffset`: taken off the log-probability of blank. `foldThreshold`: in frames whose blank probability is above it no
 * phone is looked for, and successive ones count as one. `fillerCost`: of a frame of other speech before or after the
 * command. `nbestBeam`: alternatives at most this much below the best. `maxFrames`: of history; beyond it the older half is
 * forgotten.
 */
export interface DecoderOptions {
  readonly blankOffset: number;
  readonly foldThreshold: number;
  readonly fillerCost: number;
  readonly nbestBeam: number;
  readonly maxFrames: number;
}

/**
 * Where a search is after a frame; a row is a frame that the search has seen, folded blanks share one.
 * `trailingBlanks`: frames at the end whose best token is blank. `bestFinal`, `bestAny`: scores of the best path that
 * ends a sentence and of the best path; `finalNode`, `bestNode`: where these were last; `finalRow`, `finalFrame`: of the
 * last phone of the former.
 */
export class Progress {
  constructor(
    readonly numRows = 0,
    readonly numFrames = 0,
    readonly trailingBlanks = 0,
    readonly bestFinal = -Infinity,
    readonly bestAny = 0,
    readonly bestNode = 0,
    readonly finalNode = 0,
    readonly finalRow = 0,
    readonly finalFrame = 0,
  ) {}

  /** One row later. `outside`: its score if it is before or after the command; `frame`: its first one. */
  afterRow(best: Best, outside: number, frame: number): Progress {
    const left = Math.fround(this.bestFinal + outside); // the best sentence so far, then silence or other speech
    const isNew = best.finalScore > left;
    const bestFinal = isNew ? best.finalScore : left;
    return new Progress(
      this.numRows + 1, this.numFrames, this.trailingBlanks, bestFinal, Math.max(best.score, bestFinal), best.node,
      isNew ? best.finalNode : this.finalNode, isNew ? this.numRows : this.finalRow, isNew ? frame : this.finalFrame,
    );
  }

  /** One frame later. */
  afterFrame(isBlank: boolean): Progress {
    return new Progress(
      this.numRows, this.numFrames + 1, isBlank ? this.trailingBlanks + 1 : 0, this.bestFinal, this.bestAny, this.bestNode,
      this.finalNode, this.finalRow, this.finalFrame,
    );
  }

  /** The same without the rows, which are forgotten. */
  again(): Progress {
    return new Progress(
      0, this.numFrames, this.trailingBlanks, -Infinity, this.bestAny, this.bestNode, this.finalNode, 0, this.finalFrame,
    );
  }

  /** Whether the best path ends a sentence here. */
  get isFinal(): boolean {
    return this.bestFinal > -Infinity && this.bestFinal >= this.bestAny;
  }

  /** Frames since the last phone of the best path that ends a sentence. */
  get finalFrames(): number {
    return this.numFrames - 1 - this.finalFrame;
  }
}

/** Everything that changes during a search; made by `Decoder.start`. `now`: where it is. */
export interface DecoderState {
  readonly search: DenseSearch;
  readonly record: Record;
  readonly paths: BestPaths;
  now: Progress;
  inSilence: boolean;
}

/** A grammar ready to be searched; immutable, each search has a `DecoderState`. */
export class Decoder {
  private readonly certain: number;

  constructor(
    readonly graph: DecodingGraph,
    readonly options: DecoderOptions,
    private readonly freeSpeech: FreeSpeech,
  ) {
    this.certain = Math.log(options.foldThreshold);
  }

  /** The same with a history for that many frames, within `bytes`. */
  remembering(frames: number, bytes: number): Decoder {
    const most = Math.floor(bytes / (4 * (this.graph.numNodes + this.graph.numTokens)));
    const maxFrames = Math.min(frames, most);
    return maxFrames <= this.options.maxFrames ? this : new Decoder(this.graph, { ...this.options, maxFrames }, this.freeSpeech);
  }

  /** A search that has seen no frame. */
  start(): DecoderState {
    const record = new Record(this.graph.numTokens, this.options.fillerCost, this.freeSpeech);
    const paths = new BestPaths(this.graph, record, new Prefixes(this.graph.speller));
    return { search: new DenseSearch(this.graph), record, paths, now: new Progress(), inSilence: false };
  }

  /** Whether a phone beats blank in a frame of log-probabilities. */
  hasPhone(logProbs: Frame): boolean {
    const blank = logProbs[0] - this.options.blankOffset;
    return logProbs.some((value, token) => token > 0 && value > blank);
  }

  /** Search further. However the frames are split into calls, the result is the same. */
  advance(state: DecoderState, logProbs: readonly Frame[]): void {
    for (const frame of logProbs) this.follow(state, frame);
  }

  /** One frame. A full history first forgets its older half. */
  follow(state: DecoderState, logProbs: Frame): Progress {
    const row = relative(logProbs, this.options.blankOffset, this.graph.numTokens);
    const score = row[0];
    const isSilent = score === 0 && logProbs[0] > this.certain;
    let { now } = state;
    if (!(isSilent && state.inSilence)) {
      if (state.record.numRows >= this.options.maxFrames) now = this.forget(state);
      if (isSilent) row.fill(LOWEST, 1);
      state.record.append(row, now.numFrames);
      const outside = Math.max(score, -this.options.fillerCost);
      now = now.afterRow(state.search.step(row, outside), outside, now.numFrames);
    }
    state.inSilence = isSilent;
    return (state.now = now.afterFrame(score === 0));
  }

  /** Whether more phones may follow on the best path. */
  canContinue(at: Progress): boolean {
    return !at.isFinal || this.graph.canContinue(at.finalNode);
  }

  /** The best sentence alone, which costs much less than `sentences`; null while there is none. */
  best(state: DecoderState): Sentence | null {
    const { now, record } = state;
    const path = now.bestFinal > -Infinity ? state.paths.to(state.search.history(), now.finalNode, now.finalRow + 1) : null;
    const [spelling] = path ? this.graph.speller.sentences(path.prefix) : [];
    if (!path || !spelling) return null;
    const spans = path.spans();
    const outside = record.tokens;
    const around =
      record.sumAt(spans[0].begin, outside) +
      record.sumAt(now.numRows, outside) -
      record.sumAt(spans[spans.length - 1].end, outside);
    return new Sentence(record, path.prefix.phones, spelling, around + commandScore(record, spans), () => spans, this.graph.otherWords);
  }

  /** The words that are over on the best path wherever it is; none while no path is alive. */
  partial(state: DecoderState): readonly number[] {
    const path = state.paths.to(state.search.history(), state.now.bestNode, state.now.numRows);
    if (!path) return [];
    path.beginning ??= this.graph.speller.beginnings(path.prefix)[0] ?? [];
    return path.beginning.map((each) => each.word);
  }

  /** All word sequences within the beam, best first, each looked for when it is asked for. */
  sentences({ search, record, now, paths }: DecoderState): Generator<Sentence, undefined> {
    const { graph, options } = this;
    return new SentenceSearch(graph, search.history(), record, now.numRows, paths.prefixes, options.nbestBeam).sentences();
  }

  /** Drop the older half of the history and search the newer one again. */
  private forget({ record, search, paths, now }: DecoderState): Progress {
    record.forget(Math.ceil(record.numRows / 2));
    search.clear();
    paths.clear();
    let again = now.again();
    for (let at = 0; at < record.numRows; at++) {
      const row = record.row(at);
      const outside = Math.max(row[0], -this.options.fillerCost);
      again = again.afterRow(search.step(row, outside), outside, record.frameOf[at]);
    }
    return again;
  }
}
