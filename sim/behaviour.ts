/** How the containers of an image behave. Times in milliseconds. */
export interface Behaviour {
  readonly pullMs: number;
  /** How likely a pull fails. */
  readonly pullFails: number;
  readonly startMs: number;
  readonly startFails: number;
  /** How long a container runs until it exits by itself, on average; never if undefined. */
  readonly livesMs?: number;
  readonly exitCode: number;
  /** It is killed for its memory, not by itself. */
  readonly isOom?: boolean;
  /** Until it answers, and its health check passes, after its start. */
  readonly readyMs: number;
  /** Never answers. */
  readonly isSick?: boolean;
  /** How long it is well, on average, until it does not answer for a while; always if undefined. */
  readonly wellMs?: number;
  readonly illMs?: number;
  /** What it needs to end after SIGTERM; one that ignores it is killed after its stopTimeout. */
  readonly endMs: number;
}

const STEADY: Behaviour = {
  pullMs: 1_500,
  pullFails: 0,
  startMs: 300,
  startFails: 0,
  exitCode: 0,
  readyMs: 2_000,
  endMs: 400,
};

/** By the kind in an image's name, `app/<kind>:<revision>`. */
export const BEHAVIOURS = {
  steady: STEADY,
  quick: { ...STEADY, pullMs: 50, startMs: 50, readyMs: 100, endMs: 20 },
  slow: { ...STEADY, pullMs: 90_000, startMs: 8_000, readyMs: 45_000, endMs: 20_000 },
  stubborn: { ...STEADY, endMs: Number.POSITIVE_INFINITY },
  unpullable: { ...STEADY, pullFails: 1 },
  unreliable: { ...STEADY, pullFails: 0.3, startFails: 0.2 },
  unstartable: { ...STEADY, startFails: 1 },
  crashing: { ...STEADY, livesMs: 3_000, exitCode: 1, readyMs: 500 },
  mortal: { ...STEADY, livesMs: 900_000, exitCode: 2 },
  greedy: { ...STEADY, livesMs: 120_000, exitCode: 137, isOom: true },
  sick: { ...STEADY, isSick: true },
  flapping: { ...STEADY, wellMs: 120_000, illMs: 25_000 },
  batch: { ...STEADY, livesMs: 30_000 },
} as const satisfies Record<string, Behaviour>;

export type Kind = keyof typeof BEHAVIOURS;

/** Kinds of which a service becomes steady, when nothing disturbs it. */
export const SOUND_KINDS: readonly Kind[] = ["steady", "quick", "slow", "stubborn"];

/** The kind in an image's name. */
export function kindOf(image: string): Kind {
  const kind = /^app\/([a-z]+):/.exec(image)?.[1] ?? "steady";
  return Object.hasOwn(BEHAVIOURS, kind) ? (kind as Kind) : "steady";
}
