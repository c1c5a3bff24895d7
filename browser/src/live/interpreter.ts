/** Hypotheses of the decoder to results: meaning, times, confidence and the decision to accept (runtime/live/interpreter.py). */

import { CLEAR, type ConfidenceModel } from "../decoding/confidence";
import type { Hypothesis, HypothesisWord, Sentence } from "../decoding/hypothesis";
import type { CompiledGrammar } from "../grammar/compiled";
import type { Interpretation, Sentences, SlotSpan } from "../grammar/interpretation";
import { seconds } from "../numbers";
import { NOTHING, type Alternative, type Result, type Slot, type Value, type Word } from "../results";

/** Sentences looked at for alternatives: optional words give many that ask for the same. */
const MOST_SENTENCES = 24;

/** Sentences looked at for one of another meaning. */
const MOST_RIVALS = 12;

/** A result, and the last frame of it in the search, -1 without words. */
export interface Decision {
  readonly result: Result;
  readonly lastFrame: number;
}

/** Seconds at which a word begins with a frame or ends before one; one that comes out after the audio was said at its end. */
interface Times {
  begin(frame: number): number;
  end(frame: number): number;
}

/** A sentence and its meaning. */
class Meant {
  /** The same for all sentences that ask for the same; one without an intent and slots means itself. */
  readonly command: string;

  constructor(readonly sentence: Sentence, readonly meaning: Interpretation) {
    const { intent } = meaning;
    const slots = meaning.slots.map(({ name, value }): [string, Value] => [name, value]);
    slots.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.command = JSON.stringify(intent !== null || slots.length ? [intent, slots] : sentence.words);
  }

  get hypothesis(): Hypothesis {
    return this.sentence.hypothesis;
  }

  /** Whether they ask for different things, in sounds that can be told apart. */
  isRival(other: Meant): boolean {
    return this.command !== other.command && this.sentence.phones.join() !== other.sentence.phones.join();
  }

  /** Over the best of the rivals, in nats. */
  lead(rivals: readonly Meant[]): number {
    return this.sentence.score - Math.max(-Infinity, ...rivals.map((other) => other.sentence.score));
  }

  /** Whether it says the same word at about the same time. */
  hasWord(word: HypothesisWord): boolean {
    return this.hypothesis.words.some(
      (own) => own.word === word.word && own.firstFrame <= word.lastFrame && word.firstFrame <= own.lastFrame,
    );
  }

  /** Whether it fills a slot with the same value. */
  hasSlot(slot: SlotSpan): boolean {
    const value = JSON.stringify(slot.value);
    return this.meaning.slots.some((own) => own.name === slot.name && JSON.stringify(own.value) === value);
  }
}

/** Immutable. `threshold`: least confidence of an accepted result. */
export class Interpreter {
  readonly frameSeconds: number;
  private readonly words: readonly string[];
  private readonly grammar: Sentences;
  private readonly confidence: ConfidenceModel;

  constructor(compiled: CompiledGrammar, private readonly threshold: number) {
    this.words = compiled.words;
    this.grammar = compiled.sentences;
    this.confidence = compiled.confidence;
    this.frameSeconds = compiled.model.frameSeconds;
  }

  /** Texts of words by their numbers. */
  text(words: readonly number[]): string {
    return words.map((word) => this.words[word]).join(" ");
  }

