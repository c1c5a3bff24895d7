/** What can go wrong for a user of the package; every message says what was given and what was expected. */

/** Base of all errors that this package throws on purpose. */
export class SpeechLstmError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** Audio that cannot be used. */
export class AudioError extends SpeechLstmError {}

/** A model file that cannot be loaded or does not fit the grammar. */
export class ModelError extends SpeechLstmError {}

/** A compiled grammar that cannot be used. */
export class GrammarError extends SpeechLstmError {}

/** An option outside its range. */
export class OptionError extends SpeechLstmError {}
