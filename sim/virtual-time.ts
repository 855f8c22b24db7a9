import { type Clock, everyBy, type Instant, sleepBy, type Timer } from "../src/runtime/clock.ts";

/** Where virtual time begins. */
export const START: Instant = Date.UTC(2026, 0, 1);

interface Event extends Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/**
 * Virtual time and all that is to happen in it. Time passes only from event to event; of two at the same time, the one
 * that was planned first comes first.
 */
export class VirtualTime {
  /** Milliseconds since the start. */
  now = 0;
  /** How many events have happened. */
  count = 0;
  #order = 0;
  /** A binary heap: the earliest first. */
  readonly #heap: Event[] = [];

  /** Has `run` called after `ms` milliseconds (0 or more). */
  after(ms: number, run: () => void): Timer {
    const event: Event = {
      at: this.now + Math.max(0, ms),
      order: this.#order++,
      run,
      cancel() {
        event.run = undefined;
      },
    };
    this.#push(event);
    return event;
  }

  /** When the next event is due; undefined if there is none. */
  next(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.at;
  }

  /** Moves to the next event and has it happen. Returns false if there is none until `until`. */
  step(until: number): boolean {
    this.#dropCancelled();
    const event = this.#heap[0];
    if (event === undefined || event.at > until) return false;
    this.#pop();
    this.now = event.at;
    this.count++;
    const { run } = event;
    event.run = undefined;
    run?.();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]?.run === undefined) this.#pop();
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** What a process's clock reads beside the time that passes: shared by all processes of one machine. */
export interface WallClock {
  /** Milliseconds that the machine's wall clock is ahead of the true time; it jumps. */
  offsetMs: number;
}

/** The clock of one simulated process. It ends with the process: none of its timers fires after that. */
export class ProcessClock implements Clock {
  isDead = false;
  readonly #time: VirtualTime;
  readonly #wall: WallClock;
  readonly #bootedAt: number;
  /** Until then the process is stopped (SIGSTOP): what falls due waits. */
  #stoppedUntil = 0;

  constructor(time: VirtualTime, wall: WallClock) {
    this.#time = time;
    this.#wall = wall;
    this.#bootedAt = time.now;
  }

  /** The process is killed. */
  end(): void {
    this.isDead = true;
  }

  /** The process is stopped for so long. */
  pause(ms: number): void {
    this.#stoppedUntil = Math.max(this.#stoppedUntil, this.#time.now + ms);
  }

  /** How much longer the process is stopped, in milliseconds. */
  get stoppedMs(): number {
    return Math.max(0, this.#stoppedUntil - this.#time.now);
  }

  now(): Instant {
    return START + Math.floor(this.#time.now + this.#wall.offsetMs);
  }

  monotonic(): number {
    return this.#time.now - this.#bootedAt;
  }

  after(ms: number, fn: () => void): Timer {
    let timer: Timer;
    const fire = () => {
      if (this.isDead) return;
      if (this.stoppedMs > 0) timer = this.#time.after(this.stoppedMs, fire);
      else fn();
    };
    timer = this.#time.after(ms, fire);
    return { cancel: () => timer.cancel() };
  }

  every(ms: number, fn: () => void): Timer {
    return everyBy(this, ms, fn);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, ms, signal);
  }
}
