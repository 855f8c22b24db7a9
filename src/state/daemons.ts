import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { addResources, NO_RESOURCES, type Resources } from "../model/resources.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import type { TaskRecord } from "../model/task.ts";
import { type Fleet, needOf, requirementsOf } from "../scheduler/index.ts";
import type { BerthView } from "../store/index.ts";
import type { ClusterArn, ContainerInstanceArn } from "../wire/arn.ts";
import { placementOfService } from "./service-placement.ts";
import { tasksOnInstance } from "./tasks-on-instance.ts";

type Tables = Pick<BerthView, "tasks" | "services" | "containerInstances" | "taskDefinitions" | "capacityProviders">;

/**
 * Which instances are to have a task of the DAEMON service, as far as attributes and constraints say. Constraints that speak of an
 * instance's tasks see those of others only: a service's own task must not decide whether it is to be there. Rule [DP20].
 */
export function daemonRequirements(
  tables: Tables,
  service: ServiceRecord,
): (instance: ContainerInstanceRecord) => boolean {
  const definition = tables.taskDefinitions.get(primaryDeployment(service).taskDefinitionArn);
  if (definition === undefined) return () => false;
  const tasksOn = (arn: ContainerInstanceArn) =>
    tasksOnInstance(tables, arn, (task) => task.serviceArn !== service.arn);
  return requirementsOf({ ...placementOfService(tables, service, definition), tasksOn });
}

/**
 * A new DAEMON service with the number of tasks that it will get, so that whoever waits for it to be stable from the first moment on
 * waits for them.
 */
export function countedDaemon(tables: Tables, service: ServiceRecord): ServiceRecord {
  const isToHave = daemonRequirements(tables, service);
  const desiredCount = tables.containerInstances
    .where("cluster", service.clusterArn)
    .filter((instance) => instance.status === "ACTIVE" && instance.agentConnected && isToHave(instance)).length;
  return { ...service, desiredCount, deployments: service.deployments.map((d) => ({ ...d, desiredCount })) };
}

/** True for a task of a DAEMON service. */
export function isDaemonTask(tables: Pick<BerthView, "services">, { serviceArn }: TaskRecord): boolean {
  return serviceArn !== undefined && tables.services.get(serviceArn)?.schedulingStrategy === "DAEMON";
}

/**
 * The instances of a cluster as tasks that are no daemons see them: what a DAEMON service still lacks there is taken already, so
 * that its task is the first on a new instance. Rule [DP22].
 */
export function fleetBehindDaemons(tables: Tables, clusterArn: ClusterArn): Fleet {
  const fleet = tables.containerInstances.derived.placement.fleet(clusterArn);
  const instances = tables.containerInstances.count("cluster", clusterArn);
  const reserved = new Map<ContainerInstanceArn, Resources>();
  for (const service of tables.services.where("daemonCluster", clusterArn)) {
    // One task each: with as many tasks as instances, none can be without.
    if (service.status !== "ACTIVE" || tables.tasks.count("service", service.arn) >= instances) continue;
    const definition = tables.taskDefinitions.get(primaryDeployment(service).taskDefinitionArn);
    if (definition === undefined) continue;
    const served = new Set(tables.tasks.where("service", service.arn).map((task) => task.containerInstanceArn));
    const isToHave = daemonRequirements(tables, service);
    const need = needOf(definition.definition);
    for (const one of tables.containerInstances.where("cluster", clusterArn)) {
      if (one.status !== "ACTIVE" || served.has(one.arn) || !isToHave(one)) continue;
      reserved.set(one.arn, addResources(reserved.get(one.arn) ?? NO_RESOURCES, need));
    }
  }
  return reserved.size === 0 ? fleet : fleet.withHeld(reserved);
}
