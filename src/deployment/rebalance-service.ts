import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import { taskId } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import { spreadFields, spreadGroup } from "../scheduler/index.ts";
import { isPlacedAsAsked, providersOfStarts } from "./capacity-providers.ts";
import { type MoveProgress, mayMove, NO_MOVE } from "./moving.ts";
import type { Observed, ServiceAction } from "./observed.ts";
import { countsOf, type Move, type PlacedTask, planRebalance, type RebalancePlan } from "./rebalance.ts";
import * as messages from "./rebalance-messages.ts";
import { canStart, type RollingPlan } from "./rolling.ts";
import { type Member, Roster, wantedTasks } from "./roster.ts";

interface Look {
  readonly observed: Observed;
  readonly service: ServiceRecord;
  readonly roster: Roster;
  readonly plan: RollingPlan;
  readonly isSteady: boolean;
}

/** Tells of a move that ended, and begins the next when the service is steady. */
export function moveActions(look: Look, now: Instant): readonly ServiceAction[] {
  const { move = NO_MOVE } = look.plan;
  const actions: ServiceAction[] = move.ended.map((m) => ({ kind: "end-move", taskArn: m.task.arn }));
  for (const { member } of look.roster.stops) {
    if (member.task.move?.field === messages.ZONE_FIELD && member !== move.replaced && !mayMove(look.service)) {
      actions.push({ kind: "event", message: messages.REBALANCING_STOPPED, once: false });
    }
  }
  if (move.replaced !== undefined) actions.push(...endOfMove(look, move.replaced, move, now));
  else if (move.awaited === undefined && isReady(look, now)) actions.push(...beginMove(look, now));
  return actions;
}

function endOfMove(look: Look, replaced: Member, { ended }: MoveProgress, now: Instant): readonly ServiceAction[] {
  const field = ended[0]?.task.move?.field ?? "";
  if (replaced.instance === undefined) return [];
  const stopped = messages.stoppedToRebalance(taskId(replaced.task), field, replaced.instance);
  const actions: ServiceAction[] = [{ kind: "event", message: stopped, once: false }];
  const { plan, tasks } = planFor(look, now, "open");
  if (plan.moves.some((m) => m.field === field)) return actions;
  return [...actions, { kind: "event", message: messages.balanced(field, groupsOf(tasks, field)), once: false }];
}

/** Steady for more than this look, nothing being stopped, no host silent, and room for one more task. */
function isReady({ observed, service, roster, isSteady }: Look, now: Instant): boolean {
  return (
    isSteady &&
    service.steadyAt !== undefined &&
    mayMove(service) &&
    isPlacedAsAsked(service, roster) &&
    observed.places !== undefined &&
    roster.stops.length === 0 &&
    roster.room > 0 &&
    canStart(primaryDeployment(service), now) &&
    observed.tasks.every(({ task, isHostSilent }) => task.lastStatus !== "STOPPING" && isHostSilent !== true)
  );
}

function beginMove(look: Look, now: Instant): readonly ServiceAction[] {
  const { plan, tasks } = planFor(look, now, "open");
  const [move] = plan.moves;
  if (move === undefined) return [...tellObstacles(look.service, plan), ...waitForMove(look, now)];
  const { field } = move;
  return [
    { kind: "event", message: messages.notBalanced(field, groupsOf(tasks, field, move)), once: true },
    {
      kind: "start-tasks",
      deploymentId: primaryDeployment(look.service).id,
      count: 1,
      replacesUnhealthy: 0,
      ...providersOfStarts(look.service, look.roster, primaryDeployment(look.service), 1),
      on: [move.to.arn],
      move: { from: move.from.arn, field },
    },
  ];
}

/** Only of zones: a full instance is no trouble as long as another has room. */
function tellObstacles(service: ServiceRecord, { full, held }: RebalancePlan): readonly ServiceAction[] {
  const told: string[] = [];
  if (full?.field === messages.ZONE_FIELD) told.push(messages.noRoomInZone(full.instance));
  if (held?.field === messages.ZONE_FIELD) {
    told.push(messages.heldFromRebalancing(primaryDeployment(service).id, held.count));
  }
  return told.map((message) => ({ kind: "event", message, once: true }));
}

/** Looks again when time alone makes a move possible: its place opens, or the first protection ends. */
function waitForMove(look: Look, now: Instant): readonly ServiceAction[] {
  const { moves, held } = planFor(look, now, "all").plan;
  const [move] = moves;
  const place = look.observed.places?.().find((p) => p.instance.arn === move?.to.arn);
  const times = place === undefined || !Number.isFinite(place.openFrom) ? [] : [Math.max(now, place.openFrom)];
  if (held !== undefined) {
    for (const { task, isProtected } of look.roster.primary) if (isProtected) times.push(task.protectedUntil ?? now);
  }
  return times.length === 0 ? [] : [{ kind: "look-again", at: Math.min(...times) }];
}

/** The next moves as things are after the stops of this look. */
function planFor(
  { observed, service, roster }: Pick<Look, "observed" | "service" | "roster">,
  now: Instant,
  which: "open" | "all",
  limit = 1,
): { readonly plan: RebalancePlan; readonly tasks: readonly PlacedTask[] } {
  const tasks = placedTasks(roster.primary);
  const places = (observed.places?.() ?? []).filter((p) => which === "all" || p.openFrom <= now);
  return { plan: planRebalance(tasks, places, spreadFields(service.placementStrategy), limit), tasks };
}

function placedTasks(members: readonly Member[]): readonly PlacedTask[] {
  return members.flatMap(({ task, instance, isProtected, createdAt }) =>
    instance === undefined ? [] : [{ arn: task.arn, instance, isFree: !isProtected, createdAt }],
  );
}

/** How many tasks are where: in each zone that has any, and in the two groups that a move concerns. */
function groupsOf(tasks: readonly PlacedTask[], field: string, move?: Move): readonly messages.GroupCount[] {
  const counts = countsOf(tasks, field);
  const ofZones = field === messages.ZONE_FIELD ? tasks.map((task) => task.instance) : [];
  const named = [...ofZones, ...(move === undefined ? [] : [move.from, move.to])];
  const byGroup = new Map(named.map((instance) => [spreadGroup(instance, field), instance]));
  return [...byGroup].map(([group, instance]) => ({ instance, count: counts.get(group) ?? 0 }));
}

/**
 * Every move that a service would make from here, one after the other, were all its places open: what a dry run shows. Empty for
 * one whose tasks are not moved.
 */
export function rebalanceMoves(observed: Observed, now: Instant): readonly Move[] {
  const { service } = observed;
  if (!mayMove(service) || observed.places === undefined) return [];
  const roster = new Roster(service, wantedTasks(observed, now), observed.tasks);
  if (!isPlacedAsAsked(service, roster)) return [];
  return planFor({ observed, service, roster }, now, "all", Number.POSITIVE_INFINITY).plan.moves;
}
