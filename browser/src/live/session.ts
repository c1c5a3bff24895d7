/**
 * The state machine of a voice assistant: idle -> awake -> listening -> command, rejection or time-out -> idle
 * (runtime/live/session.py has the table of its transitions). All is done frame by frame.
 */

import type { Frame } from "../decoding/margins";
import type { Progress } from "../decoding/decoder";
import { OptionError } from "../errors";
import { rounded, seconds } from "../numbers";
import type { Event } from "../results";
import type { Detection, WakeWordDetector, WakeWordSearch } from "../wake/wakeword";
import { CommandSearch, type Heard } from "./commandSearch";
import { Endpoint } from "./endpoint";
import type { Decision } from "./interpreter";
import { Preroll } from "./preroll";

export type State = "idle" | "awake" | "listening";

/** When a session starts and stops to listen; everything in seconds but the last three. */
export interface SessionOptions {
  /** Silence or other speech after a sentence that no longer one can follow. */
  readonly confirmSeconds: number;
  /** The same after a sentence which could go on; silence that ends speech which is no sentence. */
  readonly pauseSeconds: number;
  /** Silence after the wake word until the session gives up. */
  readonly leadingSeconds: number;
  /** Longest command. */
  readonly totalSeconds: number;
  /** How long the last sound of the wake word may go on. */
  readonly wakeTailSeconds: number;
  /** How much longer to listen when the button is released, because a model hears a little late. */
  readonly releaseSeconds: number;
  /** Audio before the detected start of speech that belongs to the command. */
  readonly prerollSeconds: number;
  /** Least time between partial results. */
  readonly partialSeconds: number;
  /** Frames with a phone, within prerollSeconds, that make speech. */
  readonly speechFrames: number;
  /** Whether to report the words so far. */
  readonly partials: boolean;
  /** Listen only between `press` and `release`. */
  readonly pushToTalk: boolean;
}

export const SESSION_DEFAULTS: SessionOptions = {
  confirmSeconds: 0.16, pauseSeconds: 0.6, leadingSeconds: 5, totalSeconds: 10, wakeTailSeconds: 0.32, releaseSeconds: 0.3,
  prerollSeconds: 0.4, partialSeconds: 0.24, speechFrames: 2, partials: true, pushToTalk: false,
};

/** The defaults where nothing is given, or undefined. OptionError for a time or count that is not above 0. */
export function sessionOptions(given: Partial<SessionOptions> = {}): SessionOptions {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const options: SessionOptions = { ...SESSION_DEFAULTS, ...Object.fromEntries(set) };
  for (const [name, value] of Object.entries(options)) {
    const usual: unknown = SESSION_DEFAULTS[name as keyof SessionOptions];
    if (usual === undefined) throw new OptionError(`there is no option ${name}; there are ${Object.keys(SESSION_DEFAULTS).join(", ")}`);
    if (typeof value !== typeof usual) throw new OptionError(`${name} is ${value}, expected a ${typeof usual}`);
    if (typeof value === "number" && !(value > 0)) throw new OptionError(`${name} is ${value}, it must be above 0`);
  }
  return options;
}

/** Fed with log-probabilities, gives events. Belongs to one stream. */
export class Session {
  state: State = "idle";
  private readonly endpoint: Endpoint;
  private readonly recent: Preroll;
  private wake: WakeWordSearch | null;
  private clock = 0; // frames of the stream
  private frames = 0; // the same, but for those to hear again
  private end = Infinity; // seconds of real audio, once known
  private since = 0; // frame at which the state began
  private releaseAt: number | null = null;
  private wakeEnd = 0; // frame until which the last sound of the wake word went on
  private wakeLimit = 0; // frame until which it may, 0 when it is over
  private pressed = false;
  private answered = false; // whether the button brought an event already
  private search: CommandSearch | null = null; // while listening
  private again: Frame[] = []; // frames that are left over from a decision

  /** detector: of the wake words that the session waits for; without one it waits for speech. */
  constructor(
    private grammar: Heard,
    private readonly options: SessionOptions,
    private readonly alternatives: number,
    private readonly detector: WakeWordDetector | null,
  ) {
    this.wake = detector?.start() ?? null;
    this.endpoint = new Endpoint(
      this.count(options.confirmSeconds), this.count(options.pauseSeconds), this.count(options.totalSeconds),
    );
    this.recent = new Preroll(this.count(options.prerollSeconds), options.speechFrames);
  }

