import { DEFAULT_DEPLOYMENT_SETTINGS, type DeploymentSettings, type Observed } from "../deployment/index.ts";
import type { BerthView } from "../store/index.ts";

/** All that a look at the service depends on, or undefined if there is no such service (any more). */
export function observeService(
  tables: BerthView,
  serviceArn: string,
  settings: DeploymentSettings = DEFAULT_DEPLOYMENT_SETTINGS,
): Observed | undefined {
  const service = tables.services.get(serviceArn);
  if (service === undefined) return undefined;
  return {
    service,
    tasks: tables.tasks.where("service", serviceArn).map((task) => ({
      task,
      targets: task.loadBalancers.length === 0 ? [] : tables.targets.where("task", task.arn),
      instance:
        task.containerInstanceArn === undefined ? undefined : tables.containerInstances.get(task.containerInstanceArn),
    })),
    unaccounted: tables.tasks.where("serviceUnaccounted", serviceArn),
    settings,
  };
}
