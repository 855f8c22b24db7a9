import type { ContainerInstanceArn } from "../../wire/arn.ts";

interface Heard {
  at: number | undefined;
  silentMs: number;
}

/**
 * How long each agent has been silent, as far as we listened. A pause of our own process (a long computation, a stopped
 * process) stops the pings too, so of the time between two looks no more counts than `maxStepMs`.
 */
export class SilenceMeter {
  readonly #maxStepMs: number;
  #lastLook: number | undefined;
  readonly #heard = new Map<ContainerInstanceArn, Heard>();

  constructor(maxStepMs: number) {
    this.#maxStepMs = maxStepMs;
  }

  /**
   * Looks at all agents. `now` and what `lastHeard` answers are monotonic milliseconds; undefined means never heard: then
   * the silence counts from the first look. What it answers is good until the next look.
   */
  look(
    arns: readonly ContainerInstanceArn[],
    lastHeard: (arn: ContainerInstanceArn) => number | undefined,
    now: number,
  ): ReadonlyMap<ContainerInstanceArn, { readonly silentMs: number }> {
    const step = Math.min(now - (this.#lastLook ?? now), this.#maxStepMs);
    this.#lastLook = now;
    for (const arn of arns) {
      const at = lastHeard(arn);
      const before = this.#heard.get(arn);
      const silentMs = silenceAfter(before, at, step, now);
      // Brought up to date in place: thousands of agents are looked at twice a second.
      if (before === undefined) this.#heard.set(arn, { at, silentMs });
      else {
        before.at = at;
        before.silentMs = silentMs;
      }
    }
    if (this.#heard.size > arns.length) this.#forgetOthers(arns);
    return this.#heard;
  }

  #forgetOthers(arns: readonly ContainerInstanceArn[]): void {
    const here = new Set(arns);
    for (const arn of this.#heard.keys()) if (!here.has(arn)) this.#heard.delete(arn);
  }
}

function silenceAfter(before: Heard | undefined, at: number | undefined, step: number, now: number): number {
  if (before !== undefined && before.at === at) return before.silentMs + step;
  // Heard since the last look, so it cannot have been silent for longer than since then.
  return at === undefined ? 0 : Math.min(now - at, step);
}
