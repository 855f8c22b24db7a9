import type { ContainerInstanceRecord } from "../../../model/container-instance.ts";
import type { Instant } from "../../../runtime/clock.ts";
import { abandonTask } from "../../../state/index.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import type { ContainerInstanceArn } from "../../../wire/arn.ts";
import { clientError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { resolveCluster } from "../resolve.ts";
import { resolveContainerInstance } from "./resolve.ts";
import { toWireContainerInstance } from "./wire.ts";

/** Source: ECS stopped task reasons. */
const FORCED = { stopCode: "UserInitiated", reason: "Container instance deregistration forced by user" } as const;

/**
 * Makes a container instance INACTIVE for good. With tasks on it only if forced: they are then STOPPED in the records
 * whatever their host does, and its agent is told that nothing is to run there.
 */
export const deregisterContainerInstance: Operation<"DeregisterContainerInstance"> = async (
  { store, clock, scope },
  input,
) => {
  const now = clock.now();
  const instance = await store.transact("DeregisterContainerInstance", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    const found = resolveContainerInstance(tx, scope, cluster, input.containerInstance);
    if (found.status === "INACTIVE") throw clientError("The referenced container instance was inactive.");
    const tasks = tx.tasks.where("containerInstance", found.arn);
    if (tasks.length > 0 && input.force !== true) throw invalidParameter("Found running tasks on the instance.");
    return removeInstance(tx, found.arn, now);
  });
  return { containerInstance: toWireContainerInstance(store.view, instance, ["TAGS"]) };
};

/** Makes the instance INACTIVE, and gives up the tasks on it. */
export function removeInstance(tx: BerthTransaction, arn: ContainerInstanceArn, now: Instant): ContainerInstanceRecord {
  for (const task of tx.tasks.where("containerInstance", arn)) abandonTask(tx, task, FORCED, now);
  const instance = tx.containerInstances.get(arn);
  if (instance === undefined) throw new Error(`${arn} vanished while it was deregistered`);
  return tx.containerInstances.put({
    ...instance,
    status: "INACTIVE",
    agentConnected: false,
    connectivityChangedAt: instance.agentConnected ? now : instance.connectivityChangedAt,
    deregisteredAt: now,
    version: instance.version + 1,
  });
}
