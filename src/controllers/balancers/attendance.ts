/** How long balancers count that say nothing, in milliseconds. */
export interface AttendanceSettings {
  /** One whose session ended, or that is failing. */
  readonly graceMs: number;
  /** One that was connected when the control plane ended, after a start. */
  readonly startGraceMs: number;
}

export const DEFAULT_ATTENDANCE_SETTINGS: AttendanceSettings = { graceMs: 10_000, startGraceMs: 30_000 };

/** A balancer that counts. */
export interface Attendant {
  readonly name: string;
  /** While it has yet to judge a target, that is to wait. One that fails is heard only. */
  readonly isWaitedFor: boolean;
}

/** Which balancers count. Rules BC1 to BC4; times are monotonic, in milliseconds. */
export class Attendance {
  readonly #settings: AttendanceSettings;
  /** Of each until when it is waited for: without end while it is connected and well. */
  readonly #until = new Map<string, number>();
  readonly #connected = new Set<string>();

  constructor(settings: AttendanceSettings) {
    this.#settings = settings;
  }

  /** One that was connected when the control plane ended. */
  expect(name: string, now: number): void {
    this.#until.set(name, now + this.#settings.startGraceMs);
  }

  joined(name: string): void {
    this.#connected.add(name);
    this.#until.set(name, Number.POSITIVE_INFINITY);
  }

  left(name: string, now: number): void {
    this.#connected.delete(name);
    // One that has failed for longer than the grace is not waited for again by leaving.
    this.#until.set(name, Math.min(this.#until.get(name) ?? 0, now + this.#settings.graceMs));
  }

  removed(name: string): void {
    this.#connected.delete(name);
    this.#until.delete(name);
  }

  /** Those that count, in the order of their names. `isFailing`: HAProxy of one that is connected is not what is wanted. */
  counting(now: number, isFailing: (name: string) => boolean): readonly Attendant[] {
    for (const name of this.#connected) {
      const until = isFailing(name)
        ? Math.min(this.#until.get(name) ?? 0, now + this.#settings.graceMs)
        : Number.POSITIVE_INFINITY;
      this.#until.set(name, until);
    }
    return [...this.#until]
      .map(([name, until]) => ({ name, isWaitedFor: now < until }))
      .filter(({ name, isWaitedFor }) => isWaitedFor || this.#connected.has(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
