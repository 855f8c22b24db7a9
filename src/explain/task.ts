import { hostName } from "../model/container-instance.ts";
import { deregistrationDelayMs } from "../model/load-balancer.ts";
import { isProtected, taskId } from "../model/task.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { Explanation, Finding } from "./explanation.ts";
import type { TaskFacts } from "./facts.ts";
import { explainStoppedTask } from "./stopped-task.ts";
import { groupName, healthTroubles, healthWaits } from "./task-health.ts";
import { counted, inTime, lastPart, listed, quoted, span } from "./words.ts";

/** Why a task is as it is: what it waits for, what is wrong with it, or how it ended. */
export function explainTask(facts: TaskFacts, now: number): Explanation {
  const { task } = facts;
  const subject = `Task ${taskId(task)} (${lastPart(task.taskDefinitionArn)})`;
  switch (task.lastStatus) {
    case "PROVISIONING":
    case "PENDING":
    case "ACTIVATING":
      return explainStart(facts, subject, now);
    case "RUNNING":
      return explainRun(facts, subject, now);
    case "DEACTIVATING":
    case "STOPPING":
    case "DEPROVISIONING":
      return explainStop(facts, subject, now);
    case "STOPPED":
      return explainStoppedTask(facts, subject, now);
    default:
      return assertNever(task.lastStatus, "task status");
  }
}

/** An answer whose summary ends with its first finding. */
function answer(
  state: Explanation["state"],
  begin: string,
  findings: readonly [Finding, ...Finding[]],
  fixes: readonly string[] = [],
): Explanation {
  return { state, summary: `${begin}: ${findings[0].text}.`, findings, fixes, instances: [] };
}

function explainStart(facts: TaskFacts, subject: string, now: number): Explanation {
  const { task } = facts;
  const begin = `${subject} has not started yet, ${span(now - task.createdAt)} after it was placed`;
  const away = awayFinding(facts, now);
  if (away !== undefined) {
    const fix =
      "see whether that host runs and reaches this server; `berth stop` ends the task, so that another can be placed";
    return answer("WAITING", begin, [away], [fix]);
  }
  return answer("MOVING", begin, [{ code: "STARTING", text: startingText(facts) }]);
}

/** What a task that has not started waits for, where its host is there. */
export function startingText({ task, definition, instance }: TaskFacts): string {
  const host = instance === undefined ? "its host" : `host ${hostName(instance)}`;
  if (task.awaitsImages === true) return "the first task of its deployment has yet to tell which image this is";
  if (!task.delivered.start) return `the agent of ${host} has not taken it in yet`;
  const waits = task.containers.flatMap((container) => {
    if (container.lastStatus !== "PENDING") return [];
    const given = definition?.definition.containerDefinitions?.find((c) => c.name === container.name);
    return (given?.dependsOn ?? []).flatMap(({ containerName, condition }) => {
      const other = task.containers.find((c) => c.name === containerName);
      if (other === undefined || isMet(other, condition)) return [];
      const is = other.lastStatus === "RUNNING" ? other.healthStatus : other.lastStatus;
      return [`container ${container.name} waits for ${containerName} to be ${condition} (it is ${is})`];
    });
  });
  if (waits.length > 0) return listed(waits);
  const images = [...new Set(task.containers.filter((c) => c.lastStatus === "PENDING").map((c) => c.image))];
  return `the agent of ${host} is pulling ${images.length === 1 ? `image ${images[0]}` : counted(images.length, "image")} or making the ${task.containers.length === 1 ? "container" : "containers"}`;
}

function isMet(
  other: { readonly lastStatus: string; readonly healthStatus: string; readonly exitCode?: number },
  condition: string | undefined,
): boolean {
  if (condition === "HEALTHY") return other.healthStatus === "HEALTHY";
  if (condition === "COMPLETE") return other.lastStatus === "STOPPED";
  if (condition === "SUCCESS") return other.lastStatus === "STOPPED" && other.exitCode === 0;
  return other.lastStatus !== "PENDING";
}

