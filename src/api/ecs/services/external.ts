import type { ServiceRecord } from "../../../model/service.ts";
import type { TaskDefinitionArn } from "../../../wire/arn.ts";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { invalidParameter } from "../errors.ts";

/** What stands where a service has no task definition of its own: its task sets have theirs. It is never shown. */
export const NO_TASK_DEFINITION = "" as TaskDefinitionArn;

type Given = Partial<EcsOperations["CreateService"]["input"]> & { readonly forceNewDeployment?: boolean };

/** What belongs to task sets where the deployment controller is EXTERNAL. Source: ECS developer guide, external deployment. */
const OF_TASK_SETS = ["taskDefinition", "loadBalancers", "launchType", "forceNewDeployment"] as const;

/** Throws InvalidParameterException for what a service with the EXTERNAL deployment controller cannot be given. */
export function checkExternalInput(input: Given): void {
  for (const member of OF_TASK_SETS) {
    const given = input[member];
    if (given === undefined || given === false || (Array.isArray(given) && given.length === 0)) continue;
    throw invalidParameter(
      `${member} cannot be given to a service with an EXTERNAL deployment controller. Use CreateTaskSet.`,
    );
  }
  if (input.schedulingStrategy === "DAEMON") {
    throw invalidParameter("The daemon scheduling strategy does not support the EXTERNAL deployment controller.");
  }
  if (input.availabilityZoneRebalancing === "ENABLED") {
    throw invalidParameter("Availability Zone rebalancing does not support the EXTERNAL deployment controller.");
  }
  const { strategy = "ROLLING" } = input.deploymentConfiguration ?? {};
  if (strategy !== "ROLLING") {
    throw invalidParameter(`The deployment strategy ${strategy} does not support the EXTERNAL deployment controller.`);
  }
  const breaker = input.deploymentConfiguration?.deploymentCircuitBreaker;
  if (breaker?.enable === true || breaker?.rollback === true) {
    throw invalidParameter("The deployment circuit breaker does not support the EXTERNAL deployment controller.");
  }
}

export const isExternal = (service: Pick<ServiceRecord, "deploymentController">) =>
  service.deploymentController === "EXTERNAL";
