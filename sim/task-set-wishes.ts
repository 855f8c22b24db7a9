import type { ServiceRecord } from "../src/model/service.ts";
import type { BerthView } from "../src/store/index.ts";
import type { Chance } from "./chance.ts";
import { type Family, targetGroupName } from "./set-up.ts";
import { limits } from "./wishes.ts";

/** What somebody works with who steers a service's task sets. */
export interface Steering {
  readonly view: BerthView;
  readonly cluster: string;
  readonly chance: Chance;
  readonly families: readonly Family[];
  readonly call: (operation: string, input: object) => Promise<unknown>;
}

/** One step of somebody who deploys by task sets: makes a service, or a set, scales one, makes one the PRIMARY, or deletes one. */
export async function steer(at: Steering): Promise<void> {
  const { view, cluster, chance, call } = at;
  const clusterArn = [...view.clusters.all()].find((c) => c.name === cluster)?.arn ?? "";
  const steered = view.services
    .where("cluster", clusterArn)
    .filter((s) => s.status === "ACTIVE" && s.deploymentController === "EXTERNAL");
  const service = chance.maybe(steered);
  if (service === undefined || chance.is(0.1)) {
    const serviceName = `steered-${chance.int(1, 2)}`;
    const deploymentConfiguration = limits(chance);
    const deploymentController = { type: "EXTERNAL" };
    const desiredCount = chance.pick([1, 2, 3, 4]);
    await call("CreateService", { cluster, serviceName, desiredCount, deploymentController, deploymentConfiguration });
    return;
  }
  const sets = service.taskSets ?? [];
  const set = chance.maybe(sets);
  if (set === undefined || (sets.length < 3 && chance.is(0.35))) return makeSet(at, service);
  const of = { cluster, service: service.name };
  const taskSet = set.deployment.id;
  const step = chance.weighted({ scale: 5, promote: 2, remove: 2 });
  if (step === "scale") await call("UpdateTaskSet", { ...of, taskSet, scale: scale(chance) });
  else if (step === "promote") await call("UpdateServicePrimaryTaskSet", { ...of, primaryTaskSet: taskSet });
  else await call("DeleteTaskSet", { ...of, taskSet, force: chance.is(0.8) });
}

async function makeSet({ view, cluster, chance, families, call }: Steering, { name }: ServiceRecord): Promise<void> {
  const family = chance.pick(families.filter((one) => !one.hasFixedPort));
  const groups = [...view.targetGroups.all()].filter((g) => g.name.startsWith(targetGroupName("")));
  const group = chance.is(0.7) ? chance.maybe(groups) : undefined;
  const { containerPort } = family;
  const isBalanced = group !== undefined && containerPort !== undefined;
  await call("CreateTaskSet", {
    cluster,
    service: name,
    taskDefinition: family.name,
    scale: scale(chance),
    ...(isBalanced ? { loadBalancers: [{ targetGroupArn: group.arn, containerName: "main", containerPort }] } : {}),
    ...(chance.is(0.3) ? { clientToken: `set-${chance.int(0, 1e9)}` } : {}),
  });
}

function scale(chance: Chance): object {
  return { value: chance.pick([0, 33, 50, 100, 100]), unit: "PERCENT" };
}
