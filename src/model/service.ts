import type {
  AvailabilityZoneRebalancing,
  PlacementConstraint,
  PlacementStrategy,
  PropagateTags,
  ThresholdType,
} from "@aws-sdk/client-ecs";
import type { Instant } from "../runtime/clock.ts";
import type { ClusterArn, ServiceArn, ServiceDeploymentArn, TaskDefinitionArn } from "../wire/arn.ts";
import type { CapacityProviderShare } from "./capacity-provider.ts";
import type { DeploymentRecord, ServiceLoadBalancer } from "./deployment.ts";
import type { Tags } from "./tags.ts";
import type { TaskSetRecord } from "./task-set.ts";
import type { ShiftSettings } from "./traffic-shift.ts";

/**
 * ACTIVE becomes DRAINING when it is deleted with tasks left, and INACTIVE when every task has stopped. An INACTIVE
 * service's name may be used by a new service, which is a new record.
 */
export type ServiceStatus = "ACTIVE" | "DRAINING" | "INACTIVE";

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
