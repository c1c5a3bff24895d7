/** What can go wrong for a user of the package; every message says what was given and what was expected. */

/** Base of all errors that this package throws on purpose. */
export class SpeechLstmError extends Error {
  override name = "SpeechLstmError"; // written out, as scripts are minified
}

/** Audio that cannot be used. */
export class AudioError extends SpeechLstmError {
  override name = "AudioError";
}

/** A model file that cannot be loaded or does not fit the grammar. */
export class ModelError extends SpeechLstmError {
  override name = "ModelError";
}

/** A compiled grammar that cannot be used. */
export class GrammarError extends SpeechLstmError {
  override name = "GrammarError";
}

/** An option outside its range. */
export class OptionError extends SpeechLstmError {
  override name = "OptionError";
}
