import type { PlacementConstraint } from "@aws-sdk/client-ecs";
import type { Candidate, Check } from "./candidate.ts";
import { matchesQuery } from "./query/evaluate.ts";
import { parseQuery } from "./query/parse.ts";
import type { PlacementRequest, RefusalReason, TasksOnInstance } from "./request.ts";

/** A constraint as a check with the reason that its failure gives. Throws QuerySyntaxError for an expression that is none. */
export function checkOf(constraint: PlacementConstraint): { readonly reason: RefusalReason; readonly passes: Check } {
  if (constraint.type === "distinctInstance") {
    return { reason: "DistinctInstance placement constraint unsatisfied.", passes: (c) => c.peers === 0 };
  }
  const expression = parseQuery(constraint.expression ?? "");
  return {
    reason: "MemberOf placement constraint unsatisfied.",
    passes: (candidate, request) =>
      matchesQuery(expression, { instance: candidate.instance, tasks: () => tasksOn(candidate, request) }),
  };
}

/** What is on the candidate, with the tasks of the request that were just placed there. */
function tasksOn({ instance, placed }: Candidate, { group, tasksOn }: PlacementRequest): TasksOnInstance {
  const before = tasksOn(instance.arn);
  if (placed === 0) return before;
  return {
    has: (one) => one === group || before.has(one),
    groups: () => new Set([...before.groups(), group]),
    runningTasksCount: before.runningTasksCount,
  };
}
