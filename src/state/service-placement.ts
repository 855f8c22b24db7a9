import { type DeploymentRecord, primaryDeployment, type ServiceRecord } from "../model/service.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import { DEFAULT_SERVICE_STRATEGY, needOf, type PlacementRequest, requiredAttributesOf } from "../scheduler/index.ts";
import type { BerthView } from "../store/index.ts";
import { tasksOnInstance } from "./tasks-on-instance.ts";

/** What one more task of the service's deployment asks of its place. */
export function placementOfService(
  tables: Pick<BerthView, "tasks">,
  service: ServiceRecord,
  definition: TaskDefinitionRecord,
  deployment: DeploymentRecord = primaryDeployment(service),
): PlacementRequest {
  const { placementStrategy } = service;
  const constraints = deployment.placementConstraints ?? service.placementConstraints;
  return {
    need: needOf(definition.definition),
    requiredAttributes: requiredAttributesOf(definition.definition),
    constraints: [...(definition.definition.placementConstraints ?? []), ...constraints],
    strategy: placementStrategy.length === 0 ? DEFAULT_SERVICE_STRATEGY : placementStrategy,
    group: `service:${service.name}`,
    tasksOn: (on) => tasksOnInstance(tables, on),
  };
}
