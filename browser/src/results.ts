/** What recognition gives back. Times are seconds from the beginning of the audio. */

/** What JSON can hold. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** A recognised word: when it was said, and the probability that it was. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
}

/** A filled slot of a command: the grammar's value, the words that filled it and when they were said. */
export interface Slot {
  readonly name: string;
  readonly value: Value;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
}

/** Another command that the audio may hold. */
export interface Alternative {
  readonly text: string;
  readonly confidence: number;
  readonly intent: string | null;
  readonly slots: Readonly<Record<string, Value>>;
  readonly slotDetails: readonly Slot[];
}

/** What an utterance holds. `text` is the closest command even when it is not accepted, "" where there is none. */
export interface Result extends Alternative {
  /** Whether the confidence reaches the threshold. */
  readonly accepted: boolean;
  readonly words: readonly Word[];
  /** Other commands, best first, without this one. */
  readonly alternatives: readonly Alternative[];
  readonly start: number;
  readonly end: number;
}

/** The result of audio in which no command was said. */
export const NOTHING: Result = {
  text: "", confidence: 0, accepted: false, intent: null, slots: {}, slotDetails: [], words: [], alternatives: [], start: 0, end: 0,
};

/** Something that happened in a stream; `time` is how much audio the stream had heard by then. */
export type Event =
  | { readonly event: "WakeWord"; readonly time: number; readonly phrase: string; readonly confidence: number }
  | { readonly event: "SpeechStarted"; readonly time: number }
  | { readonly event: "Partial"; readonly time: number; readonly text: string }
  | { readonly event: "Command" | "Rejected"; readonly time: number; readonly result: Result }
  | { readonly event: "Timeout"; readonly time: number; readonly reason: "leading" | "total" };
