import type { PlacementConstraint, PlacementStrategy } from "@aws-sdk/client-ecs";
import { queryProblem } from "./query/parse.ts";

/** Source: ECS quotas: constraints of the task definition and of the service or call together. */
export const MAX_PLACEMENT_CONSTRAINTS = 10;
/** Source: ECS quotas. */
export const MAX_PLACEMENT_STRATEGIES = 5;

/** What is wrong with the constraints and strategies of a service or call, as a sentence; undefined if nothing is. */
export function placementProblem(
  constraints: readonly PlacementConstraint[] = [],
  strategy: readonly PlacementStrategy[] = [],
): string | undefined {
  if (constraints.length > MAX_PLACEMENT_CONSTRAINTS) {
    return `placementConstraints cannot have more than ${MAX_PLACEMENT_CONSTRAINTS} elements.`;
  }
  if (strategy.length > MAX_PLACEMENT_STRATEGIES) {
    return `placementStrategy cannot have more than ${MAX_PLACEMENT_STRATEGIES} elements.`;
  }
  for (const one of constraints) {
    const problem = constraintProblem(one);
    if (problem !== undefined) return problem;
  }
  for (const one of strategy) {
    const problem = strategyProblem(one);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function constraintProblem({ type, expression = "" }: PlacementConstraint): string | undefined {
  switch (type) {
    case undefined:
      return "A placement constraint needs a type.";
    case "distinctInstance":
      return expression === "" ? undefined : "distinctInstance expression should not be specified.";
    default:
      return memberOfProblem(expression);
  }
}

/** What is wrong with the expression of a memberOf constraint, as a sentence that says where; undefined if nothing is. */
export function memberOfProblem(expression: string): string | undefined {
  if (expression === "") return "The memberOf placement constraint needs an expression.";
  const problem = queryProblem(expression);
  return problem === undefined
    ? undefined
    : `The expression '${shortened(expression)}' of the memberOf placement constraint ${problem}.`;
}

function shortened(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

function strategyProblem({ type, field = "" }: PlacementStrategy): string | undefined {
  switch (type) {
    case "random":
      return field === "" ? undefined : "The random placement strategy takes no field.";
    case "binpack":
      return /^(cpu|memory)$/i.test(field)
        ? undefined
        : `The binpack placement strategy takes the field cpu or memory.`;
    case "spread":
      return /^(instanceId|host|attribute:[A-Za-z0-9_./\\-]{1,128})$/.test(field)
        ? undefined
        : "The spread placement strategy takes the field instanceId, host or attribute:<name>.";
    default:
      return "A placement strategy needs a type.";
  }
}
