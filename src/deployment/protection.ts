import type { Instant } from "../runtime/clock.ts";
import * as messages from "./messages.ts";
import type { ServiceAction } from "./observed.ts";
import type { Roster } from "./roster.ts";

/** Tells of tasks that stay only because they are protected from scale-in, by deployment. Rule [DP19]. */
export function protectionEvents({ held }: Roster): readonly ServiceAction[] {
  const byDeployment = Map.groupBy(held, (member) => member.task.deploymentId ?? "");
  return [...byDeployment].map(([id, members]) => ({
    kind: "event",
    message: messages.heldByProtection(id, members.length),
    once: true,
  }));
}

/** When the protection of tasks that are held back by it ends: then they may go. */
export function protectionEnds({ held }: Roster): readonly Instant[] {
  return [...held].flatMap(({ task }) => (task.protectedUntil === undefined ? [] : [task.protectedUntil]));
}
