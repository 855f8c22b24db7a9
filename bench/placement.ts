import { parseArgs } from "node:util";
import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import type { ContainerInstanceRecord } from "../src/model/container-instance.ts";
import { NO_RESOURCES, type Resources } from "../src/model/resources.ts";
import type { TaskRecord } from "../src/model/task.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { seededRandom } from "../src/runtime/random.ts";
import { PlacementIndex, type PlacementRequest, Placer } from "../src/scheduler/index.ts";
import { clusterArn, containerInstanceArn, taskArn } from "../src/wire/arn.ts";

/**
 * How fast tasks are placed, at 100, 1,000 and 10,000 instances with ten times as many tasks, for each strategy. `many`
 * is calls that each place a tenth as many tasks as run, per second of the processor; `single` places one task per call from what the records
 * make of the cluster, taking in the change each time as a store does, per second of the processor, with its 50th and 99th
 * percentile by the clock, in which other processes count, too. One thread, no store, no disk; takes about a minute. `--group same` makes all running tasks peers of the placed ones.
 */
const USAGE =
  "usage: bench/placement.ts [--instances 100,1000,10000] [--singles 2000] [--group same|other] [--kind plain|mixed]";

const { values } = parseArgs({
  options: {
    instances: { type: "string", default: "100,1000,10000" },
    singles: { type: "string", default: "2000" },
    group: { type: "string", default: "same" },
    kind: { type: "string", default: "plain" },
  },
});
const whole = (text: string, most: number): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > most)
    throw new Error(`${text} is not 1 to ${most}\n${USAGE}`);
  return number;
};
const sizes = values.instances.split(",").map((text) => whole(text, 100_000));
const singles = whole(values.singles, 100_000);

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const CLUSTER = clusterArn(SCOPE, { clusterName: "default" });
const NEED = { ...NO_RESOURCES, cpu: 128, memoryMiB: 256 };
const GROUP = "service:web";
const ZONES = 3;
const TASKS_EACH = 10;
const ATTRIBUTES = ["ecs.capability.a", "ecs.capability.b", "com.amazonaws.ecs.capability.docker-remote-api.1.25"];

const STRATEGIES: Readonly<Record<string, readonly PlacementStrategy[]>> = {
  "binpack memory": [{ type: "binpack", field: "memory" }],
  "binpack cpu": [{ type: "binpack", field: "cpu" }],
  "spread instanceId": [{ type: "spread", field: "instanceId" }],
  "spread zone, instanceId": [
    { type: "spread", field: "attribute:ecs.availability-zone" },
    { type: "spread", field: "instanceId" },
  ],
  "spread zone, binpack memory": [
    { type: "spread", field: "attribute:ecs.availability-zone" },
    { type: "binpack", field: "memory" },
  ],
  random: [{ type: "random" }],
};

const clock = systemClock();
const random = seededRandom(1);

/** A cluster as its records make it: instances of some sizes in three zones, with tasks of some sizes on them. */
function cluster(size: number): PlacementIndex {
  const index = new PlacementIndex();
  for (let i = 0; i < size; i++) {
    const scale = 1 + (i % 4);
    const instance: ContainerInstanceRecord = {
      arn: containerInstanceArn(SCOPE, { clusterName: "default", containerInstanceId: random.hex(16) }),
      clusterArn: CLUSTER,
      status: "ACTIVE",
      agentConnected: true,
      connectivityChangedAt: 0,
      registered: { ...NO_RESOURCES, cpu: 8192 * scale, memoryMiB: 16_384 * scale },
      attributes: [
        ...Array.from({ length: 25 }, (_, n) => ({ name: `ecs.capability.other${n}` })),
        ...ATTRIBUTES.map((name) => ({ name })),
        { name: "ecs.availability-zone", value: `us-east-1${"abc"[i % ZONES]}` },
        { name: "ecs.cpu-architecture", value: values.kind === "mixed" && i % 2 === 0 ? "arm64" : "x86_64" },
      ],
      registeredAt: 0,
      version: 1,
      sequence: 0,
      tags: {},
    };
    for (let n = 0; n < TASKS_EACH; n++) {
      const resources = { ...NO_RESOURCES, cpu: 64 * (1 + Math.floor(random.next() * 8)), memoryMiB: 512 };
      index.changeTask(undefined, task(instance, resources));
    }
    index.changeInstance(undefined, instance);
  }
  return index;
}

