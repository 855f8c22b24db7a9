import type { PlacementConstraint } from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { TaskArn, TaskDefinitionArn } from "../wire/arn.ts";
import type { TaskLoadBalancer } from "./task.ts";

export type RolloutState = "IN_PROGRESS" | "COMPLETED" | "FAILED";

/** How a deployment's tasks failed lately, and when the next one may be started. */
export interface StartThrottle {
  /** Tasks in a row that stopped without reaching RUNNING. */
  readonly failures: number;
  /** Tasks in a row that reached RUNNING and exited by themselves soon after. */
  readonly crashes: number;
  readonly lastFailureAt?: Instant;
  /** When a task that had reached RUNNING last ended by itself, however long it had run. */
  readonly lastExitAt?: Instant;
  /** Nothing is started before this. */
  readonly nextAttemptAt?: Instant;
}

export const NO_THROTTLE: StartThrottle = { failures: 0, crashes: 0 };

/** What the circuit breaker has counted of a deployment: see circuit-breaker.ts in deployment/. */
export interface BreakerCount {
  readonly failures: number;
  /** True once a task of the deployment has reached RUNNING. */
  readonly hasRun: boolean;
  /** True once a task of the deployment has been healthy. */
  readonly hasBeenHealthy: boolean;
  /** How many of its tasks were healthy at the last look: with one more, a task has become healthy. */
  readonly healthy: number;
  /** When it was last counted, or forgiven, that a task found no place. */
  readonly unplacedCountedAt?: Instant;
  /** The task that failed last. */
  readonly lastFailedTask?: TaskArn;
}

export const NOTHING_COUNTED: BreakerCount = { failures: 0, hasRun: false, hasBeenHealthy: false, healthy: 0 };

/** How traffic is shifted from one target group to the other. Source: ECS API reference, AdvancedConfiguration. */
export interface AdvancedLoadBalancer {
  readonly alternateTargetGroupArn: string;
  /** A rule of an application load balancer, which may be a default rule, or a listener of a network load balancer. */
  readonly productionListenerRule: string;
  readonly testListenerRule?: string;
  /** Kept and shown; the control plane changes its own rules without a role. */
  readonly roleArn?: string;
}

/** A target group that a service's tasks are registered with: that of `targetGroupArn`, or in turn with the alternate one. */
export interface ServiceLoadBalancer extends TaskLoadBalancer {
  readonly advanced?: AdvancedLoadBalancer;
}

/** One deployment of a service: the tasks of one revision of what the service should be. */
export interface DeploymentRecord {
  /** `ecs-svc/<19 digits>`; equals `startedBy` of its tasks. */
  readonly id: string;
  /** PRIMARY is the newest; ACTIVE still has tasks and is being replaced. One that is fully replaced is dropped. */
  readonly status: "PRIMARY" | "ACTIVE";
  readonly taskDefinitionArn: TaskDefinitionArn;
  readonly loadBalancers: readonly ServiceLoadBalancer[];
  /** True if its tasks are in the alternate target groups; see taskLoadBalancersOf. */
  readonly usesAlternate?: boolean;
  /** When all production traffic went over to it for good, in a deployment that shifts traffic: it is in CLEAN_UP or completed. */
  readonly tookOverAt?: Instant;
  /** Of a DAEMON service: which instances are to have a task. Changed constraints hold from the next deployment on. */
  readonly placementConstraints?: readonly PlacementConstraint[];
  /** Tasks this deployment is to have; an older deployment's shrinks as it is replaced. */
  readonly desiredCount: number;
  readonly rolloutState: RolloutState;
  readonly rolloutStateReason: string;
  /** Tasks that failed one after the other; 0 again once one runs successfully. */
  readonly failedTasks: number;
  /** What slows this deployment's starts after failures: see throttle.ts in deployment/. */
  readonly throttle: StartThrottle;
  /** Absent while the circuit breaker has nothing to remember. */
  readonly breaker?: BreakerCount;
  /** Since when no instance takes a task that it lacks; absent if all that were started found a place. */
  readonly unplacedSince?: Instant;
  /** When it was first COMPLETED. Absent in one that was COMPLETED before this was kept. */
  readonly completedAt?: Instant;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The target groups that a deployment's tasks are registered with. */
export function taskLoadBalancersOf({
  loadBalancers,
  usesAlternate,
}: Pick<DeploymentRecord, "loadBalancers" | "usesAlternate">): readonly TaskLoadBalancer[] {
  return loadBalancers.map(({ advanced, ...primary }) =>
    advanced === undefined || usesAlternate !== true
      ? primary
      : { ...primary, targetGroupArn: advanced.alternateTargetGroupArn },
  );
}
