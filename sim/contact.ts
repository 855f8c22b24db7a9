/** Silences that are shorter are not kept: nothing follows from them. */
const SHORT_SILENCE_MS = 3_000;
const KEPT_SILENCES = 8;

/** A time during which the control plane's own process was stopped, and how much of it it does not count as silence. */
interface Pause {
  readonly from: number;
  readonly deafMs: number;
}

/** When the control plane heard something from a host, and for how long it listened in vain. Times are virtual milliseconds. */
export class Contact {
  heardAt = 0;
  /** Since then. */
  #pauses: readonly Pause[] = [];
  #silences: readonly { readonly from: number; readonly to: number; readonly pauses: readonly Pause[] }[] = [];

  heard(now: number): void {
    if (now - this.heardAt > SHORT_SILENCE_MS) {
      const silence = { from: this.heardAt, to: now, pauses: this.#pauses };
      this.#silences = [...this.#silences, silence].slice(-KEPT_SILENCES);
    }
    this.heardAt = now;
    this.#pauses = [];
  }

  /** From `now` the control plane's process is stopped for so much longer. Of one pause it counts a second at most as silence. */
  deaf(now: number, ms: number, isLonger: boolean): void {
    this.#pauses = [...this.#pauses, { from: now, deafMs: isLonger ? ms : Math.max(0, ms - 1_000) }];
  }

  /** For how long it had been silent at a time that is past, though it may have been heard, or pauses may have begun, since. */
  silentMs(at: number): number {
    if (at >= this.heardAt) return at - this.heardAt - deafMs(this.#pauses, at);
    const silence = this.#silences.find(({ from, to }) => from <= at && at <= to);
    return silence === undefined ? 0 : at - silence.from - deafMs(silence.pauses, at);
  }
}

function deafMs(pauses: readonly Pause[], at: number): number {
  return pauses.reduce((sum, pause) => sum + (pause.from < at ? pause.deafMs : 0), 0);
}
