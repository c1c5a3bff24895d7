/** A queue that gives the entry with the lowest cost first, and of equal ones the first that came. */
export class Heap<T> {
  private readonly entries: { cost: number; number: number; value: T }[] = [];
  private pushed = 0;

  push(cost: number, value: T): void {
    const { entries } = this;
    let at = entries.push({ cost, number: this.pushed++, value }) - 1;
    for (let up = (at - 1) >> 1; at > 0 && this.before(at, up); at = up, up = (at - 1) >> 1) this.swap(at, up);
  }

  pop(): { cost: number; value: T } | undefined {
    const { entries } = this;
    if (!entries.length) return undefined;
    this.swap(0, entries.length - 1);
    const first = entries.pop();
    for (let at = 0; ; ) {
      let least = at;
      for (const down of [2 * at + 1, 2 * at + 2]) if (down < entries.length && this.before(down, least)) least = down;
      if (least === at) return first;
      this.swap(at, least);
      at = least;
    }
  }

  private before(a: number, b: number): boolean {
    const [first, second] = [this.entries[a], this.entries[b]];
    return first.cost < second.cost || (first.cost === second.cost && first.number < second.number);
  }

  private swap(a: number, b: number): void {
    [this.entries[a], this.entries[b]] = [this.entries[b], this.entries[a]];
  }
}
