import type { TaskStopCode } from "@aws-sdk/client-ecs";
import { hostName } from "../model/container-instance.ts";
import type { ContainerRecord, TaskRecord } from "../model/task.ts";
import { assertNever } from "../runtime/assert-never.ts";
import { culprit, endOf, isOutOfMemory } from "./exit.ts";
import type { Explanation, Finding } from "./explanation.ts";
import type { TaskFacts } from "./facts.ts";
import { saidText } from "./task-health.ts";
import { ago, lastPart, quoted, span } from "./words.ts";

/** Why a STOPPED task ended, from what its host's agent and the control plane have recorded. `subject` begins the summary. */
export function explainStoppedTask(facts: TaskFacts, subject: string, now: number): Explanation {
  const { task } = facts;
  const when = `stopped ${ago(task.stoppedAt ?? task.createdAt, now)}${ranFor(task)}`;
  const { text, isFailure, fixes } = causeOf(facts);
  return {
    state: isFailure ? "FAILING" : "ENDED",
    summary: `${subject} ${when}: ${text}.`,
    findings: [{ code: "STOPPED", text }, ...containerFindings(task), ...hostFindings(facts, now)],
    fixes,
    instances: [],
  };
}

function ranFor(task: TaskRecord): string {
  if (task.startedAt === undefined) return " without having run";
  const end = task.executionStoppedAt ?? task.stoppingAt ?? task.stoppedAt ?? task.startedAt;
  return ` after it had run for ${span(end - task.startedAt)}`;
}

/** Why a STOPPED task ended, and what can be done about it. */
export interface Cause {
  readonly text: string;
  readonly isFailure: boolean;
  readonly fixes: readonly string[];
}

/** The text has no full stop. */
export function causeOf({ task, instance }: Pick<TaskFacts, "task" | "instance">): Cause {
  const reason = quoted(task.stoppedReason ?? "");
  const code: TaskStopCode | undefined = task.stopCode;
  const host = instance === undefined ? "its host" : `host ${hostName(instance)}`;
  switch (code) {
    case "TaskFailedToStart":
      return failedStart(task, reason, host);
    case "EssentialContainerExited":
      return exited(task, reason);
    case "ServiceSchedulerInitiated":
      return stoppedByService(task, reason);
    case "UserInitiated":
      return { text: `a call stopped it${reason === "" ? "" : ` ("${reason}")`}`, isFailure: false, fixes: [] };
    case "InfrastructureHealth":
      return {
        text: `${host} was lost: ${reason.replace(/^Host lost: /, "")}`,
        isFailure: true,
        fixes: [`see whether ${host} runs and reaches this server; \`berth hosts\` shows which agents are connected`],
      };
    case "SpotInterruption":
    case "TerminationNotice":
    case undefined:
      return { text: reason === "" ? "no reason is known" : lowered(reason), isFailure: false, fixes: [] };
    default:
      return assertNever(code, "stop code");
  }
}

/** What to look at, by the name that begins the agent's reason. Source: ECS stopped task error messages. */
const START_FIXES: readonly { readonly error: string; readonly what: string; readonly fix: string }[] = [
  {
    error: "CannotPullContainerError",
    what: "its image could not be pulled",
    fix: "check the image's name and tag, and that the host reaches its registry: `docker pull` there says the same",
  },
  {
    error: "CannotCreateContainerError",
    what: "its container could not be made",
    fix: "check what the container definition asks of the Docker engine: volumes, devices, names, options",
  },
  {
    error: "CannotStartContainerError",
    what: "its container could not be started",
    fix: "check the container's command, entry point, working directory and ports",
  },
  { error: "ResourceInitializationError", what: "what it needs could not be made ready", fix: "" },
];

function failedStart(task: TaskRecord, reason: string, host: string): Cause {
  const known = START_FIXES.find(({ error }) => reason.startsWith(error));
  const detail = known === undefined ? reason : reason.slice(known.error.length).replace(/^: ?/, "");
  const images = task.containers.length === 1 ? ` (image ${task.containers[0]?.image})` : "";
  const text = `${known?.what ?? "it could not be started"} on ${host}${images}: ${detail}`;
  return { text, isFailure: true, fixes: known === undefined || known.fix === "" ? [] : [known.fix] };
}

