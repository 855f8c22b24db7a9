import type { ApiContext } from "../context.ts";
import { invalidParameter, notCarriedOut } from "./errors.ts";
import { groupNameOf, logGroupArn, logGroupName } from "./names.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";

/** Every ACTIVE cluster is a log group. */
export const describeLogGroups: Operation<"DescribeLogGroups"> = (context, input) => {
  if (input.accountIdentifiers?.length) throw notCarriedOut("accountIdentifiers", "There is one account.");
  if (input.includeLinkedAccounts) throw notCarriedOut("includeLinkedAccounts", "There is one account.");
  const { logGroupNamePrefix: prefix, logGroupNamePattern: pattern, logGroupIdentifiers, logGroupClass } = input;
  const identifiers = logGroupIdentifiers?.length ? logGroupIdentifiers : undefined;
  if ([prefix, pattern, identifiers].filter((it) => it !== undefined).length > 1)
    throw invalidParameter("Only one of logGroupNamePrefix, logGroupNamePattern and logGroupIdentifiers may be given.");
  const names = identifiers && new Set(identifiers.map((it) => groupNameOf(context.scope, it)));
  const groups = activeClusters(context)
    .map((cluster) => ({ name: logGroupName(cluster), creationTime: cluster.createdAt }))
    .filter(({ name }) => name.startsWith(prefix ?? "") && name.includes(pattern ?? "") && (names?.has(name) ?? true))
    .filter(() => logGroupClass === undefined || logGroupClass === "STANDARD");
  const filters = { prefix, pattern, identifiers, logGroupClass };
  const { items, nextToken } = page(context, groups, (it) => it.name, input, filters);
  return {
    logGroups: items.map(({ name, creationTime }) => ({
      logGroupName: name,
      creationTime,
      metricFilterCount: 0,
      arn: `${logGroupArn(context.scope, name)}:*`,
      logGroupArn: logGroupArn(context.scope, name),
      logGroupClass: "STANDARD",
    })),
    nextToken,
  };
};

function activeClusters({ store }: ApiContext) {
  return [...store.view.clusters.all()].filter((cluster) => cluster.status === "ACTIVE");
}
