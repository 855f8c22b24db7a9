import type { ClusterRecord } from "../../../model/cluster.ts";
import type { ContainerInstanceRecord } from "../../../model/container-instance.ts";
import type { BerthView } from "../../../store/index.ts";
import { containerInstanceArn, parseContainerInstanceArn } from "../../../wire/arn.ts";
import type { AccountScope } from "../../context.ts";
import { invalidParameter } from "../errors.ts";
import { arnText, checkClusterOf } from "../resolve.ts";

const INSTANCE_ID = /^[A-Za-z0-9-]{1,64}$/;

/**
 * The ARN of the container instance that a call means by id or ARN, whether it exists or not. Throws
 * InvalidParameterException for an ARN of something else or of another cluster.
 */
export function containerInstanceArnOf(scope: AccountScope, cluster: ClusterRecord, idOrArn: string): string {
  if (!idOrArn.startsWith("arn:")) {
    if (!INSTANCE_ID.test(idOrArn)) return arnText(scope, `container-instance/${cluster.name}/${idOrArn}`);
    return containerInstanceArn(scope, { clusterName: cluster.name, containerInstanceId: idOrArn });
  }
  const parsed = parseContainerInstanceArn(idOrArn);
  if (parsed === undefined) throw invalidParameter("The ARN provided is invalid.");
  checkClusterOf(cluster, parsed.clusterName);
  return parsed.arn;
}

/**
 * The container instance that a call means, of any status. Throws InvalidParameterException if there is none, and as
 * `containerInstanceArnOf` does.
 */
export function resolveContainerInstance(
  tables: Pick<BerthView, "containerInstances">,
  scope: AccountScope,
  cluster: ClusterRecord,
  idOrArn: string,
): ContainerInstanceRecord {
  const found = tables.containerInstances.get(containerInstanceArnOf(scope, cluster, idOrArn));
  if (found === undefined) throw invalidParameter("The referenced container instance was not found.");
  return found;
}
