import type {
  AvailabilityZoneRebalancing,
  PlacementConstraint,
  PlacementStrategy,
  PropagateTags,
  ThresholdType,
} from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { ClusterArn, ServiceArn, ServiceDeploymentArn, TaskArn, TaskDefinitionArn } from "../wire/arn.ts";
import type { CapacityProviderShare } from "./capacity-provider.ts";
import type { Tags } from "./tags.ts";
import type { TaskLoadBalancer } from "./task.ts";
import type { TaskSetRecord } from "./task-set.ts";
import type { ShiftSettings } from "./traffic-shift.ts";

/**
 * ACTIVE becomes DRAINING when it is deleted with tasks left, and INACTIVE when every task has stopped. An INACTIVE
 * service's name may be used by a new service, which is a new record.
 */
export type ServiceStatus = "ACTIVE" | "DRAINING" | "INACTIVE";

export type RolloutState = "IN_PROGRESS" | "COMPLETED" | "FAILED";

/** How a deployment's tasks failed lately, and when the next one may be started. */
export interface StartThrottle {
  /** Tasks in a row that stopped without reaching RUNNING. */
  readonly failures: number;
  /** Tasks in a row that reached RUNNING and exited by themselves soon after. */
  readonly crashes: number;
  readonly lastFailureAt?: Instant;
  /** Nothing is started before this. */
  readonly nextAttemptAt?: Instant;
}

export const NO_THROTTLE: StartThrottle = { failures: 0, crashes: 0 };

/** When a deployment's circuit breaker trips. Source: ECS API reference, ThresholdConfiguration. */
export interface BreakerThreshold {
  /** Percentages are of desiredCount; BOUNDED ones give 3 to 200 failures. */
  readonly type: ThresholdType;
  /** 1 or more: percent, or failures for COUNT. */
  readonly value: number;
}

/** What a service asks of the circuit breaker. Source: ECS API reference, DeploymentCircuitBreaker. */
export interface CircuitBreakerSettings {
  readonly enable: boolean;
  readonly rollback: boolean;
  /** True unless told otherwise. */
  readonly resetOnHealthyTask?: boolean;
  /** BOUNDED_PERCENT 50 unless told otherwise. */
  readonly thresholdConfiguration?: BreakerThreshold;
}

export const NO_CIRCUIT_BREAKER: CircuitBreakerSettings = { enable: false, rollback: false };

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

/** A service: a number of copies of a task definition that is kept running. */
export interface ServiceRecord {
  readonly arn: ServiceArn;
  readonly name: string;
  readonly clusterArn: ClusterArn;
  readonly status: ServiceStatus;
  readonly schedulingStrategy: "REPLICA" | "DAEMON";
  readonly launchType: "EC2";
  /** In place of the launch type: by which capacity providers tasks are placed that start from now on. Absent: by the launch type. */
  readonly capacityProviderStrategy?: readonly CapacityProviderShare[];
  /** Of a DAEMON service computed: the instances that are to have its task. */
  readonly desiredCount: number;
  readonly taskDefinitionArn: TaskDefinitionArn;
  readonly loadBalancers: readonly ServiceLoadBalancer[];
  /** Absent: strategy ROLLING. */
  readonly shift?: ShiftSettings;
  /** Percent, 0..100 and 100 or more: see rollingLimits in deployment/. */
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
  /** Absent: off. */
  readonly circuitBreaker?: CircuitBreakerSettings;
  readonly placementConstraints: readonly PlacementConstraint[];
  readonly placementStrategy: readonly PlacementStrategy[];
  /** Whether tasks are moved to even them out; absent in a service for which it was never set: DISABLED. */
  readonly availabilityZoneRebalancing?: AvailabilityZoneRebalancing;
  /** Seconds after a task started during which bad health is not held against it; undefined when never given (0). */
  readonly healthCheckGracePeriodSeconds?: number;
  readonly enableECSManagedTags: boolean;
  readonly propagateTags: PropagateTags;
  readonly tags: Tags;
  /** Absent: ECS, whose deployments are below. EXTERNAL: somebody outside steers them by task sets. */
  readonly deploymentController?: "EXTERNAL";
  /** With the EXTERNAL deployment controller, from old to new. */
  readonly taskSets?: readonly TaskSetRecord[];
  /** PRIMARY first, then the others from new to old. None with the EXTERNAL deployment controller. */
  readonly deployments: readonly DeploymentRecord[];
  /** The newest; absent only for a service that has no deployments of its own. */
  readonly currentServiceDeploymentArn?: ServiceDeploymentArn;
  /** When the service's steady state was last told in an event; undefined while it is not steady. */
  readonly steadyAt?: Instant;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly deletedAt?: Instant;
  readonly clientToken?: string;
  /** The last number given to one of its events. */
  readonly eventSequence: number;
}

/** One line of a service's history. */
export interface ServiceEventRecord {
  readonly serviceArn: ServiceArn;
  /** Rises by one within a service. */
  readonly sequence: number;
  readonly id: string;
  readonly createdAt: Instant;
  readonly message: string;
}

/** How many events a service keeps. Source: ECS API reference, Service.events. */
export const MAX_SERVICE_EVENTS = 100;

/** The newest deployment. Every service that is not INACTIVE or EXTERNAL has one. Throws if there is none: a broken record. */
export function primaryDeployment(service: ServiceRecord): DeploymentRecord {
  const primary = service.deployments.find((d) => d.status === "PRIMARY");
  if (primary === undefined) throw new Error(`service ${service.arn} has no PRIMARY deployment`);
  return primary;
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
