import {
  breakerThreshold,
  isSettled,
  MAX_STARTS_PER_LOOK,
  rebalanceMoves,
  reconcileService,
  rollingLimits,
  type ServiceAction,
  serviceMessages,
  type Wanted,
  wantedTasks,
} from "../deployment/index.ts";
import { hostName } from "../model/container-instance.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import { primaryDeployment } from "../model/service.ts";
import { taskId } from "../model/task.ts";
import type { Instant } from "../runtime/clock.ts";
import { Fleet } from "../scheduler/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { Finding } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import { type Found, type Look, NOTHING } from "./look.ts";
import { findPlaces } from "./placement.ts";
import { replacing, shifting } from "./shift-findings.ts";
import { causeOf } from "./stopped-task.ts";
import { startingText } from "./task.ts";
import { healthTroubles, healthWaits } from "./task-health.ts";
import { ago, counted, countedAre, inTime, lastPart, listed, span } from "./words.ts";

/** The kinds of trouble and waiting, in the order in which they matter. */
const PARTS: readonly ((look: Look) => Found)[] = [
  failed,
  placement,
  throttled,
  lostHosts,
  unhealthy,
  limits,
  protectedTasks,
  starting,
  checking,
  shifting,
  draining,
  replacing,
  rebalancing,
  stopping,
];

/** All findings about an ACTIVE service, or about one of its deployments. */
export function serviceFindings(facts: ServiceFacts, now: Instant, deploymentId?: string): Found {
  const actions = reconcileService(facts.observed, now);
  const isAsked = (id: string | undefined) => deploymentId === undefined || id === deploymentId;
  const look: Look = {
    facts,
    now,
    wanted: wantedTasks(facts.observed, now),
    actions,
    primary: primaryDeployment(facts.observed.service),
    isAsked,
    starts: startsOf(facts, actions, isAsked),
  };
  const found = PARTS.map((part) => part(look));
  return {
    findings: found.flatMap((f) => f.findings),
    fixes: [...new Set(found.flatMap((f) => f.fixes))],
    instances: found.flatMap((f) => f.instances),
  };
}

function startsOf(facts: ServiceFacts, actions: readonly ServiceAction[], isAsked: Look["isAsked"]): Look["starts"] {
  return actions.flatMap((action) => {
    if (action.kind !== "start-tasks" || !isAsked(action.deploymentId)) return [];
    const deployment = facts.observed.service.deployments.find((d) => d.id === action.deploymentId);
    const definition = facts.definitions.get(deployment?.taskDefinitionArn ?? "");
    if (definition === undefined || deployment === undefined) return [];
    const peers = peersOf(facts);
    const { on, capacityProviders } = action;
    const all = on === undefined ? startsToCome(facts, deployment, action.count) : action.count;
    return byProvider(capacityProviders, all).map(({ name, count }) => {
      const request = facts.requestFor(definition, deployment, name);
      const places = findPlaces(request, Fleet.of(facts.instances, { group: request.group, peers }), { count, on });
      return { definition, capacityProvider: name, places };
    });
  });
}

/** How many of the tasks each capacity provider is to have; all at once where there is no strategy. */
function byProvider(
  providers: readonly string[] | undefined,
  all: number,
): readonly { readonly name?: string; readonly count: number }[] {
  const counts = Map.groupBy(providers ?? [], (name) => name);
  if (counts.size <= 1) return [{ name: providers?.[0], count: all }];
  return [...counts].map(([name, some]) => ({ name, count: some.length }));
}

/** One look starts no more than so many tasks: where it starts them all, the rest follows at the next looks. */
function startsToCome({ observed }: ServiceFacts, { id, desiredCount }: DeploymentRecord, count: number): number {
  if (count < MAX_STARTS_PER_LOOK) return count;
  const there = observed.tasks.filter(({ task }) => task.deploymentId === id && task.desiredStatus === "RUNNING");
  return Math.max(count, desiredCount - there.length);
}

/** The service's tasks that are to run, by instance. */
function peersOf({ observed: { tasks } }: ServiceFacts): ReadonlyMap<ContainerInstanceArn, number> {
  const peers = new Map<ContainerInstanceArn, number>();
  for (const { task } of tasks) {
    const on = task.containerInstanceArn;
    if (task.desiredStatus === "RUNNING" && on !== undefined) peers.set(on, (peers.get(on) ?? 0) + 1);
  }
  return peers;
}

