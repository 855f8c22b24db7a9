import type { TargetRecord } from "../model/load-balancer.ts";
import { type TaskLoadBalancer, type TaskRecord, taskId } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import type { DeploymentSettings, ObservedTask } from "./observed.ts";

/** How soon it is looked at again whether a silent host was heard. */
const SILENCE_LOOK_MS = 1_000;

/**
 * How a wanted task is doing:
 * - `starting`: has not reached RUNNING;
 * - `running`: RUNNING, but does not count as healthy yet;
 * - `healthy`: counts for minimumHealthyPercent;
 * - `unhealthy`: to be replaced.
 */
export interface Health {
  readonly state: "starting" | "running" | "healthy" | "unhealthy";
  /** True when every health source it has says that it is well, and it is RUNNING: no waiting time is asked for. */
  readonly well: boolean;
  /** When time alone changes the answer. */
  readonly changesAt?: Instant;
  /** Of an unhealthy task: why it is stopped, and what the service's event says after `(service <name>) `. */
  readonly stoppedReason?: string;
  readonly event?: string;
}

/**
 * Source: ECS developer guide, service health; rules [DP2], [DP3], [DP4], [DP18]. Bad health on a host that is silent or not
 * connected is the host's: whether its tasks are given up is decided where hosts are watched, for all of them at once.
 */
export function assessHealth(
  { task, targets, instance, isHostSilent, targetsCountFrom = 0 }: ObservedTask,
  gracePeriodSeconds: number,
  settings: Pick<DeploymentSettings, "healthyAfterMs">,
  now: Instant,
): Health {
  if (task.lastStatus !== "RUNNING" || task.startedAt === undefined) return { state: "starting", well: false };
  const trouble = troubleOf(task, targets);
  if (trouble !== undefined) {
    const graceEnd = task.startedAt + gracePeriodSeconds * 1000;
    if (instance?.agentConnected === false) return { state: "running", well: false };
    if (isHostSilent === true) return { state: "running", well: false, changesAt: now + SILENCE_LOOK_MS };
    const countsFrom = trouble.isOfTarget ? Math.max(graceEnd, targetsCountFrom) : graceEnd;
    if (now < countsFrom) return { state: "running", well: false, changesAt: countsFrom };
    const { stoppedReason, event } = trouble;
    return { state: "unhealthy", well: false, stoppedReason, event };
  }
  const isChecked = task.containers.some((c) => c.essential && c.checksHealth);
  if (isChecked && task.healthStatus !== "HEALTHY") return { state: "running", well: false };
  if (task.loadBalancers.length > 0) {
    const inRotation = task.loadBalancers.every((lb) => targetsOf(lb, targets).some(isInRotation));
    return inRotation ? { state: "healthy", well: true } : { state: "running", well: false };
  }
  if (isChecked) return { state: "healthy", well: true };
  const healthyAt = task.startedAt + settings.healthyAfterMs;
  if (now < healthyAt) return { state: "running", well: true, changesAt: healthyAt };
  return { state: "healthy", well: true };
}

function troubleOf(
  task: TaskRecord,
  targets: readonly TargetRecord[],
): { readonly isOfTarget: boolean; readonly stoppedReason: string; readonly event: string } | undefined {
  for (const lb of task.loadBalancers) {
    const target = targetsOf(lb, targets).find((t) => t.state === "unhealthy" || t.state === "unhealthy.draining");
    if (target === undefined) continue;
    const why = target.description === undefined ? "" : ` due to (reason ${target.description})`;
    return {
      isOfTarget: true,
      stoppedReason: `Task failed ELB health checks in (target-group ${target.targetGroupArn})`,
      event: `(task ${taskId(task)}) (port ${target.port}) is unhealthy in (target-group ${target.targetGroupArn})${why}.`,
    };
  }
  if (task.healthStatus !== "UNHEALTHY") return undefined;
  return {
    isOfTarget: false,
    stoppedReason: "Task failed container health checks",
    event: `(task ${taskId(task)}) failed container health checks.`,
  };
}

/** A group that checks nothing takes its targets for good. */
function isInRotation(target: TargetRecord): boolean {
  return target.state === "healthy" || target.reason === "Target.HealthCheckDisabled";
}

function targetsOf(lb: TaskLoadBalancer, targets: readonly TargetRecord[]): readonly TargetRecord[] {
  return targets.filter((t) => t.targetGroupArn === lb.targetGroupArn);
}
