/** From phones back to words: which word sequences of a grammar are said like this? (runtime/decoding/spelling.py) */

/** A word by its number, its first phone and the one after its last. */
export interface SpeltWord {
  readonly word: number;
  readonly begin: number;
  readonly end: number;
}

export type Spelling = readonly SpeltWord[];
type Arcs = ReadonlyMap<number, readonly number[]>;

/** Of one phone sequence; more are homophones of homophones. */
export const MAX_SPELLINGS = 16;

/**
 * The first phones of a sentence. `ends`: for each node of the word graph where a word may end after them, the ways to
 * spell them so far. `wordsEnd`: the shorter prefixes after which a word may end, the longest first.
 */
export interface Prefix {
  readonly phones: readonly number[];
  readonly ends: ReadonlyMap<number, readonly Spelling[]>;
  readonly wordsEnd: readonly Prefix[];
}

/** Words by their phones, the first phone first. */
class Tree {
  readonly words: number[] = [];
  readonly longer = new Map<number, Tree>();

  add(phones: readonly number[], word: number): void {
    let at: Tree = this;
    for (const phone of phones) {
      let next = at.longer.get(phone);
      if (!next) at.longer.set(phone, (next = new Tree()));
      at = next;
    }
    at.words.push(word);
  }

  find(phones: readonly number[]): Tree | undefined {
    let at: Tree | undefined = this;
    for (const phone of phones) at = at?.longer.get(phone);
    return at;
  }

  /** Whether one of some words begins so far; beyond: and goes on. */
  leadsTo(words: Arcs, beyond: boolean): boolean {
    if (!beyond && this.words.some((word) => words.has(word))) return true;
    for (const next of this.longer.values()) if (next.leadsTo(words, false)) return true;
    return false;
  }
}

/** The words of a grammar and how they are said. */
export class Speller {
  private readonly tree = new Tree();
  private readonly longest: number;

  /** arcs: for each node of the word graph, the nodes that words lead to; said: for each word its phones. */
  constructor(
    private readonly arcs: readonly Arcs[],
    private readonly first: number,
    private readonly finals: ReadonlySet<number>,
    readonly said: readonly (readonly (readonly number[])[])[],
  ) {
    let longest = 0;
    said.forEach((ways, word) => {
      for (const phones of new Map(ways.map((way) => [way.join(), way])).values()) {
        this.tree.add(phones, word);
        longest = Math.max(longest, phones.length);
      }
    });
    this.longest = longest;
  }

  /** The same words from their last phone to their first, in any order: for ends of sentences. */
  backwards(): Speller {
    const said = this.said.map((ways) => ways.map((phones) => phones.slice().reverse()));
    const all = new Map(said.flatMap((ways, word) => (ways.length ? [[word, [0]] as const] : [])));
    return new Speller([all], 0, new Set([0]), said);
  }

  /** No phones. */
  start(): Prefix {
    return { phones: [], ends: new Map([[this.first, [[]]]]), wordsEnd: [] };
  }

  /** The phones of a prefix and one more. */
  longer(prefix: Prefix, phone: number): Prefix {
    const phones = [...prefix.phones, phone];
    const wordsEnd = prefix.ends.size ? [prefix, ...prefix.wordsEnd] : prefix.wordsEnd;
    return { phones, ends: this.ends(wordsEnd, phones), wordsEnd };
  }

  /** The distinct sentences that these phones say, at most `MAX_SPELLINGS`. */
  sentences(prefix: Prefix): Spelling[] {
    return distinct([...prefix.ends].flatMap(([node, found]) => (this.finals.has(node) ? found : [])));
  }

  /** Whether words are a sentence. */
  accepts(words: readonly number[]): boolean {
    let nodes = new Set([this.first]);
    for (const word of words) nodes = new Set([...nodes].flatMap((node) => this.arcs[node].get(word) ?? []));
    return [...nodes].some((node) => this.finals.has(node));
  }