/** A deployment that is FAILED starts nothing any more. */
function failed({ facts, isAsked }: Look): Found {
  const { deployments, name } = facts.observed.service;
  const all = deployments.filter((d) => d.rolloutState === "FAILED" && isAsked(d.id));
  const findings = all.map((d): Finding => {
    const last = facts.lastFailures.get(d.id);
    const why = last === undefined ? "" : `; its last task ended because ${causeOf({ task: last }).text}`;
    return {
      code: "FAILED",
      text: `deployment ${d.id} (${lastPart(d.taskDefinitionArn)}) has failed: ${d.rolloutStateReason.replace(/\.$/, "")}${why}`,
    };
  });
  const isLast = all.some((d) => d.status === "PRIMARY");
  return {
    ...NOTHING,
    findings,
    fixes: isLast
      ? [`deploy a task definition that works: \`aws ecs update-service --service ${name} --task-definition …\``]
      : [],
  };
}

/** Tasks for which there is no room. */
function placement({ facts, now, starts }: Look): Found {
  // Of each capacity provider's hosts, or of all hosts, what is said first.
  const byProvider = Map.groupBy(starts, (start) => start.capacityProvider);
  const refusals = [...byProvider.values()].flatMap(
    (some) => some.find(({ places }) => places.refusal !== undefined)?.places.refusal ?? [],
  );
  if (refusals.length === 0) return NOTHING;
  const since = Math.min(...facts.observed.service.deployments.map((d) => d.unplacedSince ?? now));
  const how = since < now ? `, for ${span(now - since)}` : "";
  return {
    findings: refusals.map(({ text }) => ({ code: "PLACEMENT", text: `${text}${how}` })),
    fixes: refusals.flatMap(({ fixes }) => fixes),
    instances: refusals.flatMap(({ instances }) => instances),
  };
}

/** Tasks that fail again and again: their starts wait longer and longer. */
function throttled(look: Look): Found {
  const all = look.facts.observed.service.deployments.filter((d) => look.isAsked(d.id) && d.rolloutState !== "FAILED");
  const found = all.map((d) => failuresOf(d, look));
  return { ...NOTHING, findings: found.flatMap((f) => f.findings), fixes: found.flatMap((f) => f.fixes) };
}

function failuresOf(deployment: DeploymentRecord, { facts, now, wanted }: Look): Found {
  const { failures, crashes, nextAttemptAt, lastFailureAt = 0 } = deployment.throttle;
  const waits = nextAttemptAt !== undefined && nextAttemptAt > now;
  const well = wanted.filter((w) => w.task.deploymentId === deployment.id && w.health.well).length;
  const isOver = !waits && well >= deployment.desiredCount && now - lastFailureAt > RECENT_FAILURE_MS;
  if (isOver || failures + crashes + deployment.failedTasks === 0) return NOTHING;
  const last = facts.lastFailures.get(deployment.id);
  const instance = facts.instances.find((i) => i.arn === last?.containerInstanceArn);
  const cause = last === undefined ? undefined : causeOf({ task: last, instance });
  const why = cause === undefined || last === undefined ? "" : `, the last (${taskId(last)}) because ${cause.text}`;
  const next = waits ? `; the next start is tried ${inTime(nextAttemptAt, now)}` : "";
  const text = `${failureText(deployment)} (${lastPart(deployment.taskDefinitionArn)})${why}${next}${breakerText(facts, deployment)}`;
  const look = last === undefined ? [] : [`see what the last one wrote: \`berth why ${taskId(last)}\``];
  return { ...NOTHING, findings: [{ code: "THROTTLED", text }], fixes: [...(cause?.fixes ?? []), ...look] };
}

/** A failure before which nothing was wrong is old news after this time. */
const RECENT_FAILURE_MS = 10_000;

function failureText({ throttle: { failures, crashes }, failedTasks }: DeploymentRecord): string {
  if (failures > 0) return `${inARow(failures)} could not be started`;
  if (crashes > 0) return `${inARow(crashes)} ended soon after the start`;
  return `${inARow(failedTasks)} failed`;
}

/** How near the deployment is to being given up. */
function breakerText({ observed: { service } }: ServiceFacts, { rolloutState, breaker }: DeploymentRecord): string {
  if (service.circuitBreaker?.enable !== true || rolloutState !== "IN_PROGRESS") return "";
  const threshold = breakerThreshold(service.circuitBreaker, service.desiredCount);
  return `; the circuit breaker has counted ${breaker?.failures ?? 0} of the ${counted(threshold, "failure")} that fail the deployment`;
}

const inARow = (count: number) => (count === 1 ? "1 task" : `${count} tasks in a row`);

