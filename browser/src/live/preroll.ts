/** The last frames of a stream while nobody is listened to (runtime/live/preroll.py). */

import type { Frame } from "../decoding/margins";

/** A few frames, and whether a phone was heard in each. `speech`: frames with a phone that make speech. */
export class Preroll {
  private frames: { readonly frame: Frame; readonly phone: boolean }[] = [];

  constructor(private readonly most: number, private readonly speech: number) {}

  get length(): number {
    return this.frames.length;
  }

  /** One more; the oldest goes when there are too many. */
  append(frame: Frame, phone: boolean): void {
    this.frames.push({ frame, phone });
    if (this.frames.length > this.most) this.frames.shift();
  }

  /** Drop all but the newest ones. */
  keep(newest: number): void {
    this.frames = this.frames.slice(Math.max(0, this.frames.length - newest));
  }

  /** In which frames one was heard, the oldest first. */
  get phones(): boolean[] {
    return this.frames.map(({ phone }) => phone);
  }

  get logProbs(): Frame[] {
    return this.frames.map(({ frame }) => frame);
  }

  /** Whether enough of the newest frames have a phone. */
  hasSpeech(newest: number): boolean {
    const phones = this.phones;
    return phones.slice(Math.max(0, phones.length - newest)).filter(Boolean).length >= this.speech;
  }
}
