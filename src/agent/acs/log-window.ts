import type { LogLine } from "../container-runtime.ts";

/** An event of a container's log as the control plane gets it. */
export interface LogEvent {
  /** Milliseconds since the Unix epoch. Never smaller than that of the event before. */
  readonly timestamp: number;
  readonly message: string;
}

/** A place between two events: after the first `count` events of the millisecond `ms`. */
export interface LogPosition {
  readonly ms: number;
  readonly count: number;
}

/** Which events are wanted. */
export interface LogWindow {
  /** Only what comes after this place. */
  readonly from?: LogPosition;
  /** Only what comes before this place. */
  readonly to?: LogPosition;
  /** True: the last events of the window, otherwise the first. */
  readonly last: boolean;
  /** How many at most; at least 1. */
  readonly limit: number;
}

/** Bytes of all messages of one answer as JSON text; GetLogEvents answers 1 MiB at most. One event always fits. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Lines come nearly in order: output and error are written by two hands, so a line may be stamped a little before the one
 * in front of it. Whoever looks at lines from some point on begins this much earlier, in milliseconds, and sees them in the
 * same order with the same timestamps as one who began at the start.
 */
export const DISORDER_MS = 100;

/**
 * Picks the wanted events out of a log's lines, which are offered oldest first. Each line's timestamp is raised to that of
 * the line before, so that a place in the log can be told by a timestamp and a count.
 */
export class LogSelection {
  readonly #window: LogWindow;
  readonly #chosen: { readonly event: LogEvent; readonly index: number; readonly bytes: number }[] = [];
  #bytes = 0;
  #isCut = false;
  #firstMs: number | undefined;
  #ms = 0;
  #index = 0;

  constructor(window: LogWindow) {
    this.#window = window;
  }

  /** False when no later line can be wanted. */
  offer(line: LogLine): boolean {
    this.#firstMs ??= line.timestamp;
    this.#index = line.timestamp > this.#ms ? 0 : this.#index + 1;
    this.#ms = Math.max(this.#ms, line.timestamp);
    const { from, to, last, limit } = this.#window;
    if (to !== undefined && !this.#isBefore(to)) return false;
    if (from !== undefined && this.#isBefore(from)) return true;
    const bytes = Buffer.byteLength(JSON.stringify(line.message));
    const isFull = this.#chosen.length > 0 && (this.#chosen.length >= limit || this.#bytes + bytes > MAX_ANSWER_BYTES);
    if (!last && isFull) return false;
    this.#chosen.push({ event: { timestamp: this.#ms, message: line.message }, index: this.#index, bytes });
    this.#bytes += bytes;
    if (last) this.#shrink();
    return last || this.#chosen.length < limit;
  }

  /** The chosen events, and how many events of the first one's millisecond come before it. */
  answer(): { readonly events: readonly LogEvent[]; readonly offset: number } {
    return { events: this.#chosen.map((it) => it.event), offset: this.#chosen[0]?.index ?? 0 };
  }

  /** Whether the answer is the same as if the lines had been offered from the log's very first. */
  knowsEnough(): boolean {
    if (this.#firstMs === undefined) return false;
    const seenFrom = this.#firstMs + DISORDER_MS;
    const { from, last } = this.#window;
    if (from !== undefined && seenFrom < from.ms) return true;
    return last && this.#isCut && seenFrom < (this.#chosen[0]?.event.timestamp ?? 0);
  }

  #isBefore(position: LogPosition): boolean {
    return this.#ms < position.ms || (this.#ms === position.ms && this.#index < position.count);
  }

  #shrink(): void {
    while (this.#chosen.length > 1 && (this.#chosen.length > this.#window.limit || this.#bytes > MAX_ANSWER_BYTES)) {
      this.#bytes -= this.#chosen.shift()?.bytes ?? 0;
      this.#isCut = true;
    }
  }
}