/** Tasks on hosts that nothing is heard of. */
function lostHosts({ facts, now, wanted, isAsked }: Look): Found {
  const away = wanted.filter(
    (w) => isAsked(w.task.deploymentId) && (w.instance?.agentConnected === false || w.isHostSilent === true),
  );
  const findings: Finding[] = [];
  for (const [instance, tasks] of Map.groupBy(away, (w) => w.instance)) {
    if (instance === undefined) continue;
    const since = instance.agentConnected
      ? "nothing is heard of it now"
      : `its agent has not been connected for ${span(now - instance.connectivityChangedAt)}`;
    const held = facts.heldHosts.has(instance.arn)
      ? "; they are not replaced yet, because many hosts lost contact at about the same time, which looks like a failure of the network"
      : "";
    findings.push({
      code: "HOST",
      text: `${counted(tasks.length, "task")} on host ${hostName(instance)}: ${since}${held}`,
    });
  }
  return {
    ...NOTHING,
    findings,
    fixes: findings.length === 0 ? [] : ["see whether those hosts run and reach this server"],
  };
}

/** Tasks that count as unhealthy are replaced. */
function unhealthy({ facts, wanted, isAsked }: Look): Found {
  const bad = wanted.filter((w) => w.health.state === "unhealthy" && isAsked(w.task.deploymentId));
  if (bad.length === 0) return NOTHING;
  const each = bad.map((w) => `task ${taskId(w.task)}, ${troublesOf(facts, w)[0] ?? "which failed its health checks"}`);
  const text = `${countedAre(bad.length, "task")} unhealthy and will be replaced: ${listed(each, 3)}`;
  return { ...NOTHING, findings: [{ code: "HEALTH", text }] };
}

/** The percentages allow neither a start nor a stop. */
function limits({ facts, actions }: Look): Found {
  if (!actions.some((a) => a.kind === "event" && a.message === serviceMessages.STUCK)) return NOTHING;
  const { service } = facts.observed;
  const { floor, ceiling } = rollingLimits(service);
  const { desiredCount: n, minimumHealthyPercent: low, maximumPercent: high } = service;
  const text =
    `nothing may be stopped below ${counted(floor, "healthy task")} (minimumHealthyPercent ${low} of ${n}) ` +
    `and nothing started above ${counted(ceiling, "task")} (maximumPercent ${high})`;
  const fix =
    `set maximumPercent to ${Math.ceil(((n + 1) * 100) / n)} or more, or minimumHealthyPercent to ` +
    `${Math.floor(((n - 1) * 100) / n)} or less`;
  return { ...NOTHING, findings: [{ code: "LIMITS", text }], fixes: [fix] };
}

/** Tasks that stay for their protection alone. */
function protectedTasks({ now, wanted, actions, isAsked, primary }: Look): Found {
  if (!actions.some((a) => a.kind === "event" && a.message.endsWith("tasks under protection)"))) return NOTHING;
  const held = wanted.filter((w) => w.isProtected && isAsked(w.task.deploymentId));
  const old = held.filter((w) => w.task.deploymentId !== primary.id);
  const these = old.length > 0 ? old : held;
  if (these.length === 0) return NOTHING;
  const last = Math.max(...these.map((w) => w.task.protectedUntil ?? now));
  const text = `${counted(these.length, "task")} ${these.length === 1 ? "stays" : "stay"} because of protection from scale-in, which ends ${inTime(last, now)}`;
  const fix = `end it sooner with \`aws ecs update-task-protection --no-protection-enabled --tasks ${these
    .slice(0, 3)
    .map((w) => taskId(w.task))
    .join(" ")}\``;
  return { ...NOTHING, findings: [{ code: "PROTECTED", text }], fixes: [fix] };
}

/** Tasks that have not reached RUNNING, those of one cause together. */
function starting({ facts, now, wanted, starts, isAsked }: Look): Found {
  const next = starts.flatMap(({ definition, places: { hosts } }): Finding[] =>
    hosts.length === 0
      ? []
      : [
          {
            code: "STARTING",
            text: `${countedAre(hosts.length, `further task`)} about to be started (${lastPart(definition.arn)})`,
          },
        ],
  );
  const these = wanted.filter(
    (w) => w.health.state === "starting" && isAsked(w.task.deploymentId) && w.instance?.agentConnected !== false,
  );
  const byCause = Map.groupBy(these, (w) =>
    startingText({
      ...w,
      definition: facts.definitions.get(w.task.taskDefinitionArn),
      targetGroups: facts.targetGroups,
    }),
  );
  const findings = [...byCause].map(([cause, tasks]): Finding => {
    const oldest = Math.min(...tasks.map((w) => w.task.createdAt));
    return {
      code: "STARTING",
      text: `${countedAre(tasks.length, "task")} starting, for ${span(now - oldest)}: ${cause}`,
    };
  });
  return { ...NOTHING, findings: [...findings, ...next] };
}

