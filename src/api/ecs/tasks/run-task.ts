import type { Failure } from "@aws-sdk/client-ecs";
import type { RequestTokenRecord } from "../../../model/request-token.ts";
import type { TaskRecord } from "../../../model/task.ts";
import type { Instant } from "../../../runtime/clock.ts";
import type { Random } from "../../../runtime/random.ts";
import {
  DEFAULT_TASK_STRATEGY,
  describeInstance,
  type InstanceExplanation,
  NO_INSTANCES,
  NO_INSTANCES_IN_PROVIDER,
  Placer,
  placersByProvider,
  providersForStarts,
  reasonOf,
} from "../../../scheduler/index.ts";
import { fleetBehindDaemons, providerNamed } from "../../../state/index.ts";
import type { BerthTransaction } from "../../../store/index.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { parametersDigest } from "../../parameters-digest.ts";
import { placingStrategy } from "../capacity-providers/strategy-input.ts";
import { EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { refuseMembers } from "../refuse.ts";
import { resolveCluster } from "../resolve.ts";
import { fromWireTags } from "../tags/tags.ts";
import { type Launch, launchOn, placementOf, resolveLaunch } from "./launch.ts";
import { checkClientToken, checkLaunchMembers, checkPlacement } from "./launch-input.ts";
import { RUN_TASK_REFUSED } from "./refusals.ts";
import { toWireTask } from "./wire.ts";

/** Source: ECS API reference, RunTask.count. */
const MAX_COUNT = 10;
/** Failures that are kept for the repetition of a call: enough to say why, however many instances there are. */
const MAX_KEPT_FAILURES = 100;

/** A capacity provider without a single ACTIVE instance. Source: ECS developer guide, stopped task error messages. */
const EMPTY_PROVIDER = "EMPTY CAPACITY PROVIDER";

type Input = EcsOperations["RunTask"]["input"];
interface Started {
  readonly tasks: readonly TaskRecord[];
  readonly failures: readonly Failure[];
}

/**
 * Starts up to ten tasks, all placed in one transaction; those for which no instance has room are failures with the reason
 * of each instance. With a clientToken, a repeated call answers the tasks and failures of the first.
 */
export const runTask: Operation<"RunTask"> = async ({ store, clock, random, scope }, input) => {
  refuseMembers(RUN_TASK_REFUSED, input);
  const { count = 1, clientToken } = input;
  if (count < 1 || count > MAX_COUNT) throw invalidParameter(`count must be between 1 and ${MAX_COUNT}.`);
  checkLaunchMembers(input);
  checkClientToken(clientToken);
  checkPlacement(input.placementConstraints, input.placementStrategy);
  const ownTags = fromWireTags(input.tags);
  const launchTypes = [input.launchType === "EXTERNAL" ? "EXTERNAL" : "EC2"] as const;
  const at = { now: clock.now(), random };
  const { tasks, failures } = await store.transact("RunTask", (tx): Started => {
    const token = clientToken === undefined ? undefined : tokenOf(resolveCluster(tx, scope, input.cluster).name, input);
    const before = token === undefined ? undefined : startedBefore(tx, token);
    if (before !== undefined) return before;
    const started = place(tx, resolveLaunch(tx, scope, input, { ownTags, launchTypes }), input, at);
    if (token !== undefined && started.tasks.length > 0) {
      const failures = started.failures.length === 0 ? undefined : started.failures.slice(0, MAX_KEPT_FAILURES);
      tx.requestTokens.put({ ...token, resourceArns: started.tasks.map((t) => t.arn), failures, createdAt: at.now });
    }
    return started;
  });
  return { tasks: tasks.map((task) => toWireTask(store.view, task, ["TAGS"])), failures: [...failures] };
};

function place(
  tx: BerthTransaction,
  launch: Launch,
  input: Input,
  at: { readonly now: Instant; readonly random: Random },
): Started {
  const { count = 1, placementConstraints = [], placementStrategy = [] } = input;
  const placement = placementOf(tx, launch);
  const request = {
    ...placement,
    constraints: [...placement.constraints, ...placementConstraints],
    strategy: placementStrategy.length === 0 ? DEFAULT_TASK_STRATEGY : placementStrategy,
  };
  const strategy = placingStrategy(launch.cluster, input);
  const names: readonly (string | undefined)[] =
    strategy === undefined ? Array.from({ length: count }) : providersForStarts(strategy, new Map(), count);
  const fleet = fleetBehindDaemons(tx, launch.cluster.arn);
  const providerOf = (name: string | undefined) => (name === undefined ? undefined : providerNamed(tx, name));
  const placerOf = placersByProvider(
    (name) => new Placer({ ...request, capacityProvider: providerOf(name) }, fleet, at.random),
  );
  const tasks: TaskRecord[] = [];
  const failures: Failure[] = [];
  for (const name of names) {
    const placer = placerOf(name);
    if (placer.isFull) continue;
    const placed = placer.place();
    if (placed.kind === "placed") tasks.push(launchOn(tx, launch, placed.instance, at, name));
    else {
      const provider = providerOf(name);
      if (placed.closest !== undefined) failures.push(...placer.explain().instances.flatMap(failureOf));
      else if (provider === undefined) throw invalidParameter(NO_INSTANCES);
      else failures.push({ arn: provider.arn, reason: EMPTY_PROVIDER, detail: NO_INSTANCES_IN_PROVIDER });
    }
  }
  const isAllEmpty = tasks.length === 0 && failures.every((f) => f.reason === EMPTY_PROVIDER);
  if (isAllEmpty) throw invalidParameter(NO_INSTANCES_IN_PROVIDER);
  return { tasks, failures };
}

/** ECS's reason for an instance that cannot take the task and, as the detail, everything that stands against it. */
export function failureOf(instance: InstanceExplanation): Failure[] {
  const [first] = instance.failed;
  if (first === undefined) return [];
  return [{ arn: instance.arn, reason: reasonOf(first), detail: describeInstance(instance) }];
}

type Token = Pick<RequestTokenRecord, "key" | "parametersDigest">;

function tokenOf(clusterName: string, { clientToken, cluster: _, ...parameters }: Input): Token {
  return {
    key: `RunTask/${clusterName}/${clientToken}`,
    parametersDigest: parametersDigest(parameters),
  };
}

/** Throws ConflictException if the token stands for another call; tasks that are forgotten by now are left out. */
function startedBefore(tx: BerthTransaction, token: Token): Started | undefined {
  const known = tx.requestTokens.get(token.key);
  if (known === undefined) return undefined;
  if (known.parametersDigest !== token.parametersDigest) {
    throw new EcsError("ConflictException", "The clientToken was used before with other parameters.", {
      resourceIds: [...known.resourceArns],
    });
  }
  const tasks = known.resourceArns.flatMap((arn) => tx.tasks.get(arn) ?? []);
  return { tasks, failures: known.failures ?? [] };
}
