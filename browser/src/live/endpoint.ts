/** When a command is over: the rule by which a session ends a search (runtime/live/endpoint.py). */

import type { Progress } from "../decoding/decoder";

/** TRY: a sentence is complete though something goes on after it. DECIDE: speech is over. */
export type Verdict = "GO_ON" | "TRY" | "DECIDE";

/**
 * Frames of silence or other speech: `confirm` after a sentence that no longer one can follow, `pause` after one which could
 * go on, and of silence after speech that is no sentence. `total`: frames of the longest command.
 */
export class Endpoint {
  constructor(private readonly confirm: number, private readonly pause: number, private readonly total: number) {}

  /** canContinue: whether a longer sentence may follow; untried: frames since a sentence was last tried. */
  verdict(now: Progress, canContinue: boolean, untried: number): Verdict {
    const patience = canContinue ? this.pause : this.confirm;
    const complete = now.isFinal && now.finalFrames >= patience;
    if (now.trailingBlanks >= (complete ? patience : this.pause)) return "DECIDE";
    return complete && untried >= this.confirm ? "TRY" : "GO_ON";
  }

  /** Whether speech may be over so many frames later, if nothing more is said. */
  isNear(now: Progress, canContinue: boolean, frames: number): boolean {
    const over = Math.max(now.trailingBlanks, now.isFinal ? now.finalFrames : 0);
    return over + frames >= (canContinue ? this.pause : this.confirm);
  }

  /** Whether so many frames of a command are the most. */
  isTooLong(frames: number): boolean {
    return frames >= this.total;
  }
}
