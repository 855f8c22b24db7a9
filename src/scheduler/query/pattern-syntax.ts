import { QuerySyntaxError } from "./syntax-error.ts";

/** Ranges of code points, both ends included. */
export interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [number, number])[];
}

/** A pattern as a tree, as `readPattern` makes it. */
export type PatternNode =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly node: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: "start" }
  | { readonly kind: "end" };

/** How often a part may be repeated by number. */
const MAX_REPEAT = 100;
/** How deep groups may lie in one another. */
const MAX_DEPTH = 20;

type Range = readonly [number, number];
const code = (character: string) => character.codePointAt(0) ?? 0;
const range = (from: string, to: string): Range => [code(from), code(to)];

const DIGITS = [range("0", "9")];
const WORDS = [range("a", "z"), range("A", "Z"), range("0", "9"), range("_", "_")];
const SPACES: readonly Range[] = [
  [9, 13],
  [32, 32],
];
const LINE_ENDS: readonly Range[] = [
  [10, 10],
  [13, 13],
  [0x85, 0x85],
  [0x2028, 0x2029],
];
const CLASSES: Readonly<Record<string, CharacterSet>> = {
  d: { negated: false, ranges: DIGITS },
  D: { negated: true, ranges: DIGITS },
  w: { negated: false, ranges: WORDS },
  W: { negated: true, ranges: WORDS },
  s: { negated: false, ranges: SPACES },
  S: { negated: true, ranges: SPACES },
};

/**
 * Reads a regular expression of Java's syntax: characters, `.`, classes, groups, `|`, `* + ? {n,m}`, `^` and `$`. What would
 * need backtracking (references to groups, looking around, possessive repeats), flags and named classes are refused by name.
 * Throws QuerySyntaxError with a position in `text`.
 */
export function readPattern(text: string): PatternNode {
  return new PatternReader(text).read();
}

class PatternReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#text.length) throw this.#wrong("there is no group that this ')' could end");
    return node;
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: "choice", options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#text.length && this.#peek() !== "|" && this.#peek() !== ")") {
      parts.push(this.#repeated(this.#part()));
    }
    return { kind: "sequence", parts };
  }

  #part(): PatternNode {
    const character = this.#peek();
    if ("*+?{".includes(character)) throw this.#wrong(`there is nothing that '${character}' could repeat`);
    if (character === "(") return this.#group();
    if (character === "[") return { kind: "set", set: this.#class() };
    this.#at += character.length;
    if (character === ".") return { kind: "set", set: { negated: true, ranges: LINE_ENDS } };
    if (character === "^") return { kind: "start" };
    if (character === "$") return { kind: "end" };
    if (character === "\\") return { kind: "set", set: this.#escape() };
    return { kind: "set", set: { negated: false, ranges: [range(character, character)] } };
  }

  #group(): PatternNode {
    const from = this.#at;
    if (++this.#depth > MAX_DEPTH) throw this.#wrong(`groups lie more than ${MAX_DEPTH} deep`);
    this.#take("(");
    if (this.#take("?") && !this.#take(":")) throw this.#wrong("groups that begin with '(?' are not carried out", from);
    const inner = this.#choice();
    if (!this.#take(")")) throw this.#wrong("the group has no end", from);
    this.#depth--;
    return inner;
  }

  #repeated(node: PatternNode): PatternNode {
    const from = this.#at;
    const bounds = this.#bounds();
    if (bounds === undefined) return node;
    if (this.#peek() === "+") throw this.#wrong("possessive repeats are not carried out");
    this.#take("?"); // A reluctant repeat matches the same whole values.
    if ("*+?{".includes(this.#peek()) && this.#peek() !== "") throw this.#wrong("a repeat cannot be repeated");
    if (node.kind === "start" || node.kind === "end") throw this.#wrong("an anchor cannot be repeated", from);
    return { kind: "repeat", node, ...bounds };
  }

  #bounds(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (this.#peek() !== "{") return undefined;
    const given = /^\{(\d{1,5})(,(\d{0,5}))?\}/.exec(this.#text.slice(this.#at));
    if (given === null) throw this.#wrong("expected {n}, {n,} or {n,m}");
    const min = Number(given[1]);
    const most = given[3] === "" ? Number.POSITIVE_INFINITY : Number(given[3]);
    const max = given[2] === undefined ? min : most;
    const isTooMany = min > MAX_REPEAT || (max > MAX_REPEAT && max !== Number.POSITIVE_INFINITY);
    if (isTooMany) throw this.#wrong(`a repeat by number can be at most ${MAX_REPEAT}`);
    if (max < min) throw this.#wrong("the repeat's greatest number is below its least");
    this.#at += given[0].length;
    return { min, max };
  }

  #class(): CharacterSet {
    const from = this.#at;
    this.#take("[");
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (ranges.length === 0 || this.#peek() !== "]") {
      const one = this.#classItem(from);
      if (Array.isArray(one)) ranges.push(...one);
    }
    this.#take("]");
    return { negated, ranges };
  }

  #classItem(from: number): readonly Range[] {
    const first = this.#classCharacter(from);
    if (typeof first !== "string") return first;
    const next = this.#text[this.#at + 1];
    if (this.#peek() !== "-" || next === "]" || next === undefined) return [range(first, first)];
    this.#take("-");
    const last = this.#classCharacter(from);
    if (typeof last !== "string" || code(last) < code(first)) throw this.#wrong("the range of characters is none");
    return [range(first, last)];
  }

  /** One character, or the ranges that an escape such as `\d` stands for. */
  #classCharacter(from: number): string | readonly Range[] {
    const character = this.#peek();
    if (character === "") throw this.#wrong("the class has no end", from);
    if (character === "[") throw this.#wrong("a class within a class is not carried out");
    if (this.#text.startsWith("&&", this.#at)) throw this.#wrong("intersections of classes are not carried out");
    this.#at += character.length;
    if (character !== "\\") return character;
    const { negated, ranges } = this.#escape();
    if (negated) throw this.#wrong("negated escapes within a class are not carried out");
    return ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1]
      ? String.fromCodePoint(ranges[0]?.[0] ?? 0)
      : ranges;
  }

  #escape(): CharacterSet {
    const character = this.#peek();
    if (character === "") throw this.#wrong("nothing is escaped");
    const known = CLASSES[character];
    if (known === undefined && /[A-Za-z0-9]/.test(character)) {
      throw this.#wrong(`the escape '\\${character}' is not carried out`, this.#at - 1);
    }
    this.#at += character.length;
    return known ?? { negated: false, ranges: [range(character, character)] };
  }

  /** The next character, a pair of surrogates as one; "" at the end. */
  #peek(): string {
    const point = this.#text.codePointAt(this.#at);
    return point === undefined ? "" : String.fromCodePoint(point);
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += character.length;
    return true;
  }

  #wrong(problem: string, at: number = this.#at): QuerySyntaxError {
    return new QuerySyntaxError(problem, at + 1);
  }
}
