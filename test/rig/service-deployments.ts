import assert from "node:assert/strict";
import { DescribeServiceDeploymentsCommand, type ServiceDeployment } from "@aws-sdk/client-ecs";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";

const FINISHED: readonly unknown[] = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"];

/** True for a service deployment that is over. */
export const isOver = ({ status }: ServiceDeployment): boolean => FINISHED.includes(status);

/** Fails unless there is a service deployment of that ARN. */
export async function describeServiceDeployment({ ecs }: Cluster, arn: string): Promise<ServiceDeployment> {
  const command = new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: [arn] });
  const [found] = (await ecs.send(command)).serviceDeployments ?? [];
  assert.ok(found !== undefined, arn);
  return found;
}

/** Polls as deployment tools do, until the service deployment is over. */
export function serviceDeploymentOver(cluster: Cluster, arn: string, limitMs: number): Promise<ServiceDeployment> {
  return eventually(`${arn} is over`, limitMs, async () => {
    const found = await describeServiceDeployment(cluster, arn);
    return isOver(found) ? found : undefined;
  });
}
