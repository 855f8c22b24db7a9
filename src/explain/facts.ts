import type { Health, Observed } from "../deployment/index.ts";
import type { ContainerInstanceRecord, OccupiedInstance } from "../model/container-instance.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import type { TargetGroupRecord, TargetRecord } from "../model/load-balancer.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { TaskRecord } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import type { PlacementRequest } from "../scheduler/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";

/** All that is known of one task. */
export interface TaskFacts {
  readonly task: TaskRecord;
  readonly definition?: TaskDefinitionRecord;
  /** Its host as recorded; undefined if it has none or its record is gone. */
  readonly instance?: ContainerInstanceRecord;
  readonly isHostSilent?: boolean;
  readonly targets: readonly TargetRecord[];
  readonly targetGroups: ReadonlyMap<string, TargetGroupRecord>;
  /** The service that it belongs to, as it is now. */
  readonly service?: ServiceRecord;
  /** Of a service's task that is to run. */
  readonly health?: Health;
}

/** All that is known of one service. */
export interface ServiceFacts {
  readonly observed: Observed;
  /** The cluster's container instances that are not INACTIVE, as the service's tasks find them. */
  readonly instances: readonly OccupiedInstance[];
  readonly definitions: ReadonlyMap<string, TaskDefinitionRecord>;
  readonly targetGroups: ReadonlyMap<string, TargetGroupRecord>;
  /** What the scheduler is asked for a task of that deployment. */
  readonly requestFor: (
    definition: TaskDefinitionRecord,
    deployment: DeploymentRecord,
    capacityProvider?: string,
  ) => PlacementRequest;
  /** The newest of its STOPPED tasks that failed, by deployment id. */
  readonly lastFailures: ReadonlyMap<string, TaskRecord>;
  /** Hosts whose tasks are not replaced for now, because many hosts went at once. */
  readonly heldHosts: ReadonlySet<ContainerInstanceArn>;
  /** True in a rehearsal: the ARNs of what was made in it will not be those of what is really made. */
  readonly isRehearsed?: boolean;
}
