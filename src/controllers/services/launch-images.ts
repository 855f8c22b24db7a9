import { hasFirstTask, mustWait, needsDigest } from "../../deployment/index.ts";
import { type RevisionImage, revisionArnOf } from "../../model/service-deployment.ts";
import type { TaskOrder } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import type { ServiceArn } from "../../wire/arn.ts";

/** What a new task's order says of its images. */
export type LaunchImages = Pick<TaskOrder, "imageDigests" | "awaitsImages" | "tellsImages">;

/**
 * What each task that is launched in a deployment is told of its images, one call for each. While the digests are still to
 * be told, the first task goes ahead and the others wait for it. Rule [DP38].
 */
export function imagesOfLaunches(
  tx: BerthTransaction,
  serviceArn: ServiceArn,
  deploymentId: string,
): () => LaunchImages {
  const revision = tx.serviceRevisions.get(revisionArnOf(serviceArn, deploymentId));
  if (revision === undefined) return () => ({});
  const imageDigests = digestsOf(revision.containerImages);
  if (!mustWait(revision)) return () => ({ imageDigests });
  const tasks = tx.tasks.where("service", serviceArn).filter((t) => t.deploymentId === deploymentId);
  let isFirst = !hasFirstTask(tasks);
  return () => {
    const images = isFirst ? { imageDigests, tellsImages: true } : { imageDigests, awaitsImages: true };
    isFirst = false;
    return images;
  };
}

/** The digests by which images are to be taken, by container name. */
export function digestsOf(images: readonly RevisionImage[]): ReadonlyMap<string, string> {
  const known = images.filter((i) => !needsDigest(i) && i.imageDigest !== undefined);
  return new Map(known.map((i) => [i.containerName, i.imageDigest ?? ""]));
}
