import { attributeValue, type ContainerInstanceRecord, type OccupiedInstance } from "../model/container-instance.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { Constraint } from "./constraints.ts";
import { hasAttribute } from "./fleet.ts";
import { matchesQuery } from "./query/evaluate.ts";
import type { Expression } from "./query/expression.ts";
import type { PlacementRequest, RefusalReason, TasksOnInstance } from "./request.ts";

/** An ACTIVE instance as the checks see it: with what is left after the tasks that were just placed there. */
export interface Place {
  readonly instance: OccupiedInstance;
  readonly cpu: number;
  readonly memoryMiB: number;
  /** How many are left. */
  readonly gpus: number;
  /** Tasks of the request's group that are to run there, those that were just placed among them. */
  readonly peers: number;
  /** Tasks of the request that were just placed there. */
  readonly placed: number;
}

/** A place as far as expressions ask of it: they do not ask what is left. */
type Described = Pick<Place, "placed"> & { readonly instance: ContainerInstanceRecord };

/** Who holds a host port: the host itself, a task by its ARN, or a task of the request that was just placed there. */
export type PortHolder = { readonly by: "host" | "this" } | { readonly by: "task"; readonly taskArn?: string };

/** A check that an instance fails, and by how much. */
export type FailedCheck =
  | { readonly kind: "agent" }
  | {
      /** CPU units, MiB, or the number of GPUs. */
      readonly kind: "cpu" | "memory" | "gpu";
      readonly needed: number;
      readonly left: number;
      readonly registered: number;
    }
  | {
      readonly kind: "port";
      readonly protocol: "tcp" | "udp";
      readonly port: number;
      readonly holder: PortHolder;
    }
  | {
      readonly kind: "attribute";
      readonly name: string;
      /** The value that is required, if one is. */
      readonly required?: string;
      /** The value that the instance has; undefined if it lacks the attribute. */
      readonly found?: string;
    }
  | { readonly kind: "distinctInstance"; readonly peers: number }
  | {
      readonly kind: "memberOf";
      readonly expression: string;
      /** The parts of the expression that fail: of `a and b` those that do, else the whole. */
      readonly unsatisfied: readonly string[];
    };

/** ECS's reason for a check that failed. Source: ECS API reference, API failure reasons. */
export function reasonOf(check: FailedCheck): RefusalReason {
  switch (check.kind) {
    case "agent":
      return "AGENT";
    case "cpu":
      return "RESOURCE:CPU";
    case "memory":
      return "RESOURCE:MEMORY";
    case "port":
      return "RESOURCE:PORTS";
    case "gpu":
      return "RESOURCE:GPU";
    case "attribute":
      return "ATTRIBUTE";
    case "distinctInstance":
      return "DistinctInstance placement constraint unsatisfied.";
    case "memberOf":
      return "MemberOf placement constraint unsatisfied.";
    default:
      return assertNever(check, "failed check");
  }
}

/** Every check that the place fails, in ECS's order: rule [PL3]. The task fits if and only if there is none. */
export function failedChecks(
  request: PlacementRequest,
  constraints: readonly Constraint[],
  place: Place,
): readonly FailedCheck[] {
  const { need, requiredAttributes } = request;
  const { instance, cpu, memoryMiB } = place;
  const { registered } = instance;
  const failed: FailedCheck[] = [];
  if (!instance.agentConnected) failed.push({ kind: "agent" });
  if (need.cpu > cpu) failed.push({ kind: "cpu", needed: need.cpu, left: cpu, registered: registered.cpu });
  if (need.memoryMiB > memoryMiB) {
    failed.push({ kind: "memory", needed: need.memoryMiB, left: memoryMiB, registered: registered.memoryMiB });
  }
  failed.push(...failedPorts(request, place, "tcp"), ...failedPorts(request, place, "udp"));
  const gpuCount = need.gpuCount ?? 0;
  if (gpuCount > place.gpus) {
    failed.push({ kind: "gpu", needed: gpuCount, left: place.gpus, registered: registered.gpus?.length ?? 0 });
  }
  for (const required of requiredAttributes) {
    if (hasAttribute(instance, required)) continue;
    const name = required.name ?? "";
    failed.push({
      kind: "attribute",
      name,
      required: required.value || undefined,
      found: attributeValue(instance, name),
    });
  }
  for (const constraint of constraints) {
    const check = failedConstraint(request, constraint, place);
    if (check !== undefined) failed.push(check);
  }
  return failed;
}

function failedPorts(request: PlacementRequest, place: Place, protocol: "tcp" | "udp"): readonly FailedCheck[] {
  const list = protocol === "tcp" ? "ports" : "portsUdp";
  const { registered, used, arn } = place.instance;
  return request.need[list].flatMap((port): FailedCheck[] => {
    const check = (holder: PortHolder): FailedCheck[] => [{ kind: "port", protocol, port, holder }];
    if (registered[list].includes(port)) return check({ by: "host" });
    if (used[list].includes(port)) {
      return check({ by: "task", taskArn: request.tasksOn(arn).portHolder(protocol, port) });
    }
    return place.placed > 0 ? check({ by: "this" }) : [];
  });
}

function failedConstraint(request: PlacementRequest, constraint: Constraint, place: Place): FailedCheck | undefined {
  if (constraint.kind === "distinctInstance") {
    return place.peers === 0 ? undefined : { kind: "distinctInstance", peers: place.peers };
  }
  if (satisfies(request, constraint, place)) return undefined;
  const { expression } = constraint;
  const terms: readonly Expression[] = expression.kind === "and" ? expression.terms : [expression];
  const unsatisfied = terms.filter((term) => !satisfies(request, { expression: term }, place)).map((term) => term.text);
  return { kind: "memberOf", expression: constraint.text, unsatisfied };
}

/** True if the place is one that the expression means. */
export function satisfies(
  request: PlacementRequest,
  { expression }: { readonly expression: Expression },
  place: Described,
): boolean {
  return matchesQuery(expression, { instance: place.instance, tasks: () => tasksOn(request, place) });
}

/** What is on the instance, with the tasks of the request that were just placed there. */
function tasksOn({ group, tasksOn }: PlacementRequest, { instance, placed }: Described): TasksOnInstance {
  const before = tasksOn(instance.arn);
  if (placed === 0) return before;
  return {
    has: (one) => one === group || before.has(one),
    groups: () => new Set([...before.groups(), group]),
    runningTasksCount: before.runningTasksCount,
    portHolder: (protocol, port) => before.portHolder(protocol, port),
  };
}
