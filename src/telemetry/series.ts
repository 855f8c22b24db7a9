import { type Latency, LatencySum } from "../balancer/index.ts";

/** What is added up of a thing's traffic. */
export const SUMS = [
  "requests",
  "connections",
  "bytesIn",
  "bytesOut",
  // What a listener's clients were answered; of everything else, what targets answered.
  "2xx",
  "3xx",
  "4xx",
  "5xx",
  // What the load balancer answered itself.
  "own2xx",
  "own3xx",
  "own4xx",
  "own5xx",
  "connectionErrors",
  "responseErrors",
  "badRequests",
  // A target group's requests by healthy target.
  "requestsPerTarget",
] as const;
export type SumName = (typeof SUMS)[number];
export type Sums = Readonly<Record<SumName, number>>;

/** What is so at a moment, and is looked at again and again. */
export const GAUGES = ["active", "healthy", "unhealthy"] as const;
export type GaugeName = (typeof GAUGES)[number];
export type Gauges = Readonly<Record<GaugeName, number>>;

export const noSums = (): Record<SumName, number> =>
  Object.fromEntries(SUMS.map((name) => [name, 0])) as Record<SumName, number>;
const noGauges = (): Record<GaugeName, number> => ({ active: 0, healthy: 0, unhealthy: 0 });

/** What happened within some time. */
export class Span {
  readonly sums = noSums();
  readonly latency = new LatencySum();
  /** How often it was looked at what is so now, and what was seen: all added up, the most, the least. */
  looks = 0;
  readonly seen = noGauges();
  readonly most = noGauges();
  readonly least = noGauges();

  add(sums: Partial<Sums>, latency?: Latency): void {
    for (const [name, value] of Object.entries(sums)) this.sums[name as SumName] += value;
    if (latency !== undefined) this.latency.addAll(latency);
  }

  look(gauges: Gauges): void {
    for (const name of GAUGES) {
      this.seen[name] += gauges[name];
      this.most[name] = this.looks === 0 ? gauges[name] : Math.max(this.most[name], gauges[name]);
      this.least[name] = this.looks === 0 ? gauges[name] : Math.min(this.least[name], gauges[name]);
    }
    this.looks += 1;
  }

  addSpan(other: Span): void {
    this.add(other.sums, other.latency.toJSON());
    if (other.looks === 0) return;
    for (const name of GAUGES) {
      this.seen[name] += other.seen[name];
      this.most[name] = this.looks === 0 ? other.most[name] : Math.max(this.most[name], other.most[name]);
      this.least[name] = this.looks === 0 ? other.least[name] : Math.min(this.least[name], other.least[name]);
    }
    this.looks += other.looks;
  }
}

/** How finely time is kept, and how long. */
export interface Resolution {
  readonly stepMs: number;
  readonly steps: number;
}

/** The last three minutes by seconds, the last three hours by minutes. */
export const RESOLUTIONS = [
  { stepMs: 1000, steps: 180 },
  { stepMs: 60_000, steps: 181 },
] as const satisfies readonly Resolution[];

/** The newest steps of one resolution. A step in which nothing happened takes no room. */
class Ring {
  readonly #resolution: Resolution;
  readonly #steps: ({ readonly number: number; readonly span: Span } | undefined)[];

  constructor(resolution: Resolution) {
    this.#resolution = resolution;
    this.#steps = Array.from({ length: resolution.steps }, () => undefined);
  }

  /** The step that `at` lies in, or undefined if it is older than all that is kept. */
  step(at: number): Span | undefined {
    const number = Math.floor(at / this.#resolution.stepMs);
    const place = number % this.#resolution.steps;
    const held = this.#steps[place];
    if (held?.number === number) return held.span;
    if (held !== undefined && held.number > number) return undefined;
    const span = new Span();
    this.#steps[place] = { number, span };
    return span;
  }

  /** Adds to `total` the steps that begin from `from` on and before `to`. */
  addTo(total: Span, from: number, to: number): void {
    const { stepMs, steps } = this.#resolution;
    const last = Math.ceil(to / stepMs) - 1;
    for (let number = Math.max(Math.ceil(from / stepMs), last - steps + 1); number <= last; number += 1) {
      const held = this.#steps[number % steps];
      if (held?.number === number) total.addSpan(held.span);
    }
  }
}

/** What is remembered of one thing's traffic: of the last minutes finely, of the last hours roughly, and all in all. */
export class Series {
  readonly #rings = RESOLUTIONS.map((resolution) => new Ring(resolution));
  /** Everything since the series began. */
  readonly total = new Span();

  /** `at`: milliseconds since the epoch. What is older than all that is kept counts in the total only. */
  add(at: number, sums: Partial<Sums>, latency?: Latency): void {
    for (const ring of this.#rings) ring.step(at)?.add(sums, latency);
    this.total.add(sums, latency);
  }

  look(at: number, gauges: Gauges): void {
    for (const ring of this.#rings) ring.step(at)?.look(gauges);
  }

  /** What happened from `from` on and before `to`: by seconds where `now` is near enough to `from`, else by minutes that begin within. */
  between(from: number, to: number, now: number): Span {
    const total = new Span();
    const fine = RESOLUTIONS.findIndex(({ stepMs, steps }) => from > now - stepMs * (steps - 1));
    this.#rings[fine === -1 ? RESOLUTIONS.length - 1 : fine]?.addTo(total, from, Math.min(to, now + 1));
    return total;
  }
}
