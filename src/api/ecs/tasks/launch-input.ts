import type { PlacementConstraint, PlacementStrategy, PropagateTags } from "@aws-sdk/client-ecs";
import { placementProblem } from "../../../scheduler/index.ts";
import { invalidParameter } from "../errors.ts";

/** Source: ECS API reference, RunTask. */
const MAX_GROUP = 255;
const STARTED_BY = /^[A-Za-z0-9\-/_]{1,128}$/;
const CLIENT_TOKEN = /^[\x21-\x7e]{1,64}$/;
/** Groups of this form are those of services. */
const SERVICE_GROUP = "service:";

/** Throws InvalidParameterException for a member of RunTask or StartTask that breaks a rule of its own. */
export function checkLaunchMembers(input: {
  readonly group?: string;
  readonly startedBy?: string;
  readonly propagateTags?: PropagateTags;
}): void {
  const { group, startedBy, propagateTags } = input;
  if (group !== undefined && (group.length > MAX_GROUP || group === "")) {
    throw invalidParameter(`group must have 1 to ${MAX_GROUP} characters.`);
  }
  if (group?.startsWith(SERVICE_GROUP)) {
    throw invalidParameter(`Invalid namespace for group '${group}': '${SERVICE_GROUP}' is for services.`);
  }
  if (startedBy !== undefined && !STARTED_BY.test(startedBy)) {
    throw invalidParameter("startedBy must be 1 to 128 letters, numbers, hyphens, slashes and underscores.");
  }
  if (propagateTags === "SERVICE") throw invalidParameter("propagateTags SERVICE is for the tasks of services.");
}

export function checkClientToken(token: string | undefined): void {
  if (token !== undefined && !CLIENT_TOKEN.test(token)) {
    throw invalidParameter("clientToken must be 1 to 64 ASCII characters in the range of 33-126 (inclusive).");
  }
}

/** Throws InvalidParameterException for constraints and strategies that nothing can be placed by. */
export function checkPlacement(
  constraints: readonly PlacementConstraint[] | undefined,
  strategy: readonly PlacementStrategy[] | undefined,
): void {
  const problem = placementProblem(constraints, strategy);
  if (problem !== undefined) throw invalidParameter(problem);
}
