import { type CharacterSet, type PatternNode, readPattern } from "./pattern-syntax.ts";
import { QuerySyntaxError } from "./syntax-error.ts";

/** A pattern of more steps than this, with its repetitions written out, is refused. Matching costs at most steps x characters. */
export const MAX_PATTERN_STEPS = 512;

type Step =
  | { readonly op: "set"; readonly set: CharacterSet }
  | { readonly op: "either"; readonly to: readonly [number, number] }
  | { readonly op: "jump"; readonly to: number }
  | { readonly op: "start" }
  | { readonly op: "end" }
  | { readonly op: "match" };

/**
 * A regular expression that must match the whole value. It is run over all its possible states at once, so that a match
 * costs at most the pattern's steps times the value's characters, whatever the pattern: there is no backtracking that a
 * hostile pattern could blow up. See docs/decisions/005-query-patterns.md.
 */
export class Pattern {
  readonly #steps: readonly Step[];

  /** Throws QuerySyntaxError, with a position within `text`, for what is no pattern or not carried out. */
  constructor(text: string) {
    const steps: Step[] = [];
    emit(steps, readPattern(text));
    steps.push({ op: "match" });
    this.#steps = steps;
  }

  matches(value: string): boolean {
    const characters = [...value];
    let current = new StateSet(this.#steps, 0, characters.length);
    current.add(0);
    for (const [i, character] of characters.entries()) {
      const next = new StateSet(this.#steps, i + 1, characters.length);
      const code = character.codePointAt(0) ?? 0;
      for (const at of current.waiting) {
        const step = this.#steps[at];
        if (step?.op === "set" && holds(step.set, code)) next.add(at + 1);
      }
      current = next;
      if (current.waiting.length === 0 && !current.isMatch) return false;
    }
    return current.isMatch;
  }
}

/** The steps that a match may have come to, before the character at `position`. */
class StateSet {
  isMatch = false;
  /** Steps that wait for a character. */
  readonly waiting: number[] = [];
  readonly #steps: readonly Step[];
  readonly #seen: Uint8Array;
  readonly #atStart: boolean;
  readonly #atEnd: boolean;

  constructor(steps: readonly Step[], position: number, length: number) {
    this.#steps = steps;
    this.#seen = new Uint8Array(steps.length);
    this.#atStart = position === 0;
    this.#atEnd = position === length;
  }

  /** Adds a step and all that are reached from it without a character. */
  add(first: number): void {
    const open = [first];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const step = this.#steps[at];
      if (step === undefined || this.#seen[at] === 1) continue;
      this.#seen[at] = 1;
      if (step.op === "set") this.waiting.push(at);
      else if (step.op === "either") open.push(...step.to);
      else if (step.op === "jump") open.push(step.to);
      else if (step.op === "match") this.isMatch = true;
      else if (step.op === "start" ? this.#atStart : this.#atEnd) open.push(at + 1);
    }
  }
}

function holds({ negated, ranges }: CharacterSet, code: number): boolean {
  return ranges.some(([low, high]) => low <= code && code <= high) !== negated;
}

/** Writes the steps of a node; whatever comes after it is written behind them. */
function emit(steps: Step[], node: PatternNode): void {
  if (steps.length > MAX_PATTERN_STEPS) {
    throw new QuerySyntaxError(`the pattern has more than ${MAX_PATTERN_STEPS} steps, repetitions written out`, 1);
  }
  switch (node.kind) {
    case "set":
      steps.push({ op: "set", set: node.set });
      return;
    case "start":
    case "end":
      steps.push({ op: node.kind });
      return;
    case "sequence":
      for (const part of node.parts) emit(steps, part);
      return;
    case "choice":
      emitChoice(steps, node.options);
      return;
    case "repeat":
      emitRepeat(steps, node);
      return;
  }
}

function emitChoice(steps: Step[], options: readonly PatternNode[]): void {
  const exits: number[] = [];
  for (const [i, option] of options.entries()) {
    if (i === options.length - 1) {
      emit(steps, option);
      break;
    }
    const fork = steps.push({ op: "jump", to: 0 }) - 1;
    emit(steps, option);
    exits.push(steps.push({ op: "jump", to: 0 }) - 1);
    steps[fork] = { op: "either", to: [fork + 1, steps.length] };
  }
  for (const exit of exits) steps[exit] = { op: "jump", to: steps.length };
}

function emitRepeat(steps: Step[], { node, min, max }: Extract<PatternNode, { kind: "repeat" }>): void {
  for (let i = 0; i < min; i++) emit(steps, node);
  if (max === Number.POSITIVE_INFINITY) {
    const fork = steps.push({ op: "jump", to: 0 }) - 1;
    emit(steps, node);
    steps.push({ op: "jump", to: fork });
    steps[fork] = { op: "either", to: [fork + 1, steps.length] };
    return;
  }
  const forks: number[] = [];
  for (let i = min; i < max; i++) {
    forks.push(steps.push({ op: "jump", to: 0 }) - 1);
    emit(steps, node);
  }
  for (const fork of forks) steps[fork] = { op: "either", to: [fork + 1, steps.length] };
}
