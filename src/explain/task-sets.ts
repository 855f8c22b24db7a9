import type { ServiceRecord } from "../model/service.ts";
import { computedDesiredCount, primaryTaskSet, type TaskSetRecord } from "../model/task-set.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Explanation } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import type { Found } from "./look.ts";
import { serviceFindings } from "./service-findings.ts";
import { stateOf } from "./state.ts";
import { counted, lastPart } from "./words.ts";

/** How the task sets of a service stand whose deployments are steered from outside. */
export function explainTaskSets(facts: ServiceFacts, now: Instant): Explanation {
  const { service, tasks } = facts.observed;
  const sets = service.taskSets ?? [];
  const told = sets.map((set) => {
    const { id, desiredCount, taskDefinitionArn } = set.deployment;
    const running = tasks.filter(({ task }) => task.deploymentId === id && task.lastStatus === "RUNNING").length;
    return `${id} (${set.status}, ${lastPart(taskDefinitionArn)}) runs ${running} of ${desiredCount}`;
  });
  const found = sets.map((set) => findingsOf(facts, set, now));
  const findings = found.flatMap((f) => f.findings);
  const isWell = primaryTaskSet(sets) !== undefined && sets.every((set) => set.stabilityStatus === "STEADY_STATE");
  const state = stateOf(findings);
  const list = told.length === 0 ? "" : `: ${told.join("; ")}`;
  return {
    state: state === "WELL" && !isWell ? "MOVING" : state,
    summary: `Service ${service.name} is steered from outside and has ${counted(sets.length, "task set")}${list}.`,
    findings,
    fixes: [...new Set(found.flatMap((f) => f.fixes))],
    instances: found.find((f) => f.instances.length > 0)?.instances ?? [],
  };
}

/** What is found about one set's tasks, as about a service that has this one deployment: rule [DP26]. */
function findingsOf(facts: ServiceFacts, set: TaskSetRecord, now: Instant): Found {
  const { observed } = facts;
  const { deployment } = set;
  const desiredCount = computedDesiredCount(observed.service.desiredCount, set);
  const service: ServiceRecord = {
    ...observed.service,
    deploymentController: undefined,
    availabilityZoneRebalancing: "DISABLED",
    desiredCount,
    deployments: [{ ...deployment, desiredCount }],
  };
  const tasks = observed.tasks.filter(({ task }) => task.deploymentId === deployment.id);
  const found = serviceFindings({ ...facts, observed: { ...observed, service, tasks } }, now);
  const findings = found.findings.map(({ code, text }) => ({ code, text: `${deployment.id}: ${text}` }));
  return { ...found, findings };
}
