import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import fc from "fast-check";
import type { ContainerInstanceRecord, OccupiedInstance } from "../model/container-instance.ts";
import type { Resources } from "../model/resources.ts";
import { seededRandom } from "../runtime/random.ts";
import { Fleet } from "./fleet.ts";
import { Placer, placeTask } from "./placer.ts";
import type { PlacementRequest } from "./request.ts";
import { instanceWith, requestOf, TEST_GROUP } from "./testing.ts";

// Few, coarse sizes on purpose: exact fits and ties must be common, or they are never tried.
const size = fc.integer({ min: 0, max: 4 }).map((n) => n * 256);
const genInstance = fc.record({
  cpu: size,
  memoryMiB: size,
  status: fc.constantFrom("ACTIVE", "ACTIVE", "ACTIVE", "DRAINING"),
  agentConnected: fc.constantFrom(true, true, true, false),
  peers: fc.nat(2),
  zone: fc.constantFrom("a", "b", undefined),
  rack: fc.constantFrom("1", "2"),
  port: fc.constantFrom(80, 81, undefined),
});
type Given = (typeof genInstance extends fc.Arbitrary<infer T> ? T : never) & {
  readonly instance: OccupiedInstance;
};
const genInstances = fc.array(genInstance, { maxLength: 8 }).map((list) =>
  list.map((given, i): Given => {
    const { cpu, memoryMiB, status, agentConnected, zone, rack, port } = given;
    const attributes = [
      ...(zone === undefined ? [] : [{ name: "ecs.availability-zone", value: zone }]),
      { name: "rack", value: rack },
    ];
    const used = { cpu: 0, memoryMiB: 0, ports: port === undefined ? [] : [port], portsUdp: [] };
    const over = { status: status as "ACTIVE" | "DRAINING", agentConnected, attributes, used };
    return { ...given, instance: instanceWith(`i${i}`, { cpu, memoryMiB }, over) };
  }),
);
const STRATEGIES: readonly PlacementStrategy[] = [
  { type: "binpack", field: "memory" },
  { type: "binpack", field: "cpu" },
  { type: "spread", field: "instanceId" },
  { type: "spread", field: "attribute:ecs.availability-zone" },
  { type: "spread", field: "attribute:rack" },
  { type: "random" },
];
const genRequest = fc
  .record({
    cpu: fc.constantFrom(0, 256, 512),
    memoryMiB: fc.constantFrom(0, 256, 512),
    port: fc.constantFrom(80, undefined, undefined),
    strategy: fc.array(fc.constantFrom(...STRATEGIES), { maxLength: 3 }),
    constraint: fc.constantFrom(
      undefined,
      undefined,
      { type: "distinctInstance" as const },
      { type: "memberOf" as const, expression: "attribute:rack == 1" },
      { type: "memberOf" as const, expression: "task:group != mine" },
    ),
    needsZone: fc.constantFrom(false, false, true),
  })
  .map((given) => ({
    ...given,
    request: requestOf({
      need: {
        cpu: given.cpu,
        memoryMiB: given.memoryMiB,
        ports: given.port === undefined ? [] : [given.port],
        portsUdp: [],
      },
      strategy: given.strategy,
      constraints: given.constraint === undefined ? [] : [given.constraint],
      requiredAttributes: given.needsZone ? [{ name: "ecs.availability-zone" }] : [],
      group: "mine",
    }),
  }));
type Wanted = typeof genRequest extends fc.Arbitrary<infer T> ? T : never;

const fleetFor = (list: readonly Given[]) =>
  Fleet.of(
    list.map((l) => l.instance),
    { group: "mine", peers: new Map(list.map((l) => [l.instance.arn, l.peers])) },
  );

interface Plain {
  readonly given: Given;
  cpu: number;
  memoryMiB: number;
  peers: number;
  placed: number;
}

/** The oracle: the plain rules over plain objects, each task in turn, without the code under test. */
class Oracle {
  readonly #list: readonly Plain[];
  readonly #wanted: Wanted;