  /** Another grammar, from the next command on. */
  use(grammar: Heard): void {
    this.grammar = grammar;
  }

  /** Seconds of audio heard. */
  get time(): number {
    return seconds(Math.min(this.clock * this.grammar.asked.frameSeconds, this.end));
  }

  /** The next frames of the stream. Returns what happened. */
  advance(logProbs: readonly Frame[]): Event[] {
    const events: Event[] = [];
    this.hear(logProbs, events);
    return events;
  }

  /**
   * How many blocks of so many frames may be heard at once as soon as there is a sound in them, and at most, without one:
   * one where a command or a wake word may be over within a block, two where a command may be over, or begin, soon, four in
   * other speech and before it, eight there while there is no sound.
   */
  blocks(frames: number): [few: number, most: number] {
    const search = this.search;
    if (this.releaseAt !== null) return [1, 1];
    if (search === null) {
      if (!this.recent.phones.some(Boolean)) return [4, this.state === "idle" ? 8 : 4];
      const left = this.wake && this.state === "idle" ? this.wake.framesLeft : 2 * frames;
      const few = Math.max(1, Math.min(4, Math.floor(left / frames)));
      return [few, few];
    }
    if (this.pressed) return [4, 4];
    const isNear = (count: number): boolean => this.endpoint.isNear(search.now, search.canContinue, count * frames);
    return isNear(1) ? [1, 1] : isNear(3) ? [2, 2] : [4, 4];
  }

  /** The button is pressed: listen for a command now, without a wake word; one that is being said goes on. */
  press(): void {
    if (this.search) this.search.isAsked = true;
    else if (!this.pressed && this.releaseAt === null) this.awake(0);
    this.pressed = true;
    this.releaseAt = null;
  }

  /** The button is released: decide shortly. waiting: frames of what was said before that are still to come. */
  release(waiting = 0): void {
    if (!this.pressed) return;
    this.pressed = false;
    this.releaseAt = this.frames + waiting + this.count(this.options.releaseSeconds);
  }

  /** There is no audio after that time, frames beyond it are padding: no time is later. */
  endAt(time: number): void {
    this.end = time;
  }

  /** The audio has ended: decide about what was said so far. */
  finish(): Event[] {
    const events: Event[] = [];
    this.pressed = false;
    while (this.state === "listening" && this.search) {
      events.push(this.decide(this.search));
      this.hear(this.leftOver(), events);
    }
    this.idle();
    return events;
  }

  /** Frames, and what is left over from a decision before those that follow. */
  private hear(frames: readonly Frame[], events: Event[]): void {
    const pending = [...frames].reverse();
    for (let frame = pending.pop(); frame; frame = pending.pop()) {
      this.frames += 1;
      this.clock = Math.max(this.clock, this.frames);
      const search = this.state === "listening" ? this.search : null;
      const event = search ? this.afterFrame(search, search.follow(frame)) : this.wait(frame);
      if (event) events.push(event);
      pending.push(...this.leftOver().reverse());
    }
  }

  /** Frames to hear again, once. */
  private leftOver(): Frame[] {
    const { again } = this;
    this.again = [];
    this.frames -= again.length;
    return again;
  }

  /** A frame while no command is listened to. */
  private wait(frame: Frame): Event | null {
    const phone = this.grammar.decoder.hasPhone(frame);
    this.recent.append(frame, phone);
    const wake = this.state === "idle" ? this.wake : null;
    const detection = wake?.advance(frame);
    if (wake && detection) return this.woken(detection, wake.heard - 1 - detection.lastFrame);
    this.hearWakeWord(phone, this.frames);
    if ((this.state === "awake" || this.commandOnly) && this.recent.hasSpeech(this.frames - this.wakeEnd)) return this.begin();
    if (this.state !== "awake" || this.pressed) return null;
    const isOver = this.releaseAt === null
      ? this.frames - this.since >= this.count(this.options.leadingSeconds)
      : this.frames >= this.releaseAt;
    if (!isOver) return null;
    const { answered } = this;
    this.idle();
    return answered ? null : { event: "Timeout", time: this.time, reason: "leading" };
  }

