import type { PlacementConstraint } from "@aws-sdk/client-ecs";
import type { Check } from "./candidate.ts";
import type { RefusalReason } from "./request.ts";

/** A constraint as a check with the reason that its failure gives. */
export function checkOf(constraint: PlacementConstraint): { readonly reason: RefusalReason; readonly passes: Check } {
  if (constraint.type === "distinctInstance") {
    return { reason: "DistinctInstance placement constraint unsatisfied.", passes: (c) => c.peers === 0 };
  }
  return { reason: "MemberOf placement constraint unsatisfied.", passes: () => false };
}
