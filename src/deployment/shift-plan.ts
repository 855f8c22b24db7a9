import type { DeploymentRecord } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { LifecycleStage } from "../model/traffic-shift.ts";
import type { Instant } from "../runtime/clock.ts";
import type { ObservedTask } from "./observed.ts";
import { isProven, planRolling, type RollingPlan, type Start } from "./rolling.ts";
import { Roster, type Wanted } from "./roster.ts";

/** Each revision keeps its full count while both run, and replaces a task by starting the new one first. */
const LIMITS = { minimumHealthyPercent: 100, maximumPercent: 200 };

/** Tasks are not evened out meanwhile: one that was being moved is wanted for itself. */
const NO_MOVES = { availabilityZoneRebalancing: "DISABLED" } as const;

/** The stages in which the new revision has no tasks yet. */
const WITHOUT_NEW: readonly LifecycleStage[] = ["RECONCILE_SERVICE", "PRE_SCALE_UP"];

/** What a look at a service decided in which two revisions run side by side. */
export interface ShiftPlan {
  readonly plan: RollingPlan;
  readonly roster: Roster;
}

/**
 * Decides what to stop and what to start while traffic is shifted, before CLEAN_UP: the revision that has the traffic and the
 * new one are each kept at desiredCount as if it were alone; tasks of any other revision go as the one with the traffic can
 * do without them. Rules [TS3], [TS4].
 */
export function planShift(
  service: ServiceRecord,
  shift: {
    readonly stage: LifecycleStage;
    readonly live: DeploymentRecord | undefined;
    /** How many tasks of the new revision may be started at most. */
    readonly more: number | undefined;
  },
  { wanted, tasks }: { readonly wanted: readonly Wanted[]; readonly tasks: readonly ObservedTask[] },
  now: Instant,
): ShiftPlan {
  const { stage, live, more } = shift;
  const primary = service.deployments.find((d) => d.status === "PRIMARY");
  const isNew = (one: ObservedTask) => one.task.deploymentId === primary?.id;
  const roster = new Roster({ ...service, ...LIMITS }, wanted, tasks);
  const side = (
    deployment: DeploymentRecord,
    others: readonly DeploymentRecord[],
    isMine: (t: ObservedTask) => boolean,
  ) => {
    const first = { ...deployment, status: "PRIMARY" as const };
    const alone = { ...service, ...LIMITS, ...NO_MOVES, deployments: [first, ...others] };
    const own = new Roster(alone, wanted.filter(isMine), tasks.filter(isMine));
    const plan = planRolling(alone, first, own, now, deployment === primary ? more : undefined);
    takeOver(roster, own);
    return plan;
  };
  const starts: Start[] = [];
  let move: RollingPlan["move"];
  const others = service.deployments.filter((d) => d !== primary && d !== live);
  if (live === undefined) for (const member of roster.old) roster.stopUnlessProtected(member);
  else {
    // A revision that never worked keeps what it has and gets nothing new; a third one would get into the new one's groups.
    const plan = side(live, others, (t) => !isNew(t));
    if (isProven(live)) starts.push(...plan.starts.filter((s) => s.deployment.id === live.id));
    move = plan.move;
  }
  if (primary === undefined || WITHOUT_NEW.includes(stage)) {
    for (const member of roster.primary) roster.stop(member);
    return { plan: { starts, missing: 0, move }, roster };
  }
  const plan = side(primary, [], isNew);
  return { plan: { starts: [...starts, ...plan.starts], missing: plan.missing, move }, roster };
}

/** Takes what was decided about a part of the members over to all. */
function takeOver(roster: Roster, part: Roster): void {
  const members = new Map(roster.all.map((m) => [m.task.arn, m]));
  for (const { member } of part.stops) {
    const mine = members.get(member.task.arn);
    if (mine !== undefined) roster.stop(mine);
  }
  for (const { task } of part.held) {
    const mine = members.get(task.arn);
    if (mine !== undefined) roster.held.add(mine);
  }
}
