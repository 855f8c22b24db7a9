import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlacementConstraint, PlacementStrategy } from "@aws-sdk/client-ecs";
import { containerInstanceId, type OccupiedInstance } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import { seededRandom } from "../runtime/random.ts";
import { Fleet } from "./fleet.ts";
import { Placer } from "./placer.ts";
import { matchesQuery } from "./query/evaluate.ts";
import { parseQuery } from "./query/parse.ts";
import { instanceWith, requestOf, withTasks } from "./testing.ts";

/**
 * The examples that are published of ECS's placement, each with its source, on one cluster. An example says what it is for
 * ("distributes tasks evenly across Availability Zones") and not which instance it takes: a row has what must come of it.
 */
const GUIDE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/";
const STRATEGIES = `${GUIDE}strategy-examples.html`;
const CONSTRAINTS = `${GUIDE}constraint-examples.html`;
const QUERIES = `${GUIDE}cluster-query-language.html`;
const FILTERS = `${GUIDE}task-placement-constraints.html#filter-attribute`;

interface Host {
  readonly id: string;
  readonly zone: string;
  readonly type: string;
  /** MiB left. */
  readonly memoryMiB: number;
  readonly stack?: string;
  readonly agentVersion?: string;
  readonly registered?: string;
  readonly groups?: readonly string[];
}

const HOSTS: readonly Host[] = [
  { id: "a1", zone: "us-east-1a", type: "t2.small", memoryMiB: 4096, stack: "prod", groups: ["databases"] },
  { id: "a2", zone: "us-east-1a", type: "t2.medium", memoryMiB: 2048, stack: "test", agentVersion: "1.14.4" },
  { id: "a3", zone: "us-east-1a", type: "g2.2xlarge", memoryMiB: 8192, registered: "2018-02-12T23:59:59Z" },
  { id: "b1", zone: "us-east-1b", type: "t2.small", memoryMiB: 1024, groups: ["database", "service:production"] },
  { id: "b2", zone: "us-east-1b", type: "g2.2xlarge", memoryMiB: 6144, groups: ["service:daemon-service"] },
  { id: "d1", zone: "us-east-1d", type: "g2.8xlarge", memoryMiB: 3072, groups: ["service:production", "databases"] },
];

function instanceOf(host: Host): OccupiedInstance {
  return instanceWith(
    host.id,
    { cpu: 8192, memoryMiB: host.memoryMiB },
    {
      ec2InstanceId: host.id === "a1" ? "i-abcd1234" : host.id === "b1" ? "i-wxyx7890" : `i-${host.id}`,
      agentVersion: host.agentVersion ?? "1.14.5",
      registeredAt: Date.parse(host.registered ?? "2018-06-18T22:28:28Z"),
      attributes: [
        { name: "ecs.availability-zone", value: host.zone },
        { name: "ecs.instance-type", value: host.type },
        ...(host.stack === undefined ? [] : [{ name: "stack", value: host.stack }]),
      ],
    },
  );
}

const INSTANCES = HOSTS.map((host) => ({ host, instance: instanceOf(host) }));
const tasksOn = (arn: string) => withTasks(INSTANCES.find(({ instance }) => instance.arn === arn)?.host.groups ?? []);

/** The ids of the hosts on which `count` tasks of 256 MiB were placed, in order. */
function place(count: number, strategy: PlacementStrategy[], constraints: PlacementConstraint[] = []): string[] {
  const need = { ...NO_RESOURCES, cpu: 1, memoryMiB: 256 };
  const fleet = Fleet.of(INSTANCES.map(({ instance }) => instance));
  const placer = new Placer(requestOf({ need, strategy, constraints, tasksOn }), fleet, seededRandom(5));
  return Array.from({ length: count }, () => placer.place()).map((placed) =>
    placed.kind === "placed" ? containerInstanceId(placed.instance) : "refused",
  );
}

const zones = (ids: readonly string[]) => ids.map((id) => id[0] ?? "").filter((zone) => zone !== "r");
const perItem = (items: readonly string[]) =>
  Object.fromEntries(Object.entries(Object.groupBy(items, (item) => item)).map(([item, all]) => [item, all?.length]));

