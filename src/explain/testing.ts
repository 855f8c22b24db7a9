import { DEFAULT_DEPLOYMENT_SETTINGS, type ObservedTask } from "../deployment/index.ts";
import { testInstance, testService, testTask } from "../deployment/testing.ts";
import type { OccupiedInstance } from "../model/container-instance.ts";
import type { TargetGroupRecord, TargetRecord } from "../model/load-balancer.ts";
import type { ServiceRecord } from "../model/service.ts";
import type { ContainerRecord, TaskRecord } from "../model/task.ts";
import type { RegisteredDefinition, TaskDefinitionRecord } from "../model/task-definition.ts";
import { DEFAULT_SERVICE_STRATEGY, needOf, requiredAttributesOf } from "../scheduler/index.ts";
import { containerArn, type TargetGroupArn, targetGroupArn, taskDefinitionArn } from "../wire/arn.ts";
import type { ServiceFacts, TaskFacts } from "./facts.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };

/** When all tests look: one hour into 1970, so that there is a past. */
export const NOW = 3_600_000;

/** A host with a name, of 1024 CPU units and 1024 MiB; for tests. */
export function host(number: number, over: Partial<OccupiedInstance> = {}): OccupiedInstance {
  return testInstance(number, {
    attributes: [{ name: "berth.host-name", value: `host-${number}` }],
    registered: { cpu: 1024, memoryMiB: 1024, ports: [], portsUdp: [] },
    connectivityChangedAt: NOW - 20_000,
    ...over,
  });
}

export function container(over: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    arn: containerArn(SCOPE, { clusterName: "default", taskId: "t", containerId: "c" }),
    name: "web",
    image: "hello:v1",
    lastStatus: "RUNNING",
    networkBindings: [],
    healthStatus: "UNKNOWN",
    essential: true,
    checksHealth: false,
    cpu: 0,
    memoryMiB: 256,
    ...over,
  };
}

/** A revision of family `web` that needs 256 MiB; for tests. */
export function definition(revision: number, over: Partial<RegisteredDefinition> = {}): TaskDefinitionRecord {
  return {
    arn: taskDefinitionArn(SCOPE, { family: "web", revision }),
    family: "web",
    revision,
    status: "ACTIVE",
    definition: {
      family: "web",
      containerDefinitions: [{ name: "web", image: "hello:v1", memory: 256 }],
      ...over,
    },
    registeredAt: 0,
    registeredBy: "arn:aws:iam::000000000000:root",
    tags: {},
  };
}

export const GROUP: TargetGroupArn = targetGroupArn(SCOPE, {
  targetGroupName: "hello",
  targetGroupId: "0123456789abcdef",
});

export const group: TargetGroupRecord = {
  arn: GROUP,
  name: "hello",
  protocol: "HTTP",
  port: 80,
  targetType: "instance",
  healthCheck: {
    enabled: true,
    protocol: "HTTP",
    port: "traffic-port",
    path: "/health",
    intervalSeconds: 5,
    timeoutSeconds: 2,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
  },
  attributes: { "deregistration_delay.timeout_seconds": "30" },
  tags: {},
  createdAt: 0,
};

export function target(over: Partial<TargetRecord> = {}): TargetRecord {
  return { targetGroupArn: GROUP, id: "i-1", port: 32768, state: "healthy", registeredAt: 0, ...over };
}

/** A task of no service on host-1, RUNNING for 10 min, with all that is known of it; for tests. */
export function taskFacts(over: Partial<TaskRecord> = {}, known: Partial<TaskFacts> = {}): TaskFacts {
  const instance = host(1);
  const task = testTask(7, {
    serviceArn: undefined,
    deploymentId: undefined,
    containers: [container()],
    containerInstanceArn: instance.arn,
    createdAt: NOW - 610_000,
    startedAt: NOW - 600_000,
    ...over,
  });
  return { task, definition: definition(1), instance, targets: [], targetGroups: new Map([[GROUP, group]]), ...known };
}

/** A service on host-1 and host-2 with these tasks, looked at NOW; for tests. */
export function serviceFacts(
  over: Partial<ServiceRecord>,
  tasks: readonly ObservedTask[],
  known: Partial<ServiceFacts> = {},
): ServiceFacts {
  const service = testService({ steadyAt: NOW - 1000, ...over });
  return {
    observed: {
      service,
      tasks,
      unaccounted: [],
      unpinned: [],
      serviceDeployments: [],
      settings: DEFAULT_DEPLOYMENT_SETTINGS,
    },
    instances: [host(1), host(2)],
    definitions: new Map([definition(1), definition(2)].map((d) => [d.arn, d])),
    targetGroups: new Map([[GROUP, group]]),
    requestFor: ({ definition: given }, _, name) => ({
      need: needOf(given),
      requiredAttributes: requiredAttributesOf(given),
      constraints: service.placementConstraints,
      strategy: DEFAULT_SERVICE_STRATEGY,
      group: `service:${service.name}`,
      ...(name === undefined ? {} : { capacityProvider: { name, hostGroup: name } }),
      tasksOn: () => ({ has: () => false, groups: () => [], runningTasksCount: 0, portHolder: () => undefined }),
    }),
    lastFailures: new Map(),
    heldHosts: new Set(),
    ...known,
  };
}

/** A task of that service on host-1, RUNNING and long healthy. */
export function member(number: number, over: Partial<TaskRecord> = {}, seen: Partial<ObservedTask> = {}): ObservedTask {
  const instance = seen.instance ?? host(1);
  const task = testTask(number, { containers: [container()], containerInstanceArn: instance.arn, ...over });
  return { task, targets: [], instance, ...seen };
}
