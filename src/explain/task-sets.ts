import { primaryTaskSet } from "../model/task-set.ts";
import type { Explanation } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import { counted, lastPart } from "./words.ts";

/** How the task sets of a service stand whose deployments are steered from outside. */
export function explainTaskSets({ observed: { service, tasks } }: ServiceFacts): Explanation {
  const sets = service.taskSets ?? [];
  const told = sets.map((set) => {
    const { id, desiredCount, taskDefinitionArn } = set.deployment;
    const running = tasks.filter(({ task }) => task.deploymentId === id && task.lastStatus === "RUNNING").length;
    return `${id} (${set.status}, ${lastPart(taskDefinitionArn)}) runs ${running} of ${desiredCount}`;
  });
  const isWell = primaryTaskSet(sets) !== undefined && sets.every((set) => set.stabilityStatus === "STEADY_STATE");
  const list = told.length === 0 ? "" : `: ${told.join("; ")}`;
  const summary = `Service ${service.name} is steered from outside and has ${counted(sets.length, "task set")}${list}.`;
  return { state: isWell ? "WELL" : "MOVING", summary, findings: [], fixes: [], instances: [] };
}
