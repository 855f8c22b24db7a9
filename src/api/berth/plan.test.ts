import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../../deployment/index.ts";
import { testService } from "../../deployment/testing.ts";
import type { ContainerInstanceRecord } from "../../model/container-instance.ts";
import type { ServiceRecord } from "../../model/service.ts";
import { abandonTask, launchTask, newTask } from "../../state/index.ts";
import type { BerthTransaction } from "../../store/index.ts";
import { clusterArn, serviceArn, taskDefinitionArn } from "../../wire/arn.ts";
import type { BerthOperations, BerthShape } from "../../wire/models/berth.ts";
import type { ApiContext } from "../context.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, TEST_START, testContext, testInstance } from "../ecs/testing.ts";
import { berthOperations } from "./index.ts";

const CLUSTER = clusterArn(TEST_SCOPE, { clusterName: "default" });
const arnOf = (revision: number) => taskDefinitionArn(TEST_SCOPE, { family: "web", revision });

function host(number: number, given: Partial<ContainerInstanceRecord> = {}): ContainerInstanceRecord {
  const attributes = [{ name: "berth.host-name", value: `host-${number}` }];
  const registered = { cpu: 1024, memoryMiB: 1024, ports: [], portsUdp: [] };
  return testInstance({ id: String(number).repeat(32), attributes, registered, ...given });
}

function putDefinition(tx: BerthTransaction, revision: number, memory: number): void {
  tx.taskDefinitions.put({
    arn: arnOf(revision),
    family: "web",
    revision,
    status: "ACTIVE",
    definition: {
      family: "web",
      networkMode: "bridge",
      compatibilities: ["EC2"],
      containerDefinitions: [{ name: "web", image: "hello:v1", memory, essential: true }],
    },
    registeredAt: 0,
    registeredBy: TEST_CALL.principal.arn,
    tags: {},
  });
  tx.taskDefinitionFamilies.put({ family: "web", lastRevision: revision });
}

/** A service of three tasks of 256 MiB, two on host-1 and one on host-2; web:2 needs as much, web:3 needs 2000 MiB. */
async function bench(service: Partial<ServiceRecord> = {}, hosts = [host(1), host(2)]) {
  const context = await testContext();
  await arrange(context, (tx) => {
    tx.clusters.put({ arn: CLUSTER, name: "default", status: "ACTIVE", settings: [], tags: {}, createdAt: 0 });
    for (const one of hosts) tx.containerInstances.put(one);
    putDefinition(tx, 1, 256);
    putDefinition(tx, 2, 256);
    putDefinition(tx, 3, 2000);
    const made = testService({ desiredCount: 3, taskDefinitionArn: arnOf(1), steadyAt: TEST_START, ...service });
    const deployment = { ...newDeployment("ecs-svc/1", made, 0), rolloutState: "COMPLETED" as const };
    tx.services.put({ ...made, deployments: [deployment] });
    for (const on of [0, 0, 1]) putTask(tx, context, made, hosts[on]?.arn ?? "");
  });
  return context;
}

function putTask(tx: BerthTransaction, context: ApiContext, service: ServiceRecord, on: string): void {
  const instance = tx.containerInstances.get(on);
  const definition = tx.taskDefinitions.get(arnOf(1));
  if (instance === undefined || definition === undefined) throw new Error("not arranged");
  const task = newTask(
    {
      clusterArn: CLUSTER,
      definition,
      instance: tx.containerInstances.derived.placement.occupied(instance),
      group: `service:${service.name}`,
      serviceArn: service.arn,
      deploymentId: "ecs-svc/1",
      tags: {},
    },
    { now: 0, random: context.random },
  );
  launchTask(tx, { ...task, lastStatus: "RUNNING", startedAt: 0, delivered: { start: true, stop: false } });
}

/** A plan as one would tell it: `1: +2 web:2 host-1, -1 web:1 host-2`. */
function stepsOf({ steps }: BerthShape<"Plan">): string[] {
  const all = (sign: string, tasks: readonly BerthShape<"PlannedTasks">[]) =>
    tasks.map(({ count, taskDefinition, host: on }) => `${sign}${count} ${taskDefinition} ${on}`);
  return steps.map(({ number, starts, stops }) => `${number}: ${[...all("+", starts), ...all("-", stops)].join(", ")}`);
}

