/** Speech commands in the browser: nothing leaves the page. */

export { AudioError, GrammarError, ModelError, OptionError, SpeechLstmError } from "./errors";
export type { RecognizerOptions } from "./live/recognizer";
export { SESSION_DEFAULTS, type SessionOptions, type State } from "./live/session";
export type { Cost } from "./live/stream";
export { Listener, type ListenerFiles } from "./page/listener";
export type { Alternative, Event, Result, Slot, Value, Word } from "./results";
