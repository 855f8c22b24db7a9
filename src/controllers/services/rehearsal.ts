import { type DeploymentSettings, reconcileService, type ServiceAction } from "../../deployment/index.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { Instant } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import { applyHealth, applyReport, finishDraining, removeTarget } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import type { ContainerInstanceArn, ServiceArn, TaskDefinitionArn } from "../../wire/arn.ts";
import { applyServiceActions } from "./apply-service.ts";
import { observeService } from "./observe-service.ts";

/** A task that a service would start or stop. */
export interface Move {
  readonly kind: "start" | "stop";
  readonly serviceArn: ServiceArn;
  readonly taskDefinitionArn: TaskDefinitionArn;
  readonly containerInstanceArn: ContainerInstanceArn | undefined;
}

/** What services would do, one step after the other. */
export interface Rehearsal {
  /** What is decided at the same time. A step ends when what it started is healthy and what it stopped is gone. */
  readonly steps: readonly (readonly Move[])[];
  /** `settled`: every service is as it should be; `stuck`: it would not go on by itself; `cut-off`: there are more steps. */
  readonly end: "settled" | "stuck" | "cut-off";
}

/** What is started is healthy at once; what evens tasks out later is no part of a change. */
export const REHEARSAL_SETTINGS: DeploymentSettings = { healthyAfterMs: 0, rebalanceAfterMs: Number.POSITIVE_INFINITY };

/** As REHEARSAL_SETTINGS, but tasks are evened out at once, onto hosts that have just joined, too. */
export const REBALANCING_SETTINGS: DeploymentSettings = { healthyAfterMs: 0, rebalanceAfterMs: 0 };

/** More steps than this are not worked out, in one rehearsal. */
const MAX_STEPS = 100;
/**
 * So much is done in one rehearsal: about a second's work. Looking at a task is one part of it, and starting or stopping one ten. Enough for a
 * deployment of a thousand tasks.
 */
const MAX_WORK = 40_000;
const MOVE_WORK = 10;
/** After so much of it, some milliseconds, all else that waits has its turn. To decide what to do about one service is not divided. */
const TURN_WORK = 200;
/** Looks at one service in one step; a service at rest needs one. */
const MAX_LOOKS = 100;

interface Stage {
  readonly tx: BerthTransaction;
  readonly random: Random;
  readonly settings: DeploymentSettings;
  readonly turn: () => Promise<void>;
  now: Instant;
  work: number;
  /** Done since the last turn of others. */
  sinceTurn: number;
}

/** Notes that so much was done, and lets others have their turn if it is time. */
async function worked(stage: Stage, work: number): Promise<void> {
  stage.sinceTurn += work;
  if (stage.sinceTurn < TURN_WORK) return;
  stage.sinceTurn = 0;
  await stage.turn();
}

/**
 * Plays the services' and the agents' parts, by the same code that acts, in a rehearsal of the store (`Store.rehearse`): tasks that are
 * told to start run and are healthy at once, and those that are told to stop are gone. What is unhealthy stays so, and hosts whose agents are
 * not connected do nothing. `turn` resolves when all else that waits has had its turn; it is asked every few milliseconds.
 */
export async function rehearseServices(
  tx: BerthTransaction,
  services: readonly ServiceArn[],
  at: {
    readonly now: Instant;
    readonly random: Random;
    readonly turn: () => Promise<void>;
    readonly settings?: DeploymentSettings;
  },
): Promise<Rehearsal> {
  const { settings = REHEARSAL_SETTINGS, random, now, turn } = at;
  const stage: Stage = { tx, random, settings, turn, now, work: 0, sinceTurn: 0 };
  const steps: (readonly Move[])[] = [];
  for (let waits = 0; waits <= MAX_STEPS; ) {
    const moves: Move[] = [];
    for (const arn of services) moves.push(...(await decide(stage, arn)));
    if (moves.length > 0) steps.push(moves);
    if (steps.length >= MAX_STEPS || stage.work > MAX_WORK) return { steps, end: "cut-off" };
    let isOnTheWay = false;
    for (const arn of services) if (await agentsCatchUp(stage, arn)) isOnTheWay = true;
    if (moves.length > 0 || isOnTheWay) continue;
    const next = nextAttempt(stage, services);
    if (next === undefined) break;
    stage.now = next;
    waits++;
  }
  return { steps, end: services.every((arn) => isSettled(tx, arn)) ? "settled" : "stuck" };
}

