import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";
import { resolveCluster } from "../resolve.ts";
import { serviceArnOf } from "./resolve.ts";
import { toWireService } from "./wire.ts";

/** Source: ECS API reference, DescribeServices. */
const MAX_DESCRIBED = 10;
/** Source: ECS API reference, ListServices. */
const LIST_PAGE = { default: 10, max: 100 } as const;

/** Services by name or ARN, INACTIVE ones too; what is not there is a failure MISSING. */
export const describeServices: Operation<"DescribeServices"> = ({ store, scope }, input) => {
  if (input.services.length === 0) throw invalidParameter("Services cannot be empty.");
  if (input.services.length > MAX_DESCRIBED) {
    throw invalidParameter(`Services cannot have more than ${MAX_DESCRIBED} elements.`);
  }
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const answer: EcsOperations["DescribeServices"]["output"] = { services: [], failures: [] };
  for (const arn of new Set(input.services.map((s) => serviceArnOf(scope, cluster, s)))) {
    const found = store.view.services.get(arn);
    if (found === undefined) answer.failures?.push({ arn, reason: "MISSING" });
    else answer.services?.push(toWireService(store.view, found, input.include ?? []));
  }
  return answer;
};

/** The ARNs of a cluster's ACTIVE services. */
export const listServices: Operation<"ListServices"> = (context, input) => {
  const cluster = resolveCluster(context.store.view, context.scope, input.cluster);
  const { launchType, schedulingStrategy, resourceManagementType } = input;
  const found = context.store.view.services
    .where("cluster", cluster.arn)
    .filter((s) => s.status === "ACTIVE")
    .filter((s) => launchType === undefined || s.launchType === launchType)
    .filter((s) => schedulingStrategy === undefined || s.schedulingStrategy === schedulingStrategy)
    // Every service here is its maker's own: none is managed by ECS on behalf of another resource.
    .filter(() => resourceManagementType === undefined || resourceManagementType === "CUSTOMER");
  const filters = { cluster: cluster.arn, launchType, schedulingStrategy, resourceManagementType };
  const { items, nextToken } = page(context, found, (s) => s.arn, input, LIST_PAGE, filters);
  return { serviceArns: items.map((s) => s.arn), nextToken };
};
