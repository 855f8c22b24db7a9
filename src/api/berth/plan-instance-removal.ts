import { rollingLimits } from "../../deployment/index.ts";
import type { ClusterRecord } from "../../model/cluster.ts";
import { type ContainerInstanceRecord, hostName } from "../../model/container-instance.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { BerthTransaction } from "../../store/index.ts";
import type { ServiceArn } from "../../wire/arn.ts";
import type { BerthShape } from "../../wire/models/berth.ts";
import type { AccountScope } from "../context.ts";
import { setStatus } from "../ecs/container-instances/container-instances.ts";
import { removeInstance } from "../ecs/container-instances/deregister.ts";
import { containerInstanceArnOf } from "../ecs/container-instances/resolve.ts";
import { resolveCluster } from "../ecs/resolve.ts";
import { invalidParameter, resourceNotFound } from "./errors.ts";
import type { Operation } from "./operation.ts";
import { planChange } from "./plan.ts";

/** As many as UpdateContainerInstancesState takes. */
const MAX_INSTANCES = 10;

/** What would happen to the services' tasks if these instances left. */
export const planInstanceRemoval: Operation<"PlanInstanceRemoval"> = (context, input) => {
  const { containerInstances: names, manner } = input;
  if (names.length < 1 || names.length > MAX_INSTANCES) {
    throw invalidParameter(`containerInstances must have 1 to ${MAX_INSTANCES} items.`);
  }
  return planChange(context, {
    make: (tx, now) => {
      const cluster = resolveCluster(tx, context.scope, input.cluster);
      const instances = names.map((name) => resolveHost(tx, context.scope, cluster, name));
      const tasks = instances.flatMap((i) => tx.tasks.where("containerInstance", i.arn));
      const services = [...new Set(tasks.flatMap((task) => (task.serviceArn === undefined ? [] : [task.serviceArn])))];
      for (const instance of instances) {
        if (manner === "DRAIN") setStatus(tx, instance, "DRAINING");
        else removeInstance(tx, instance.arn, now);
      }
      const lost = manner === "DRAIN" ? [] : lostNotes(tx, services);
      return { services, notes: [...standaloneNotes(instances, tasks, manner), ...lost] };
    },
  });
};

/** An instance that is not INACTIVE, by id, ARN or the name of its host. */
function resolveHost(
  tx: BerthTransaction,
  scope: AccountScope,
  cluster: ClusterRecord,
  name: string,
): ContainerInstanceRecord {
  const found =
    tx.containerInstances.get(containerInstanceArnOf(scope, cluster, name)) ??
    tx.containerInstances.where("cluster", cluster.arn).find((one) => hostName(one) === name);
  if (found === undefined || found.status === "INACTIVE") {
    throw resourceNotFound(`Cluster ${cluster.name} has no container instance or host '${name.slice(0, 300)}'.`);
  }
  return found;
}

/** Nobody replaces tasks that belong to no service. */
function standaloneNotes(
  instances: readonly ContainerInstanceRecord[],
  tasks: readonly TaskRecord[],
  manner: BerthShape<"RemovalManner">,
): readonly string[] {
  return instances.flatMap((instance) => {
    const alone = tasks.filter((t) => t.containerInstanceArn === instance.arn && t.serviceArn === undefined);
    if (alone.length === 0) return [];
    const isOne = alone.length === 1;
    const what = `${alone.length} ${isOne ? "task" : "tasks"} of no service on ${hostName(instance)} would`;
    if (manner === "DEREGISTER") return [`${what} end, and nothing replaces ${isOne ? "it" : "them"}`];
    return [`${what} stay there until ${isOne ? "it ends or is" : "they end or are"} stopped`];
  });
}

/** Services that would have fewer healthy tasks at once than their deployments may ever leave. */
function lostNotes(tx: BerthTransaction, services: readonly ServiceArn[]): readonly string[] {
  return services.flatMap((arn) => {
    const service = tx.services.get(arn);
    if (service === undefined || service.status !== "ACTIVE") return [];
    const left = tx.tasks
      .where("service", arn)
      .filter((t) => t.desiredStatus === "RUNNING" && t.lastStatus === "RUNNING").length;
    const { floor } = rollingLimits(service);
    if (left >= floor) return [];
    return [
      `service ${service.name} would have ${left} running ${left === 1 ? "task" : "tasks"} at first, where its minimum is ${floor}`,
    ];
  });
}
