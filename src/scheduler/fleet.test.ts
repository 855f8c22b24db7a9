import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ContainerInstanceRecord, containerInstanceId } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import type { TaskRecord } from "../model/task.ts";
import { seededRandom } from "../runtime/random.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { Fleet } from "./fleet.ts";
import { PlacementIndex } from "./placement-index.ts";
import { Placer, placeTask } from "./placer.ts";
import { instanceWith, requestOf } from "./testing.ts";

test("[PL6] [PL14] counts of groups on few and on many of hundreds of instances are kept through every change", () => {
  const random = seededRandom(3);
  const pick = (n: number) => Math.floor(random.next() * n);
  const fleet = new Fleet();
  const arns = Array.from({ length: 200 }, (_, i) => instanceWith(`i${i}`).arn);
  const expected = new Map<string, number>();
  const on: [ContainerInstanceArn, string][] = [];
  for (let step = 0; step < 6000; step++) {
    const arn = arns[pick(Math.min(200, step + 1))]!;
    if (step % 7 === 0) fleet.setInstance(arn, instanceWith(arn.split("/").at(-1)!, { zone: `z${pick(3)}` }));
    if (step % 3 === 2 && on.length > 0) {
      const [[from, group] = [arn, ""]] = on.splice(pick(on.length), 1);
      fleet.addTasks(from, group, -1);
      expected.set(`${group} ${from}`, (expected.get(`${group} ${from}`) ?? 0) - 1);
      continue;
    }
    // `few` stays on some instances, `many` spreads over all.
    const [at, group] = pick(8) === 0 ? [arns[pick(5)]!, "few"] : [arn, "many"];
    fleet.addTasks(at, group, 1);
    on.push([at, group]);
    expected.set(`${group} ${at}`, (expected.get(`${group} ${at}`) ?? 0) + 1);
  }
  for (const group of ["few", "many", "none"]) {
    const column = fleet.counts(group);
    for (const arn of arns) {
      assert.equal(fleet.count(group, arn), expected.get(`${group} ${arn}`) ?? 0);
      const slot = fleet.slotOf(arn);
      if (slot !== undefined) assert.equal(column[slot], expected.get(`${group} ${arn}`) ?? 0);
    }
  }
  const copy = fleet.copy();
  for (const [arn, group] of on) fleet.addTasks(arn, group, -1);
  for (const arn of arns) fleet.setInstance(arn, undefined);
  assert.equal(fleet.isEmpty, true);
  assert.deepEqual(fleet.snapshot(), []);
  for (const group of ["few", "many"]) {
    for (const arn of arns) assert.equal(copy.count(group, arn), expected.get(`${group} ${arn}`) ?? 0);
  }
});

test("[PL5] [PL14] a fleet grows with its instances, gives room back, and is not changed by placing", () => {
  const instances = Array.from({ length: 100 }, (_, i) => instanceWith(`i${i}`, { cpu: 256 * (1 + i), memoryMiB: i }));
  const peers = new Map(instances.map((instance, i) => [instance.arn, i]));
  const fleet = Fleet.of(instances, { group: "web", peers });
  for (const [i, instance] of instances.entries()) {
    const slot = fleet.slotOf(instance.arn) ?? -1;
    assert.deepEqual([fleet.cpu[slot], fleet.memoryMiB[slot]], [256 * (1 + i), i]);
  }
  const before = fleet.snapshot();
  const need = { cpu: 256, memoryMiB: 0, ports: [], portsUdp: [] };
  const request = requestOf({ need, group: "web", strategy: [{ type: "spread", field: "instanceId" }] });
  const placer = new Placer(request, fleet, seededRandom(1));
  const placed = Array.from({ length: 4 }, () => placer.place());
  assert.deepEqual(placed.map((p) => (p.kind === "placed" ? containerInstanceId(p.instance) : p.kind)).sort(), [
    "i0",
    "i1",
    "i1",
    "i2",
  ]);
  assert.deepEqual(fleet.snapshot(), before);
  for (let i = 0; i < 1000; i++) {
    const { arn } = instanceWith(`brief${i}`);
    fleet.setInstance(arn, instanceWith(`brief${i}`));
    fleet.setInstance(arn, undefined);
  }
  assert.ok(fleet.slots.length <= 101, "what left still takes room");
});

