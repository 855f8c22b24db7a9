import { wantedTasks } from "../deployment/index.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import { primaryDeployment } from "../model/service.ts";
import type { ServiceDeploymentRecord } from "../model/service-deployment.ts";
import { assertNever } from "../runtime/assert-never.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Explanation } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import { serviceFindings } from "./service-findings.ts";
import { stateOf } from "./state.ts";
import { explainTaskSets } from "./task-sets.ts";
import { ago, counted, countedAre, lastPart, quoted, span } from "./words.ts";

/** Whether a service is as it is wished, and if not, what it waits for. */
export function explainService(facts: ServiceFacts, now: Instant): Explanation {
  const { service, tasks } = facts.observed;
  const subject = `Service ${service.name}`;
  switch (service.status) {
    case "INACTIVE":
      return ended(`${subject} was deleted ${ago(service.deletedAt ?? service.createdAt, now)}.`);
    case "DRAINING": {
      const text = `${counted(tasks.length, "task")} ${tasks.length === 1 ? "has" : "have"} still to stop`;
      const summary = `${subject} has been in deletion for ${span(now - (service.deletedAt ?? now))}: ${text}.`;
      return { state: "MOVING", summary, findings: [{ code: "DELETED", text }], fixes: [], instances: [] };
    }
    case "ACTIVE": {
      if (service.deploymentController === "EXTERNAL") return explainTaskSets(facts, now);
      const found = serviceFindings(facts, now);
      const first = found.findings[0];
      const state = stateOf(found.findings);
      const begin = `${subject} ${state === "WELL" ? wellText(facts) : runsText(facts, now)}`;
      if (first === undefined) return { ...found, state, summary: `${begin}.` };
      return { ...found, state, summary: `${begin}${state === "WELL" ? ";" : ":"} ${first.text}.` };
    }
    default:
      return assertNever(service.status, "service status");
  }
}

/** Where one of a service's deployments stands, and what is next; `record` is the newest of its history, if there is one. */
export function explainDeployment(
  facts: ServiceFacts,
  deploymentId: string,
  record: ServiceDeploymentRecord | undefined,
  now: Instant,
): Explanation {
  const { service } = facts.observed;
  const deployment = service.deployments.find((d) => d.id === deploymentId);
  if (deployment === undefined || service.status !== "ACTIVE") {
    return explainPastDeployment(`Deployment ${deploymentId} of service ${service.name}`, record, now);
  }
  const found = serviceFindings(facts, now, deploymentId);
  const state = stateOf(found.findings);
  const subject = `Deployment ${deploymentId} (${lastPart(deployment.taskDefinitionArn)}) of service ${service.name}`;
  const begin = `${subject} ${standingOf(facts, deployment, now)}`;
  const first = found.findings[0];
  return { ...found, state, summary: first === undefined ? `${begin}.` : `${begin}; ${first.text}.` };
}

/** How a deployment ended that none of the service's tasks belongs to any more. */
function explainPastDeployment(
  subject: string,
  record: ServiceDeploymentRecord | undefined,
  now: Instant,
): Explanation {
  const over = ended(`${subject} is over: none of its tasks is wanted any more.`);
  if (record?.finishedAt === undefined) return over;
  const when = ago(record.finishedAt, now);
  if (record.status === "SUCCESSFUL") return ended(`${subject} was completed ${when}, and has been replaced since.`);
  const how = record.status === "ROLLBACK_SUCCESSFUL" ? "failed and was rolled back" : "failed or was stopped";
  const reason = quoted(record.statusReason ?? "no reason is recorded");
  const task = record.failedTask === undefined ? undefined : lastPart(record.failedTask.taskArn);
  return {
    ...over,
    state: "FAILING",
    summary: `${subject} ${how} ${when}: ${reason}.`,
    findings: [{ code: "FAILED", text: reason }],
    fixes: task === undefined ? [] : [`see how one of its tasks failed: \`berth why ${task}\``],
  };
}

function standingOf(facts: ServiceFacts, deployment: DeploymentRecord, now: Instant): string {
  const { service } = facts.observed;
  const mine = wantedTasks(facts.observed, now).filter((w) => w.task.deploymentId === deployment.id);
  const well = mine.filter((w) => w.health.well).length;
  if (deployment.status === "ACTIVE") {
    const next = primaryDeployment(service);
    return `is being replaced by ${next.id} (${lastPart(next.taskDefinitionArn)}): ${countedAre(mine.length, "task")} left of it`;
  }
  const of = `${well} of ${counted(deployment.desiredCount, "task")} run and are well`;
  switch (deployment.rolloutState) {
    case "COMPLETED":
      return `is COMPLETED: ${of}`;
    case "IN_PROGRESS":
      // One that is rolled back to is as old as when it was first deployed.
      return deployment.rolloutStateReason.includes("rolling back")
        ? `is being rolled back to: ${of}`
        : `is in progress, for ${span(now - deployment.createdAt)}: ${of}`;
    case "FAILED":
      return `has FAILED: ${of}`;
    default:
      return assertNever(deployment.rolloutState, "rollout state");
  }
}

function wellText({ observed: { service } }: ServiceFacts): string {
  if (service.desiredCount === 0) return "is as it should be: it is to have no task, and none runs";
  const name = lastPart(primaryDeployment(service).taskDefinitionArn);
  const all = counted(service.desiredCount, "task");
  return `is as it should be: ${service.desiredCount} of ${all} (${name}) run, and nothing is wrong with them`;
}

function runsText({ observed }: ServiceFacts, now: Instant): string {
  const { service } = observed;
  const primary = primaryDeployment(service);
  const running = wantedTasks(observed, now).filter((w) => w.task.lastStatus === "RUNNING");
  const mine = running.filter((w) => w.task.deploymentId === primary.id).length;
  const name = lastPart(primary.taskDefinitionArn);
  const inNew = mine === running.length ? ` (${name})` : `, ${mine} of them with ${name}`;
  if (running.length <= service.desiredCount) {
    return `runs ${running.length} of ${counted(service.desiredCount, "task")}${inNew}`;
  }
  const wanted = `${service.desiredCount} ${service.desiredCount === 1 ? "is" : "are"} wanted`;
  return `runs ${counted(running.length, "task")} where ${wanted}${inNew}`;
}

function ended(summary: string): Explanation {
  return { state: "ENDED", summary, findings: [], fixes: [], instances: [] };
}