  /**
   * The result of a search, with that many alternatives at most: each asks for something else, in the order of their
   * confidence, which is never above that of the result.
   *
   * sentences: best first, asked for one by one as they are needed. numFrames: that were searched. firstFrame: where in
   * the audio the search began. end: no time is after it.
   */
  decide(sentences: Iterator<Sentence>, numFrames: number, alternatives = 0, firstFrame = 0, end = Infinity): Decision {
    const lookedAt: Meant[] = [];
    const meant: Meant[] = [];
    const most = alternatives ? MOST_SENTENCES : 1;
    while (lookedAt.length < most && meant.length <= alternatives) {
      const other = this.next(sentences);
      if (!other) break;
      lookedAt.push(other);
      if (meant.every((another) => another.command !== other.command)) meant.push(other);
    }
    const at = (frame: number, latest: number): number => seconds(Math.min((firstFrame + frame) * this.frameSeconds, latest));
    const times: Times = { begin: (frame) => at(frame, Math.max(0, end - this.frameSeconds)), end: (frame) => at(frame, end) };
    if (!meant.length) return { result: { ...NOTHING, start: at(0, end), end: at(numFrames, end) }, lastFrame: -1 };
    const [best] = meant;
    if (!meant.some((other) => best.isRival(other)) && this.accepts(best.sentence, numFrames)) {
      const rival = this.nearestRival(best, lookedAt, sentences);
      if (rival) meant.push(rival);
    }
    const confidence = this.confidenceOf(best, meant, numFrames);
    const others = meant.slice(1).map((other): Alternative => this.alternative(other, meant, numFrames, times, confidence));
    others.sort((a, b) => b.confidence - a.confidence);
    const words = this.timedWords(best, meant, times);
    const result: Result = {
      ...this.alternative(best, meant, numFrames, times, confidence),
      accepted: confidence >= this.threshold,
      words,
      alternatives: others.slice(0, alternatives),
      start: words[0].start,
      end: words[words.length - 1].end,
    };
    const last = best.hypothesis.words[best.hypothesis.words.length - 1];
    return { result, lastFrame: last.lastFrame };
  }

  /** Whether a sentence is accepted if it has no rival. */
  accepts(sentence: Sentence, numFrames: number): boolean {
    const { hypothesis } = sentence;
    if (this.confidence.command(hypothesis, numFrames) < this.threshold) return false; // other words take time, and only lower it
    return this.confidence.command(hypothesis, numFrames, Infinity, sentence.leads) >= this.threshold;
  }

  private next(sentences: Iterator<Sentence>): Meant | null {
    const next = sentences.next();
    return next.done ? null : new Meant(next.value, this.grammar.interpret(next.value.words));
  }

  /** The best sentence of another meaning that is close. */
  private nearestRival(best: Meant, lookedAt: readonly Meant[], sentences: Iterator<Sentence>): Meant | null {
    for (let number = 0; number < MOST_RIVALS; number++) {
      const other = lookedAt[number] ?? this.next(sentences);
      if (!other || other.sentence.score < best.sentence.score - CLEAR) return null;
      if (best.isRival(other)) return other;
    }
    return null;
  }

  private confidenceOf(own: Meant, meant: readonly Meant[], numFrames: number): number {
    const lead = own.lead(meant.filter((other) => own.isRival(other)));
    return this.confidence.command(own.hypothesis, numFrames, lead, own.sentence.leads);
  }

  /** most: confidence of the result, which is the best there is. */
  private alternative(
    own: Meant, meant: readonly Meant[], numFrames: number, times: Times, most: number,
  ): Alternative {
    const slotDetails = this.slots(own, meant, times);
    return {
      text: this.text(own.sentence.words),
      confidence: Math.min(most, this.confidenceOf(own, meant, numFrames)),
      intent: own.meaning.intent,
      slots: Object.fromEntries(slotDetails.map((slot) => [slot.name, slot.value])),
      slotDetails,
    };
  }

  private timedWords(own: Meant, meant: readonly Meant[], times: Times): Word[] {
    const rivals = meant.filter((other) => own.isRival(other));
    const numPhones = own.sentence.phones.length;
    const { leads } = own.sentence;
    return own.hypothesis.words.map((word, number) => ({
      text: this.words[word.word],
      start: times.begin(word.firstFrame),
      end: times.end(word.lastFrame + 1),
      confidence: this.confidence.span(
        [word], numPhones, own.lead(rivals.filter((other) => !other.hasWord(word))), [leads[number]],
      ),
    }));
  }

  private slots(own: Meant, meant: readonly Meant[], times: Times): Slot[] {
    const rivals = meant.filter((other) => own.isRival(other));
    const numPhones = own.sentence.phones.length;
    return own.meaning.slots.map((slot) => {
      const words = own.hypothesis.words.slice(slot.firstWord, slot.lastWord + 1);
      const leads = own.sentence.leads.slice(slot.firstWord, slot.lastWord + 1);
      return {
        name: slot.name,
        value: slot.value,
        text: this.text(own.sentence.words.slice(slot.firstWord, slot.lastWord + 1)),
        start: times.begin(words[0].firstFrame),
        end: times.end(words[words.length - 1].lastFrame + 1),
        confidence: this.confidence.span(words, numPhones, own.lead(rivals.filter((other) => !other.hasSlot(slot))), leads),
      };
    });
  }
}
