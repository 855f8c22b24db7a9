const INT32_MIN = -(2 ** 31);

/** Chance for ties: a number in [0, 1). */
export interface Chance {
  next(): number;
}

/**
 * How chance tells equals apart, for one request: every instance has an arrival time of its own, and the earliest goes first. When a task
 * is placed on an instance, its next arrival is drawn. With times between arrivals that have no memory (exponential ones) each
 * choice is as likely for every instance, whatever was chosen before. Times are made of the instance's ARN and one draw from
 * `chance`, so that they do not depend on the order of instances.
 */
export class Arrivals {
  /** What the hashes are mixed with. */
  readonly salt: number;
  readonly #hashes: Int32Array;
  /** The arrivals of instances on which tasks were placed; 0 for the others. */
  #times: Float64Array | undefined;
  #draws: Int32Array | undefined;

  constructor(hashes: Int32Array, chance: Chance) {
    this.#hashes = hashes;
    this.salt = Math.floor(chance.next() * 2 ** 32) | 0;
  }

  /** The later the arrival, the smaller: what can be compared without working out the time of those never chosen. */
  earliness(slot: number): number {
    const time = this.#times?.[slot] ?? 0;
    return time === 0
      ? firstEarliness((this.#hashes[slot] ?? 0) ^ this.salt)
      : Math.exp(-time) * 2 ** 32 - 0.5 - 2 ** 31;
  }

  time(slot: number): number {
    const time = this.#times?.[slot] ?? 0;
    return time === 0 ? waitOf(mixed((this.#hashes[slot] ?? 0) ^ this.salt)) : time;
  }

  /** Draws the instance's next arrival. */
  next(slot: number): void {
    this.#times ??= new Float64Array(this.#hashes.length);
    this.#draws ??= new Int32Array(this.#hashes.length);
    const draw = (this.#draws[slot] ?? 0) + 1;
    this.#draws[slot] = draw;
    const hash = (this.#hashes[slot] ?? 0) ^ this.salt;
    this.#times[slot] = this.time(slot) + waitOf(mixed(Math.imul(draw, 0x9e3779b9) ^ mixed(hash)));
  }
}

/**
 * The earliness of an instance's first arrival, made of its hash and the salt: a whole number of 32 bits, signed, since that is made and
 * compared fastest. Its later arrivals have less. It calls nothing, because a scan makes one for each of thousands.
 */
export function firstEarliness(salted: number): number {
  let hash = salted;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16) ^ INT32_MIN;
}

/** Mixes 32 bits so that each bit of the answer depends on each that is given (the finish of MurmurHash3). */
const mixed = (bits: number) => firstEarliness(bits) ^ INT32_MIN;

/** A wait with mean 1 from 32 even bits; never 0. */
function waitOf(bits: number): number {
  return -Math.log(((bits >>> 0) + 0.5) / 2 ** 32);
}