  /** The same for a sentence that may break off anywhere: the words that are over, as many as possible. */
  beginnings(prefix: Prefix): Spelling[] {
    for (const shorter of [prefix, ...prefix.wordsEnd]) {
      const rest = prefix.phones.slice(shorter.phones.length);
      const possible = [...shorter.ends].flatMap(([node, found]) => (this.mayBegin(node, rest, false) ? found : []));
      if (possible.length) return distinct(possible);
    }
    return [];
  }

  /** The words of a prefix as a text, if a word is over and none can be begun: what may follow depends on nothing else. */
  wordsSoFar(prefix: Prefix): string | null {
    const spellings = [...prefix.ends.values()].flat();
    if (!spellings.length || spellings.length >= MAX_SPELLINGS) return null;
    for (const shorter of prefix.wordsEnd) {
      const rest = prefix.phones.slice(shorter.phones.length);
      if (rest.length >= this.longest) break;
      for (const node of shorter.ends.keys()) if (this.mayBegin(node, rest, true)) return null;
    }
    return [...new Set(spellings.map(wordsOf))].sort().join(";");
  }

  /** Where words end after these phones. wordsEnd: shorter prefixes of them. */
  private ends(wordsEnd: readonly Prefix[], phones: readonly number[]): Map<number, Spelling[]> {
    const begun: [Prefix, readonly number[]][] = [];
    for (const shorter of wordsEnd) {
      const last = phones.slice(shorter.phones.length);
      if (last.length > this.longest) break;
      const words = this.tree.find(last)?.words ?? [];
      if (words.length) begun.push([shorter, words]);
    }
    const ends = new Map<number, Spelling[]>();
    for (const [shorter, words] of begun.reverse()) {
      // long words come first
      const [begin, end] = [shorter.phones.length, phones.length];
      for (const [node, spellings] of shorter.ends)
        for (const spelling of spellings)
          for (const word of words)
            for (const target of this.arcs[node].get(word) ?? []) {
              let found = ends.get(target);
              if (!found) ends.set(target, (found = []));
              if (found.length < MAX_SPELLINGS) found.push([...spelling, { word, begin, end }]);
            }
    }
    return ends;
  }

  /** Whether a word that may follow a node begins with these phones; longer: and has more. */
  private mayBegin(node: number, phones: readonly number[], longer: boolean): boolean {
    return !phones.length || (this.tree.find(phones)?.leadsTo(this.arcs[node], longer) ?? false);
  }
}

/** The prefixes of one search, each found once: most of its hypotheses begin alike. */
export class Prefixes {
  readonly start: Prefix;
  private readonly known = new Map<Prefix, Map<number, Prefix>>();
  private readonly words = new Map<Prefix, string | null>();

  constructor(readonly speller: Speller) {
    this.start = speller.start();
  }

  /** See `Speller`. */
  longer(prefix: Prefix, phone: number): Prefix {
    let following = this.known.get(prefix);
    if (!following) this.known.set(prefix, (following = new Map()));
    let longer = following.get(phone);
    if (!longer) following.set(phone, (longer = this.speller.longer(prefix, phone)));
    return longer;
  }

  /** See `Speller`. */
  wordsSoFar(prefix: Prefix): string | null {
    let words = this.words.get(prefix);
    if (words === undefined) this.words.set(prefix, (words = this.speller.wordsSoFar(prefix)));
    return words;
  }

  /** The prefix with these phones. */
  find(phones: readonly number[]): Prefix {
    return phones.reduce((prefix, phone) => this.longer(prefix, phone), this.start);
  }
}

function wordsOf(spelling: Spelling): string {
  return spelling.map((each) => each.word).join();
}

function distinct(spellings: readonly Spelling[]): Spelling[] {
  const found = new Map<string, Spelling>();
  for (const spelling of spellings) {
    const key = spelling.map((each) => `${each.word} ${each.begin} ${each.end}`).join();
    if (!found.has(key)) found.set(key, spelling);
  }
  return [...found.values()].slice(0, MAX_SPELLINGS);
}
