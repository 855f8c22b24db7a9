import { DEFAULT_DEPLOYMENT_SETTINGS, type DeploymentSettings, type Observed } from "../deployment/index.ts";
import type { BerthView } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { ControllerContext } from "./context.ts";

/** An agent answers a ping every two seconds; one whose answer is a second late counts as silent. */
const SILENT_AFTER_MS = 3_000;

/** Tells which hosts are silent now, see rule [DP18]. A pause of our own process makes all silent for a moment: the safe side. */
export function silentHosts({ agents, clock }: ControllerContext): (arn: ContainerInstanceArn) => boolean {
  if (agents === undefined) return () => false;
  return (arn) => clock.monotonic() - (agents.lastHeard(arn) ?? -Infinity) > SILENT_AFTER_MS;
}

/** All that a look at the service depends on, or undefined if there is no such service (any more). */
export function observeService(
  tables: BerthView,
  serviceArn: string,
  settings: DeploymentSettings = DEFAULT_DEPLOYMENT_SETTINGS,
  isSilent: (arn: ContainerInstanceArn) => boolean = () => false,
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
      isHostSilent: task.containerInstanceArn !== undefined && isSilent(task.containerInstanceArn),
    })),
    unaccounted: tables.tasks.where("serviceUnaccounted", serviceArn),
    settings,
  };
}
