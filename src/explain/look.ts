import type { ServiceAction, Wanted } from "../deployment/index.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Explanation } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import type { Places } from "./placement.ts";

/** What is found about a service's tasks, the most important first. */
export type Found = Pick<Explanation, "findings" | "fixes" | "instances">;

/** One look at a service, from which all findings are made. */
export interface Look {
  readonly facts: ServiceFacts;
  readonly now: Instant;
  readonly wanted: readonly Wanted[];
  readonly actions: readonly ServiceAction[];
  readonly primary: DeploymentRecord;
  /** Tasks that the next look starts, and where there is room for them now. */
  readonly starts: readonly {
    readonly capacityProvider?: string;
    readonly definition: TaskDefinitionRecord;
    readonly places: Places;
  }[];
  /** True for what belongs to the deployment that is asked for, or to any. */
  readonly isAsked: (deploymentId: string | undefined) => boolean;
}

export const NOTHING: Found = { findings: [], fixes: [], instances: [] };
