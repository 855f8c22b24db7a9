import type { OccupiedInstance } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import { type ContainerInstanceArn, clusterArn, containerInstanceArn } from "../wire/arn.ts";
import { Fleet } from "./fleet.ts";
import type { PlacementRequest, TasksOnInstance } from "./request.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };

/** An ACTIVE, connected instance with the given CPU units and MiB left; for tests. */
export function instanceWith(
  id: string,
  left: { readonly cpu?: number; readonly memoryMiB?: number; readonly zone?: string } = {},
  over: Partial<OccupiedInstance> = {},
): OccupiedInstance {
  const { cpu = 1024, memoryMiB = 1024, zone } = left;
  return {
    arn: containerInstanceArn(SCOPE, { clusterName: "default", containerInstanceId: id }),
    clusterArn: clusterArn(SCOPE, { clusterName: "default" }),
    status: "ACTIVE",
    agentConnected: true,
    connectivityChangedAt: 0,
    registered: { ...NO_RESOURCES, cpu, memoryMiB },
    used: NO_RESOURCES,
    attributes: zone === undefined ? [] : [{ name: "ecs.availability-zone", value: zone }],
    registeredAt: 0,
    version: 1,
    sequence: 0,
    tags: {},
    ...over,
  };
}

/** The group of `requestOf` and `fleetWith`. */
export const TEST_GROUP = "family:test";

/** A fleet of these instances, with peers on some; for tests. */
export function fleetWith(
  instances: readonly OccupiedInstance[],
  peers: ReadonlyMap<ContainerInstanceArn, number> = new Map(),
): Fleet {
  return Fleet.of(instances, { group: TEST_GROUP, peers });
}

/** A request for 256 CPU units and 256 MiB, without constraints or strategy; for tests. */
export function requestOf(over: Partial<PlacementRequest> = {}): PlacementRequest {
  return {
    need: { ...NO_RESOURCES, cpu: 256, memoryMiB: 256 },
    requiredAttributes: [],
    constraints: [],
    strategy: [],
    group: TEST_GROUP,
    tasksOn: () => withTasks(),
    ...over,
  };
}

/** What is on an instance where these groups have tasks, `running` of which are RUNNING; for tests. */
export function withTasks(groups: readonly string[] = [], running: number = groups.length): TasksOnInstance {
  return {
    has: (group) => groups.includes(group),
    groups: () => new Set(groups),
    runningTasksCount: running,
    portHolder: () => undefined,
  };
}
