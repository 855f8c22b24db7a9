/** How long calls took, in milliseconds. */
export class Latencies {
  readonly #took: number[] = [];

  /** Measures one call. */
  async time<T>(call: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const answer = await call();
    this.#took.push(performance.now() - from);
    return answer;
  }

  get count(): number {
    return this.#took.length;
  }

  /** The time that `share` of the calls stayed below; 0 if there was none. */
  percentile(share: number): number {
    const sorted = this.#took.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  /** For people. */
  row(): Readonly<Record<string, number>> {
    const ms = (value: number) => Math.round(value * 100) / 100;
    return {
      calls: this.count,
      "p50 ms": ms(this.percentile(0.5)),
      "p99 ms": ms(this.percentile(0.99)),
      "max ms": ms(this.percentile(1)),
    };
  }
}