const hostsOf = ({ hosts }: BerthShape<"Plan">) =>
  hosts.map((h) => `${h.host} ${h.tasksBefore}->${h.tasksAfter} ${h.memoryMiBLeft} MiB`);

interface Row {
  readonly when: string;
  readonly service?: Partial<ServiceRecord>;
  readonly hosts?: ContainerInstanceRecord[];
  readonly update?: Partial<BerthOperations["PlanServiceUpdate"]["input"]>;
  readonly removal?: Omit<BerthOperations["PlanInstanceRemoval"]["input"], "cluster">;
  readonly end: BerthShape<"PlanEnd">;
  readonly says: string;
  readonly steps: readonly string[];
  readonly hostsThen?: readonly string[];
  readonly notes?: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    when: "a new version has room beside the old one",
    update: { taskDefinition: "web:2" },
    end: "COMPLETE",
    says: "It takes 2 steps: 3 tasks of web:2 start and 3 tasks of web:1 stop; every task finds its place.",
    steps: ["1: +1 web:2 host-1, +2 web:2 host-2", "2: -2 web:1 host-1, -1 web:1 host-2"],
    hostsThen: ["host-1 2->1 768 MiB", "host-2 1->2 512 MiB"],
  },
  {
    when: "the limits allow nothing",
    service: { minimumHealthyPercent: 67, maximumPercent: 100 },
    update: { taskDefinition: "web:2" },
    end: "STUCK",
    says: "Nothing would start or stop: nothing may be stopped below 3 healthy tasks (minimumHealthyPercent 67 of 3) and nothing started above 3 tasks (maximumPercent 100).",
    steps: [],
  },
  {
    when: "the limits are changed with it",
    service: {
      minimumHealthyPercent: 100,
      maximumPercent: 100,
      placementStrategy: [{ type: "binpack", field: "memory" }],
    },
    hosts: [host(1), host(2, { registered: { cpu: 1024, memoryMiB: 1100, ports: [], portsUdp: [] } })],
    update: { taskDefinition: "web:2", minimumHealthyPercent: 50 },
    end: "COMPLETE",
    says: "It takes 6 steps: 3 tasks of web:2 start and 3 tasks of web:1 stop; every task finds its place.",
    steps: [
      "1: -1 web:1 host-2",
      "2: +1 web:2 host-1",
      "3: -1 web:1 host-1",
      "4: +1 web:2 host-1",
      "5: -1 web:1 host-1",
      "6: +1 web:2 host-1",
    ],
  },
  {
    when: "it is scaled out",
    update: { desiredCount: 4 },
    end: "COMPLETE",
    says: "It takes 1 step: 1 task of web:1 starts; every task finds its place.",
    steps: ["1: +1 web:1 host-2"],
  },
  {
    when: "it is scaled in",
    update: { desiredCount: 2 },
    end: "COMPLETE",
    says: "It takes 1 step: 1 task of web:1 stops.",
    steps: ["1: -1 web:1 host-1"],
    hostsThen: ["host-1 2->1 768 MiB"],
  },
  {
    when: "nothing is changed",
    update: { desiredCount: 3 },
    end: "NOTHING_TO_DO",
    says: "Nothing would start or stop: all is as it would be.",
    steps: [],
    hostsThen: [],
  },
  {
    when: "there is too little room",
    update: { desiredCount: 10 },
    end: "STUCK",
    says: "It ends after 1 step (5 tasks of web:1 start): 2 tasks fit on no host (of 2, 2 lack memory).",
    steps: ["1: +2 web:1 host-1, +3 web:1 host-2"],
    hostsThen: ["host-1 2->4 0 MiB", "host-2 1->4 0 MiB"],
  },
  {
    when: "a version fits on no host",
    update: { taskDefinition: "web:3" },
    end: "STUCK",
    says: "Nothing would start or stop: 3 tasks fit on no host (of 2, 2 lack memory).",
    steps: [],
  },
  {
    when: "a host is drained",
    removal: { containerInstances: ["host-1"], manner: "DRAIN" },
    end: "COMPLETE",
    says: "It takes 2 steps: 2 tasks of web:1 start and 2 tasks of web:1 stop; every task finds its place.",
    steps: ["1: +2 web:1 host-2", "2: -2 web:1 host-1"],
    hostsThen: ["host-1 2->0 1024 MiB", "host-2 1->3 256 MiB"],
  },
  {
    when: "every host is drained",
    removal: { containerInstances: ["host-1", host(2).arn], manner: "DRAIN" },
    end: "STUCK",
    says: "Nothing would start or stop: 3 tasks fit on no host (2 hosts are DRAINING, and there is no other).",
    steps: [],
  },
  {
    when: "a host is taken away",
    removal: { containerInstances: ["1".repeat(32)], manner: "DEREGISTER" },
    end: "COMPLETE",
    says: "It takes 1 step: 2 tasks of web:1 start; every task finds its place.",
    steps: ["1: +2 web:1 host-2"],
    notes: ["service web would have 1 running task at first, where its minimum is 3"],
  },
];

