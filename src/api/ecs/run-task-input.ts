import type { PlacementConstraint, PlacementStrategy, PropagateTags } from "@aws-sdk/client-ecs";
import { invalidParameter } from "./errors.ts";

/** Source: ECS API reference, RunTask. */
const MAX_GROUP = 255;
const STARTED_BY = /^[A-Za-z0-9\-/_]{1,128}$/;
const CLIENT_TOKEN = /^[\x21-\x7e]{1,64}$/;
const MAX_CONSTRAINTS = 10;
const MAX_STRATEGIES = 5;
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

export function checkConstraints(constraints: readonly PlacementConstraint[]): void {
  if (constraints.length > MAX_CONSTRAINTS) {
    throw invalidParameter(`placementConstraints can have at most ${MAX_CONSTRAINTS} items.`);
  }
  for (const { type, expression } of constraints) {
    if (type === undefined) throw invalidParameter("Every placement constraint needs a type.");
    if (type === "distinctInstance" && expression !== undefined && expression !== "") {
      throw invalidParameter("The placement constraint distinctInstance takes no expression.");
    }
  }
}

/** Throws InvalidParameterException for a strategy whose field its type does not have. */
export function checkStrategies(strategies: readonly PlacementStrategy[]): void {
  if (strategies.length > MAX_STRATEGIES) {
    throw invalidParameter(`placementStrategy can have at most ${MAX_STRATEGIES} items.`);
  }
  for (const { type, field = "" } of strategies) {
    switch (type) {
      case "random":
        if (field !== "") throw invalidParameter("The placement strategy random takes no field.");
        break;
      case "binpack":
        if (!/^(cpu|memory)$/i.test(field)) {
          throw invalidParameter("The placement strategy binpack needs field cpu or memory.");
        }
        break;
      case "spread":
        if (!/^(instanceId|host|attribute:[A-Za-z0-9_./\\-]{1,128})$/.test(field)) {
          throw invalidParameter("The placement strategy spread needs field instanceId, host or attribute:<name>.");
        }
        break;
      default:
        throw invalidParameter("type should be one of [random, spread, binpack]");
    }
  }
}
