import { invalidParameter, resourceNotFound } from "./errors.ts";
import type { Operation } from "./operation.ts";

export const listBalancers: Operation<"ListBalancers"> = ({ store, balancer }) => {
  const known = [...store.view.balancers.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    balancers: known.map(({ name, address, connectedChangedAt }) => {
      const status = balancer.status(name);
      const failed = status?.failedListeners ?? [];
      return {
        name,
        address,
        connected: status !== undefined,
        connectedChangedAt: new Date(connectedChangedAt),
        haproxyVersion: status?.version || undefined,
        failedListeners: failed.map(({ listenerId, error }) => ({ listenerArn: listenerId, error })),
        problem: status?.lastError,
      };
    }),
  };
};

export const removeBalancer: Operation<"RemoveBalancer"> = async ({ store, balancer }, { name }) => {
  if (balancer.status(name) !== undefined)
    throw invalidParameter(`Balancer ${name} is connected: end \`berth balancer\` on its host first.`);
  await store.transact("RemoveBalancer", (tx) => {
    if (tx.balancers.get(name) === undefined) throw resourceNotFound(`There is no balancer ${name.slice(0, 100)}.`);
    tx.balancers.delete(name);
  });
  return {};
};
