export type { Explanation, Finding, InstanceFit } from "./explanation.ts";
export type { ServiceFacts, TaskFacts } from "./facts.ts";
export { type PlanOutcome, summarizePlan } from "./plan.ts";
export { explainDeployment, explainService } from "./service.ts";
export { explainTask } from "./task.ts";