for (const { when, service, hosts, update, removal, end, says, steps, hostsThen, notes = [] } of ROWS)
  test(`a plan says what would happen, and nothing is changed: ${when}`, async () => {
    const context = await bench(service, hosts);
    const before = recordsOf(context);
    const plan =
      removal === undefined
        ? await berthOperations.PlanServiceUpdate(context, { service: "web", ...update }, TEST_CALL)
        : await berthOperations.PlanInstanceRemoval(context, removal, TEST_CALL);
    assert.equal(plan.summary, says);
    assert.equal(plan.end, end);
    assert.deepEqual(stepsOf(plan), steps);
    if (hostsThen !== undefined) assert.deepEqual(hostsOf(plan), hostsThen);
    assert.deepEqual(plan.notes, notes);
    assert.deepEqual(recordsOf(context), before);
    context.store.verify();
  });

function recordsOf({ store }: ApiContext): unknown {
  const { services, tasks, containerInstances, serviceEvents, targets } = store.view;
  return [services, tasks, containerInstances, serviceEvents, targets].map((table) => [...table.all()]);
}

test("a task of no service is told of: it stays on a host that is drained, and ends with one that is taken away", async () => {
  const context = await bench();
  await arrange(context, (tx) => {
    const [task] = tx.tasks.where("containerInstance", host(2).arn);
    if (task === undefined) throw new Error("not arranged");
    tx.tasks.put({ ...task, serviceArn: undefined, deploymentId: undefined, group: "family:web" });
  });
  const plan = (manner: "DRAIN" | "DEREGISTER") =>
    berthOperations.PlanInstanceRemoval(context, { containerInstances: ["host-2"], manner }, TEST_CALL);
  assert.deepEqual((await plan("DRAIN")).notes, [
    "1 task of no service on host-2 would stay there until it ends or is stopped",
  ]);
  assert.deepEqual((await plan("DEREGISTER")).notes, [
    "1 task of no service on host-2 would end, and nothing replaces it",
  ]);
});

const JOINED = [host(1), host(2), host(3, { connectivityChangedAt: TEST_START })];
const DISABLED = "availabilityZoneRebalancing is DISABLED for the service: none of this happens until it is ENABLED";

for (const { when, service, hosts, end, says, steps, notes } of [
  {
    when: "onto a host that has joined",
    service: { availabilityZoneRebalancing: "ENABLED" },
    hosts: JOINED,
    end: "COMPLETE",
    says: "It takes 2 steps: 1 task of web:1 starts and 1 task of web:1 stops; every task finds its place.",
    steps: ["1: +1 web:1 host-3", "2: -1 web:1 host-1"],
    notes: [],
  },
  {
    when: "though it is switched off",
    service: {},
    hosts: JOINED,
    end: "COMPLETE",
    says: "It takes 2 steps: 1 task of web:1 starts and 1 task of web:1 stops; every task finds its place.",
    steps: ["1: +1 web:1 host-3", "2: -1 web:1 host-1"],
    notes: [DISABLED],
  },
  {
    when: "where all is even",
    service: { availabilityZoneRebalancing: "ENABLED" },
    hosts: [host(1), host(2)],
    end: "NOTHING_TO_DO",
    says: "Nothing would start or stop: all is as it would be.",
    steps: [],
    notes: [],
  },
  {
    when: "that is packed",
    service: { availabilityZoneRebalancing: "ENABLED", placementStrategy: [{ type: "binpack", field: "memory" }] },
    hosts: JOINED,
    end: "NOTHING_TO_DO",
    says: "Nothing would start or stop: all is as it would be.",
    steps: [],
    notes: ["the service's placement strategy does not spread its tasks: none is ever moved"],
  },
] satisfies (Omit<Row, "service"> & { service: Partial<ServiceRecord>; hosts: ContainerInstanceRecord[] })[])
  test(`a plan says how a service is evened out, and nothing is changed: ${when}`, async () => {
    const context = await bench(service, hosts);
    const before = recordsOf(context);
    const plan = await berthOperations.PlanServiceRebalance(context, { service: "web" }, TEST_CALL);
    assert.deepEqual([plan.end, plan.summary, stepsOf(plan), plan.notes], [end, says, steps, notes]);
    assert.deepEqual(recordsOf(context), before);
  });