test("[PL6] [PL14] a group's tasks are known on instances that join after it was asked for, and as it comes to be on many", () => {
  const arns = Array.from({ length: 300 }, (_, i) => instanceWith(`i${i}`).arn);
  const fleet = Fleet.of(arns.slice(0, 10).map((_, i) => instanceWith(`i${i}`)));
  const expected = new Map<ContainerInstanceArn, number>();
  for (const [i, arn] of arns.entries()) {
    fleet.setInstance(arn, instanceWith(`i${i}`));
    if (i % 3 === 0) continue;
    fleet.addTasks(arn, "web", i % 3);
    expected.set(arn, i % 3);
    const column = fleet.counts("web");
    for (const one of arns.slice(0, i + 1)) assert.equal(column[fleet.slotOf(one) ?? -1], expected.get(one) ?? 0);
  }
  for (const [arn, count] of expected) fleet.addTasks(arn, "web", -count);
  assert.ok(fleet.counts("web").every((count) => count === 0));
});

test("[PL14] what an instance is may change after a task was placed by it", () => {
  const request = requestOf({
    strategy: [{ type: "spread", field: "attribute:rack" }],
    constraints: [{ type: "memberOf", expression: "attribute:kind == good and agentVersion >= 2" }],
    requiredAttributes: [{ name: "need" }],
  });
  const attributes = [{ name: "kind", value: "good" }, { name: "need" }];
  const able = { agentVersion: "2.0.0", attributes };
  const fleet = Fleet.of([instanceWith("a", {}, able)]);
  const placed = () => placeTask(request, fleet, seededRandom(1)).kind === "placed";
  const become = (over: Partial<ContainerInstanceRecord>) =>
    fleet.setInstance(instanceWith("a").arn, instanceWith("a", {}, { ...able, ...over }));
  assert.equal(placed(), true);
  for (const worse of [
    { attributes: [{ name: "kind", value: "bad" }, { name: "need" }] },
    { attributes: [{ name: "kind", value: "good" }] },
    { agentVersion: "1.9.0" },
    { agentConnected: false },
    { status: "DRAINING" as const },
    { status: "INACTIVE" as const },
  ]) {
    become(worse);
    assert.equal(placed(), false, JSON.stringify(worse));
    become({});
    assert.equal(placed(), true, `after ${JSON.stringify(worse)}`);
  }
});

const genTask = fc.record({
  id: fc.nat(3),
  on: fc.constantFrom("a", "b", undefined),
  group: fc.constantFrom("web", "db"),
  desiredStatus: fc.constantFrom("RUNNING", "RUNNING", "STOPPED"),
  lastStatus: fc.constantFrom("PENDING", "STOPPING", "STOPPED"),
  cpu: fc.constantFrom(0, 128, 256),
  gone: fc.constantFrom(false, false, true),
});

test("[PL14] the index counts the tasks that are to run where they were placed and what they hold, in whatever order it hears of them", () => {
  const seen = { some: 0, none: 0, held: 0 };
  fc.assert(
    fc.property(fc.array(genTask, { maxLength: 20 }), (steps) => {
      const index = new PlacementIndex();
      const tasks = new Map<number, TaskRecord>();
      const cluster = instanceWith("a").clusterArn;
      for (const { id, on, gone, cpu, ...given } of steps) {
        const before = tasks.get(id);
        const arn = on === undefined ? undefined : instanceWith(on).arn;
        const resources = { ...NO_RESOURCES, cpu, ports: [id] };
        const after = {
          clusterArn: cluster,
          containerInstanceArn: arn,
          resources,
          ...given,
        } as Partial<TaskRecord> as TaskRecord;
        index.changeTask(before, gone ? undefined : after);
        if (gone) tasks.delete(id);
        else tasks.set(id, after);
      }
      for (const on of ["a", "b"]) {
        const { arn } = instanceWith(on);
        for (const group of ["web", "db"]) {
          const counted = [...tasks.values()].filter(
            (t) => t.containerInstanceArn === arn && t.group === group && t.desiredStatus === "RUNNING",
          ).length;
          assert.equal(index.fleet(cluster).count(group, arn), counted);
          seen[counted > 0 ? "some" : "none"]++;
        }
        const held = [...tasks].filter(([, t]) => t.containerInstanceArn === arn && t.lastStatus !== "STOPPED");
        const used = index.occupied(instanceWith(on)).used;
        assert.equal(
          used.cpu,
          held.reduce((sum, [, t]) => sum + t.resources.cpu, 0),
        );
        assert.deepEqual(used.ports.toSorted(), held.map(([id]) => id).toSorted());
        if (held.length > 1) seen.held++;
      }
      for (const task of tasks.values()) index.changeTask(task, undefined);
      assert.deepEqual(index.snapshot(), {}, "something is kept of what is gone");
    }),
    { numRuns: 500 },
  );
  assert.ok(seen.some > 300 && seen.none > 300 && seen.held > 20, JSON.stringify(seen));
});
