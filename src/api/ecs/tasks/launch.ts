import type { ClusterRecord } from "../../../model/cluster.ts";
import type { ContainerInstanceRecord } from "../../../model/container-instance.ts";
import type { Tags } from "../../../model/tags.ts";
import type { TaskRecord } from "../../../model/task.ts";
import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import type { Instant } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import { type NeedOverrides, needOf, type PlacementRequest, requiredAttributesOf } from "../../../scheduler/index.ts";
import { launchTask, newTask, tagsOfNewTask, tasksOnInstance } from "../../../state/index.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import type { AccountScope } from "../../context.ts";
import { invalidParameter } from "../errors.ts";
import { resolveActiveTaskDefinition, resolveCluster } from "../resolve.ts";
import { refusalOfTaskDefinition, supportsLaunchType } from "../task-definitions/launch-refusals.ts";
import { overridesOf } from "./overrides.ts";

/** The attribute of a host that joined from outside AWS. */
const EXTERNAL = { name: "ecs.capability.external" } as const;

type LaunchInput = Pick<
  EcsOperations["RunTask"]["input"],
  "cluster" | "taskDefinition" | "overrides" | "group" | "startedBy" | "propagateTags" | "enableECSManagedTags"
>;

/** The launch types of tasks here. */
type LaunchType = TaskRecord["launchType"];

/** What RunTask and StartTask start, worked out inside their transaction. */
export interface Launch {
  readonly cluster: ClusterRecord;
  readonly definition: TaskDefinitionRecord;
  readonly overrides: NeedOverrides;
  readonly group: string;
  readonly startedBy?: string;
  readonly launchType: LaunchType;
  readonly tags: Tags;
}

/**
 * Resolves what a call asks to start, as the first of the launch types that the definition supports. Throws ClusterNotFoundException, ClientException or InvalidParameterException for a
 * cluster or task definition that is not there or not ACTIVE, or that no task can be made of.
 */
export function resolveLaunch(
  tx: BerthTransaction,
  scope: AccountScope,
  input: LaunchInput,
  { ownTags, launchTypes }: { readonly ownTags: Tags; readonly launchTypes: readonly LaunchType[] },
): Launch {
  const cluster = resolveCluster(tx, scope, input.cluster);
  const definition = resolveActiveTaskDefinition(tx, scope, input.taskDefinition);
  const refusal = refusalOfTaskDefinition(definition.definition, launchTypes);
  if (refusal !== undefined) throw invalidParameter(refusal);
  return {
    cluster,
    definition,
    overrides: overridesOf(definition.definition, input.overrides),
    group: input.group ?? `family:${definition.family}`,
    startedBy: input.startedBy,
    launchType: launchTypes.find((type) => supportsLaunchType(definition.definition, type)) ?? "EC2",
    tags: tagsOfNewTask({
      clusterArn: cluster.arn,
      own: ownTags,
      propagateTags: input.propagateTags,
      definition,
      enableECSManagedTags: input.enableECSManagedTags,
    }),
  };
}

/** What tasks on an instance are launched as: EXTERNAL on a host that joined from outside AWS. */
export function launchTypeOn(instance: ContainerInstanceRecord): LaunchType {
  return instance.attributes.some((a) => a.name === EXTERNAL.name) ? "EXTERNAL" : "EC2";
}

/** The launch as the scheduler asks for it, without the call's own constraints and strategy. */
export function placementOf(tx: BerthTransaction, launch: Launch): Omit<PlacementRequest, "strategy"> {
  const { definition } = launch.definition;
  return {
    need: needOf(definition, launch.overrides),
    requiredAttributes: [...requiredAttributesOf(definition), ...(launch.launchType === "EXTERNAL" ? [EXTERNAL] : [])],
    constraints: definition.placementConstraints ?? [],
    group: launch.group,
    tasksOn: (arn) => tasksOnInstance(tx, arn),
  };
}

/** Records one task of the launch on the instance that was chosen for it, by a capacity provider if it has one. */
export function launchOn(
  tx: BerthTransaction,
  launch: Launch,
  instance: ContainerInstanceRecord,
  at: { readonly now: Instant; readonly random: Random },
  capacityProviderName?: string,
): TaskRecord {
  const { cluster, definition, overrides, group, startedBy, launchType, tags } = launch;
  // The scheduler may have seen it otherwise: which of its GPUs are free now, the store says.
  const host = tx.containerInstances.derived.placement.occupied(instance);
  const order = {
    clusterArn: cluster.arn,
    definition,
    instance: host,
    overrides,
    group,
    startedBy,
    tags,
    capacityProviderName,
  };
  return launchTask(tx, { ...newTask(order, at), launchType });
}
