/** The fields of a JSON document, checked when they are read: one error that names the file and the field. */

import { GrammarError } from "../errors";
import type { Value } from "../results";

const AGAIN = "compile it again with `speech-lstm grammar compile`";

/** An object of a document. `place`: file and the way to it. */
export class Fields {
  private readonly values: { readonly [name: string]: Value };

  constructor(value: Value | undefined, private readonly place: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.wrong("", "is no object");
    this.values = value as { readonly [name: string]: Value };
  }

  /** The error about a field. */
  wrong(name: string, problem: string): GrammarError {
    return new GrammarError(`${this.place}${name} ${problem}; ${AGAIN}`);
  }

  has(name: string): boolean {
    return (this.values[name] ?? null) !== null;
  }

  any(name: string): Value {
    const value = this.values[name];
    if (value === undefined) throw this.wrong(name, "is missing");
    return value;
  }

  inside(name: string): Fields {
    return new Fields(this.any(name), `${this.place}${name}.`);
  }

  objects(name: string): Fields[] {
    return this.list(name).map((value, at) => new Fields(value, `${this.place}${name}[${at}].`));
  }

  list(name: string): readonly Value[] {
    return this.listOf(this.any(name), name);
  }

  text(name: string): string {
    const value = this.any(name);
    if (typeof value !== "string" || !value) throw this.wrong(name, `is ${short(value)}, expected a text`);
    return value;
  }

  /** Different texts. */
  texts(name: string): string[] {
    const values = this.list(name).map((value, at) => {
      if (typeof value !== "string" || !value) throw this.wrong(`${name}[${at}]`, `is ${short(value)}, expected a text`);
      return value;
    });
    if (new Set(values).size < values.length) throw this.wrong(name, "has a text twice");
    return values;
  }

  number(name: string, least = -1e6, most = 1e6): number {
    const value = this.any(name);
    if (typeof value !== "number" || !(value >= least && value <= most))
      throw this.wrong(name, `is ${short(value)}, expected a number from ${least} to ${most}`);
    return value;
  }

  whole(name: string, least: number, most: number): number {
    const value = this.number(name, least, most);
    if (!Number.isInteger(value)) throw this.wrong(name, `is ${value}, expected a whole number`);
    return value;
  }

  wholes(name: string, least: number, most: number, length?: number): Int32Array {
    const values = this.list(name);
    if (length !== undefined && values.length !== length)
      throw this.wrong(name, `has ${values.length} numbers, expected ${length}`);
    return this.wholeArray(values, name, least, most);
  }

  numbers(name: string, least: number, most: number, length: number): Float32Array {
    const values = this.list(name);
    if (values.length !== length) throw this.wrong(name, `has ${values.length} numbers, expected ${length}`);
    return Float32Array.from(values, (value, at) => {
      if (typeof value !== "number" || !(value >= least && value <= most))
        throw this.wrong(`${name}[${at}]`, `is ${short(value)}, expected a number from ${least} to ${most}`);
      return value;
    });
  }

  /** Ways to say something, each of tokens but blank; at least one. */
  ways(name: string, numTokens: number): number[][] {
    const found = this.waysOf(this.any(name), name, numTokens);
    if (!found.length) throw this.wrong(name, "are none");
    return found;
  }

  /** The same for so many things, some of which may have none. */
  allWays(name: string, numTokens: number, length: number): number[][][] {
    const values = this.list(name);
    if (values.length !== length) throw this.wrong(name, `has ${values.length} entries, expected ${length}`);
    return values.map((value, at) => this.waysOf(value, `${name}[${at}]`, numTokens));
  }

  private waysOf(value: Value, name: string, numTokens: number): number[][] {
    return this.listOf(value, name).map((way, number) => {
      const phones = this.listOf(way, `${name}[${number}]`);
      if (!phones.length) throw this.wrong(`${name}[${number}]`, "is empty");
      return [...this.wholeArray(phones, `${name}[${number}]`, 1, numTokens - 1)];
    });
  }

  private wholeArray(values: readonly Value[], name: string, least: number, most: number): Int32Array {
    return Int32Array.from(values, (value, at) => {
      if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
        throw this.wrong(`${name}[${at}]`, `is ${short(value)}, expected a whole number from ${least} to ${most}`);
      return value;
    });
  }

  private listOf(value: Value, name: string): readonly Value[] {
    if (!Array.isArray(value)) throw this.wrong(name, `is ${short(value)}, expected a list`);
    return value as readonly Value[];
  }
}

function short(value: Value): string {
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
