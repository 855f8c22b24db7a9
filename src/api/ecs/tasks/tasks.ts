import { requestStop } from "../../../state/index.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { resolveCluster } from "../resolve.ts";
import { resolveTask, taskArnOf } from "./resolve.ts";
import { toWireTask } from "./wire.ts";

/** Source: ECS API reference, DescribeTasks. */
const MAX_DESCRIBED = 100;
/** Source: ECS API reference, StopTask: longer reasons are refused. */
const MAX_REASON = 1024;

/** Wants a task stopped. One that is to stop already, or has stopped, stays as it is. */
export const stopTask: Operation<"StopTask"> = async ({ store, clock, scope }, input) => {
  const { reason } = input;
  if (reason !== undefined && reason.length > MAX_REASON) {
    throw invalidParameter(`reason can have at most ${MAX_REASON} characters.`);
  }
  const now = clock.now();
  const cause = { stopCode: "UserInitiated", reason: reason || "Task stopped by user" } as const;
  const task = await store.transact("StopTask", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    return requestStop(tx, resolveTask(tx, scope, cluster, input.task), cause, now);
  });
  return { task: toWireTask(store.view, task, ["TAGS"]) };
};

/** Shows tasks; one that is not there is a failure with reason MISSING. */
export const describeTasks: Operation<"DescribeTasks"> = ({ store, scope }, input) => {
  if (input.tasks.length === 0) throw invalidParameter("Tasks cannot be empty.");
  if (input.tasks.length > MAX_DESCRIBED) {
    throw invalidParameter(`Tasks cannot have more than ${MAX_DESCRIBED} elements.`);
  }
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const answer = { tasks: [], failures: [] } as Required<EcsOperations["DescribeTasks"]["output"]>;
  for (const arn of new Set(input.tasks.map((task) => taskArnOf(scope, cluster, task)))) {
    const task = store.view.tasks.get(arn);
    if (task === undefined) answer.failures?.push({ arn, reason: "MISSING" });
    else answer.tasks?.push(toWireTask(store.view, task, input.include ?? []));
  }
  return answer;
};
