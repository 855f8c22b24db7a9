/** Silences that are shorter are not kept: nothing follows from them. */
const SHORT_SILENCE_MS = 3_000;
const KEPT_SILENCES = 8;

/** When the control plane heard something from a host, and for how long it listened in vain. Times are virtual milliseconds. */
export class Contact {
  heardAt = 0;
  /** How long the control plane's own process was stopped since. */
  #deafMs = 0;
  #silences: readonly { readonly from: number; readonly to: number; readonly deafMs: number }[] = [];

  heard(now: number): void {
    if (now - this.heardAt > SHORT_SILENCE_MS) {
      const silence = { from: this.heardAt, to: now, deafMs: this.#deafMs };
      this.#silences = [...this.#silences, silence].slice(-KEPT_SILENCES);
    }
    this.heardAt = now;
    this.#deafMs = 0;
  }

  /** The control plane's process is stopped for so much longer. Of one pause it counts a second at most as silence. */
  deaf(ms: number, isLonger: boolean): void {
    this.#deafMs += isLonger ? ms : Math.max(0, ms - 1_000);
  }

  /** For how long it had been silent at a time that is past, though it may have been heard since. */
  silentMs(at: number): number {
    if (at >= this.heardAt) return at - this.heardAt - this.#deafMs;
    const silence = this.#silences.find(({ from, to }) => from <= at && at <= to);
    return silence === undefined ? 0 : at - silence.from - silence.deafMs;
  }
}
