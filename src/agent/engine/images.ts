import type { Clock, Instant } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { type ContainerRuntime, type ImageFacts, RuntimeError } from "../container-runtime.ts";
import type { PullBehaviour } from "./settings.ts";

/** A registry that has not begun to answer after so long is not waited for when the image is here already. */
const FIRST_ANSWER_MS = 3_000;
/** How long a registry that did not answer is taken to be out of reach, for images that are here already. */
const OUT_OF_REACH_MS = 60_000;
const PULL_TRIES = 5;
const FIRST_RETRY_MS = 1_100;
const MAX_RETRY_MS = 5_000;
/** A whole pull, and the silence within it (agent protocol, 6.4). */
const PULL_LIMIT_MS = 2 * 60 * 60_000;
const SILENCE_LIMIT_MS = 60_000;

/** An image that is ready for use, and when it was fetched, if it was. */
export interface ReadyImage {
  readonly image: ImageFacts;
  readonly pullStartedAt: Instant;
  readonly pullStoppedAt: Instant;
}

export interface Images {
  /** Makes an image present according to the pull behaviour. Rejects with "CannotPullContainerError: …". */
  ensure(reference: string): Promise<ReadyImage>;
  /**
   * The digest of the image that `ensure` would make present now, without fetching it. Undefined if the image has none, or
   * it cannot be learned.
   */
  digestOf(reference: string): Promise<string | undefined>;
}

export class CannotPullContainerError extends Error {
  constructor(cause: unknown) {
    super(`CannotPullContainerError: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = "CannotPullContainerError";
  }
}

interface ImagesDeps {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly log: Log;
  readonly behaviour: PullBehaviour;
  /** References that were pulled successfully at some time; durable. Used by behaviour "once". */
  readonly pulled: { has(reference: string): boolean; add(reference: string): void };
}

/** Keeps images present. Callers who want the same image at the same time share one look and one pull. */
export function imageKeeper({ runtime, clock, log, behaviour, pulled }: ImagesDeps): Images {
  const busy = new Map<string, Promise<ReadyImage>>();
  const outOfReachUntil = new Map<string, number>();

  async function fetch(reference: string): Promise<ReadyImage> {
    const pullStartedAt = clock.now();
    const local = await runtime.image(reference);
    if (local && !wantsPull(reference, local)) return { image: local, pullStartedAt, pullStoppedAt: clock.now() };
    const mayUseLocal = behaviour === "default" && local !== undefined;
    try {
      await pull(reference, mayUseLocal ? FIRST_ANSWER_MS : SILENCE_LIMIT_MS, mayUseLocal ? 1 : PULL_TRIES);
      pulled.add(reference);
    } catch (error) {
      if (!mayUseLocal) throw new CannotPullContainerError(error);
      if (!(error instanceof RuntimeError && error.kind === "not-found"))
        outOfReachUntil.set(registryOf(reference), clock.monotonic() + OUT_OF_REACH_MS);
      log.warn({ image: reference, error: String(error) }, "pull failed; the image that is on this host is used");
      return { image: local, pullStartedAt, pullStoppedAt: clock.now() };
    }
    const image = await runtime.image(reference);
    if (!image) throw new CannotPullContainerError(`image ${reference} is absent after its pull`);
    return { image, pullStartedAt, pullStoppedAt: clock.now() };
  }

  /** Whether an image that is present is asked for again. The reasons are in docs/decisions/004-image-pull.md. */
  function wantsPull(reference: string, local: ImageFacts): boolean {
    switch (behaviour) {
      case "always":
        return true;
      case "prefer-cached":
        return false;
      case "once":
        return !pulled.has(reference);
      case "default":
        if (reference.includes("@sha256:") || local.repoDigests.length === 0) return false;
        return (outOfReachUntil.get(registryOf(reference)) ?? 0) <= clock.monotonic();
    }
  }

  async function pull(reference: string, firstAnswerMs: number, tries: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await pullOnce(reference, firstAnswerMs);
      } catch (error) {
        const final = error instanceof RuntimeError && error.kind === "not-found";
        if (final || attempt >= tries) throw error;
        log.warn({ image: reference, attempt, error: String(error) }, "pull failed; trying again");
        await clock.sleep(Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS));
      }
    }
  }

  async function pullOnce(reference: string, firstAnswerMs: number): Promise<void> {
    const abort = new AbortController();
    const giveUp = (ms: number, what: string) =>
      clock.after(ms, () => abort.abort(new RuntimeError("timeout", `${what} within ${ms / 1000} s`)));
    const whole = giveUp(PULL_LIMIT_MS, "the pull did not end");
    let silence = giveUp(firstAnswerMs, "the registry did not answer");
    const onProgress = () => {
      silence.cancel();
      silence = giveUp(SILENCE_LIMIT_MS, "the registry sent nothing");
    };
    try {
      await runtime.pull(reference, { onProgress, signal: abort.signal });
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      whole.cancel();
      silence.cancel();
    }
  }

  return {
    digestOf: (reference) => digestBeforePull({ runtime, log }, reference, wantsPull),
    ensure: (reference) => {
      let work = busy.get(reference);
      if (!work) {
        work = fetch(reference).finally(() => busy.delete(reference));
        busy.set(reference, work);
      }
      return work;
    },
  };
}

async function digestBeforePull(
  { runtime, log }: Pick<ImagesDeps, "runtime" | "log">,
  reference: string,
  wantsPull: (reference: string, local: ImageFacts) => boolean,
): Promise<string | undefined> {
  const at = reference.indexOf("@");
  if (at >= 0) return reference.slice(at + 1);
  const local = await runtime.image(reference);
  if (local && !wantsPull(reference, local)) return local.repoDigests[0];
  try {
    return await runtime.registryDigest(reference, FIRST_ANSWER_MS);
  } catch (error) {
    if (error instanceof RuntimeError && error.kind === "unreachable") throw error; // The daemon, not a registry.
    log.info({ image: reference, error: String(error) }, "the digest of the image is not known before its pull");
    return undefined;
  }
}

/** The host a reference's image comes from: its first part if that looks like a host name, else Docker's own registry. */
export function registryOf(reference: string): string {
  const first = reference.split("/")[0] ?? "";
  return reference.includes("/") && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
}
