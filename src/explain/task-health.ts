import type { HealthCheck } from "@aws-sdk/client-ecs";
import type { TargetGroupRecord, TargetRecord } from "../model/load-balancer.ts";
import type { ContainerRecord, TaskRecord } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import { quoted } from "./words.ts";

type HealthFacts = {
  readonly task: TaskRecord;
  readonly definition?: TaskDefinitionRecord;
  readonly targets: readonly TargetRecord[];
  readonly targetGroups: ReadonlyMap<string, TargetGroupRecord>;
};

/** What speaks against a task's health, one clause each: `container web is UNHEALTHY by its health check (curl -f ..., every 10 s)`. */
export function healthTroubles(facts: HealthFacts): readonly string[] {
  const { task, definition } = facts;
  const containers = checked(task)
    .filter((c) => c.healthStatus === "UNHEALTHY")
    .map((c) => `container ${c.name} is UNHEALTHY by its health check${checkOf(definition, c.name)}${saidText(c)}`);
  return [...containers, ...facts.targets.filter(isUnhealthy).map((t) => targetTrouble(t, facts.targetGroups))];
}

/** What a failed health check wrote: `, which wrote "no answer"`. */
export function saidText({ healthOutput }: Pick<ContainerRecord, "healthOutput">): string {
  return healthOutput === undefined || healthOutput === "" ? "" : `, which wrote "${quoted(healthOutput)}"`;
}

/** What a task that is not unhealthy still waits for to count as healthy. */
export function healthWaits(facts: HealthFacts): readonly string[] {
  const { task, definition, targets, targetGroups } = facts;
  const containers = checked(task)
    .filter((c) => c.healthStatus === "UNKNOWN")
    .map((c) => `the first result of container ${c.name}'s health check${checkOf(definition, c.name)}`);
  const missing = task.loadBalancers
    .filter((lb) => !targets.some((t) => t.targetGroupArn === lb.targetGroupArn))
    .map((lb) =>
      targetGroups.has(lb.targetGroupArn)
        ? `its registration in target group ${groupName(lb.targetGroupArn)}`
        : `target group ${groupName(lb.targetGroupArn)}, which is not there any more`,
    );
  const waiting = targets
    .filter((t) => t.state === "initial" || t.state === "unused")
    .map((t) => targetWait(t, targetGroups));
  return [...containers, ...missing, ...waiting];
}

/** The name in a target group's ARN. */
export function groupName(targetGroupArn: string): string {
  return targetGroupArn.split("/")[1] ?? targetGroupArn;
}

const checked = ({ containers }: TaskRecord): readonly ContainerRecord[] =>
  containers.filter((c) => c.essential && c.checksHealth);

const isUnhealthy = ({ state }: TargetRecord) => state === "unhealthy" || state === "unhealthy.draining";

function targetTrouble(target: TargetRecord, groups: ReadonlyMap<string, TargetGroupRecord>): string {
  const why = target.description === undefined ? "" : `: ${quoted(target.description)}`;
  return `its target ${target.id}:${target.port} in target group ${groupName(target.targetGroupArn)} is unhealthy${why}${probe(target, groups)}`;
}

function targetWait(target: TargetRecord, groups: ReadonlyMap<string, TargetGroupRecord>): string {
  const name = groupName(target.targetGroupArn);
  if (target.state === "unused") return `target group ${name} to be used by a listener`;
  const why = target.description === undefined ? "" : `, so far: ${quoted(target.description)}`;
  return `the first good health checks of its target ${target.id}:${target.port} in target group ${name}${probe(target, groups)}${why}`;
}

/** ` (checked with GET /health every 5 s)`. */
function probe({ targetGroupArn }: TargetRecord, groups: ReadonlyMap<string, TargetGroupRecord>): string {
  const check = groups.get(targetGroupArn)?.healthCheck;
  if (check === undefined || !check.enabled) return "";
  const what = check.protocol === "HTTP" ? `GET ${check.path ?? "/"}` : "a TCP connection";
  return ` (${what} every ${check.intervalSeconds} s)`;
}

function checkOf(definition: TaskDefinitionRecord | undefined, name: string): string {
  const check: HealthCheck | undefined = definition?.definition.containerDefinitions?.find(
    (c) => c.name === name,
  )?.healthCheck;
  if (check?.command === undefined) return "";
  const [kind, ...words] = check.command;
  const command = kind === "CMD" || kind === "CMD-SHELL" ? words : check.command;
  return ` (${quoted(command.join(" "))}, every ${check.interval ?? 30} s)`;
}
