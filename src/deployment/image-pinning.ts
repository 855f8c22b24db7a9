import { isImageDigest } from "../model/image-reference.ts";
import type { ImagePinning, RevisionImage, ServiceRevisionRecord } from "../model/service-deployment.ts";
import type { TaskRecord } from "../model/task.ts";
import { verdictOf } from "./throttle.ts";

/** After so many tasks that stopped before their images were known, a revision goes on without digests. Source: ECS developer guide, container image resolution. */
export const MAX_PINNING_ATTEMPTS = 3;

/** The most tasks that wait for the images of a revision, and that one look lets go on: so no transaction grows without limit. */
export const MAX_WAITING = 200;

/** What to do about the digests of a revision's images. */
export interface PinningPlan {
  /** The same object if nothing is to be stored. */
  readonly revision: ServiceRevisionRecord;
  /** Tasks that wait for the images and need not any more. */
  readonly release: readonly TaskRecord[];
}

/** True while a task that is started now must wait, unless it is the first. */
export function mustWait({ pinning }: ServiceRevisionRecord): boolean {
  return pinning !== undefined && pinning.isSettled !== true;
}

/** How many more tasks of the revision may be started now. `live` are the deployment's tasks that are not STOPPED. */
export function mayStart(revision: ServiceRevisionRecord, live: readonly TaskRecord[]): number {
  if (!mustWait(revision)) return Number.POSITIVE_INFINITY;
  return Math.max(0, MAX_WAITING - live.filter((t) => t.awaitsImages === true).length);
}

/** True for an image whose digest the first task of a deployment fixes for the others. */
export function needsDigest(image: RevisionImage): boolean {
  return image.versionConsistency !== "disabled" && image.imageDigest === undefined;
}

/**
 * True while a deployment has a task whose agent is told of it before the digests are known: further ones wait for what it
 * says. `tasks` are those of the deployment that are not STOPPED.
 */
export function hasFirstTask(tasks: readonly TaskRecord[]): boolean {
  return tasks.some((t) => t.awaitsImages !== true && t.desiredStatus === "RUNNING");
}

/**
 * Fixes the digests of a revision's images when one of its tasks has told them, or does without after three that failed;
 * then all its tasks go on. Until then one goes first, and another in its place if that stops. An image that has no
 * digest stays without one. `live` are the deployment's tasks that are not STOPPED, `stopped` those that newly are. Rule [DP38].
 */
export function planPinning(
  revision: ServiceRevisionRecord,
  live: readonly TaskRecord[],
  stopped: readonly TaskRecord[],
): PinningPlan {
  const { pinning } = revision;
  if (pinning === undefined) return { revision, release: [] };
  const waiting = live
    .filter((t) => t.awaitsImages === true && t.desiredStatus === "RUNNING")
    .toSorted((a, b) => a.createdAt - b.createdAt);
  if (pinning.isSettled === true) return letGo(revision, pinning, waiting);
  const pinned = revision.containerImages.filter(needsDigest);
  const telling = [...stopped, ...live]
    .filter((t) => t.awaitsImages !== true)
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .find((t) => pinned.every((image) => isImageKnown(t, image)));
  if (telling !== undefined) {
    const containerImages = revision.containerImages.map((image) => withDigestOf(telling, image));
    return letGo({ ...revision, containerImages }, { ...pinning, isSettled: true }, waiting);
  }
  const attempts =
    pinning.attempts + stopped.filter((t) => t.awaitsImages !== true && verdictOf(t) === "failed-start").length;
  if (attempts >= MAX_PINNING_ATTEMPTS) return letGo(revision, { attempts, isSettled: true }, waiting);
  const next = attempts === pinning.attempts ? revision : { ...revision, pinning: { attempts } };
  if (hasFirstTask(live)) return { revision: next, release: [] };
  return { revision: next, release: waiting.slice(0, 1) };
}

/** Lets as many tasks go on as one look may; the revision is done with it when that was all of them. */
function letGo(revision: ServiceRevisionRecord, pinning: ImagePinning, waiting: readonly TaskRecord[]): PinningPlan {
  const release = waiting.slice(0, MAX_WAITING);
  if (release.length === waiting.length) return { revision: { ...revision, pinning: undefined }, release };
  return { revision: revision.pinning === pinning ? revision : { ...revision, pinning }, release };
}

/** A container that exists, or whose task runs, has its image: what has no digest then never will. */
function isImageKnown(task: TaskRecord, { containerName }: RevisionImage): boolean {
  const container = task.containers.find((c) => c.name === containerName);
  if (container === undefined || task.lastStatus === "RUNNING") return true;
  return container.imageDigest !== undefined || container.runtimeId !== undefined;
}

function withDigestOf(task: TaskRecord, image: RevisionImage): RevisionImage {
  if (!needsDigest(image)) return image;
  const digest = task.containers.find((c) => c.name === image.containerName)?.imageDigest;
  return isImageDigest(digest) ? { ...image, imageDigest: digest } : image;
}
