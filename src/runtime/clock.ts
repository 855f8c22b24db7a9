/** An instant in milliseconds since the Unix epoch. Records hold these; wire dates are made at the edge. */
export type Instant = number;

/** A timer that can be taken back. Cancelling one that has fired, or twice, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where a process gets the time from. Only a composition root makes the real one; everything else is handed it. */
export interface Clock {
  /** Wall-clock time. It may jump: for stamps, not for measuring. */
  now(): Instant;
  /** Milliseconds that never go backwards: for measuring how long something took or has been silent. */
  monotonic(): number;
  /** Calls `fn` once after `ms` milliseconds (0 or more). Does not keep the process alive by itself. */
  after(ms: number, fn: () => void): Timer;
  /** Calls `fn` every `ms` milliseconds until cancelled. Does not keep the process alive by itself. */
  every(ms: number, fn: () => void): Timer;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason if it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (ms, fn) => {
      const handle = setTimeout(fn, ms).unref();
      return { cancel: () => clearTimeout(handle) };
    },
    every: (ms, fn) => {
      const handle = setInterval(fn, ms).unref();
      return { cancel: () => clearInterval(handle) };
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          clearTimeout(handle);
          reject(signal?.reason);
        };
        const handle = setTimeout(() => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        }, ms);
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };
}

/** `every` of a clock that has `after`. */
export function everyBy(clock: Pick<Clock, "after">, ms: number, fn: () => void): Timer {
  const again = () => {
    timer = clock.after(ms, again);
    fn();
  };
  let timer = clock.after(ms, again);
  return { cancel: () => timer.cancel() };
}

/** `sleep` of a clock that has `after`. */
export function sleepBy(clock: Pick<Clock, "after">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = clock.after(ms, resolve);
    signal?.addEventListener("abort", () => {
      timer.cancel();
      reject(signal.reason);
    });
  });
}
