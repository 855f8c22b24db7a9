import type { Clock, Instant } from "../runtime/clock.ts";

/** A clock for tests: time stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves to the next timer and fires it; false if there is none within `limitMs`. */
  next(limitMs?: number): boolean;
  /** Moves on by `ms`, firing what falls due in order. */
  advance(ms: number): void;
}

export function manualClock(start: Instant = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let order = 0;
  const timers = new Map<number, { at: number; fn: () => void }>();
  function after(ms: number, fn: () => void) {
    const id = order++;
    timers.set(id, { at: now + Math.max(0, ms), fn });
    return { cancel: () => void timers.delete(id) };
  }
  function next(limitMs = Number.POSITIVE_INFINITY): boolean {
    let due: [number, { at: number; fn: () => void }] | undefined;
    for (const entry of timers) if (!due || entry[1].at < due[1].at) due = entry;
    if (!due || due[1].at > now + limitMs) return false;
    timers.delete(due[0]);
    now = Math.max(now, due[1].at);
    due[1].fn();
    return true;
  }
  return {
    now: () => now,
    monotonic: () => now - start,
    after,
    every(ms, fn) {
      let timer = after(ms, tick);
      function tick() {
        timer = after(ms, tick);
        fn();
      }
      return { cancel: () => timer.cancel() };
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = after(ms, resolve);
        signal?.addEventListener("abort", () => {
          timer.cancel();
          reject(signal.reason);
        });
      }),
    next,
    advance(ms) {
      const end = now + ms;
      while (next(end - now));
      now = end;
    },
  };
}