  constructor(list: readonly Given[], wanted: Wanted) {
    this.#list = list.map((given) => {
      const { cpu, memoryMiB } = given.instance.registered;
      return { given, cpu, memoryMiB, peers: given.peers, placed: 0 };
    });
    this.#wanted = wanted;
  }

  /** The ARNs among which chance may decide; none if the task fits nowhere. */
  best(): readonly string[] {
    let able = this.#list.filter((one) => this.#isAble(one));
    for (const strategy of this.#wanted.strategy) {
      const lowest = Math.min(...able.map((one) => this.#score(strategy, one)));
      if (strategy.type !== "random") able = able.filter((one) => this.#score(strategy, one) === lowest);
    }
    return able.map((one) => one.given.instance.arn);
  }

  take(arn: string): void {
    for (const one of this.#list) {
      if (one.given.instance.arn !== arn) continue;
      one.cpu -= this.#wanted.cpu;
      one.memoryMiB -= this.#wanted.memoryMiB;
      one.peers++;
      one.placed++;
    }
  }

  #isAble({ given, cpu, memoryMiB, peers, placed }: Plain): boolean {
    const { port, constraint, needsZone } = this.#wanted;
    const onlyRack = constraint?.type === "memberOf" && constraint.expression.startsWith("attribute:rack");
    const noPeers = constraint !== undefined && !onlyRack;
    return (
      given.status === "ACTIVE" &&
      given.agentConnected &&
      this.#wanted.cpu <= cpu &&
      this.#wanted.memoryMiB <= memoryMiB &&
      (port === undefined || (given.port !== port && placed === 0)) &&
      (!needsZone || given.zone !== undefined) &&
      (!onlyRack || given.rack === "1") &&
      (!noPeers || peers === 0)
    );
  }

  #score({ type, field }: PlacementStrategy, one: Plain): number {
    if (type === "binpack") return field === "cpu" ? one.cpu : one.memoryMiB;
    if (field === "instanceId") return one.peers;
    const groupOf = ({ given }: Plain) => (field === "attribute:rack" ? given.rack : given.zone);
    return this.#list.filter((other) => groupOf(other) === groupOf(one)).reduce((sum, other) => sum + other.peers, 0);
  }
}

/** The request with tasks of its own group where the fleet counts them. */
function withTasksOf(request: PlacementRequest, fleet: Fleet): PlacementRequest {
  return {
    ...request,
    tasksOn: (arn) => ({ ...request.tasksOn(arn), has: (group) => fleet.count(group, arn) > 0 }),
  };
}

test("[PL2] [PL5] [PL6] [PL7] [PL8] each task goes to one that the strategies rank best, if any can take it, however many are placed", () => {
  const seen = { placed: 0, refused: 0, later: 0 };
  const cases = fc.tuple(genInstances, genRequest, fc.nat(), fc.constantFrom(0, 1, 2, 100));
  fc.assert(
    fc.property(cases, ([list, wanted, seed, scans]) => {
      const fleet = fleetFor(list);
      const request = withTasksOf(wanted.request, fleet);
      const before = fleet.snapshot();
      const oracle = new Oracle(list, wanted);
      const placer = new Placer(request, fleet, seededRandom(seed), scans);
      const answers: string[] = [];
      for (let i = 0; i < 12; i++) {
        const best = oracle.best();
        const answer = placer.place();
        seen[answer.kind]++;
        if (answer.kind === "refused") {
          assert.deepEqual(best, []);
          break;
        }
        assert.ok(best.includes(answer.instance.arn), "a better one was free, or it does not fit");
        if (i > scans) seen.later++;
        oracle.take(answer.instance.arn);
        answers.push(answer.instance.arn);
      }
      assert.deepEqual(fleet.snapshot(), before, "placing changed the fleet");
      const again = new Placer(request, fleetFor(list.toReversed()), seededRandom(seed), 100 - scans);
      const same = answers.map(() => {
        const answer = again.place();
        return answer.kind === "placed" ? answer.instance.arn : undefined;
      });
      assert.deepEqual(same, answers, "the order of the instances, or how they are ordered, changed the answers");
    }),
    { numRuns: 3000 },
  );
  assert.ok(seen.placed > 3000 && seen.refused > 1000 && seen.later > 1000, JSON.stringify(seen));
});

test("[PL8] chance gives every equal the same share, for one task and for many", () => {
  const instances = Array.from({ length: 5 }, (_, i) => instanceWith(`i${i}`, { cpu: 1e6, memoryMiB: 1e6 }));
  const share = (counts: ReadonlyMap<string, number>, total: number) => {
    for (const instance of instances) {
      const part = (counts.get(instance.arn) ?? 0) / total;
      assert.ok(Math.abs(part - 0.2) < 0.03, `${instance.arn} got ${part}`);
    }
  };
  const random = seededRandom(7);
  const singles = new Map<string, number>();
  for (let i = 0; i < 5000; i++) {
    const answer = placeTask(requestOf({ strategy: [{ type: "random" }] }), Fleet.of(instances), random);
    if (answer.kind === "placed") singles.set(answer.instance.arn, (singles.get(answer.instance.arn) ?? 0) + 1);
  }
  share(singles, 5000);
  for (const scans of [0, 5000]) {
    const need = { cpu: 1, memoryMiB: 1, ports: [], portsUdp: [] };
    const placer = new Placer(requestOf({ need, strategy: [] }), Fleet.of(instances), random, scans);
    const many = new Map<string, number>();
    const order: string[] = [];
    for (let i = 0; i < 5000; i++) {
      const answer = placer.place();
      if (answer.kind !== "placed") continue;
      many.set(answer.instance.arn, (many.get(answer.instance.arn) ?? 0) + 1);
      order.push(answer.instance.arn);
    }
    share(many, 5000);
    // What was chosen last is as likely as any other: a fifth of the choices repeat the one before.
    const repeats = order.filter((arn, i) => arn === order[i - 1]).length / 5000;
    assert.ok(Math.abs(repeats - 0.2) < 0.03, `${repeats} of the choices repeat the one before`);
  }
});

