import type { ContainerInstanceRecord, OccupiedInstance } from "../model/container-instance.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import type { TargetRecord } from "../model/load-balancer.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { RevisionImage, ServiceDeploymentRecord, ServiceRevisionRecord } from "../model/service-deployment.ts";
import type { TaskMove, TaskRecord } from "../model/task.ts";
import type { TaskSetRecord } from "../model/task-set.ts";
import type { Instant } from "../runtime/clock.ts";
import type { ContainerInstanceArn, TaskArn } from "../wire/arn.ts";
import type { RebalancePlace } from "./rebalance.ts";
import type { RuleWeights, SetTraffic } from "./traffic.ts";

/** All that a look at a service depends on, beside the time. */
export interface Observed {
  readonly service: ServiceRecord;
  /** Its tasks that are not STOPPED. */
  readonly tasks: readonly ObservedTask[];
  /** Its STOPPED tasks that have not been counted yet. */
  readonly unaccounted: readonly TaskRecord[];
  /** Its service deployments that are not over. */
  readonly serviceDeployments: readonly ServiceDeploymentRecord[];
  /** Its revisions of which it is not known yet which images they are. */
  readonly unpinned: readonly ServiceRevisionRecord[];
  readonly settings: DeploymentSettings;
  /** For a service whose tasks may be moved: where to. Asked only when it is steady, since it is dear to find out. */
  readonly places?: () => readonly ObservedPlace[];
  /** For a service whose traffic is shifted: the rules that are there and forward to target groups, by ARN. */
  readonly rules?: ReadonlyMap<string, RuleWeights>;
  /** The tasks that lifecycle hooks have started, by ARN. */
  readonly hookTasks?: ReadonlyMap<string, TaskRecord>;
  /** For a DAEMON service: the instances of its cluster that are not INACTIVE, in an order that does not change by itself. */
  readonly daemonHosts?: readonly DaemonHost[];
}

/** An instance that tasks may be moved to. */
export interface ObservedPlace extends RebalancePlace {
  /** Nothing is moved there before: it has not been connected for long, or a task that was moved there has failed. */
  readonly openFrom: Instant;
}

/** An instance as a DAEMON service sees it. */
export interface DaemonHost {
  readonly instance: ContainerInstanceRecord;
  /** It has the attributes that the task definition requires, and meets the placement constraints. Room is not asked. */
  readonly isEligible: boolean;
  /** Tasks that belong to no DAEMON service are left on it. */
  readonly hasOthers: boolean;
}

export interface ObservedTask {
  readonly task: TaskRecord;
  /** The targets that it is registered as. */
  readonly targets: readonly TargetRecord[];
  readonly instance?: OccupiedInstance;
  /** True while nothing is heard of the task's host, though it does not count as not connected yet. */
  readonly isHostSilent?: boolean;
  /** Until then an unhealthy target may be so because its host was away: no load balancer has looked often enough since. */
  readonly targetsCountFrom?: Instant;
}

/** What an operator may choose of how services behave. */
export interface DeploymentSettings {
  /**
   * A task with neither a load balancer nor a container health check counts as healthy this long after it reached
   * RUNNING, in milliseconds. ECS's value: 40,000.
   */
  readonly healthyAfterMs: number;
  /**
   * Tasks are moved to an instance when its agent has been connected this long without a break, in milliseconds: a host that
   * comes and goes does not make tasks wander.
   */
  readonly rebalanceAfterMs: number;
}

export const DEFAULT_DEPLOYMENT_SETTINGS: DeploymentSettings = { healthyAfterMs: 40_000, rebalanceAfterMs: 60_000 };

/** One thing to do. All actions of one look belong into one transaction. */
export type ServiceAction =
  | {
      readonly kind: "start-tasks";
      readonly deploymentId: string;
      readonly count: number;
      /** How many of them take the place of unhealthy tasks; the event says so. */
      readonly replacesUnhealthy: number;
      /** By a service's strategy: the capacity provider of each task. */
      readonly capacityProviders?: readonly string[];
      /** The instances, one for each task; without it each finds its own place. */
      readonly on?: readonly ContainerInstanceArn[];
      /** They are to take the place of others. */
      readonly move?: TaskMove;
    }
  /** The task has taken the place that it was started for, or is wanted for itself. */
  | { readonly kind: "end-move"; readonly taskArn: TaskArn }
  /** The computed desiredCount of a DAEMON service. */
  | { readonly kind: "set-desired-count"; readonly count: number }
  /** `isTold`: the answer has an event of its own about it. */
  | { readonly kind: "stop-task"; readonly taskArn: TaskArn; readonly reason: string; readonly isTold?: boolean }
  /** What the service's deployments now are, PRIMARY first. */
  | { readonly kind: "put-deployments"; readonly deployments: readonly DeploymentRecord[] }
  /** What the task sets now are, those that are over left out. */
  | { readonly kind: "put-task-sets"; readonly taskSets: readonly TaskSetRecord[] }
  | { readonly kind: "put-revision"; readonly record: ServiceRevisionRecord }
  /** Their agents may be told of these tasks, with these images. */
  | {
      readonly kind: "release-tasks";
      readonly taskArns: readonly TaskArn[];
      readonly images: readonly RevisionImage[];
      /** The agents are to tell first which images these are. */
      readonly tellsImages: boolean;
    }
  | { readonly kind: "put-service-deployment"; readonly record: ServiceDeploymentRecord }
  | SetTraffic
  /** The task of a lifecycle hook is to be started, if it has not been. */
  | { readonly kind: "run-hook"; readonly serviceDeploymentArn: string; readonly hookId: string }
  /** The service is again what an earlier deployment was made from. */
  | ({ readonly kind: "return-to" } & Pick<DeploymentRecord, "taskDefinitionArn" | "loadBalancers">)
  /** These STOPPED tasks have been counted in the deployments. */
  | { readonly kind: "account"; readonly taskArns: readonly TaskArn[] }
  /** The failure of these tasks has been counted, though they have not stopped yet. */
  | { readonly kind: "count-failing"; readonly taskArns: readonly TaskArn[] }
  /** `once`: the same words are not said again while they are still true; see addServiceEvent. */
  | { readonly kind: "event"; readonly message: string; readonly once: boolean }
  /** Since when the service is steady, or undefined when it is not any more. */
  | { readonly kind: "set-steady"; readonly at: Instant | undefined }
  | { readonly kind: "finish-deletion" }
  /** Time is an answer too: look again then, even if nothing changes. */
  | { readonly kind: "look-again"; readonly at: Instant };
