interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** Those who wait until something has been brought about. */
export class Waiters {
  readonly #all = new Set<Waiter>();

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#all.add({ resolve, reject });
    });
  }

  /** Those who wait now. */
  get present(): readonly Waiter[] {
    return [...this.#all];
  }

  /** Tells `some` that it has been brought about, or with an error that it will not be. */
  finish(error?: Error, some: readonly Waiter[] = this.present): void {
    for (const waiter of some) {
      this.#all.delete(waiter);
      if (error === undefined) waiter.resolve();
      else waiter.reject(error);
    }
  }
}