function exited(task: TaskRecord, reason: string): Cause {
  const guilty = culprit(task.containers);
  if (guilty === undefined) return { text: lowered(reason), isFailure: true, fixes: [] };
  const text = `its container ${guilty.name} ${endOf(guilty)}`;
  return { text, isFailure: guilty.exitCode !== 0, fixes: exitFixes(guilty) };
}

function exitFixes({ name, exitCode, reason, memoryMiB }: ContainerRecord): readonly string[] {
  if (isOutOfMemory(reason)) {
    const from = memoryMiB === undefined ? "" : ` from ${memoryMiB} MiB`;
    return [`raise the memory of container ${name}${from} in a new revision of its task definition`];
  }
  if (exitCode === 127) return [`check the command of container ${name}: it is not in the image`];
  if (exitCode === 126) return [`check the command of container ${name}: the file is there but cannot be executed`];
  if (exitCode === 0) return [`if it is to go on running, let container ${name} stay in the foreground`];
  return [];
}

const ELB_CHECKS = "Task failed ELB health checks in (target-group ";
const SCALING = "Scaling activity initiated by (deployment ";

function stoppedByService(task: TaskRecord, reason: string): Cause {
  if (reason.startsWith(ELB_CHECKS)) {
    const group = reason.slice(ELB_CHECKS.length).split("/")[1] ?? "";
    return {
      text: `its service replaced it, because it failed the health checks of target group ${group}`,
      isFailure: true,
      fixes: [`check that it answers the health check of target group ${group}, and in time`],
    };
  }
  if (reason === "Task failed container health checks") {
    const sick = task.containers.find((c) => c.healthStatus === "UNHEALTHY");
    const check = sick === undefined ? "its container health check" : `the health check of its container ${sick.name}`;
    const said = sick === undefined ? "" : saidText(sick);
    return { text: `its service replaced it, because ${check} failed${said}`, isFailure: true, fixes: [] };
  }
  if (reason.startsWith(SCALING)) {
    const deployment = reason.slice(SCALING.length).replace(/\)$/, "");
    const own = deployment === task.deploymentId;
    const text = own
      ? "its service needed it no longer: it has fewer tasks to have, or moved it to another host"
      : `a newer deployment of its service (${deployment}) replaced it`;
    return { text, isFailure: false, fixes: [] };
  }
  return { text: `its service stopped it (${lowered(reason)})`, isFailure: false, fixes: [] };
}

/** One line for each container, where there are several or where it has more to say than its task. */
function containerFindings({ containers, stopCode }: TaskRecord): readonly Finding[] {
  const only =
    containers.length === 1 && (stopCode === "EssentialContainerExited" || containers[0]?.exitCode === undefined);
  const told = only ? containers.filter((c) => isNews(c)) : containers;
  return told.map((c) => {
    const reason = isNews(c) ? `: ${quoted(c.reason ?? "")}` : "";
    return { code: "STOPPED", text: `container ${c.name} ${endOf(c)}${reason}` };
  });
}

function isNews({ reason, exitCode }: ContainerRecord): boolean {
  return reason !== undefined && reason !== "" && !isOutOfMemory(reason) && exitCode !== undefined;
}

function hostFindings({ task, instance }: TaskFacts, now: number): readonly Finding[] {
  if (task.containerInstanceArn === undefined) return [];
  if (instance === undefined || instance.status === "INACTIVE") {
    const name = instance === undefined ? lastPart(task.containerInstanceArn) : hostName(instance);
    return [{ code: "HOST", text: `host ${name}, where it ran, has left the cluster, and its log with it` }];
  }
  if (instance.agentConnected) return [];
  const since = span(now - instance.connectivityChangedAt);
  const text = `the agent of host ${hostName(instance)}, where it ran, has not been connected for ${since}: its log cannot be read until it is back`;
  return [{ code: "HOST", text }];
}

/** Small at the beginning, where it is a word and no name of an error. */
function lowered(text: string): string {
  return /^[A-Z][a-z]+ /.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}
