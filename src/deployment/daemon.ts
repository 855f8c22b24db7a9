import type { DeploymentRecord } from "../model/deployment.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import type { Instant } from "../runtime/clock.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { daemonHostsOf, lingers } from "./lingering.ts";
import type { DaemonHost, Observed } from "./observed.ts";
import { canStart, isAbandoned, isProven, MAX_STARTS_PER_LOOK, type RollingPlan, type Start } from "./rolling.ts";
import type { Member, Roster } from "./roster.ts";

/**
 * How many tasks a DAEMON service is to have: one on each ACTIVE instance that meets the requirements and is connected (or
 * has its task still), and those that linger on DRAINING instances. Rule [DP20].
 */
export function daemonDesiredCount(observed: Observed): number {
  const taken = new Set(
    observed.tasks.filter(({ task }) => task.desiredStatus === "RUNNING").map(({ task }) => task.containerInstanceArn),
  );
  const serving = daemonHostsOf(observed).filter(
    (host) => isServing(host) && (host.instance.agentConnected || taken.has(host.instance.arn)),
  );
  return serving.length + observed.tasks.filter((one) => lingers(observed, one)).length;
}

/**
 * Decides what to stop (in the roster) and what to start, for the DAEMON strategy. No instance ever has two: where one is to
 * be replaced, it has stopped before the next starts. Rules [DP20] to [DP23].
 */
export function planDaemon(observed: Observed, service: ServiceRecord, roster: Roster, now: Instant): RollingPlan {
  const primary = primaryDeployment(service);
  const hosts = new Map(daemonHostsOf(observed).map((host) => [host.instance.arn, host]));
  stopMisplaced(roster, primary, hosts);
  stopUnhealthy(roster, observed, hosts);
  if (canStart(primary, now)) stopOld(roster, hosts);
  const starts = planStarts(observed, service, primary, now);
  const placed = new Set(roster.primary.filter((m) => !m.isBad).map((m) => m.task.containerInstanceArn));
  for (const { deployment, on } of starts) if (deployment === primary) for (const arn of on ?? []) placed.add(arn);
  const missing = [...hosts.values()].filter((h) => isServing(h) && h.instance.agentConnected).length;
  const there = [...hosts.values()].filter(
    (h) => isServing(h) && h.instance.agentConnected && placed.has(h.instance.arn),
  ).length;
  return { starts, missing: missing - there };
}

/** Takes away what is on no instance, on the wrong one, beside another, or was never to be more than a trial. */
function stopMisplaced(
  roster: Roster,
  primary: DeploymentRecord,
  hosts: ReadonlyMap<ContainerInstanceArn, DaemonHost>,
): void {
  const seen = new Set<string>();
  // The best of an instance first: should there ever be two, the other goes.
  for (const member of roster.all.toSorted((a, b) => worthOf(b, primary) - worthOf(a, primary))) {
    const host = hostOf(member, hosts);
    const isSecond = host !== undefined && seen.has(host.instance.arn);
    if (host !== undefined) seen.add(host.instance.arn);
    const isTrial = member.health.state === "starting" && isAbandoned(member, primary);
    if (host?.instance.status === "DRAINING") {
      if (member.isBad) roster.stop(member);
    } else if (host === undefined || !host.isEligible || isSecond || isTrial) {
      roster.stopUnlessProtected(member);
    }
  }
}

const worthOf = (member: Member, primary: DeploymentRecord) =>
  (member.deployment === primary ? 2 : 0) + (member.health.state === "healthy" ? 1 : 0);

/** One at a time, each only when the one before has been replaced: what makes them all ill would else stop them all. */
function stopUnhealthy(
  roster: Roster,
  { tasks, unaccounted }: Observed,
  hosts: ReadonlyMap<ContainerInstanceArn, DaemonHost>,
): void {
  const isComing = roster.all.some((m) => m.health.state === "starting" || m.health.state === "running");
  // Those that are newly STOPPED are replaced by this very look.
  const isGoing = [...tasks.map(({ task }) => task).filter((t) => t.desiredStatus === "STOPPED"), ...unaccounted].some(
    ({ containerInstanceArn: on }) => on !== undefined && hosts.has(on),
  );
  if (isComing || isGoing || roster.stops.length > 0) return;
  const [first] = roster.all.filter((m) => m.health.state === "unhealthy");
  if (first !== undefined) roster.stop(first);
}

/** Earlier deployments' tasks go as far as the floor allows, the least useful first. */
function stopOld(roster: Roster, hosts: ReadonlyMap<ContainerInstanceArn, DaemonHost>): void {
  const isServed = (m: Member) => {
    const host = hostOf(m, hosts);
    return host !== undefined && isServing(host);
  };
  let healthy = roster.all.filter((m) => isServed(m) && m.health.state === "healthy").length;
  for (const rank of ["unhealthy", "starting", "running", "healthy"] as const) {
    for (const member of roster.old.filter((m) => isServed(m) && m.health.state === rank)) {
      if (rank !== "unhealthy" && healthy - (rank === "healthy" ? 1 : 0) < roster.floor) continue;
      if (roster.stopUnlessProtected(member) && rank === "healthy") healthy--;
    }
  }
}

/**
 * A task for every instance that is to have one and has none, not even one that is stopping. While the PRIMARY may not start
 * any, the newest earlier deployment that was completed serves in its place.
 */
function planStarts(observed: Observed, service: ServiceRecord, primary: DeploymentRecord, now: Instant): Start[] {
  const earlier = service.deployments.find((d) => d.status === "ACTIVE" && isProven(d));
  const deployment = [primary, earlier].find((d) => d !== undefined && canStart(d, now));
  if (deployment === undefined) return [];
  const taken = new Set(observed.tasks.map(({ task }) => task.containerInstanceArn));
  const on = daemonHostsOf(observed)
    .filter((host) => isServing(host) && host.instance.agentConnected && !taken.has(host.instance.arn))
    .map((host) => host.instance.arn)
    .slice(0, MAX_STARTS_PER_LOOK);
  return on.length === 0 ? [] : [{ deployment, count: on.length, replacesUnhealthy: 0, on }];
}

const isServing = ({ instance, isEligible }: DaemonHost) => instance.status === "ACTIVE" && isEligible;

function hostOf({ task }: Member, hosts: ReadonlyMap<ContainerInstanceArn, DaemonHost>): DaemonHost | undefined {
  return task.containerInstanceArn === undefined ? undefined : hosts.get(task.containerInstanceArn);
}
