import { createHash } from "node:crypto";
import { type Random, seededRandom } from "../src/runtime/random.ts";

/** A stream of chance: the same draws for the same seed and name. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** True with probability `p`. */
  is(p: number): boolean {
    return this.next() < p;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A number in [least, most). */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error("nothing to pick from");
    return list[Math.floor(this.next() * list.length)] as T;
  }

  /** One of the list, or undefined if it is empty. */
  maybe<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.pick(list);
  }

  /** A waiting time with this mean, at most eight times as long: how long until something that happens at random. */
  wait(meanMs: number): number {
    return Math.min(8, -Math.log(1 - this.next())) * meanMs;
  }

  /** One of the names, each as likely as its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return (entries.at(-1) as [K, number])[0];
  }
}

/** A number for a seed and a name: other names are other numbers. */
function seedOf(seed: number, name: string): number {
  return createHash("sha256").update(`${seed}/${name}`).digest().readUInt32LE(0);
}

/** The streams of one seed. Each purpose takes its own, so that one more draw in one does not shift the others. */
export interface Streams {
  of(name: string): Chance;
  /** A stream in the form that the product takes. */
  random(name: string): Random;
}

export function streams(seed: number): Streams {
  return {
    of: (name) => new Chance(seedOf(seed, name)),
    random: (name) => seededRandom(seedOf(seed, name)),
  };
}