/** Looks at the service until it has nothing more to decide, and answers what it decided to start and stop. */
async function decide(stage: Stage, arn: ServiceArn): Promise<readonly Move[]> {
  const { tx, now, random, settings } = stage;
  const before = new Map(tx.tasks.where("service", arn).map((task) => [task.arn, task]));
  for (let looks = 0; looks < MAX_LOOKS && stage.work <= MAX_WORK; looks++) {
    const observed = observeService(tx, arn, settings);
    if (observed === undefined) return [];
    const actions = reconcileService(observed, now).filter((a) => a.kind !== "event" && a.kind !== "look-again");
    stage.work += observed.tasks.length + 1 + MOVE_WORK * movesIn(actions);
    await worked(stage, observed.tasks.length + 1);
    if (actions.length === 0) break;
    const tasks = tx.tasks.where("service", arn).length;
    for (const some of partsOf(actions)) {
      applyServiceActions(tx, tx.services.get(arn) ?? observed.service, some, { now, random });
      await worked(stage, MOVE_WORK * movesIn(some));
    }
    // A start that found no place would be decided again and again.
    const isStart = actions.some((a) => a.kind === "start-tasks");
    if (isStart && tx.tasks.where("service", arn).length === tasks) break;
  }
  const after = tx.tasks.where("service", arn);
  return after.flatMap((task): Move[] => {
    const known = before.get(task.arn);
    if (known === undefined && task.desiredStatus === "RUNNING") return [moveOf("start", arn, task)];
    const isStopped = known?.desiredStatus === "RUNNING" && task.desiredStatus === "STOPPED";
    return isStopped ? [moveOf("stop", arn, task)] : [];
  });
}

function movesIn(actions: readonly ServiceAction[]): number {
  return actions.reduce((n, a) => n + (a.kind === "start-tasks" ? a.count : a.kind === "stop-task" ? 1 : 0), 0);
}

/** The actions in their order, in parts after each of which there may be a turn of others. */
function partsOf(actions: readonly ServiceAction[]): readonly (readonly ServiceAction[])[] {
  const parts: ServiceAction[][] = [[]];
  for (const action of actions) {
    if (MOVE_WORK * movesIn(parts.at(-1) ?? []) >= TURN_WORK) parts.push([]);
    parts.at(-1)?.push(action);
  }
  return parts;
}

function moveOf(kind: Move["kind"], serviceArn: ServiceArn, task: TaskRecord): Move {
  const { taskDefinitionArn, containerInstanceArn } = task;
  return { kind, serviceArn, taskDefinitionArn, containerInstanceArn };
}

/** Every agent that is connected does what it was told, and all that is new is well. True if anything changed. */
async function agentsCatchUp(stage: Stage, arn: ServiceArn): Promise<boolean> {
  const { tx, now } = stage;
  let changed = false;
  for (const task of tx.tasks.where("service", arn)) {
    await worked(stage, 1);
    const on = task.containerInstanceArn;
    if (on !== undefined && tx.containerInstances.get(on)?.agentConnected !== true) continue;
    if (task.desiredStatus === "STOPPED") {
      for (const target of tx.targets.where("task", task.arn)) removeTarget(tx, target);
      applyReport(tx, finishDraining(tx, task, now), { status: "STOPPED", containers: [] }, now);
      changed = true;
      continue;
    }
    const running = task.lastStatus === "RUNNING" ? task : reportRunning(tx, task, now);
    const isWell = makeWell(tx, running, now);
    if (running !== task || isWell) changed = true;
  }
  return changed;
}

function reportRunning(tx: BerthTransaction, task: TaskRecord, now: Instant): TaskRecord {
  const containers = task.containers.map(({ name }) => ({ name, lastStatus: "RUNNING" as const }));
  return applyReport(tx, task, { status: "RUNNING", containers }, now);
}

/** What is not known to be ill passes its checks. True if anything changed. */
function makeWell(tx: BerthTransaction, task: TaskRecord, now: Instant): boolean {
  const unknown = task.containers.filter((c) => c.checksHealth && c.healthStatus === "UNKNOWN");
  applyHealth(tx, task, new Map(unknown.map((c) => [c.name, { healthStatus: "HEALTHY" }])));
  let changed = unknown.length > 0;
  const targets = tx.targets.where("task", task.arn);
  for (const { targetGroupArn, containerPort } of task.loadBalancers) {
    const target = targets.find((t) => t.targetGroupArn === targetGroupArn);
    if (target !== undefined && target.state !== "initial") continue;
    const group = tx.targetGroups.get(targetGroupArn);
    if (group === undefined) continue;
    const made = target ?? {
      targetGroupArn: group.arn,
      id: task.arn,
      port: containerPort,
      taskArn: task.arn,
      registeredAt: now,
    };
    tx.targets.put({ ...made, state: "healthy" });
    changed = true;
  }
  return changed;
}

/** When starts that are held back after failures are tried again. */
function nextAttempt({ tx, now }: Stage, services: readonly ServiceArn[]): Instant | undefined {
  const times = services.flatMap((arn) =>
    (tx.services.get(arn)?.deployments ?? []).flatMap(({ throttle: { nextAttemptAt } }) =>
      nextAttemptAt !== undefined && nextAttemptAt > now ? [nextAttemptAt] : [],
    ),
  );
  return times.length === 0 ? undefined : Math.min(...times);
}

function isSettled(tx: BerthTransaction, arn: ServiceArn): boolean {
  const service = tx.services.get(arn);
  return service === undefined || service.status === "INACTIVE" || service.steadyAt !== undefined;
}
