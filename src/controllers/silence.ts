import type { ContainerInstanceArn } from "../wire/arn.ts";

interface Heard {
  readonly at: number | undefined;
  readonly silentMs: number;
}

/**
 * How long each agent has been silent, as far as we listened. A pause of our own process (a long computation, a stopped
 * process) stops the pings too, so of the time between two looks no more counts than `maxStepMs`.
 */
export class SilenceMeter {
  readonly #maxStepMs: number;
  #lastLook: number | undefined;
  #heard = new Map<ContainerInstanceArn, Heard>();

  constructor(maxStepMs: number) {
    this.#maxStepMs = maxStepMs;
  }

  /**
   * Looks at all agents. `now` and what `lastHeard` answers are monotonic milliseconds; undefined means never heard: then
   * the silence counts from the first look.
   */
  look(
    arns: readonly ContainerInstanceArn[],
    lastHeard: (arn: ContainerInstanceArn) => number | undefined,
    now: number,
  ): ReadonlyMap<ContainerInstanceArn, number> {
    const step = Math.min(now - (this.#lastLook ?? now), this.#maxStepMs);
    this.#lastLook = now;
    const heard = new Map<ContainerInstanceArn, Heard>();
    for (const arn of arns) {
      const at = lastHeard(arn);
      const before = this.#heard.get(arn);
      heard.set(arn, { at, silentMs: silenceAfter(before, at, step, now) });
    }
    this.#heard = heard;
    return new Map([...heard].map(([arn, { silentMs }]) => [arn, silentMs]));
  }
}

function silenceAfter(before: Heard | undefined, at: number | undefined, step: number, now: number): number {
  if (before !== undefined && before.at === at) return before.silentMs + step;
  // Heard since the last look, so it cannot have been silent for longer than since then.
  return at === undefined ? 0 : Math.min(now - at, step);
}
