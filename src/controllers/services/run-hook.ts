import type { ServiceAction } from "../../deployment/index.ts";
import type { ServiceRecord } from "../../model/service.ts";
import { deploymentIdOf, type ServiceDeploymentRecord } from "../../model/service-deployment.ts";
import type { TaskDefinitionRecord } from "../../model/task-definition.ts";
import type { HookRun, LifecycleHook, ShiftState } from "../../model/traffic-shift.ts";
import type { Instant } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import {
  DEFAULT_TASK_STRATEGY,
  type NeedOverrides,
  needOf,
  type Placement,
  Placer,
  requiredAttributesOf,
} from "../../scheduler/index.ts";
import { fleetBehindDaemons, launchTask, newTask, tagsOfNewTask, tasksOnInstance } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";

/** The environment variable in which a hook's task finds what it is run for, as JSON. */
export const HOOK_EVENT = "BERTH_HOOK_EVENT";

/**
 * Starts the task of a lifecycle hook and notes it in the hook's record, in one transaction: so there is one task for each
 * hook and passage of its stage, whatever is repeated. Answers why there is no place for it; then it is tried again. Rule [TS22].
 */
export function runHook(
  tx: BerthTransaction,
  service: ServiceRecord,
  { serviceDeploymentArn, hookId }: Extract<ServiceAction, { kind: "run-hook" }>,
  at: { readonly now: Instant; readonly random: Random },
): Extract<Placement, { kind: "refused" }> | undefined {
  const record = tx.serviceDeployments.get(serviceDeploymentArn);
  const run = record?.shift?.hooks.find(({ id }) => id === hookId);
  const hook = record?.settings.shift?.hooks[run?.hook ?? -1];
  if (record?.shift === undefined || run === undefined || hook === undefined || run.taskArn !== undefined)
    return undefined;
  const note = (over: Partial<HookRun>) => {
    const hooks = (record.shift?.hooks ?? []).map((one) => (one === run ? { ...one, ...over } : one));
    tx.serviceDeployments.put({ ...record, shift: { ...(record.shift as ShiftState), hooks }, updatedAt: at.now });
  };
  const definition = tx.taskDefinitions.get(hook.taskDefinitionArn ?? "");
  if (definition === undefined) {
    note({ status: "FAILED", endedAt: at.now });
    return undefined;
  }
  const overrides = { containerOverrides: environmentOf(definition, eventOf(record, run, hook)) };
  const placement = place(tx, service, { definition, overrides }, at.random);
  if (placement.kind === "refused") return placement;
  const { clusterArn, propagateTags, enableECSManagedTags, tags } = service;
  const order = {
    clusterArn,
    definition,
    instance: placement.instance,
    overrides,
    group: groupOf(definition),
    startedBy: run.id,
    hookOf: service.arn,
    tags: tagsOfNewTask({
      clusterArn,
      definition,
      service: { name: service.name, tags },
      propagateTags,
      enableECSManagedTags,
    }),
  };
  note({ taskArn: launchTask(tx, newTask(order, at)).arn });
  return undefined;
}

const groupOf = ({ family }: TaskDefinitionRecord) => `family:${family}`;

function place(
  tx: BerthTransaction,
  { clusterArn }: ServiceRecord,
  of: { readonly definition: TaskDefinitionRecord; readonly overrides: NeedOverrides },
  random: Random,
): Placement {
  const { definition } = of.definition;
  const request = {
    need: needOf(definition, of.overrides),
    requiredAttributes: requiredAttributesOf(definition),
    constraints: definition.placementConstraints ?? [],
    strategy: DEFAULT_TASK_STRATEGY,
    group: groupOf(of.definition),
    tasksOn: (arn: Parameters<typeof tasksOnInstance>[1]) => tasksOnInstance(tx, arn),
  };
  return new Placer(request, fleetBehindDaemons(tx, clusterArn), random).place();
}

/** In the form in which ECS calls a hook. Source: ECS developer guide, lifecycle hook payload. */
function eventOf(record: ServiceDeploymentRecord, run: HookRun, hook: LifecycleHook) {
  const { production = 0, test = 0, source } = record.shift ?? {};
  const weights = (percent: number) => ({
    [record.targetRevisionArn]: percent,
    ...(source === undefined ? {} : { [source]: 100 - percent }),
  });
  return {
    executionId: run.id,
    lifecycleStage: run.stage,
    resourceArn: record.arn,
    executionDetails: {
      serviceArn: record.serviceArn,
      deploymentId: deploymentIdOf(record.targetRevisionArn),
      targetServiceRevisionArn: record.targetRevisionArn,
      productionTrafficWeights: weights(production),
      testTrafficWeights: weights(test),
    },
    ...(hook.hookDetails === undefined ? {} : { hookDetails: hook.hookDetails }),
  };
}

function environmentOf({ definition }: TaskDefinitionRecord, event: unknown): NeedOverrides["containerOverrides"] {
  const environment = [{ name: HOOK_EVENT, value: JSON.stringify(event) }];
  return (definition.containerDefinitions ?? []).map(({ name }) => ({ name, environment }));
}
