import type { ServiceRecord } from "../src/model/service.ts";
import type { BerthView } from "../src/store/index.ts";
import { short } from "./story.ts";
import { desiredOf } from "./task-sets.ts";
import type { World } from "./world.ts";

/**
 * Whether observed equals desired: services are steady, what runs on the hosts is what the records say, and the load balancer
 * sends requests to just that. Answers the first thing that is not so, in words, or undefined.
 */
export function disagreement(world: World): string | undefined {
  const { running } = world.plane;
  if (running === undefined) return "the control plane is down";
  const { view } = running.store;
  return (
    instancesDisagree(world, view) ??
    servicesDisagree(view) ??
    hostsDisagree(world, view) ??
    targetsDisagree(world, view)
  );
}

function instancesDisagree(world: World, view: BerthView): string | undefined {
  for (const { host, disk, agent } of world.machines) {
    const name = host.plan.name;
    const instance = view.containerInstances.get(disk.arn ?? "");
    if (agent?.isInactive === true) return `${name} is deregistered`;
    if (instance === undefined) return `${name} is not registered`;
    if (!instance.agentConnected || agent?.isConnected !== true) return `${name} is not connected`;
    if (instance.status !== "ACTIVE") return `${name} is ${instance.status}`;
  }
  return undefined;
}

function servicesDisagree(view: BerthView): string | undefined {
  for (const service of view.services.all()) {
    if (service.status === "DRAINING") return `service ${service.name} is DRAINING`;
    if (service.status === "ACTIVE") {
      const wrong = unsteady(service, view);
      if (wrong !== undefined) return `service ${service.name} ${wrong}`;
    }
  }
  return undefined;
}

function unsteady(service: ServiceRecord, view: BerthView): string | undefined {
  const tasks = view.tasks.where("service", service.arn);
  const well = tasks.filter((t) => t.lastStatus === "RUNNING" && t.desiredStatus === "RUNNING").length;
  const desiredCount = desiredOf(service);
  if (well !== desiredCount || tasks.length !== desiredCount) {
    return `has ${tasks.map((t) => `${short(t.arn)} ${t.lastStatus}/${t.desiredStatus}`).join(", ")} of ${desiredCount}`;
  }
  if (service.deploymentController === "EXTERNAL") {
    const sets = service.taskSets ?? [];
    const open = sets.find((set) => set.status === "DRAINING" || set.stabilityStatus !== "STEADY_STATE");
    if (open !== undefined) return `has a task set that is ${open.status} and ${open.stabilityStatus}`;
    return sets.length > 0 && service.steadyAt === undefined ? "is not steady" : undefined;
  }
  if (service.deployments.length !== 1) return `has ${service.deployments.length} deployments`;
  const state = service.deployments[0]?.rolloutState;
  if (state !== "COMPLETED") return `has a deployment that is ${state}`;
  return service.steadyAt === undefined ? "is not steady" : undefined;
}

function hostsDisagree(world: World, view: BerthView): string | undefined {
  for (const { host, disk } of world.machines) {
    const name = host.plan.name;
    const tasks = view.tasks.where("containerInstance", disk.arn ?? "");
    for (const task of tasks) {
      if (task.lastStatus !== "RUNNING") return `task ${short(task.arn)} on ${name} is ${task.lastStatus}`;
      if (host.containers.get(task.arn)?.status !== "running") return `task ${short(task.arn)} does not run on ${name}`;
    }
    const known = new Set(tasks.map((t) => t.arn as string));
    for (const [arn, container] of host.containers) {
      if (container.status === "running" && !known.has(arn)) return `an orphan runs on ${name}: ${short(arn)}`;
    }
  }
  const here = new Set(world.machines.map((m) => m.disk.arn));
  for (const instance of view.containerInstances.all()) {
    if (instance.status === "INACTIVE" || here.has(instance.arn)) continue;
    return `instance ${short(instance.arn)} has no host`;
  }
  return undefined;
}

function targetsDisagree(world: World, view: BerthView): string | undefined {
  let count = 0;
  for (const target of view.targets.all()) {
    count++;
    const task = view.tasks.get(target.taskArn ?? "");
    if (task?.lastStatus !== "RUNNING")
      return `target ${target.id}:${target.port} is of task ${short(task?.arn)}, ${task?.lastStatus}`;
    if (target.state !== "healthy") return `target ${target.id}:${target.port} is ${target.state}`;
  }
  for (const task of view.tasks.all()) {
    if (task.lastStatus !== "RUNNING") continue;
    const targets = view.targets.count("task", task.arn);
    if (targets !== task.loadBalancers.length)
      return `task ${short(task.arn)} has ${targets} targets of ${task.loadBalancers.length}`;
  }
  const lost = world.balancers.edges.find(({ wellSince }) => wellSince === undefined);
  if (lost !== undefined) return `${lost.name} is not connected`;
  for (const { targets } of world.balancers.all) {
    const inUse = [...targets.values()];
    if (inUse.length !== count) {
      const has = inUse.map((t) => `${t.target.id} ${t.state}`).join(", ");
      return `a load balancer has ${inUse.length} targets (${has}), the records ${count}`;
    }
    const bad = inUse.find((t) => t.state !== "healthy" || t.target.draining);
    if (bad !== undefined) return `a load balancer has target ${bad.target.id} ${bad.state}`;
  }
  return undefined;
}
