/** What a search finds: words with their frames and scores, put together when they are asked for. */

import { AROUND, type OtherWords } from "./otherWords";
import type { Record } from "./record";
import type { Spelling } from "./spelling";

/** A phone of a path: it takes the rows `begin` to `end` - 1. */
export interface Span {
  readonly token: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * A word by its number, with its first and last frame, the sum of its frames' scores (<= 0) and its phones. `evidence`: how
 * much better it explains its frames than free speech does, in nats.
 */
export interface HypothesisWord {
  readonly word: number;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly score: number;
  readonly numPhones: number;
  readonly evidence: number;
}

/** A word sequence. `score`: of the whole path; `commandScore`: from the first word's first frame to the last one's last. */
export interface Hypothesis {
  readonly words: readonly HypothesisWord[];
  readonly score: number;
  readonly commandScore: number;
}

/** A word sequence before its frames are known, which take time to find. `phones`: its tokens; `score`: of its path. */
export class Sentence {
  readonly words: readonly number[];
  private found: Hypothesis | undefined;
  private foundSpans: readonly Span[] | undefined;
  private foundLeads: readonly number[] | undefined;

  /** findSpans: finds where in the rows of the record the phones are. */
  constructor(
    private readonly record: Record,
    readonly phones: readonly number[],
    private readonly spelling: Spelling,
    readonly score: number,
    private readonly findSpans: () => readonly Span[],
    private readonly otherWords: OtherWords,
  ) {
    this.words = spelling.map((each) => each.word);
  }

  /** With frames and scores. To be asked for before the search goes on. */
  get hypothesis(): Hypothesis {
    return (this.found ??= this.timed());
  }

  /** By how many nats each word is likelier than any other word in its place. To be asked for before the search goes on. */
  get leads(): readonly number[] {
    return (this.foundLeads ??= this.spelling.map(({ word, begin, end }) => {
      const { record, spans } = this;
      const before = begin > 0 ? spans[begin - 1] : null;
      const after = end < spans.length ? spans[end] : null;
      return this.otherWords.lead(word, this.phones.slice(begin, end), {
        record,
        begin: before ? before.begin : Math.max(0, spans[begin].begin - AROUND),
        end: after ? after.end : Math.min(record.numRows, spans[end - 1].end + AROUND),
        before: before ? before.token : null,
        after: after ? after.token : null,
      });
    }));
  }

  private get spans(): readonly Span[] {
    return (this.foundSpans ??= this.findSpans());
  }

  private timed(): Hypothesis {
    const { record, spans } = this;
    const words = this.spelling.map(({ word, begin, end }) => {
      const [first, last] = [spans[begin], spans[end - 1]];
      const score = commandScore(record, spans.slice(begin, end));
      return {
        word,
        firstFrame: record.frameOf[first.begin],
        lastFrame: record.frameOf[last.end - 1],
        score,
        numPhones: end - begin,
        evidence: score - record.speech(first.begin, last.end),
      };
    });
    const said = this.spelling.length ? spans.slice(0, this.spelling[this.spelling.length - 1].end) : [];
    return { words, score: this.score, commandScore: commandScore(record, said) };
  }
}

/** From the first row of the first phone to the last one of the last phone. */
export function commandScore(record: Record, spans: readonly Span[]): number {
  let phones = 0;
  for (const { token, begin, end } of spans) phones += record.sumAt(end, token) - record.sumAt(begin, token);
  let pauses = 0;
  for (let at = 1; at < spans.length; at++) pauses += record.sumAt(spans[at].begin, 0) - record.sumAt(spans[at - 1].end, 0);
  return phones + pauses;
}