/** Tasks that are RUNNING and do not count as healthy yet. */
function checking(look: Look): Found {
  const { facts, now, wanted, isAsked } = look;
  const these = wanted.filter(
    (w) =>
      w.health.state === "running" &&
      !w.health.well &&
      isAsked(w.task.deploymentId) &&
      w.instance?.agentConnected !== false &&
      w.isHostSilent !== true,
  );
  const findings = these.slice(0, MAX_TOLD).map((w): Finding => {
    const trouble = troublesOf(facts, w)[0];
    const grace = w.health.changesAt === undefined ? "" : `; that counts only ${inTime(w.health.changesAt, now)}`;
    const waits = healthWaits({
      ...w,
      definition: facts.definitions.get(w.task.taskDefinitionArn),
      targetGroups: facts.targetGroups,
    });
    const text = trouble === undefined ? `waits for ${listed(waits)}` : `does not count as healthy: ${trouble}${grace}`;
    return { code: "CHECKING", text: `task ${taskId(w.task)} runs and ${text}` };
  });
  const left = these.length - findings.length;
  if (left > 0)
    findings.push({ code: "CHECKING", text: `${counted(left, "further task")} run and wait for their health checks` });
  return { ...NOTHING, findings: [...findings, ...suspects(look)] };
}

/** Tasks with no health check that run where others have just ended by themselves: rule [DP40]. */
function suspects({ facts, now, wanted, isAsked }: Look): readonly Finding[] {
  return facts.observed.service.deployments.flatMap((d): readonly Finding[] => {
    const mine = wanted.filter(
      (w) => w.task.deploymentId === d.id && w.health.state === "running" && w.health.well && !isSettled(w, d),
    );
    const until = mine.flatMap((w) => w.health.changesAt ?? []);
    if (mine.length === 0 || until.length === 0 || !isAsked(d.id)) return [];
    const run = `${counted(mine.length, "task")} ${mine.length === 1 ? "runs" : "run"}`;
    const exit = `but a task of the same deployment ended by itself ${ago(d.throttle.lastExitAt ?? now, now)}`;
    const text = `${run}, ${exit}; the service counts as steady ${inTime(Math.max(...until), now)} if none ends by then`;
    return [{ code: "CHECKING", text }];
  });
}

/** How many tasks of one kind are told of one by one. */
const MAX_TOLD = 3;

function draining({ wanted, isAsked }: Look): Found {
  const these = wanted.filter((w) => w.instance?.status === "DRAINING" && isAsked(w.task.deploymentId));
  const findings = [...Map.groupBy(these, (w) => w.instance)].map(([instance, tasks]): Finding => {
    const host = instance === undefined ? "-" : hostName(instance);
    return {
      code: "DRAINING",
      text: `${counted(tasks.length, "task")} on host ${host}, which is DRAINING, ${tasks.length === 1 ? "is" : "are"} to be replaced elsewhere`,
    };
  });
  return { ...NOTHING, findings };
}

/** Tasks that are moved to even them out, one at a time. */
function rebalancing({ facts, now, wanted, isAsked }: Look): Found {
  const moving = wanted.find((w) => w.task.move !== undefined && isAsked(w.task.deploymentId));
  if (moving?.task.move !== undefined && moving.instance !== undefined) {
    const { from } = moving.task.move;
    const source = facts.instances.find((i) => i.arn === from);
    const text = `a task moves from ${source === undefined ? lastPart(from) : hostName(source)} to ${hostName(moving.instance)}, to even tasks out`;
    return { ...NOTHING, findings: [{ code: "REBALANCING", text }] };
  }
  const moves = rebalanceMoves(facts.observed, now).length;
  if (moves === 0) return NOTHING;
  const text = `${counted(moves, "task")} will be moved, one at a time, to even tasks out; \`berth plan rebalance\` shows where`;
  return { ...NOTHING, findings: [{ code: "REBALANCING", text }] };
}

function stopping({ facts, isAsked }: Look): Found {
  const these = facts.observed.tasks.filter(
    ({ task }) => task.desiredStatus === "STOPPED" && isAsked(task.deploymentId),
  );
  if (these.length === 0) return NOTHING;
  const drains = these.filter(({ task }) => task.lastStatus === "DEACTIVATING").length;
  const text = `${countedAre(these.length, "task")} being stopped${drains === 0 ? "" : `, ${drains} of them still finishing requests`}`;
  return { ...NOTHING, findings: [{ code: "STOPPING", text }] };
}

function troublesOf(facts: ServiceFacts, w: Wanted): readonly string[] {
  return healthTroubles({
    ...w,
    definition: facts.definitions.get(w.task.taskDefinitionArn),
    targetGroups: facts.targetGroups,
  });
}
