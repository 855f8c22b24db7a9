import { assertNever } from "../runtime/assert-never.ts";
import type { Placement, RefusalReason } from "./request.ts";

/** RunTask's answer, and the events' reason, when there is no ACTIVE instance at all. */
export const NO_INSTANCES = "No Container Instances were found in your cluster.";

/** The same, where only the instances of a capacity provider are asked. */
export const NO_INSTANCES_IN_PROVIDER = "No Container Instances were found in your capacity provider.";

const GUIDE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

/** Why a task was not placed, as a service's event says it after `(service <name>) `. Source: ECS service event messages. */
export function explainRefusal(placement: Extract<Placement, { kind: "refused" }>): string {
  const start = "was unable to place a task because no container instance met all of its requirements.";
  const { closest } = placement;
  if (closest === undefined) return `${start} Reason: ${noInstances(placement)} ${GUIDE}`;
  const id = closest.arn.slice(closest.arn.lastIndexOf("/") + 1);
  return `${start} The closest matching (container-instance ${id}) ${causeOf(closest.reason)}. ${GUIDE}`;
}

/** What is said where there is no candidate at all. */
export function noInstances({ capacityProvider }: { readonly capacityProvider?: string }): string {
  return capacityProvider === undefined ? NO_INSTANCES : NO_INSTANCES_IN_PROVIDER;
}

function causeOf(reason: RefusalReason): string {
  switch (reason) {
    case "RESOURCE:CPU":
      return "has insufficient CPU units available";
    case "RESOURCE:MEMORY":
      return "has insufficient memory available";
    case "RESOURCE:PORTS":
      return "is already using a port required by your task";
    case "ATTRIBUTE":
      return "is missing an attribute required by your task";
    case "RESOURCE:GPU":
    case "AGENT":
    case "MemberOf placement constraint unsatisfied.":
    case "DistinctInstance placement constraint unsatisfied.":
      return `encountered error "${reason}"`;
    default:
      return assertNever(reason, "placement refusal");
  }
}