  /** The wake word ended so many frames ago. */
  private woken({ phrase, score }: Detection, ago: number): Event {
    this.awake(ago);
    this.wakeLimit = this.frames + this.count(this.options.wakeTailSeconds);
    const first = this.frames - this.recent.length + 1;
    this.recent.phones.forEach((phone, at) => this.hearWakeWord(phone, first + at));
    return { event: "WakeWord", time: this.time, phrase, confidence: Math.exp(score) };
  }

  /** Whether speech alone starts a search. */
  private get commandOnly(): boolean {
    return !(this.wake || this.options.pushToTalk);
  }

  /** After the search has gone on by a frame. */
  private afterFrame(search: CommandSearch, now: Progress): Event | null {
    if (!this.pressed) {
      const released = this.releaseAt !== null && this.frames >= this.releaseAt;
      const verdict = this.endpoint.verdict(now, search.canContinue, search.untried);
      if (released || verdict === "DECIDE") return this.decide(search);
      const command = verdict === "TRY" ? this.command(search) : null;
      if (command) return command;
    }
    if (this.endpoint.isTooLong(this.frames - search.origin)) return this.command(search) ?? this.giveUp(search);
    const replayed = this.frames < this.clock;
    if (now.trailingBlanks || replayed || !this.options.partials) return null;
    const text = search.newWords(this.count(this.options.partialSeconds));
    return text ? { event: "Partial", time: this.time, text } : null;
  }

  /** The command or the rejection, and to the next state. */
  private decide(search: CommandSearch): Event {
    const decision = search.decide(this.alternatives, this.time);
    if (decision.result.accepted) return this.commanded(search, decision);
    this.next();
    return { event: "Rejected", time: this.time, result: decision.result };
  }

  /** The command and to the next state, or null when what was heard so far is not accepted. */
  private command(search: CommandSearch): Event | null {
    if (!search.mightBeAccepted()) return null;
    const decision = search.decide(this.alternatives, this.time);
    return decision.result.accepted ? this.commanded(search, decision) : null;
  }

  /** To the next state, which hears what followed the last frame of the command. */
  private commanded(search: CommandSearch, decision: Decision): Event {
    this.again = search.since(decision.lastFrame + 1);
    this.next();
    return { event: "Command", time: this.time, result: decision.result };
  }

  /** No command in totalSeconds. Where the next one may come at any time it may have begun already. */
  private giveUp(search: CommandSearch): Event {
    const heard = search.now.numFrames;
    if (this.commandOnly || this.pressed) this.again = search.since(heard - Math.floor(heard / 2));
    this.next();
    return { event: "Timeout", time: this.time, reason: "total" };
  }

  /** After a decision: on with the button down, else idle. */
  private next(): void {
    if (!this.pressed) return this.idle();
    this.awake(0);
    this.pressed = this.answered = true;
  }

  /** Wait for speech; frames older than `ago` are not part of it. */
  private awake(ago: number): void {
    this.recent.keep(ago);
    this.state = "awake";
    this.since = this.frames;
    this.wakeLimit = 0;
    this.releaseAt = null;
    this.answered = false;
  }

  /** Follow what goes on without a break since the wake word. */
  private hearWakeWord(phone: boolean, frame: number): void {
    if (frame <= this.wakeLimit && phone) this.wakeEnd = frame;
    else this.wakeLimit = 0;
  }

  /** Search from the frames before the first phone on. */
  private begin(): Event {
    this.state = "listening";
    const before = this.recent.logProbs;
    const isAsked = !this.commandOnly || this.pressed || this.releaseAt !== null;
    this.search = new CommandSearch(this.grammar, isAsked, this.frames - before.length, before);
    this.recent.keep(0);
    return { event: "SpeechStarted", time: this.time };
  }

  /** Wait for the next wake word, button or speech. */
  private idle(): void {
    this.state = "idle";
    this.since = this.frames;
    this.pressed = false;
    this.releaseAt = null;
    this.recent.keep(0);
    this.search = null;
    this.wake = this.detector?.start() ?? null;
  }

  /** Frames in that many seconds. */
  private count(time: number): number {
    return Math.max(1, rounded(time / this.grammar.asked.frameSeconds));
  }
}