function explainRun(facts: TaskFacts, subject: string, now: number): Explanation {
  const { task, instance, service } = facts;
  const host = instance === undefined ? "its host" : hostName(instance);
  const begin = `${subject} has been running on ${host} for ${span(now - (task.startedAt ?? task.createdAt))}`;
  const away = awayFinding(facts, now);
  const more: Finding[] = [];
  if (instance?.status === "DRAINING") more.push({ code: "DRAINING", text: drainingText(facts, host) });
  if (isProtected(task, now)) {
    more.push({
      code: "PROTECTED",
      text: `it is protected from scale-in; that ends ${inTime(task.protectedUntil ?? now, now)}`,
    });
  }
  if (away !== undefined)
    return answer("WAITING", `${subject} ran on ${host} when its agent was last heard`, [away, ...more]);
  const troubles = healthTroubles(facts);
  const [first] = troubles;
  if (first !== undefined) {
    const findings = troubles.map((text): Finding => ({ code: "HEALTH", text }));
    return answer("FAILING", `${begin}, and is unhealthy`, [
      findings[0]!,
      ...findings.slice(1),
      ...graceFindings(facts, now),
      ...more,
    ]);
  }
  const waits = healthWaits(facts);
  if (waits.length > 0) {
    const text = `it waits for ${listed(waits)}`;
    return answer("MOVING", `${begin}, and does not count as healthy yet`, [
      { code: "CHECKING", text },
      ...graceFindings(facts, now),
      ...more,
    ]);
  }
  const until = facts.health?.state === "running" ? facts.health.changesAt : undefined;
  if (until !== undefined) {
    const text = `nothing checks its health, so that it counts as healthy ${inTime(until, now)}`;
    return answer("MOVING", begin, [{ code: "CHECKING", text }, ...more]);
  }
  if (instance?.status === "DRAINING") return answer("MOVING", begin, [more[0]!, ...more.slice(1)]);
  const isChecked = task.loadBalancers.length > 0 || task.containers.some((c) => c.essential && c.checksHealth);
  const well = isChecked
    ? "is healthy"
    : service === undefined
      ? "nothing is known against it"
      : "nothing checks its health";
  return { state: "WELL", summary: `${begin}, and ${well}.`, findings: more, fixes: [], instances: [] };
}

function drainingText({ service }: TaskFacts, host: string): string {
  return service === undefined
    ? `host ${host} is DRAINING; a task of no service stays there until it ends by itself or is stopped`
    : `host ${host} is DRAINING, and its service replaces it elsewhere`;
}

/** Bad health is not held against a task for a while after its start. */
function graceFindings({ health, service }: TaskFacts, now: number): readonly Finding[] {
  if (service === undefined || health?.state !== "running" || health.changesAt === undefined || health.well) return [];
  return [
    {
      code: "HEALTH",
      text: `that is held against it only ${inTime(health.changesAt, now)}, when its grace period is over`,
    },
  ];
}

function explainStop(facts: TaskFacts, subject: string, now: number): Explanation {
  const { task, targets, targetGroups } = facts;
  const why = quoted(task.stoppedReason ?? "");
  const begin = `${subject} has been stopping for ${span(now - (task.stoppingAt ?? now))}${why === "" ? "" : ` ("${why}")`}`;
  if (task.lastStatus === "DEACTIVATING") {
    const ends = targets.map((t) => {
      const group = targetGroups.get(t.targetGroupArn);
      return (t.drainingSince ?? now) + (group === undefined ? 0 : deregistrationDelayMs(group));
    });
    const groups = listed([...new Set(targets.map((t) => groupName(t.targetGroupArn)))]);
    const text = `target group ${groups} lets it finish its requests, for ${span(Math.max(0, ...ends) - now)} at the most`;
    return answer("MOVING", begin, [{ code: "STOPPING", text }]);
  }
  const away = awayFinding(facts, now);
  if (away !== undefined) return answer("WAITING", begin, [away]);
  const text = task.delivered.stop ? "its agent stops its containers" : "its agent has not taken the order in yet";
  return answer("MOVING", begin, [{ code: "STOPPING", text }]);
}

/** The task's host is not there to be told or to tell. */
function awayFinding({ task, instance, isHostSilent }: TaskFacts, now: number): Finding | undefined {
  if (task.containerInstanceArn === undefined) return undefined;
  if (instance === undefined || instance.status === "INACTIVE") {
    return { code: "HOST", text: `its host ${lastPart(task.containerInstanceArn)} is no longer in the cluster` };
  }
  const host = hostName(instance);
  if (!instance.agentConnected) {
    return {
      code: "HOST",
      text: `the agent of host ${host} has not been connected for ${span(now - instance.connectivityChangedAt)}`,
    };
  }
  return isHostSilent === true ? { code: "HOST", text: `nothing is heard of host ${host} at this moment` } : undefined;
}
