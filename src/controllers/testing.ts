import { newDeployment } from "../deployment/index.ts";
import type { ClusterRecord } from "../model/cluster.ts";
import type { ContainerInstanceRecord, OccupiedInstance } from "../model/container-instance.ts";
import { NO_RESOURCES, type Resources } from "../model/resources.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { TaskRecord } from "../model/task.ts";
import type { TaskDefinitionRecord } from "../model/task-definition.ts";
import type { Clock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import type { ManualClock } from "../runtime/manual-clock.ts";
import { seededRandom } from "../runtime/random.ts";
import { applyReport } from "../state/index.ts";
import { type BerthStore, MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../store/index.ts";
import { clusterArn, containerInstanceArn, serviceArn, taskDefinitionArn } from "../wire/arn.ts";
import type { ControllerContext } from "./context.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
export const CLUSTER_ARN = clusterArn(SCOPE, { clusterName: "default" });
export const SERVICE_ARN = serviceArn(SCOPE, { clusterName: "default", serviceName: "web" });

/** A control plane without API and agents: a store on a disk that outlives it, and a context for controllers. */
export interface TestPlane {
  readonly context: ControllerContext;
  readonly store: BerthStore;
  /** As `kill -9`: nothing that is not durable yet ever will be. */
  kill(): void;
}

/** Opens a store over what is on the disk. */
export async function testPlane(clock: ManualClock, disk: MemoryDisk = new MemoryDisk(), seed = 1): Promise<TestPlane> {
  let isDead = false;
  const journal = new MemoryJournal({
    disk,
    clock,
    delayMs: () => 1,
    fate: () => (isDead ? { kind: "fail", durable: false, error: new Error("killed") } : { kind: "commit" }),
  });
  const log = silentLog();
  const store = await openStore({ schema: SCHEMA, journal, log });
  return {
    store,
    context: { store, clock, random: seededRandom(seed), log },
    kill: () => {
      isDead = true;
    },
  };
}

/** A cluster, `hosts` connected instances with 1024 CPU units and 1024 MiB each, and version 1 and 2 of a definition. */
export async function putWorld(store: BerthStore, hosts: number): Promise<void> {
  await store.transact("world", (tx) => {
    const cluster: ClusterRecord = {
      arn: CLUSTER_ARN,
      name: "default",
      status: "ACTIVE",
      settings: [],
      tags: {},
      createdAt: 0,
    };
    tx.clusters.put(cluster);
    for (let i = 1; i <= hosts; i++) tx.containerInstances.put(testHost(i));
    for (const revision of [1, 2]) tx.taskDefinitions.put(testDefinition(revision));
  });
}

export function testHost(number: number): ContainerInstanceRecord {
  return {
    arn: containerInstanceArn(SCOPE, { clusterName: "default", containerInstanceId: `host${number}` }),
    clusterArn: CLUSTER_ARN,
    ec2InstanceId: `i-${number}`,
    address: `10.0.0.${number}`,
    status: "ACTIVE",
    agentConnected: true,
    connectivityChangedAt: 0,
    registered: { cpu: 1024, memoryMiB: 1024, ports: [], portsUdp: [] },
    attributes: [],
    registeredAt: 0,
    version: 1,
    sequence: 0,
    tags: {},
  };
}

/** What the tasks on `testHost(number)` hold. */
export function usedOn(store: BerthStore, number: number): Resources {
  return store.view.containerInstances.derived.placement.occupied(testHost(number)).used;
}

/** The same without a task on it. */
export function emptyHost(number: number): OccupiedInstance {
  return { ...testHost(number), used: NO_RESOURCES };
}

/** One container `web` with port 80, 128 CPU units and 128 MiB. */
export function testDefinition(revision: number): TaskDefinitionRecord {
  return {
    arn: taskDefinitionArn(SCOPE, { family: "web", revision }),
    family: "web",
    revision,
    status: "ACTIVE",
    definition: {
      family: "web",
      containerDefinitions: [
        {
          name: "web",
          image: `web:${revision}`,
          cpu: 128,
          memory: 128,
          essential: true,
          portMappings: [{ containerPort: 80 }],
        },
      ],
    },
    registeredAt: 0,
    registeredBy: "arn:aws:iam::000000000000:root",
    tags: {},
  };
}

/** A service `web` with ECS's defaults that has just been created. */
export function newService(over: Partial<ServiceRecord>): ServiceRecord {
  const service: ServiceRecord = {
    arn: SERVICE_ARN,
    name: "web",
    clusterArn: CLUSTER_ARN,
    status: "ACTIVE",
    schedulingStrategy: "REPLICA",
    launchType: "EC2",
    desiredCount: 1,
    taskDefinitionArn: testDefinition(1).arn,
    loadBalancers: [],
    minimumHealthyPercent: 100,
    maximumPercent: 200,
    placementConstraints: [],
    placementStrategy: [],
    enableECSManagedTags: false,
    propagateTags: "NONE",
    tags: {},
    deployments: [],
    createdAt: 0,
    createdBy: "arn:aws:iam::000000000000:root",
    eventSequence: 0,
    ...over,
  };
  return { ...service, deployments: [newDeployment("ecs-svc/1", service, 0)] };
}

/** The service's tasks that are not STOPPED. */
export function liveTasks(store: BerthStore): readonly TaskRecord[] {
  return store.view.tasks.where("service", SERVICE_ARN);
}

/** The agents' part: what is PENDING runs, what is STOPPING has stopped. */
export async function agentsCatchUp(store: BerthStore, clock: Clock): Promise<void> {
  await store.transact("agents", (tx) => {
    for (const task of tx.tasks.where("service", SERVICE_ARN)) {
      if (task.lastStatus === "STOPPING") applyReport(tx, task, { status: "STOPPED", containers: [] }, clock.now());
      if (task.lastStatus === "PENDING") applyReport(tx, task, { status: "RUNNING", containers: [] }, clock.now());
    }
  });
}

/** The service's events without its name, newest last. */
export function messages(store: BerthStore): readonly string[] {
  return store.view.serviceEvents.where("service", SERVICE_ARN).map((e) => e.message.replace("(service web) ", ""));
}
