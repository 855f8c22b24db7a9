import { primaryDeployment } from "../model/service.ts";
import type { DaemonHost, Observed, ObservedTask } from "./observed.ts";

/** The instances that a DAEMON service looks at; none of any other service. */
export const daemonHostsOf = ({ daemonHosts = [] }: Observed): readonly DaemonHost[] => daemonHosts;

/**
 * True for a task on a DRAINING instance that stays until the tasks of others there have stopped. One of an earlier deployment
 * does not: it could not be replaced there, and its deployment would never end. Rule [DP21].
 */
export function lingers(observed: Observed, { task, instance }: ObservedTask): boolean {
  if (instance?.status !== "DRAINING") return false;
  if (task.desiredStatus !== "RUNNING" || task.lastStatus !== "RUNNING") return false;
  if (task.deploymentId !== primaryDeployment(observed.service).id) return false;
  return daemonHostsOf(observed).some((host) => host.instance.arn === instance.arn && host.hasOthers);
}