const STRATEGY_ROWS: readonly {
  readonly what: string;
  readonly source: string;
  readonly strategy: PlacementStrategy[];
  readonly count: number;
  readonly check: (ids: readonly string[]) => void;
}[] = [
  {
    what: "evenly across Availability Zones",
    source: STRATEGIES,
    strategy: [{ field: "attribute:ecs.availability-zone", type: "spread" }],
    count: 9,
    check: (ids) => assert.deepEqual(perItem(zones(ids)), { a: 3, b: 3, d: 3 }),
  },
  {
    what: "evenly across all instances",
    source: STRATEGIES,
    strategy: [{ field: "instanceId", type: "spread" }],
    count: 12,
    check: (ids) => assert.deepEqual(perItem(ids), { a1: 2, a2: 2, a3: 2, b1: 2, b2: 2, d1: 2 }),
  },
  {
    what: "bin packed by memory: the instance with the least that is enough, until it is full",
    source: STRATEGIES,
    strategy: [{ field: "memory", type: "binpack" }],
    count: 13,
    check: (ids) => assert.deepEqual(ids, [...Array(4).fill("b1"), ...Array(8).fill("a2"), "d1"]),
  },
  {
    what: "at random: on any that fits",
    source: STRATEGIES,
    strategy: [{ type: "random" }],
    count: 60,
    check: (ids) => assert.deepEqual(Object.keys(perItem(ids)).sort(), HOSTS.map((h) => h.id).sort()),
  },
  {
    what: "evenly across zones, then evenly across the instances within each",
    source: STRATEGIES,
    strategy: [
      { field: "attribute:ecs.availability-zone", type: "spread" },
      { field: "instanceId", type: "spread" },
    ],
    count: 18,
    check: (ids) => {
      assert.deepEqual(perItem(zones(ids)), { a: 6, b: 6, d: 6 });
      // b1 has room for four only, and three are its share.
      assert.deepEqual(perItem(ids), { a1: 2, a2: 2, a3: 2, b1: 3, b2: 3, d1: 6 });
    },
  },
  {
    what: "evenly across zones, then bin packed by memory within each",
    source: STRATEGIES,
    strategy: [
      { field: "attribute:ecs.availability-zone", type: "spread" },
      { field: "memory", type: "binpack" },
    ],
    count: 12,
    check: (ids) => assert.deepEqual(perItem(ids), { a2: 4, b1: 4, d1: 4 }),
  },
  {
    what: "evenly across instances, then bin packed by memory among those with the fewest",
    source: STRATEGIES,
    strategy: [
      { field: "instanceId", type: "spread" },
      { field: "memory", type: "binpack" },
    ],
    count: 6,
    check: (ids) => assert.deepEqual(ids, ["b1", "a2", "d1", "a1", "b2", "a3"]),
  },
];

test("[PL5] [PL6] [PL7] [PL8] ECS's published strategy examples give what they say", () => {
  for (const { what, source, strategy, count, check } of STRATEGY_ROWS) {
    try {
      check(place(count, strategy));
    } catch (cause) {
      throw new Error(`${what} (${source})`, { cause });
    }
  }
});

test("[PL3] [PL11] ECS's published constraint examples give what they say", () => {
  const rows: [what: string, constraint: PlacementConstraint, hosts: string[]][] = [
    [
      "tasks on T2 instances",
      { expression: "attribute:ecs.instance-type =~ t2.*", type: "memberOf" },
      ["a1", "a2", "b1"],
    ],
    [
      "tasks where the daemon service has one",
      { expression: "task:group == service:daemon-service", type: "memberOf" },
      ["b2"],
    ],
    [
      "tasks with others of the databases group",
      { expression: "task:group == databases", type: "memberOf" },
      ["a1", "d1"],
    ],
  ];
  for (const [what, constraint, hosts] of rows) {
    const ids = place(12, [{ type: "spread", field: "instanceId" }], [constraint]);
    assert.deepEqual(Object.keys(perItem(ids)).sort(), hosts, `${what} (${CONSTRAINTS})`);
  }
  const distinct = place(8, [{ type: "spread", field: "instanceId" }], [{ type: "distinctInstance" }]);
  const once = { a1: 1, a2: 1, a3: 1, b1: 1, b2: 1, d1: 1, refused: 2 };
  assert.deepEqual(perItem(distinct), once, `each task on another instance (${CONSTRAINTS})`);
});

test("[PL11] [PL12] ECS's published query and filter examples select what they say", () => {
  const rows: [source: string, query: string, hosts: string[]][] = [
    [QUERIES, "attribute:ecs.instance-type == t2.small", ["a1", "b1"]],
    [QUERIES, "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", ["a1", "a2", "a3", "b1", "b2"]],
    [QUERIES, "attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d", ["a3", "b2"]],
    [QUERIES, "task:group == service:production", ["b1", "d1"]],
    [QUERIES, "not(task:group == database)", ["a1", "a2", "a3", "b2", "d1"]],
    [QUERIES, "runningTasksCount == 1", ["a1", "b2"]],
    [QUERIES, "agentVersion < 1.14.5", ["a2"]],
    [QUERIES, "registeredAt < 2018-02-13", ["a3"]],
    [QUERIES, "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", ["a1", "b1"]],
    [FILTERS, "attribute:ecs.instance-type == g2.2xlarge", ["a3", "b2"]],
    [FILTERS, "attribute:stack == prod", ["a1"]],
    [FILTERS, "attribute:stack != prod", ["a2"]],
    [FILTERS, "attribute:ecs.instance-type in [t2.small, t2.medium]", ["a1", "a2", "b1"]],
    [FILTERS, "attribute:ecs.instance-type =~ t2.* and attribute:ecs.availability-zone == us-east-1a", ["a1", "a2"]],
  ];
  for (const [source, query, hosts] of rows) {
    const expression = parseQuery(query);
    const selected = INSTANCES.filter(({ instance }) =>
      matchesQuery(expression, { instance, tasks: () => tasksOn(instance.arn) }),
    );
    assert.deepEqual(
      selected.map(({ host }) => host.id),
      hosts,
      `${query} (${source})`,
    );
  }
});
