import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { satisfies } from "./checks.ts";
import { readConstraint } from "./constraints.ts";
import { hasAttribute } from "./fleet.ts";
import type { PlacementRequest } from "./request.ts";

/**
 * Whether an instance has what the request asks for beside room and a connected agent: required attributes and memberOf
 * constraints. That is what decides where a DAEMON service has a task. Rule [DP20].
 */
export function requirementsOf(request: PlacementRequest): (instance: ContainerInstanceRecord) => boolean {
  const memberOf = request.constraints.map(readConstraint).filter((constraint) => constraint.kind === "memberOf");
  return (instance) =>
    request.requiredAttributes.every((required) => hasAttribute(instance, required)) &&
    memberOf.every((constraint) => satisfies(request, constraint, { instance, placed: 0 }));
}
