/** How long calls took, in milliseconds. */
export class Latencies {
  readonly #took: number[] = [];

  /** Measures one call, from when it was due if that was earlier. */
  async time<T>(call: () => Promise<T>, from: number = performance.now()): Promise<T> {
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

  /** Median and 99th percentile, for people. */
  summary(): string {
    return `${this.percentile(0.5).toFixed(2)} / ${this.percentile(0.99).toFixed(2)}`;
  }
}