test("a plan of very many steps is cut off, and says so", async () => {
  const context = await bench({ minimumHealthyPercent: 99, maximumPercent: 100 });
  await arrange(context, (tx) => {
    const big = { cpu: 1e6, memoryMiB: 1e6, ports: [], portsUdp: [] };
    for (const one of tx.containerInstances.all()) tx.containerInstances.put({ ...one, registered: big });
    const [service] = tx.services.where("cluster", CLUSTER);
    if (service === undefined) throw new Error("not arranged");
    const deployments = service.deployments.map((d) => ({ ...d, desiredCount: 100 }));
    const wanted = tx.services.put({ ...service, desiredCount: 100, deployments });
    for (let i = 3; i < 100; i++) putTask(tx, context, wanted, host(1).arn);
  });
  const plan = await berthOperations.PlanServiceUpdate(context, { service: "web", taskDefinition: "web:2" }, TEST_CALL);
  assert.equal(plan.end, "CUT_OFF");
  assert.equal(
    plan.summary,
    "It takes more than 100 steps, and only these were worked out: 50 tasks of web:2 start and 50 tasks of web:1 stop.",
  );
  assert.equal(plan.steps.length, 100);
});

test("a DAEMON service's plan has its task on every host, each stopped before the next starts", async () => {
  const daemon = {
    schedulingStrategy: "DAEMON",
    desiredCount: 2,
    minimumHealthyPercent: 50,
    maximumPercent: 100,
  } as const;
  const context = await bench(daemon);
  await arrange(context, (tx) => {
    const [second] = tx.tasks.where("containerInstance", host(1).arn);
    if (second === undefined) throw new Error("not arranged");
    abandonTask(tx, second, { stopCode: "UserInitiated", reason: "arranged" }, TEST_START);
    tx.tasks.put({ ...second, lastStatus: "STOPPED", desiredStatus: "STOPPED", accounted: true });
    tx.containerInstances.put(host(3));
  });
  const plan = await berthOperations.PlanServiceUpdate(context, { service: "web", taskDefinition: "web:2" }, TEST_CALL);
  assert.equal(plan.end, "COMPLETE");
  assert.equal(
    plan.hosts.map((h) => `${h.host} ${h.tasksBefore}->${h.tasksAfter}`).join(),
    "host-1 1->1,host-2 1->1,host-3 0->1",
  );
  const stepOf = (kind: "starts" | "stops", on: string) =>
    plan.steps.find((step) => step[kind].some((tasks) => tasks.host === on))?.number ?? Number.NaN;
  assert.equal(stepOf("starts", "host-3"), 1);
  for (const on of ["host-1", "host-2"]) assert.ok(stepOf("stops", on) < stepOf("starts", on), on);
});

test("where several services are concerned, the one in whose way something stands is named", async () => {
  const context = await bench();
  await arrange(context, (tx) => {
    const arn = serviceArn(TEST_SCOPE, { clusterName: "default", serviceName: "other" });
    const made = testService({ arn, name: "other", taskDefinitionArn: arnOf(1), steadyAt: TEST_START });
    const deployment = { ...newDeployment("ecs-svc/1", made, 0), rolloutState: "COMPLETED" as const };
    putTask(tx, context, tx.services.put({ ...made, deployments: [deployment] }), host(1).arn);
  });
  const plan = await berthOperations.PlanInstanceRemoval(
    context,
    { containerInstances: ["host-1", "host-2"], manner: "DEREGISTER" },
    TEST_CALL,
  );
  assert.equal(plan.summary, "Nothing would start or stop: service web: 3 tasks fit on no host (there is none).");
});

