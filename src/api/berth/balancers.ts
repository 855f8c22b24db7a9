import { OWN_NAME, type TargetReport } from "../../balancer/index.ts";
import { registeredTarget } from "../../controllers/index.ts";
import type { BerthView } from "../../store/index.ts";
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
        unreachedTargets: status === undefined ? 0 : unreachedBy(store.view, balancer.reports(name)),
        problem: status?.lastError,
      };
    }),
  };
};

/** How many of these reports say that a target is unhealthy which is recorded as healthy. */
function unreachedBy(tables: Pick<BerthView, "targets">, reports: readonly TargetReport[]): number {
  return reports.filter(
    ({ state, targetGroupId, targetId }) =>
      state === "unhealthy" && registeredTarget(tables, targetGroupId, targetId)?.state === "healthy",
  ).length;
}

export const removeBalancer: Operation<"RemoveBalancer"> = async ({ store, balancer }, { name, force = false }) => {
  if (balancer.status(name) !== undefined && (!force || name === OWN_NAME))
    throw invalidParameter(
      name === OWN_NAME
        ? `Balancer ${name} is the server's own: it carries nothing when the server is started with --haproxy none.`
        : `Balancer ${name} is connected: end \`berth balancer\` on its host first, or remove it by force.`,
    );
  await store.transact("RemoveBalancer", (tx) => {
    if (tx.balancers.get(name) === undefined) throw resourceNotFound(`There is no balancer ${name.slice(0, 100)}.`);
    tx.balancers.delete(name);
  });
  balancer.drop(name);
  return {};
};
