import type { VirtualTime } from "./virtual-time.ts";

/** Events at one moment at most: more of them bring each other about, and time would never go on. */
const MOST_EVENTS_AT_ONCE = 50_000;
/** Events between two turns of the real event loop, so that signals and a test's own limits are heard. */
const EVENTS_PER_TURN = 20_000;

/**
 * Has the events until `until` happen, one by one; each with all that its promises settle, before the next one and before
 * `afterEach` is called. Everything that awaits runs in microtasks, so one order of events is one order of everything.
 * Rejects with what an event or `afterEach` throws. Stops early when `afterEach` answers true.
 *
 * Node runs `process.nextTick` callbacks only when the queue of microtasks is empty; a nextTick asked for from a microtask is
 * therefore "when all is settled", at a tenth of the cost of a turn of the event loop.
 */
export function drive(time: VirtualTime, until: number, afterEach: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = EVENTS_PER_TURN;
    let moment = time.now;
    let atOnce = 0;
    const settle = () => {
      if (left-- > 0) process.nextTick(step);
      else {
        left = EVENTS_PER_TURN;
        setImmediate(step);
      }
    };
    const step = () => {
      try {
        if (afterEach()) return resolve();
        if (!time.step(until)) {
          time.now = Math.max(time.now, until);
          return resolve();
        }
        atOnce = time.now === moment ? atOnce + 1 : 0;
        moment = time.now;
        if (atOnce > MOST_EVENTS_AT_ONCE) throw new Error(`${atOnce} events at one moment: time does not go on`);
      } catch (error) {
        return reject(error);
      }
      queueMicrotask(settle);
    };
    queueMicrotask(settle);
  });
}