test("a plan that is asked for twice is the same", async () => {
  const context = await bench();
  const first = await berthOperations.PlanServiceUpdate(
    context,
    { service: "web", taskDefinition: "web:2" },
    TEST_CALL,
  );
  const again = await berthOperations.PlanServiceUpdate(
    context,
    { service: "web", taskDefinition: "web:2" },
    TEST_CALL,
  );
  assert.deepEqual(first, again);
});

for (const [what, call, code] of [
  [
    "no such service",
    (c: ApiContext) => berthOperations.PlanServiceUpdate(c, { service: "x" }, TEST_CALL),
    "ServiceNotFoundException",
  ],
  [
    "no such cluster",
    (c: ApiContext) => berthOperations.PlanServiceUpdate(c, { service: "web", cluster: "x" }, TEST_CALL),
    "ClusterNotFoundException",
  ],
  [
    "no such definition",
    (c: ApiContext) => berthOperations.PlanServiceUpdate(c, { service: "web", taskDefinition: "x" }, TEST_CALL),
    "ClientException",
  ],
  [
    "too many tasks",
    (c: ApiContext) => berthOperations.PlanServiceUpdate(c, { service: "web", desiredCount: 5001 }, TEST_CALL),
    "InvalidParameterException",
  ],
  [
    "a percentage that cannot be",
    (c: ApiContext) => berthOperations.PlanServiceUpdate(c, { service: "web", minimumHealthyPercent: 101 }, TEST_CALL),
    "InvalidParameterException",
  ],
  [
    "no host",
    (c: ApiContext) => berthOperations.PlanInstanceRemoval(c, { containerInstances: [], manner: "DRAIN" }, TEST_CALL),
    "InvalidParameterException",
  ],
  [
    "too many hosts",
    (c: ApiContext) =>
      berthOperations.PlanInstanceRemoval(
        c,
        { containerInstances: Array(11).fill("host-1"), manner: "DRAIN" },
        TEST_CALL,
      ),
    "InvalidParameterException",
  ],
  [
    "a host that is not there",
    (c: ApiContext) =>
      berthOperations.PlanInstanceRemoval(c, { containerInstances: ["host-9"], manner: "DRAIN" }, TEST_CALL),
    "ResourceNotFoundException",
  ],
] as const)
  test(`a plan is refused: ${what}`, async () => {
    await refused(() => bench().then(call), code);
  });

test("a long plan lets others have their turn, and what they do meanwhile does not change it", async () => {
  const registered = { cpu: 1024 * 1024, memoryMiB: 1024 * 1024, ports: [], portsUdp: [] };
  const hosts = [host(1, { registered }), host(2, { registered })];
  const context = await bench({ desiredCount: 203 }, hosts);
  await arrange(context, (tx) => {
    const service = tx.services.get(testService().arn);
    if (service === undefined) throw new Error("not arranged");
    for (let i = 0; i < 200; i++) putTask(tx, context, service, hosts[i % 2]?.arn ?? "");
  });
  const plan = (at: ApiContext) =>
    berthOperations.PlanServiceUpdate(at, { service: "web", taskDefinition: "web:2" }, TEST_CALL);
  const undisturbed = await plan(context);
  let [turns, done] = [0, 0];
  // In each turn a task is stopped by its user, and one of the hosts is taken for lost.
  const sleep = async () => {
    turns++;
    await context.store.transact("meanwhile", (tx) => {
      const [task] = tx.tasks.where("service", testService().arn).filter((t) => t.desiredStatus === "RUNNING");
      if (task !== undefined) abandonTask(tx, task, { stopCode: "UserInitiated", reason: "meanwhile" }, TEST_START);
      const lost = tx.containerInstances.get(hosts[1]?.arn ?? "");
      if (lost !== undefined) tx.containerInstances.put({ ...lost, agentConnected: false });
    });
    done++;
  };
  const disturbed = await plan({ ...context, clock: { ...context.clock, sleep } });
  assert.deepEqual(disturbed, undisturbed);
  assert.ok(turns > 10 && done === turns, `${turns} turns, ${done} done`);
  const left = context.store.view.tasks
    .where("service", testService().arn)
    .filter((t) => t.desiredStatus === "RUNNING");
  assert.equal(left.length, Math.max(0, 203 - turns), "what was done meanwhile was not kept");
  context.store.verify();
});
