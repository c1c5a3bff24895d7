/** Does anything rise over the noise (runtime/audio/noise.py)? */

const RISE = 2.5; // of power, from which on there is a sound
const MEMORY = 24; // blocks whose least power is the noise, and as many before them
const LEAST = 3e-9; // power that is noise in any case

/** The quietest of what a stream heard of late. */
export class Noise {
  private least = Infinity;
  private leastBefore = Infinity;
  private blocks = 0;

  /** Begin anew. */
  forget(): void {
    this.least = this.leastBefore = Infinity;
    this.blocks = 0;
  }

  /** Whether a block is a sound louder than the noise before it; the block is then part of that. */
  isUnder(block: Float32Array): boolean {
    let sum = 0;
    for (let i = 1; i < block.length; i++) sum += (block[i]! - block[i - 1]!) ** 2;
    const power = Math.max(sum / block.length, LEAST);
    const isSound = power > RISE * Math.min(this.least, this.leastBefore);
    this.blocks += 1;
    if (this.blocks > MEMORY) {
      this.leastBefore = this.least;
      this.least = Infinity;
      this.blocks = 1;
    }
    this.least = Math.min(this.least, power);
    return isSound;
  }
}
