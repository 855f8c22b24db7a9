import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { CHECKS, candidateOf } from "./candidate.ts";
import { checkOf } from "./constraints.ts";
import type { PlacementRequest } from "./request.ts";

/**
 * Whether an instance has what the request asks for beside room and a connected agent: required attributes and memberOf
 * constraints. That is what decides where a DAEMON service has a task. Rule [DP20].
 */
export function requirementsOf(request: PlacementRequest): (instance: ContainerInstanceRecord) => boolean {
  const checks = [
    ...CHECKS.filter((check) => check.reason === "ATTRIBUTE"),
    ...request.constraints.filter((constraint) => constraint.type === "memberOf").map(checkOf),
  ];
  return (instance) => {
    const candidate = candidateOf(instance, request);
    return checks.every((check) => check.passes(candidate, request));
  };
}
