import { type Explanation, explainDeployment, explainService, explainTask } from "../../explain/index.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { Instant } from "../../runtime/clock.ts";
import type { BerthOperations, BerthShape } from "../../wire/models/berth.ts";
import type { ApiContext } from "../context.ts";
import { resolveCluster } from "../ecs/resolve.ts";
import { logGroupName, logStreamName } from "../logs/names.ts";
import { serviceFactsOf, taskFactsOf } from "./facts.ts";
import type { Operation } from "./operation.ts";
import { type Resource, resolveResource } from "./resolve-resource.ts";

/** Why a service, a deployment or a task is as it is. */
export const explainResource: Operation<"ExplainResource"> = (context, input) => {
  const { store, scope, clock } = context;
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const resource = resolveResource(store.view, scope, cluster, input.resource);
  const { told, witness } = explain(context, resource, clock.now());
  return {
    kind: resource.kind,
    arn: arnOf(resource),
    ...toWire(told),
    logStreams: witness === undefined ? [] : logStreamsOf(witness, logGroupName(cluster)),
  };
};

/** `witness` is the task whose log may tell more: the one that was asked about, or the last that failed of what fails. */
interface Explained {
  readonly told: Explanation;
  readonly witness?: TaskRecord;
}

function explain(context: ApiContext, resource: Resource, now: Instant): Explained {
  switch (resource.kind) {
    case "SERVICE": {
      const facts = serviceFactsOf(context, resource.service);
      return withWitness(explainService(facts, now), [...facts.lastFailures.values()]);
    }
    case "DEPLOYMENT": {
      const { deploymentId, record } = resource;
      const facts = serviceFactsOf(context, resource.service);
      const last = facts.lastFailures.get(deploymentId);
      return withWitness(explainDeployment(facts, deploymentId, record, now), last === undefined ? [] : [last]);
    }
    case "TASK":
      return { told: explainTask(taskFactsOf(context, resource.task, now), now), witness: resource.task };
  }
}

function withWitness(told: Explanation, failures: readonly TaskRecord[]): Explained {
  if (told.state !== "FAILING") return { told };
  return { told, witness: failures.toSorted((a, b) => (b.stoppedAt ?? 0) - (a.stoppedAt ?? 0))[0] };
}

/** A deployment has an id where the others have an ARN. */
function arnOf(resource: Resource): string {
  switch (resource.kind) {
    case "SERVICE":
      return resource.service.arn;
    case "DEPLOYMENT":
      return resource.deploymentId;
    case "TASK":
      return resource.task.arn;
  }
}

function toWire({
  state,
  summary,
  findings,
  fixes,
  instances,
}: Explanation): Omit<BerthOperations["ExplainResource"]["output"], "kind" | "arn" | "logStreams"> {
  return { state, summary, findings: [...findings], fixes: [...fixes], instances: [...instances] };
}

/** Where the logs API has what the task's containers wrote; nothing of those that were never made. */
function logStreamsOf(task: TaskRecord, group: string): BerthShape<"LogStream">[] {
  return task.containers
    .filter((container) => container.runtimeId !== undefined)
    .map((container) => ({
      taskArn: task.arn,
      containerName: container.name,
      logGroupName: group,
      logStreamName: logStreamName(task, container),
    }));
}
