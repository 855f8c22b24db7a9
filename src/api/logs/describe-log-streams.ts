import { notCarriedOut } from "./errors.ts";
import { logGroupArn, logGroupName, logStreamName, resolveGroup } from "./names.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";

/** Every container of every task that is still known, running or stopped, is a log stream. */
export const describeLogStreams: Operation<"DescribeLogStreams"> = (context, input) => {
  if (input.orderBy === "LastEventTime") throw notCarriedOut("orderBy LastEventTime", "Order by LogStreamName.");
  const cluster = resolveGroup(context, input);
  const prefix = input.logStreamNamePrefix ?? "";
  const { tasks } = context.store.view;
  const streams = (["RUNNING", "STOPPED"] as const)
    .flatMap((desired) => tasks.where("clusterDesired", `${cluster.arn}|${desired}`))
    .flatMap((task) =>
      task.containers.map((container) => ({ name: logStreamName(task, container), creationTime: task.createdAt })),
    )
    .filter(({ name }) => name.startsWith(prefix));
  const group = logGroupArn(context.scope, logGroupName(cluster));
  const { items, nextToken } = page(context, streams, (it) => it.name, input, { group, prefix });
  return {
    logStreams: items.map(({ name, creationTime }) => ({
      logStreamName: name,
      creationTime,
      arn: `${group}:log-stream:${name}`,
      storedBytes: 0,
    })),
    nextToken,
  };
};
