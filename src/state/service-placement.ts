import type { DeploymentRecord } from "../model/deployment.ts";
import { primaryDeployment, type ServiceRecord } from "../model/service.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import {
  countByProvider,
  DEFAULT_SERVICE_STRATEGY,
  needOf,
  type PlacementRequest,
  providerForStart,
  requiredAttributesOf,
} from "../scheduler/index.ts";
import type { BerthView } from "../store/index.ts";
import { providerNamed } from "./capacity-providers.ts";
import { tasksOnInstance } from "./tasks-on-instance.ts";

/**
 * What one more task of the service's deployment asks of its place: on the instances of `capacityProvider`, or without it of the one that the
 * service's strategy gives the next task to.
 */
export function placementOfService(
  tables: Pick<BerthView, "tasks" | "capacityProviders">,
  service: ServiceRecord,
  definition: TaskDefinitionRecord,
  deployment: DeploymentRecord = primaryDeployment(service),
  capacityProvider: string | undefined = nextProvider(tables, service, deployment),
): PlacementRequest {
  const { placementStrategy } = service;
  const constraints = deployment.placementConstraints ?? service.placementConstraints;
  return {
    need: needOf(definition.definition),
    requiredAttributes: requiredAttributesOf(definition.definition),
    constraints: [...(definition.definition.placementConstraints ?? []), ...constraints],
    strategy: placementStrategy.length === 0 ? DEFAULT_SERVICE_STRATEGY : placementStrategy,
    group: `service:${service.name}`,
    ...(capacityProvider === undefined ? {} : { capacityProvider: providerNamed(tables, capacityProvider) }),
    tasksOn: (on) => tasksOnInstance(tables, on),
  };
}

function nextProvider(
  { tasks }: Pick<BerthView, "tasks">,
  { arn, capacityProviderStrategy = [] }: ServiceRecord,
  { id }: DeploymentRecord,
): string | undefined {
  const [only, ...others] = capacityProviderStrategy;
  if (others.length === 0) return only?.capacityProvider;
  const mine = tasks.where("service", arn).filter((t) => t.deploymentId === id && t.desiredStatus === "RUNNING");
  return providerForStart(capacityProviderStrategy, countByProvider(mine));
}