function task({ arn }: ContainerInstanceRecord, resources: Resources): TaskRecord {
  const group = values.group === "same" ? GROUP : "service:other";
  // Only what the index reads of a task.
  return {
    arn: taskArn(SCOPE, { clusterName: "default", taskId: random.hex(16) }),
    clusterArn: CLUSTER,
    containerInstanceArn: arn,
    group,
    desiredStatus: "RUNNING",
    lastStatus: "PENDING",
    resources,
  } as TaskRecord;
}

function requestFor(strategy: readonly PlacementStrategy[]): PlacementRequest {
  return {
    need: NEED,
    requiredAttributes: ATTRIBUTES.map((name) => ({ name })),
    constraints:
      values.kind === "mixed" ? [{ type: "memberOf", expression: "attribute:ecs.cpu-architecture == x86_64" }] : [],
    strategy,
    group: GROUP,
    tasksOn: () => ({ has: () => false, groups: () => [], runningTasksCount: TASKS_EACH, portHolder: () => undefined }),
  };
}

/** Tasks per second of the processor, in calls for a tenth as many tasks as run. */
function many(size: number, strategy: readonly PlacementStrategy[]): number {
  const index = cluster(size);
  const began = process.threadCpuUsage();
  let placed = 0;
  // So many calls that the steps in which the kernel counts do not matter.
  for (let call = 0; call < Math.max(1, 50_000 / size); call++) {
    const placer = new Placer(requestFor(strategy), index.fleet(CLUSTER), random);
    for (let i = 0; i < size; i++) {
      if (placer.place().kind !== "placed") throw new Error(`only ${i} of ${size} tasks fitted`);
      placed++;
    }
  }
  return placed / cpuSecondsSince(began);
}

interface Singles {
  /** Per second of the processor. */
  readonly perSecond: number;
  /** Milliseconds, ordered. */
  readonly took: readonly number[];
}

/** One placement after the other, each taken in before the next. */
function oneByOne(size: number, strategy: readonly PlacementStrategy[]): Singles {
  const index = cluster(size);
  const cpuBegan = process.threadCpuUsage();
  const took: number[] = [];
  for (let i = 0; i < singles + 100; i++) {
    const began = clock.monotonic();
    const answer = new Placer(requestFor(strategy), index.fleet(CLUSTER), random).place();
    if (answer.kind !== "placed") throw new Error(`only ${i} tasks fitted`);
    index.changeTask(undefined, { ...task(answer.instance, NEED), group: GROUP });
    const ms = clock.monotonic() - began;
    if (i >= 100) took.push(ms); // the first ones warm the machine up
  }
  return { perSecond: (singles + 100) / cpuSecondsSince(cpuBegan), took: took.sort((a, b) => a - b) };
}

/** The processor's seconds of this thread. The kernel may count them in steps of some milliseconds. */
function cpuSecondsSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(began);
  return Math.max(1e-3, (user + system) / 1e6);
}

for (const size of sizes) {
  const rows = Object.entries(STRATEGIES).map(([name, strategy]) => {
    many(Math.min(size, 1000), strategy); // warms up
    const perSecond = many(size, strategy);
    const { perSecond: singlesPerSecond, took } = oneByOne(size, strategy);
    const percentile = (share: number) => ((took[Math.floor(took.length * share)] ?? 0) * 1000).toFixed(0);
    return {
      strategy: name,
      "many/s": Math.round(perSecond),
      "single/s": Math.round(singlesPerSecond),
      "p50 us": percentile(0.5),
      "p99 us": percentile(0.99),
      "max us": ((took.at(-1) ?? 0) * 1000).toFixed(0),
    };
  });
  console.log(`\n${size} instances, ${size * TASKS_EACH} tasks (${values.group} group, ${values.kind})`);
  console.table(rows);
}