interface Held {
  readonly arn: OccupiedInstance["arn"];
  readonly group: string;
  readonly resources: Resources;
}

test("[PL8] a fleet answers alike however it came to be", () => {
  const genSteps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("instance" as const), i: fc.nat(4), cpu: size, gone: fc.boolean() }),
      fc.record({
        kind: fc.constant("task" as const),
        i: fc.nat(4),
        group: fc.constantFrom(TEST_GROUP, "other"),
        cpu: size,
        port: fc.constantFrom(80, 81),
      }),
      fc.record({ kind: fc.constant("stop" as const), i: fc.nat(9) }),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(genSteps, fc.nat(), (steps, seed) => {
      const changed = new Fleet();
      const instances = new Map<string, ContainerInstanceRecord>();
      let tasks: Held[] = [];
      const start = (fleet: Fleet, { arn, group, resources }: Held) => {
        fleet.addTasks(arn, group, 1);
        fleet.hold(arn, resources);
      };
      const stop = (fleet: Fleet, { arn, group, resources }: Held) => {
        fleet.addTasks(arn, group, -1);
        fleet.release(arn, resources);
      };
      const strategy: PlacementStrategy[] = [
        { type: "spread", field: "attribute:ecs.availability-zone" },
        { type: "spread", field: "instanceId" },
      ];
      const request = requestOf({ strategy, requiredAttributes: [{ name: "ecs.availability-zone" }] });
      for (const step of steps) {
        const zone = step.kind === "instance" ? `z${step.cpu % 3}` : "z0";
        const { used: _, ...record } = instanceWith(`i${step.i}`, {
          cpu: step.kind === "instance" ? 4 * step.cpu : 0,
          zone,
        });
        if (step.kind === "task") {
          const resources = { cpu: step.cpu, memoryMiB: 1, ports: [step.port], portsUdp: [] };
          const task = { arn: record.arn, group: step.group, resources };
          tasks.push(task);
          start(changed, task);
        } else if (step.kind === "stop") {
          for (const task of tasks.splice(step.i, 1)) stop(changed, task);
        } else if (step.gone) {
          instances.delete(record.arn);
          changed.setInstance(record.arn, undefined);
          for (const task of tasks) if (task.arn === record.arn) stop(changed, task);
          tasks = tasks.filter(({ arn }) => arn !== record.arn);
        } else {
          instances.set(record.arn, record);
          changed.setInstance(record.arn, record);
        }
        placeTask(request, changed, seededRandom(seed)); // so that columns are made early and must be kept
      }
      const made = new Fleet();
      for (const task of tasks.toReversed()) start(made, task);
      for (const record of instances.values()) made.setInstance(record.arn, record);
      assert.deepEqual(changed.snapshot(), made.snapshot());
      const answer = (fleet: Fleet) => {
        const placement = placeTask(request, fleet, seededRandom(seed));
        return placement.kind === "placed" ? placement.instance.arn : placement;
      };
      assert.deepEqual(answer(changed), answer(made));
      const copy = changed.copy();
      assert.deepEqual(copy.snapshot(), made.snapshot());
      assert.deepEqual(answer(copy), answer(made));
      // What is done to the copy from here on changes nothing in the fleet, and leaves nothing behind.
      for (const { arn } of instances.values()) copy.addTasks(arn, TEST_GROUP, 1);
      assert.deepEqual(changed.snapshot(), made.snapshot());
      for (const { arn } of instances.values()) copy.addTasks(arn, TEST_GROUP, -1);
      for (const task of tasks) stop(copy, task);
      for (const { arn } of instances.values()) copy.setInstance(arn, undefined);
      assert.deepEqual([copy.isEmpty, copy.snapshot()], [true, []]);
      for (let i = 0; i < 9; i++) copy.setInstance(instanceWith(`new${i}`).arn, instanceWith(`new${i}`));
      assert.ok(copy.slots.length <= Math.max(changed.slots.length, 9), "room that is free is not used");
      assert.deepEqual(changed.snapshot(), made.snapshot());
    }),
    { numRuns: 500 },
  );
});
