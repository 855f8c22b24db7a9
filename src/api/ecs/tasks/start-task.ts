import type { Failure } from "@aws-sdk/client-ecs";
import type { TaskRecord } from "../../../model/task.ts";
import type { Instant } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import { explainPlacement } from "../../../scheduler/index.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import { containerInstanceArnOf } from "../container-instances/resolve.ts";
import { clientError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { refuseMembers } from "../refuse.ts";
import { fromWireTags } from "../tags/tags.ts";
import { supportsLaunchType } from "../task-definitions/launch-refusals.ts";
import { type Launch, launchOn, launchTypeOn, placementOf, resolveLaunch } from "./launch.ts";
import { checkLaunchMembers } from "./launch-input.ts";
import { START_TASK_REFUSED } from "./refusals.ts";
import { failureOf } from "./run-task.ts";
import { toWireTask } from "./wire.ts";

/** Source: ECS API reference, StartTask. */
const MAX_INSTANCES = 10;

/** Starts one task on each instance named; those that cannot take it are failures with a reason. */
export const startTask: Operation<"StartTask"> = async ({ store, clock, random, scope }, input) => {
  refuseMembers(START_TASK_REFUSED, input);
  if (input.containerInstances.length === 0) throw clientError("Container Instances cannot be empty.");
  if (input.containerInstances.length > MAX_INSTANCES) {
    throw invalidParameter(`Container Instances cannot have more than ${MAX_INSTANCES} elements.`);
  }
  checkLaunchMembers(input);
  const ownTags = fromWireTags(input.tags);
  const at = { now: clock.now(), random };
  const { tasks, failures } = await store.transact("StartTask", (tx) => {
    const launch = resolveLaunch(tx, scope, input, { ownTags, launchTypes: ["EC2", "EXTERNAL"] });
    const tasks: TaskRecord[] = [];
    const failures: Failure[] = [];
    for (const name of input.containerInstances) {
      const answer = startOn(tx, launch, containerInstanceArnOf(scope, launch.cluster, name), at);
      if (answer.kind === "started") tasks.push(answer.task);
      else failures.push(answer.failure);
    }
    return { tasks, failures };
  });
  return { tasks: tasks.map((task) => toWireTask(store.view, task, ["TAGS"])), failures };
};

type Answer =
  | { readonly kind: "started"; readonly task: TaskRecord }
  | { readonly kind: "failed"; readonly failure: Failure };

function startOn(
  tx: BerthTransaction,
  launch: Launch,
  arn: string,
  at: { readonly now: Instant; readonly random: Random },
): Answer {
  const failed = (reason: string): Answer => ({ kind: "failed", failure: { arn, reason } });
  const instance = tx.containerInstances.get(arn);
  if (instance === undefined) return failed("MISSING");
  if (instance.status !== "ACTIVE") return failed(instance.status);
  const launchType = launchTypeOn(instance);
  if (!supportsLaunchType(launch.definition.definition, launchType)) return failed("ATTRIBUTE");
  const here = { ...launch, launchType };
  const fleet = tx.containerInstances.derived.placement.fleet(launch.cluster.arn);
  const [explanation] = explainPlacement(
    { ...placementOf(tx, here), strategy: [] },
    fleet.only(instance.arn),
  ).instances;
  const [failure] = explanation === undefined ? [] : failureOf(explanation);
  if (failure !== undefined) return { kind: "failed", failure };
  return { kind: "started", task: launchOn(tx, here, instance, at) };
}
