import type { ClusterRecord } from "../../../model/cluster.ts";
import type { ServiceRecord } from "../../../model/service.ts";
import type { ServiceDeploymentRecord } from "../../../model/service-deployment.ts";
import type { BerthView } from "../../../store/index.ts";
import { parseServiceArn, parseServiceDeploymentArn, serviceArn } from "../../../wire/arn.ts";
import type { AccountScope } from "../../context.ts";
import { EcsError, invalidParameter, serviceNotFound } from "../errors.ts";
import { arnText, checkClusterOf } from "../resolve.ts";

const SERVICE_NAME = /^[A-Za-z0-9_-]{1,255}$/;
/** ARNs of before 2018 had no cluster in them: `service/<name>`. They mean the call's cluster. */
const SHORT_ARN = /^arn:[^:]+:ecs:[^:]+:[^:]+:service\/([A-Za-z0-9_-]{1,255})$/;

/**
 * The ARN of the service that a call means by name or ARN, whether it exists or not. Throws InvalidParameterException for
 * an ARN of something else or of another cluster.
 */
export function serviceArnOf(scope: AccountScope, cluster: ClusterRecord, nameOrArn: string): string {
  if (!nameOrArn.startsWith("arn:")) {
    if (!SERVICE_NAME.test(nameOrArn)) return arnText(scope, `service/${cluster.name}/${nameOrArn}`);
    return serviceArn(scope, { clusterName: cluster.name, serviceName: nameOrArn });
  }
  const short = SHORT_ARN.exec(nameOrArn);
  if (short !== null) return serviceArn(scope, { clusterName: cluster.name, serviceName: short[1] ?? "" });
  const parsed = parseServiceArn(nameOrArn);
  if (parsed === undefined) throw invalidParameter("The ARN provided is invalid.");
  checkClusterOf(cluster, parsed.clusterName);
  return parsed.arn;
}

/** The service that a call means, of any status. Throws ServiceNotFoundException, and as `serviceArnOf` does. */
export function resolveService(
  tables: Pick<BerthView, "services">,
  scope: AccountScope,
  cluster: ClusterRecord,
  nameOrArn: string,
): ServiceRecord {
  const found = tables.services.get(serviceArnOf(scope, cluster, nameOrArn));
  if (found === undefined) throw serviceNotFound();
  return found;
}

/** The service deployment of that ARN. Throws ServiceDeploymentNotFoundException, and InvalidParameterException for what is no such ARN. */
export function resolveServiceDeployment(
  tables: Pick<BerthView, "serviceDeployments">,
  arn: string,
): ServiceDeploymentRecord {
  if (parseServiceDeploymentArn(arn) === undefined) throw invalidParameter("The ARN provided is invalid.");
  const found = tables.serviceDeployments.get(arn);
  if (found === undefined) throw new EcsError("ServiceDeploymentNotFoundException", "Service deployment not found.");
  return found;
}
